// What counts as an order to stop, whoever gives it.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { program } from "../../support/compile.ts";
import { until } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import { notBuilt } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

const home = new TestHome();
after(() => home.dispose());

const row = async (name: string) => (await home.sessions()).find((each) => each.name === name);

/** A launch of a falcon that counts interrupts and terminations, and does not end by them. */
async function counting(name: string): Promise<void> {
  const file = path.join(home.work, "counting");
  fs.writeFileSync(file, `#!/bin/sh\nexec ${program("stubborn")} 0\n`, { mode: 0o755 });
  await home.ok(["launch", "-d", "--falcon", file, "--name", name, "-o", name]);
  await until(async () => (await home.ok(["logs", name])).includes("stubborn "), "the program to be ready");
}

test("send counts each character that the terminal makes an interrupt of, however it is spelled: stop adds no second one", async () => {
  await counting("spelled");
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
