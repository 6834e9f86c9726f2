// A run that stands still: the user's command and the attached terminal are told, once. Here because a server
// looks every half minute.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { before, test } from "node:test";
import { readIfThere, until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { falcon, notBuilt, trainer } from "../support/paths.ts";

before(() => assert.deepEqual(notBuilt([falcon, trainer]), [], "npm run build comes first"));

/**
 * The silence that is never a stall (a minute, by the steady clock, which no file's time moves) and the
 * server's looks after it, on a busy machine.
 */
const looks = 240_000;

test("a stall is told by on_event with its facts, by OSC 9 and OSC 777, in sessions and in show", async () => {
  const home = new TestHome();
  try {
    const told = path.join(home.work, "told");
    fs.mkdirSync(path.join(home.work, ".config/falcon-sessions"), { recursive: true });
    fs.writeFileSync(
      path.join(home.work, ".config/falcon-sessions/config.toml"),
      `on_event = ${JSON.stringify(`echo "$FALCON_EVENT|$FALCON_SESSION_NAME|$FALCON_SESSION_STATE|$FALCON_SESSION_SUMMARY" >> ${told}`)}\n`,
    );
    const settings = ["samples=256", "rate=8", "epochs=500", "hang_at=12"];
    const terminal = home.terminal(["launch", "--falcon", trainer, "-o", "run", ...settings], { cols: 120, rows: 40 });
    type Row = {
      id: string;
      progress?: { phase: string; nodes: { name: string; epoch: number | null; stalled: boolean }[] } | null;
    };
    const row = async () => (await home.sessions())[0] as unknown as Row;
    const epochs = async () => (await row())?.progress?.nodes.map(({ epoch }) => epoch ?? 0).reduce((a, b) => a + b, 0) ?? 0;
    await until(async () => (await epochs()) >= 20, "the epochs before it hangs");
    const { id } = await row();
    await until(() => /^stalled\|/m.test(readIfThere(told) ?? ""), "the stall to be told", looks);
    // phases are told, too
    const lines = (fs.readFileSync(told, "utf8").match(/^stalled\|.*/gm) ?? []) as string[];
    assert.equal(lines.length, 1, "once");
    assert.match(lines[0] as string, /^stalled\|run\|running\|stalled: silent for [1-4]m \d\ds, usually \d+s · /);
    await terminal.waitFor(() => terminal.received.toString().includes("\x1b]9;run: stalled: silent for "), "OSC 9");
    assert.ok(terminal.received.toString().includes("\x1b]777;notify;falcon;run: stalled: silent for "));
    assert.match(await home.ok(["sessions"]), /stalled: silent for/);
    assert.match(await home.ok(["show", id]), /^ {2}(line|wave) {2}training, stalled · epoch \d+\/500/m);
    await home.ok(["kill", id, "--signal", "KILL"]);
    await terminal.waitForExit();
    await until(() => fs.readFileSync(told, "utf8").includes("\nfailed|run|exited|broken off"), "the end to be told");
  } finally {
    await home.dispose();
  }
});
