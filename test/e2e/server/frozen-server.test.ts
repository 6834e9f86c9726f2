// A session server that stands still (stopped, or its machine is): its viewers can leave, and what they
// pressed for that is nobody's.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { program } from "../../support/compile.ts";
import { until } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import { notBuilt } from "../../support/paths.ts";
import type { UserTerminal } from "../../support/terminal/terminal.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

const cooked = { line: true, echo: true, signals: true };

describe("a frozen server", () => {
  const home = new TestHome();
  let id: string;
  let server: number;
  after(() => home.dispose());
  beforeEach(async () => {
    id ??= await home.start([program("rawkeys"), "--no-signals"], ["--name", "keys"]);
    server = home.serverPid() as number;
  });

  const attached = async () => {
    const terminal = home.terminal(["attach", id], { cols: 200, rows: 30 });
    await terminal.waitFor("keys please");
    return terminal;
  };
  const frozen = async (work: () => Promise<void>) => {
    process.kill(server, "SIGSTOP");
    try {
      await work();
    } finally {
      process.kill(server, "SIGCONT");
    }
  };
  const pressed = (terminal: UserTerminal, ...keys: string[]) => {
    for (const key of keys) terminal.type(key);
  };
  /** What the program has read since, seen by one more viewer who types a mark. */
  const reads = async (mark: string): Promise<string> => {
    const terminal = await attached();
    terminal.type(mark);
    const hex = `<${Buffer.from(mark).toString("hex")}>`;
    await terminal.waitFor(hex);
    const text = terminal.text();
    terminal.key("C-\\");
    await terminal.waitForExit();
    return text;
  };

  const encodings: Record<string, string[]> = {
    "as a byte": ["\x1c", "\x1c", "\x1c"],
    "as a held key": ["\x1c\x1c\x1c"],
    "in kitty's encoding, with releases": ["\x1b[92;5u", "\x1b[92;5:3u", "\x1b[92;5:1u\x1b[92;5:3u", "\x1b[92;69u"],
    "in that of modifyOtherKeys": ["\x1b[27;5;92~", "\x1b[27;5;92~", "\x1b[27;5;92~"],
  };
  let mark = "a";
  for (const [name, keys] of Object.entries(encodings)) {
    test(`three times the prefix, ${name}: the client leaves by itself, and the presses are withdrawn`, async () => {
      const terminal = await attached();
      await frozen(async () => {
        pressed(terminal, ...keys);
        const { code } = await terminal.waitForExit();
        assert.equal(code, 0);
        const lines = terminal
          .text()
          .split("\n")
          .filter((line) => line.includes("does not answer"));
        assert.equal(lines.length, 1);
        assert.match(lines[0] as string, new RegExp(`process ${server}\\b`));
        assert.deepEqual(terminal.modes.bracketedPasteMode, false);
      });
      // none of them was for the program
      assert.doesNotMatch(await reads(mark), /<1c>|<1b>/);
      mark = String.fromCharCode(mark.charCodeAt(0) + 1);
      assert.equal((await home.untilState(id, "running")).state, "running");
    });
  }

  test("the line discipline is as it was", async () => {
    const terminal = home.terminal(["-c", `falcon attach ${id}; echo left $?; exec cat`], {
      file: "/bin/sh",
      cols: 200,
      env: { PATH: `${process.cwd()}/native/build/Release:${home.env.PATH}` },
    });
    await terminal.waitFor("keys please");
    await frozen(async () => {
      pressed(terminal, "\x1c", "\x1c", "\x1c");
      await terminal.waitFor("left 0");
      assert.deepEqual(terminal.lineDiscipline(), cooked);
    });
    terminal.key("C-c");
  });

  test("two presses further apart than the double press are not one when the server goes on: it detaches", async () => {
    const terminal = await attached();
    await frozen(async () => {
      pressed(terminal, "\x1c");
      // the prefix waits for 300 ms: the second press is typed after that, by the clock that counts
      await new Promise((resolve) => setTimeout(resolve, 700));
      pressed(terminal, "\x1c");
    });
    assert.equal((await terminal.waitForExit()).code, 0);
    assert.match(terminal.text(), /\[keys\] detached, running/);
    assert.doesNotMatch(await reads("x"), /<1c>/);
  });

  test("two presses at once still are one, for the program", async () => {
    const terminal = await attached();
    await frozen(async () => {
      pressed(terminal, "\x1c\x1cy");
      // the server goes on well after the 300 ms that the prefix waits
      await new Promise((resolve) => setTimeout(resolve, 700));
    });
    await terminal.waitFor("<1c><79>");
    terminal.key("C-\\");
    await terminal.waitForExit();
  });

  test("what is typed behind the prefix arrives, in order, once the server goes on", async () => {
    const terminal = await attached();
    const text = "some words more";
    await frozen(async () => pressed(terminal, `1${text}`, `\x1c\x1c${text}`));
    const hex = (s: string) => [...Buffer.from(s)].map((byte) => `<${byte.toString(16).padStart(2, "0")}>`).join("");
    await until(
      () =>
        terminal
          .lines()
          .join("")
          .includes(`${hex(`1${text}`)}<1c>${hex(text)}`),
      () => terminal.picture(),
    );
    terminal.key("C-\\");
    await terminal.waitForExit();
  });
});

describe("a frozen server, with keys of one's own", () => {
  const home = new TestHome();
  after(() => home.dispose());

  test("a configured prefix counts, and no other key does", async () => {
    const config = path.join(home.work, ".config/falcon-sessions");
    fs.mkdirSync(config, { recursive: true });
    fs.writeFileSync(path.join(config, "config.toml"), 'prefix = "C-b"\ndetach_key = "x"\n', { mode: 0o600 });
    const id = await home.start([program("rawkeys"), "--no-signals"]);
    const server = home.serverPid() as number;
    const terminal = home.terminal(["attach", id], { cols: 200 });
    await terminal.waitFor("keys please");
    // not the keys of this session
    terminal.type("\x1c\x1c\x1cx");
    await terminal.waitFor("<1c><1c><1c><78>");
    process.kill(server, "SIGSTOP");
    try {
      for (let i = 0; i < 3; i++) terminal.type("\x02");
      await terminal.waitForExit();
      assert.match(terminal.text(), new RegExp(`process ${server}\\b`));
    } finally {
      process.kill(server, "SIGCONT");
    }
  });
});
