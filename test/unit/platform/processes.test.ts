// What /proc tells of processes.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import type { Writable } from "node:stream";
import { test } from "node:test";
import {
  bootId,
  cgroupOomKills,
  commandLine,
  descendants,
  memoryCgroup,
  parentOf,
  processAlive,
} from "../../../src/platform/processes.ts";
import { until, untilGone } from "../../support/events.ts";

test("a process is alive until it ends, and its zombie is not", async () => {
  assert.ok(processAlive(process.pid));
  // the shell never reaps its child, which ends only when it has been replaced by a sleep that knows of none
  const parent = spawn("/bin/sh", ["-c", "/bin/cat <&3 >/dev/null & echo $!; exec sleep 60"], {
    stdio: ["ignore", "pipe", "ignore", "pipe"],
  });
  const go = parent.stdio[3] as Writable;
  assert.ok(parent.stdout !== null);
  const [line] = (await once(parent.stdout, "data")) as [Buffer];
  const zombie = Number(String(line).trim());
  await until(() => commandLine(parent.pid as number)[0] === "sleep", "the shell to be replaced");
  go.end();
  await untilGone(zombie);
  assert.ok(fs.existsSync(`/proc/${zombie}`), "the zombie is still there");
  assert.ok(!processAlive(zombie));
  const pid = parent.pid as number;
  assert.ok(processAlive(pid));
  parent.kill("SIGKILL");
  await once(parent, "exit");
  assert.ok(!processAlive(pid));
  assert.ok(!fs.existsSync(`/proc/${pid}`));
});

test("nonsense is not alive", () => {
  for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 30]) assert.ok(!processAlive(pid), `${pid}`);
});

test("a name with spaces and parentheses does not confuse", async () => {
  const child = spawn("/bin/bash", ["-c", "exec -a x sleep 60"], { stdio: "ignore", argv0: "a) R (b" });
  assert.equal(parentOf(child.pid as number), process.pid);
  assert.ok(processAlive(child.pid as number));
  child.kill("SIGKILL");
  await once(child, "exit");
});

test("descendants: children and theirs, parents first", async () => {
  const child = spawn("/bin/sh", ["-c", "sh -c 'echo $$; sleep 60; :' & wait"], {
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  await once(child.stdout, "data");
  const pid = child.pid as number;
  await until(() => descendants(pid).length >= 2, "the inner shell and its sleep");
  const below = descendants(pid);
  const found = descendants(process.pid);
  assert.ok(found.includes(pid));
  for (const each of below) assert.ok(found.indexOf(each) > found.indexOf(pid));
  assert.ok(!found.includes(process.pid));
  process.kill(-pid, "SIGKILL");
  await once(child, "exit");
});

test("the machine's life has a name; OOM kills are counts or unknown", () => {
  assert.match(bootId(), /^[0-9a-f-]{36}$/);
  assert.equal(bootId(), bootId());
  const folder = memoryCgroup(process.pid);
  const own = folder === null ? null : cgroupOomKills(folder);
  assert.ok(own === null || own >= 0);
  assert.equal(memoryCgroup(2 ** 30), null);
  assert.equal(cgroupOomKills("/no/such/folder"), null);
});
