// One call of the command line, as the server sees it: who asks, where, and how to answer. The peer
// implements it.

import type { Channel } from "../../base/config/channels.ts";
import type { Config } from "../../base/config/config.ts";
import type { Log } from "../../base/log.ts";
import type { TerminalBytes } from "../../base/text/terminal-bytes.ts";
import type { LimitedJob } from "../../batch/time-limit.ts";
import type { Direct, Request } from "../../protocol/client.ts";
import type { Nvidia } from "../../resources/nvidia.ts";
import type { UsageSampler } from "../../resources/sampler.ts";
import type { EventStream } from "../../session/events/event-stream.ts";
import type { RunTick } from "../../session/events/run-tick.ts";
import type { SessionTable } from "../../session/life/session-table.ts";
import type { AskedHosts } from "../../session/machines/asked-hosts.ts";
import type { Neighbours } from "../../session/machines/neighbours.ts";
import type { RosterKeeper } from "../../session/machines/roster.ts";
import type { Submissions } from "../../session/machines/submissions.ts";
import type { Archive } from "../../session/output/archive.ts";
import type { PartKeeper } from "../../session/run/part-keeper.ts";
import type { RunProgresses } from "../../session/run/run-progress.ts";
import type { Notice } from "../../store/notices.ts";
import type { SshMasters } from "../machines/ssh-masters.ts";

/** How the client's standard input is read. */
export const InputMode = { off: 0, plain: 1, raw: 2 } as const;
export type InputMode = (typeof InputMode)[keyof typeof InputMode];

export interface Call {
  readonly request: Request;
  /** Prose: what could act on a terminal is escaped, but for attributes on stdout. */
  stdout(text: string): void;
  stderr(text: string): void;
  /** To stdout, as it is. */
  write(bytes: TerminalBytes): void;
  /**
   * A short text for standard output that reaches the client together with its exit status, or not at all:
   * who is sent to the next server in between asks it for the same, and would print it twice.
   */
  lastWords(text: string): void;
  /** Bytes written that the client has not taken. */
  backlog(): number;
  /** Calls once when the backlog is gone (or the client is). */
  onDrained(callback: () => void): void;
  inputMode(mode: InputMode): void;
  /** The client sends SIGINT, SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 as signals instead of dying of them. */
  forwardSignals(on: boolean): void;
  /** What to ask the next server when this one is lost; undefined: nothing. */
  resume(args: readonly string[] | undefined): void;
  /**
   * All that `work` writes and says goes in one piece: of a server that is killed the client has the output
   * and what to ask for behind it, or neither.
   */
  together(work: () => void): void;
  /** Bytes that put the client's terminal back, for whenever it leaves. */
  restore(bytes: Uint8Array): void;
  /**
   * From here on the client reads the output from the holder itself, on this connection, which is ours no
   * longer. `sent`: it was told.
   */
  direct(begin: Direct, holder: number, sent: () => void): void;
  /** It stops that, and hears from us again. */
  directEnd(): void;
  /**
   * What is typed of these bytes goes to the holder from now on, on this connection, or on the one that was
   * given before; so does the interrupt character (0: none), when it is typed alone.
   */
  keysOpen(set: Uint8Array, interrupt: number, holder?: number): void;
  /** Nothing goes there any more; the connection ends. */
  keysClose(): void;
  /** The client becomes this program; nothing can be said after it. */
  exec(file: string, argv: readonly string[]): void;
  /** The keys by which one leaves, for a person at a server that stands still. */
  leaveKeys(keys: readonly number[]): void;
  /**
   * Of what was typed here, `read` bytes need not be sent to another server any more: the holder has `typed`
   * bytes of this client for them.
   */
  inputTaken(read: number, typed: number): void;
  /**
   * Bytes of this client that the holder has for what it typed before it came here; undefined where it does
   * not keep what it types.
   */
  readonly typedBefore: number | undefined;
  /**
   * Takes what is typed; `at` (ms of the client's clock) is when, where the client says it. It answers false
   * when nobody takes it any more: a client that waits for an answer gets none then.
   */
  onInput: (bytes: Buffer, at?: number) => unknown;
  onInputEnd: () => void;
  onSize: (cols: number, rows: number) => void;
  onSignal: (signal: number) => void;
  onContinued: () => void;
  /**
   * The client's terminal has the output before `offset`; of the time since the last report it took nothing
   * for so many percent.
   */
  onDirectAt: (at: { offset: number; blocked: number }) => void;
  /** The oldest direct way that has not ended did, for a reason of `DirectEnd`. */
  onDirectEnded: (end: { offset: number; why: number }) => void;
  /** Resolves when the client is gone, for whatever reason. */
  readonly gone: Promise<void>;
  readonly isGone: boolean;
}

/** Bytes that may wait for a caller before the next are made. */
const backlogLimit = 256 << 10;

/** Waits while the caller is slower than what is made for it. */
export async function taken(call: Call): Promise<void> {
  if (call.backlog() > backlogLimit) await new Promise<void>((resolve) => call.onDrained(resolve));
}

/** What commands work on. */
export interface Context {
  readonly home: string;
  readonly version: string;
  readonly table: SessionTable;
  readonly progress: RunProgresses;
  /** What happened to the sessions. */
  readonly events: Pick<EventStream, "after" | "follow">;
  /** The channels that tell a person of it. */
  readonly announcer: {
    readonly channels: readonly Channel[];
    /** What waits and what went out, oldest first. */
    notices(channel: string): Notice[];
    /** Never rejects. */
    test(channel: Channel, id: string, environment: Record<string, string>): Promise<{ taken: boolean; problem: string }>;
  };
  /** The look at all live runs. */
  readonly tick: Pick<RunTick, "watch">;
  readonly parts: PartKeeper;
  /** The name of this machine. */
  readonly host: string;
  /** The batch job whose home this is. */
  readonly job: LimitedJob | undefined;
  readonly archive: Archive;
  /** What was submitted to Slurm from this host. */
  readonly submissions: Submissions;
  /** The other servers of this host. */
  readonly neighbours: Neighbours;
  /** What the user's other machines have, and what they are told of this one. */
  readonly roster: RosterKeeper;
  /** The machines that are asked for what they have. */
  readonly hosts: AskedHosts;
  /** Our connections to other machines. */
  readonly masters: Pick<SshMasters, "folder">;
  /** What the sessions use, and what the GPUs' driver says. */
  readonly usage: Pick<UsageSampler, "of" | "series">;
  readonly gpus: Pick<Nvidia, "problem" | "gpus" | "processes">;
  readonly config: Config;
  readonly log: Log;
  /** ms since 1970. */
  clock(): number;
  /** ms, monotonic: of durations. */
  steady(): number;
  /**
   * ms since 1970 that have certainly been reached, whatever the clock says: by it what is old is deleted.
   */
  knownTime(): number;
  /** Sessions of batch jobs that are over become the host's, so that they are listed. */
  takeInJobs(): Promise<void>;
  /** Facts that a session of this caller has for being in a batch job. */
  jobFacts(caller: number): Record<string, unknown>;
  /**
   * The server hands over: what a command lacks now, as the database, the next server has, which its client
   * is about to be sent to.
   */
  readonly handingOver: boolean;
  /**
   * Aborts when the server was told to stop (not when another one takes over): clients are sent away with a
   * word.
   */
  readonly stopping: AbortSignal;
  /** The server ends when it can; holders and programs live on. */
  stopServer(reason: string): void;
  /** The server makes way for a new one, which the caller's client starts: clients are told to ask again. */
  upgradeServer(by: Call): Promise<void>;
  /**
   * Whether a server that this caller starts takes over, since ours can give the caller's runs less than it
   * has itself; then the call is over. Else `lacks` is what such a run would lack, in words.
   */
  makeWay(call: Call): Promise<{ gone: boolean; lacks: readonly string[] }>;
  /** What the user is to know of log-outs, said once in the life of this home; else undefined. */
  logOutNotice(): string | undefined;
  /** Facts about this server. */
  serverFacts(): {
    pid: number;
    /** ms since 1970. */
    started: number;
    /** ms since then, by the steady clock. */
    up: number;
    peers: number;
  };
}
