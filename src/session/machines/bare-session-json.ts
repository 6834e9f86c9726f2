// What is listed of a session that no server tells of: one that was submitted, or whose job's server is gone.
// The shape of docs/guide/json.md; what only a server knows is null or empty.

import { isoTime } from "../../base/clock.ts";
import { trainerOf } from "../../store/session-store.ts";
import { endOf } from "../life/state.ts";

/** What is known without a server. Times are ms since 1970. */
export interface BareFacts {
  id: string;
  name: string;
  kind: "launch" | "run";
  state: string;
  reason: string;
  command: readonly string[];
  directory: string;
  runDirectory: string | null;
  host: string;
  /** The name of the job's home. */
  job: string;
  pid?: number | undefined;
  created: number;
  started?: number | null | undefined;
  ended?: number | null | undefined;
  /** As of wait(2). */
  waitStatus?: number | undefined;
}

export function bareSessionJson({ pid, created, started, ended, waitStatus, ...facts }: BareFacts) {
  const { code, signal } = endOf(waitStatus ?? -1);
  return {
    ...facts,
    trainer: trainerOf(facts.kind, undefined),
    run: facts.id,
    part: 1,
    pid: pid ?? null,
    created: isoTime(created),
    started: isoTime(started),
    ended: isoTime(ended),
    lastOutput: null,
    exitCode: code,
    signal,
    cols: 0,
    rows: 0,
    pinned: false,
    interrupts: 0,
    viewers: [],
    outputBytes: 0,
    gaps: [],
    tags: {},
    changes: [],
    provenance: null,
    deadline: null,
    progress: null,
    postMortem: null,
    failure: null,
    outcome: null,
    usage: null,
  };
}
