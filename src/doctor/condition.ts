// What the doctor finds: a condition, whether it can cost a run, and the command or the step that mends it.

/** `problem`: it can cost a run. `warning`: it can spoil the view of one, or will become a problem. */
export type Severity = "problem" | "warning";

export interface Finding {
  /** Names the condition, for programs; never changes. */
  readonly id: string;
  readonly severity: Severity;
  /** What is so, and what it does, in one sentence without a full stop. */
  readonly what: string;
  /** What to do, as a command where there is one. */
  readonly remedy: string;
}

/** Who asks: everything that the doctor looks at is the caller's, never the server's. */
export interface Caller {
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly limits: readonly { resource: number; soft: bigint; hard: bigint }[];
  /** Undefined: the client is older than the question. */
  readonly scheduling?: { niceness: number; oomScoreAdj: number; processors: string } | undefined;
  /** Whether any of the caller's streams is a terminal. */
  readonly onTerminal: boolean;
  /** Version of the caller's client. */
  readonly version: string;
}

export function problem(id: string, what: string, remedy: string): Finding {
  return { id, severity: "problem", what, remedy };
}

export function warning(id: string, what: string, remedy: string): Finding {
  return { id, severity: "warning", what, remedy };
}
