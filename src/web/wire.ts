// What the page and the web process say to each other over the WebSocket and in JSON, for both sides.

/**
 * The header of a request that has the token. Proxies keep `Authorization` for their own logins: Open
 * OnDemand's takes it away, one with a password would refuse ours.
 */
export const tokenHeader = "x-falcon-token";

/** A node of a run, as the list and the run's page show it. */
export interface NodeRow {
  name: string;
  status: string;
  epoch: number | null;
  epochs: number | null;
  loss: number | null;
  validationLoss: number | null;
  bestValidationLoss: number | null;
  epochsSinceBest: number | null;
  samples: number | null;
  /** Seconds. */
  timeLeft: number | null;
  epochsPerMinute: number | null;
  stalled: boolean;
  error: string | null;
  /** Losses, oldest first. */
  trend: number[];
}

/** A run as the list has it: nothing that a link must not tell (no command, path or environment). */
export interface RunRow {
  id: string;
  name: string;
  state: string;
  live: boolean;
  host: string;
  job: string | null;
  /** ISO 8601, UTC. */
  created: string;
  started: string | null;
  ended: string | null;
  /** The terminal's size. */
  cols: number;
  rows: number;
  outputBytes: number;
  /** How it ended, in one word and in one sentence; null while it runs. */
  outcome: string | null;
  sentence: string | null;
  /** Id of the first part of its run, and which part this is. */
  run: string;
  part: number;
  deadline: string | null;
  phase: string | null;
  /** 0 to 1. */
  fraction: number | null;
  /** Seconds. */
  timeLeft: number | null;
  stalled: boolean;
  nodes: NodeRow[];
  /** Seconds since its machine was heard of, where that is late. */
  notHeardFor: number | null;
}

/** What a token allows. */
export type Role = "owner" | "reader" | "link";

/** The answer to POST api/enter. */
export interface Entered {
  /** To be used from now on: a link for one use is exchanged for it. */
  token: string;
  role: Role;
  /** The only session that a link shows. */
  session: string | null;
  version: string;
}

/** The answer to api/span. */
export interface Span {
  /** ms since 1970: the first and the last moment that can be shown. */
  begins: number;
  ends: number;
  marks: Mark[];
}

/** Something that happened to a session. */
export interface Mark {
  /** ms since 1970. */
  at: number;
  kind: string;
  text: string;
}

/** The answer to api/lines. */
export interface Lines {
  /** How many lines there are. */
  total: number;
  /** True where more matched than were asked for. */
  more: boolean;
  /** `at`: about when it was written, ms since 1970; null: not known. */
  lines: { n: number; text: string; at: number | null }[];
}

/** One node's curves, as `falcon export --format curve-json` has them. */
export interface NodeCurve {
  node: string;
  epoch: number[];
  trainingLoss: (number | null)[];
  validationLoss: (number | null)[];
  learningRate: (number | null)[];
  /** Epochs behind which another launch goes on. */
  seams: number[];
}

/** The answer to api/beside: what stands beside the losses. */
export interface Beside {
  /** What the run used, by its epochs or by the time since its start. */
  usage: { axis: string; curves: { label: string; x: number[]; y: (number | null)[] }[] };
  /** What happened at an epoch, oldest first; `node` null: to the run. */
  events: { node: string | null; epoch: number; kind: string; sentence: string }[];
  /** Names of its other metrics. */
  metrics: string[];
  /** The metric that was asked for, of each node that has it. */
  chosen: MetricCurve[];
  /** Those of `metrics` that were asked for together, by their names. */
  curves?: Record<string, MetricCurve[]>;
}

/** A node's curve of a metric. */
export interface MetricCurve {
  node: string;
  axis: string;
  x: number[];
  y: (number | null)[];
}

/** What a page that was written to a folder has in it. */
export interface SharedRun {
  row: RunRow;
  /** ms since 1970. */
  written: number;
  nodes: NodeCurve[];
  /** What stands beside the losses; null: it could not be had. */
  beside: Beside | null;
  /** Its other metrics by name, each node's. */
  metrics: Record<string, MetricCurve[]>;
  lines: Lines;
  /** The last screen, as text. */
  screen: string;
  /** An asciicast v2 recording, by gzip and in base64; null: it is too long for a page. */
  recording: string | null;
}

/** From the page, as JSON; what is typed comes as binary messages. */
export type PageMessage =
  | { do: "hello"; token: string }
  | { do: "runs" }
  | { do: "run"; id: string }
  | { do: "attach"; id: string; cols: number; rows: number; type: boolean; takeOver: boolean }
  /** `at`: seconds from the start; null: the end. `speed` 0: the screen of that moment. */
  | { do: "replay"; id: string; cols: number; rows: number; at: number | null; speed: number }
  | { do: "size"; cols: number; rows: number }
  | { do: "leave" }
  /** Is anybody there? A network that was changed does not say so. */
  | { do: "ping" }
  /** So many bytes of the terminal `n` have been drawn. */
  | { do: "taken"; n: number; bytes: number };

/** To the page, as JSON; a terminal's output comes as binary messages behind its `open`. */
export type ServerMessage =
  | { is: "welcome"; role: Role; version: string }
  | { is: "pong" }
  | { is: "runs"; rows: RunRow[] }
  | { is: "run"; row: RunRow | null }
  | { is: "terminal"; n: number; state: "open"; typing: boolean }
  /** The session server is being started; the terminal opens again by itself. */
  | { is: "terminal"; n: number; state: "lost" }
  | { is: "terminal"; n: number; state: "closed"; why: string };
