// What was typed is kept until the holder has it: a server that is killed loses no key, and none is typed
// twice.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import { notBuilt } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

describe("keys that were sent to a server that is killed", () => {
  const home = new TestHome();
  after(() => home.dispose());

  /** A program that writes what it reads to a file, and a terminal in front of it. */
  async function typing(name: string) {
    const file = path.join(home.work, name);
    const id = await home.start(["sh", "-c", `stty raw -echo; : > ${file}; echo ready; exec cat > ${file}`], ["--name", name]);
    const terminal = home.terminal(["attach", id], { cols: 80, rows: 24 });
    await terminal.waitFor("ready");
    await until(() => !terminal.lineDiscipline().line, "a raw terminal");
    return { terminal, got: () => fs.readFileSync(file, "latin1") };
  }

  test("and had not read them are typed by the next one, once and in order", async () => {
    const { terminal, got } = await typing("unread");
    let expected = "";
    for (let kill = 0; kill < 2; kill++) {
      terminal.type(`before ${kill} `);
      expected += `before ${kill} `;
      await until(
        () => got() === expected,
        () => `${JSON.stringify(expected)}; came ${JSON.stringify(got())}`,
      );
      const server = home.serverPid() as number;
      process.kill(server, "SIGSTOP");
      terminal.type(`sent to a server that stands still ${kill} `);
      terminal.type("\x1b[A");
      expected += `sent to a server that stands still ${kill} \x1b[A`;
      // a read of the client's, which goes at once to a socket that has room
      await new Promise((resolve) => setTimeout(resolve, 50));
      process.kill(server, "SIGKILL");
      await until(
        () => got() === expected,
        () => `${JSON.stringify(expected)}; came ${JSON.stringify(got())}`,
      );
    }
    terminal.key("C-\\", "d");
    await terminal.waitForExit();
  });

  test("at any moment arrive once and in order, also what is typed meanwhile", async () => {
    const { terminal, got } = await typing("any");
    let expected = "";
    let n = 0;
    const type = () => {
      const text = `${n++},`;
      expected += text;
      terminal.type(text);
    };
    const started = () => home.logged("server.listened").length;
    let seen = 0;
    for (let kill = 0; kill < 3; kill++) {
      // keys reach the program without a server: the next one may still be starting, and one that is killed
      // then is said to have failed
      await until(() => started() > seen, "the next server");
      seen = started();
      const server = home.serverPid() as number;
      for (let i = 0; i < 200; i++) type();
      process.kill(server, "SIGKILL");
      for (let i = 0; i < 200; i++) {
        type();
        await new Promise((resolve) => setImmediate(resolve));
      }
      await until(
        () => got() === expected,
        () => difference(got(), expected),
      );
    }
    terminal.key("C-\\", "d");
    await terminal.waitForExit();
  });
});

/** Where two texts part. */
function difference(got: string, expected: string): string {
  let at = 0;
  while (at < got.length && got[at] === expected[at]) at++;
  return `…${expected.slice(Math.max(0, at - 20), at + 40)}; came …${got.slice(Math.max(0, at - 20), at + 40)}`;
}
