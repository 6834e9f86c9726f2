// What counts as an order to stop, whoever gives it.
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

test("send counts each character that the terminal makes an interrupt of, however it is spelled: stop adds no second one", async () => {
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

test("a run that draws its samples after the stop is not said to hang: its model is saved, and its logs are silent meanwhile", async () => {
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
  const stop = spawn(falcon, ["stop", "drawing", "--timeout", "0.5"], { env: home.env, stdio: ["ignore", "ignore", "pipe"] });
  const closed = once(stop, "close") as Promise<[number | null]>;
  let said = "";
  stop.stderr.on("data", (data) => {
    said += data;
  });
  // several looks, each of which would say that it hangs
  await Promise.race([closed, pause(3_000)]);
  fs.writeFileSync(gate, "");
  const [code] = await closed;
  assert.equal(code, 0, said);
  assert.doesNotMatch(said, /hangs/);
});

test("stop --force of a run that was not asked before: the second Ctrl+C is its second, also where two at once are one", async () => {
  await counting("forced", "2", "300");
  const { code, stderr } = await home.run(["stop", "--force", "forced"]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /sent the second Ctrl\+C/);
  const ended = await row("forced");
  assert.deepEqual([ended?.exitCode, ended?.signal, ended?.interrupts], [7, null, 2], stderr);
});
