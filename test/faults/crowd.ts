// Faults of numbers: many who start at once, many sessions to adopt, many viewers of whom one never reads.
import assert from "node:assert/strict";
import os from "node:os";
import { processAlive } from "../../src/platform/processes.ts";
import { cpuMs } from "../bench/facts.ts";
import { until } from "../support/events.ts";
import { killNow, TestHome } from "../support/home.ts";
import { killServer } from "./product.ts";
import type { Fault } from "./report.ts";

export const manyStarts: Fault = {
  name: "20 clients start the server at once",
  async run({ short }) {
    const rounds = short ? 3 : 10;
    const home = new TestHome();
    try {
      let slowest = 0;
      for (let round = 0; round < rounds; round++) {
        await killServer(home);
        const before = home.logged("server.listened").length;
        const began = performance.now();
        const answers = await Promise.all(Array.from({ length: 20 }, () => home.run(["sessions", "--json"])));
        slowest = Math.max(slowest, performance.now() - began);
        for (const { code, stderr } of answers) assert.equal(code, 0, stderr);
        assert.equal(home.logged("server.listened").length, before + 1, "one server came to be");
        await until(() => home.servers().length === 1, "one server alone");
      }
      return `${rounds} rounds after kill -9: one server each, all 20 answered, the slowest round took ${slowest.toFixed(0)} ms`;
    } finally {
      await home.dispose();
    }
  },
};

export const manySessions: Fault = {
  name: "many sessions adopted again",
  async run({ short }) {
    const count = short ? 150 : 1000;
    const home = new TestHome();
    try {
      for (let i = 0; i < count; ) {
        const some = Array.from({ length: Math.min(4, count - i) }, () => home.start(["/bin/sleep", "100000"]));
        i += (await Promise.all(some)).length;
      }
      const took: number[] = [];
      const worked: number[] = [];
      for (let round = 0; round < 3; round++) {
        await killServer(home);
        const began = performance.now();
        const answer = await home.ok(["sessions", "--json"]);
        took.push(performance.now() - began);
        worked.push(cpuMs([home.serverPid() ?? assert.fail("no server")]));
        const rows = JSON.parse(answer) as { state: string }[];
        const list = Array.isArray(rows) ? rows : (rows as { sessions: { state: string }[] }).sessions;
        assert.equal(list.filter((row) => row.state === "running").length, count);
      }
      // on a machine that others use, the time that it takes is theirs as well; what the server works is not
      const said = `${took.map(whole).join(", ")} ms after the command that started the next server, Node's start included; the server worked ${worked.map(whole).join(", ")} ms (at a load of ${(os.loadavg()[0] ?? 0).toFixed(0)})`;
      if (!short) assert.ok(Math.min(...took, ...worked) < 2000, `${count} sessions: ${said}`);
      // ended here, all at once: a thousand commands would take longer than the test
      const pids = (await home.sessions()).map((row) => Number(row.pid));
      for (const pid of pids) killNow(pid);
      await until(() => pids.every((pid) => !processAlive(pid)), "the programs to end", 120_000);
      await until(async () => (await home.sessions()).every((row) => row.state === "exited"), "all sessions to be over", 240_000);
      return `${count} sessions: all of them listed as running ${said}`;
    } finally {
      await home.dispose();
    }
  },
};

function whole(ms: number): string {
  return ms.toFixed(0);
}

export const manyViewers: Fault = {
  name: "100 viewers, of whom one never reads",
  async run({ short }) {
    const count = short ? 30 : 100;
    const home = new TestHome();
    try {
      const id = await home.start([
        "/bin/sh",
        "-c",
        'stty -echo; echo ready; while read line; do echo "said $line"; [ "$line" = flood ] && seq 1 20000; done',
      ]);
      const typist = home.terminal(["attach", id]);
      await typist.waitFor("ready");
      const alone = await echoes(typist, "alone");
      const deaf = home.terminal(["attach", id, "--read-only"]);
      await deaf.waitFor("ready");
      deaf.stopReading();
      const others = Array.from({ length: count - 2 }, () => home.terminal(["attach", id, "--read-only"]));
      for (const other of others) await other.waitFor(/ready|said/);
      const crowded = await echoes(typist, "crowded");
      typist.type("flood\r");
      await typist.waitFor("20000", "the end of the flood", 120_000);
      const after = await echoes(typist, "after");
      for (const other of others) await other.waitFor("said after-9", "what the typist saw", 120_000);
      typist.key("C-\\");
      await typist.waitForExit();
      for (const other of others) {
        other.key("C-\\");
        await other.waitForExit();
      }
      deaf.kill("SIGKILL");
      return `the typist's echo took ${alone} ms alone, ${crowded} ms with ${count - 1} others, ${after} ms after a flood that one of them never read (median of 10); everybody saw everything`;
    } finally {
      await home.dispose();
    }
  },
};

/** Median time from Enter to the program's answer on the typist's screen, ms. */
async function echoes(typist: import("../support/terminal/terminal.ts").UserTerminal, word: string): Promise<string> {
  const took: number[] = [];
  for (let i = 0; i < 10; i++) {
    const began = performance.now();
    typist.type(`${word}-${i}\r`);
    await typist.waitFor(`said ${word}-${i}`);
    took.push(performance.now() - began);
  }
  return (took.sort((a, b) => a - b)[5] ?? 0).toFixed(1);
}
