// A command that was asked of the session server, or of another machine: what comes of it, and what may be
// done about it.

/** What comes of a command. */
export interface Events {
  stdout(bytes: Buffer): void;
  stderr(bytes: Buffer): void;
  /** `status` undefined: the connection was lost, or the server goes. */
  over(status: number | undefined): void;
}

/** A connection to a terminal of a session. */
export interface Line {
  input(bytes: Uint8Array): void;
  size(cols: number, rows: number): void;
  pause(): void;
  resume(): void;
  close(): void;
}
