// A program that is asked something: what it complains of, or leaves behind, is not what it answers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { askProgram } from "../../../src/base/aside/ask-program.ts";
import { alive } from "../../support/events.ts";

const asking = { environment: { PATH: process.env.PATH ?? "" }, patience: 60_000, longest: 1_000 };
const ask = (script: string, over: Partial<Parameters<typeof askProgram>[2]> = {}) =>
  askProgram("sh", ["-c", script], { ...asking, ...over });

test("complaints count for nothing, however long they are", async () => {
  assert.deepEqual(await ask("head -c 300000 /dev/zero >&2; echo said; exit 3"), { status: 3, said: "said\n" });
});

test("what it leaves behind that may still complain is not waited for", async () => {
  const { status, said } = await ask("sleep 50 >/dev/null & echo $!; exit 4");
  assert.ok(alive(Number(said)), "it was waited for");
  process.kill(Number(said), "SIGKILL");
  assert.equal(status, 4);
});

test("an answer that is too long, no end in time and no such program have no status", async () => {
  for (const [script, over] of [
    ["head -c 2000 /dev/zero", {}],
    ["exec sleep 50", { patience: 50 }],
  ] as const)
    assert.equal((await ask(script, over)).status, null, script);
  assert.equal((await askProgram("no-such-program", [], asking)).status, 127);
});

test("where the system does not start it for its words, it has no status either", async () => {
  assert.deepEqual(await ask("true", { environment: { PATH: "/bin", LONG: "x".repeat(3 << 20) } }), { status: null, said: "" });
});
