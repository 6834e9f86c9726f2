// session.json: what a later database, home or machine needs of a session comes back from it.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
// declares the facts
import "../../../src/session/life/session-facts.ts";
import { readSessionFile, writeSessionFile } from "../../../src/store/session-file.ts";
import type { SessionFacts } from "../../../src/store/session-store.ts";

test("what a run was started with, its labels and what was asked of it come back; what its end makes anew does not", () => {
  const home = fs.mkdtempSync("/tmp/fs-session-file-");
  try {
    const id = "abc234";
    const folder = path.join(home, id);
    fs.mkdirSync(folder);
    const kept: SessionFacts = {
      asked: ["--name", "night"],
      named: true,
      plain: true,
      stopSignal: "SIGUSR1",
      scheduling: { niceness: 5, oomScoreAdj: 100, processors: "ff" },
      fileLimit: "1048576",
      tags: { group: "a" },
      requeue: true,
      requeued: "job 7 is run again",
      metrics: [{ file: "/runs/night/metrics.csv", before: { size: 3, mtime: 5, mark: "" } as never }],
      stop: { time: 1, by: "stop", why: "falcon stop" },
    };
    writeSessionFile(folder, {
      id,
      name: "night",
      kind: "run",
      trainer: "none",
      command: ["/bin/true"],
      directory: "/runs",
      environment: {},
      umask: 0o22,
      limits: [],
      runDirectory: null,
      host: "node1",
      boot: "b",
      token: "00",
      created: 1,
      cols: 80,
      rows: 24,
      pinned: false,
      facts: { ...kept, lastFrame: ["done"], untold: true },
    });
    assert.deepEqual(readSessionFile(folder)?.facts, kept);
  } finally {
    fs.rmSync(home, { recursive: true });
  }
});
