// What a process may take of its machine, as the kernel has it.

/** A resource limit as of getrlimit(2); `resource` is the system's own number, 2^64-1 is unlimited. */
export interface Limit {
  resource: number;
  soft: bigint;
  hard: bigint;
}

export interface Scheduling {
  /** -20 to 19. */
  niceness: number;
  /** -1000 to 1000: how soon the kernel ends the process where memory is short. */
  oomScoreAdj: number;
  /**
   * Bit N % 8 of byte N / 8 for processor N, as hexadecimal digits; "" where the system has no such thing.
   */
  processors: string;
}
