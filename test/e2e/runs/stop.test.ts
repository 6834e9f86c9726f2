// What counts as an order to stop, when the second one is sent, and which run is said to hang.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { program } from "../../support/compile.ts";
import { until } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import { falcon, notBuilt, root } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

const home = new TestHome();
after(() => home.dispose());

const row = async (name: string) => (await home.sessions()).find((each) => each.name === name);

/** A launch of a falcon that counts interrupts and terminations, with the arguments of stubborn.c. */
async function counting(name: string, ...args: string[]): Promise<void> {
  const file = path.join(home.work, `counting-${name}`);
  fs.writeFileSync(file, `#!/bin/sh\nexec ${program("stubborn")} ${args.join(" ")}\n`, { mode: 0o755 });
  await home.ok(["launch", "-d", "--falcon", file, "--name", name, "-o", name]);
  await until(async () => (await home.ok(["logs", name])).includes("stubborn "), "the program to be ready");
}

/** `falcon stop` with little patience: its status, and what it has said so far. */
function stopping(...words: string[]): { code: Promise<number | null>; said: () => string } {
  const args = ["stop", "--timeout", "0.5", ...words];
  const child = spawn(falcon, args, { env: home.env, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (data) => {
    said += data;
  });
  return { code: once(child, "close").then(([code]) => code), said: () => said };
}

test("send counts each character that the terminal makes an interrupt of, however spelled: stop adds none", async () => {
  await counting("spelled", "0");
  const spellings = [["C-C"], ["\x03"], ["--text", "ab\x03cd"], ["M-C-c"], ["C-c"]];
  for (const [i, keys] of spellings.entries()) {
    await home.ok(["send", "spelled", ...keys]);
    const arrived = `interrupts ${i + 1} `;
    await until(async () => (await home.ok(["logs", "spelled"])).includes(arrived), `${JSON.stringify(keys)} to arrive`);
    assert.equal((await row("spelled"))?.interrupts, i + 1, JSON.stringify(keys));
  }
  const stop = await home.run(["stop", "spelled", "--timeout", "0.5"]);
  assert.match(stop.stderr, /was asked to stop before; waiting for it/);
  assert.doesNotMatch(await home.ok(["logs", "spelled"]), /interrupts 6 /);
});

test("a run that draws its samples after the stop is not said to hang: its model is saved, its logs are silent", async () => {
  const gate = path.join(home.work, "drawn");
  const file = path.join(home.work, "drawing");
  // as falcon's driver in test/fixtures/runs/interactive
  const script = `#!/bin/sh
say() { for line in "$@"; do echo "$(date +%Y-%m-%dT%H:%M:%S) [INFO] $line" >> drawing-run/graph/driver/output.log; done; }
mkdir -p drawing-run/graph/driver
cp ${root}/test/fixtures/runs/interactive/run/config.yml drawing-run
drawing() {
  say "Graceful stop requested, finishing current epoch..." "Analysis completed." "Generating 2 posterior samples..."
  until [ -e ${gate} ]; do sleep 0.05; done
  say "falcon launch interrupted"
  exit 0
}
trap drawing INT
say "Output: drawing-run" "Starting analysis."
echo ready
while :; do sleep 0.05; done
`;
  fs.writeFileSync(file, script, { mode: 0o755 });
  await home.ok(["launch", "-d", "--falcon", file, "--name", "drawing", "-o", "drawing-run"]);
  await until(async () => (await home.ok(["logs", "drawing"])).includes("ready"), "its trap");
  const stop = stopping("drawing");
  // several looks, each of which would say that it hangs
  await Promise.race([stop.code, pause(3_000)]);
  fs.writeFileSync(gate, "");
  assert.equal(await stop.code, 0, stop.said());
  assert.doesNotMatch(stop.said(), /hangs/);
});

test("stop --force of a run that was not asked before: the second Ctrl+C is its second, where two would be one", async () => {
  await counting("forced", "2", "300");
  const { code, stderr } = await home.run(["stop", "--force", "forced"]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /sent the second Ctrl\+C/);
  const ended = await row("forced");
  assert.deepEqual([ended?.exitCode, ended?.signal, ended?.interrupts], [7, null, 2], stderr);
});

test("the next server sends the second Ctrl+C where the one that sent the first is replaced before it", async () => {
  await counting("replaced", "2", "300");
  const stop = stopping("--force", "replaced", "--timeout", "60");
  await until(() => stop.said().includes("the second one follows"), stop.said);
  await home.ok(["server", "upgrade"]);
  assert.equal(await stop.code, 0, stop.said());
  assert.match(stop.said(), /sent the second Ctrl\+C\n\[replaced\] /);
  const ended = await row("replaced");
  assert.deepEqual([ended?.exitCode, ended?.signal, ended?.interrupts], [7, null, 2], stop.said());
});

test("of several one that hangs is told while the others go on, and counts only where it hangs to their end", async () => {
  const round = async (end: number) => {
    const [stuck, saves] = ["stuck", "saves"].map((name) => `${name}-${end}`) as [string, string];
    const gate = (name: string) => path.join(home.work, `${name}-gate`);
    for (const [name, says] of [
      [stuck, ":"],
      [saves, "echo saving"],
    ] as const) {
      const trap = `until [ -e ${gate(name)} ]; do ${says}; sleep 0.05; done; exit 0`;
      await home.start(["/bin/sh", "-c", `trap '${trap}' INT; echo ready; while :; do sleep 0.05; done`], ["--name", name]);
      await until(async () => (await home.ok(["logs", name])).includes("ready"), "its trap");
    }
    // more than one look: what moves may stand for one
    const stop = stopping(stuck, saves, "--timeout", "3");
    await until(() => stop.said().includes(`[${stuck}] hangs: nothing moved for`), stop.said);
    assert.equal((await row(saves))?.state, "running");
    if (end === 0) {
      fs.writeFileSync(gate(stuck), "");
      await until(() => stop.said().includes(`[${stuck}] stopped after`), stop.said);
    }
    fs.writeFileSync(gate(saves), "");
    assert.equal(await stop.code, end, stop.said());
    assert.match(stop.said(), new RegExp(`\\[${saves}\\] stopped after`));
    const last = new RegExp(`\\nfalcon: session \\w+ \\(${stuck}\\) still hangs; 'falcon stop --force \\w+' ends it at once`);
    assert.equal(last.test(stop.said()), end === 125, stop.said());
    fs.writeFileSync(gate(stuck), "");
    await home.run(["wait", stuck]);
  };
  await Promise.all([125, 0].map(round));
});
