// Bounds of docs/design/limits.md that no other test reaches: what is kept at the most, and what becomes of
// one more.
import assert from "node:assert/strict";
import fs from "node:fs";
import type net from "node:net";
import path from "node:path";
import { Duplex } from "node:stream";
import { describe, test } from "node:test";
import { defaultConfig } from "../../src/base/config/config.ts";
import { parseName, parseSize } from "../../src/commands/start/start-session.ts";
import { close, tryLock } from "../../src/platform/native.ts";
import { StreamFilter } from "../../src/platform/stream-filter.ts";
import { ClientFrame } from "../../src/protocol/client.ts";
import { encodeFrame } from "../../src/protocol/frame.ts";
import { Peer } from "../../src/server/clients/peer.ts";
import { runEventCommand } from "../../src/server/events/event-command.ts";
import { longestName } from "../../src/session/life/session-table.ts";
import { Model } from "../../src/terminal/model/model.ts";
import { Screen } from "../../src/terminal/model/screen.ts";
import { Tracker } from "../../src/terminal/model/tracker.ts";
import { readRunConfig } from "../../src/trainers/falcon/config/run-config.ts";
import { library } from "../support/compile.ts";
import { alive, untilFile, untilGone, wholeLines } from "../support/events.ts";
import { requestOf } from "../support/holder/client-codec.ts";
import { TestHome } from "../support/home.ts";
import { falcon } from "../support/paths.ts";

describe("what a screen remembers of its program", () => {
  const tracked = (output: string): Tracker => {
    const model = new Model(80, 24, 0);
    const tracker = new Tracker(model);
    model.parse(Buffer.from(output));
    return tracker;
  };

  test("ten titles on the stack: the oldest goes, the rest come back in order", () => {
    let output = "";
    for (let n = 1; n <= 12; n++) output += `\x1b]2;title ${n}\x07\x1b[22;2t`;
    assert.equal(tracked(output).titleCount, 10);
    const pops: string[] = [];
    for (let n = 1; n <= 11; n++) pops.push(tracked(`${output}${"\x1b[23;2t".repeat(n)}`).title);
    assert.deepEqual(
      pops.slice(0, 10),
      [12, 11, 10, 9, 8, 7, 6, 5, 4, 3].map((n) => `title ${n}`),
    );
    assert.equal(pops[10], "title 3", "with nothing on the stack the title stays");
  });

  test("256 modes and 256 colours: the one that was set longest ago goes", () => {
    const modes = Array.from({ length: 300 }, (_, i) => `\x1b[?${3000 + i}h`).join("");
    const { state } = tracked(modes);
    assert.equal(state.privateModes.length, 256);
    assert.deepEqual(state.privateModes.at(-1), [3299, true]);
    assert.equal(tracked(Array.from({ length: 300 }, (_, i) => `\x1b]4;${i};red\x07`).join("")).state.palette.length, 256);
  });

  test("16 of kitty's keyboard states: the oldest goes", () => {
    const { state } = tracked(Array.from({ length: 20 }, (_, i) => `\x1b[>${i}u`).join(""));
    assert.equal(state.keyboards[0].stack.length, 16);
    assert.equal(state.keyboards[0].stack[0], 3);
  });

  test("a title, a colour and a path of 4096 characters; a longer one is not remembered", () => {
    for (const number of [0, 7, 22]) {
      const kept = (length: number) => {
        const { title, directory, pointer } = tracked(`\x1b]${number};${"x".repeat(length)}\x07`).state;
        return (title + directory + pointer).length;
      };
      assert.equal(kept(4096), 4096);
      assert.equal(kept(4097), 0);
    }
  });
});

test("a link of 4096 characters; a longer one is none, and what stands in it is text", () => {
  const shown = (length: number) => {
    const screen = new Screen({ cols: 80, rows: 24, scrollback: 0 });
    screen.feed(Buffer.from(`\x1b]8;;${"x".repeat(length)}\x07text\x1b]8;;\x07`));
    const first = screen.snapshot(0).first.toString("latin1");
    screen.dispose();
    assert.match(first, /text/);
    return /\]8;;(x+)/.exec(first)?.[1]?.length ?? 0;
  };
  assert.equal(shown(4096), 4096);
  assert.equal(shown(4097), 0);
});

describe("what may be asked for", () => {
  test("a session's name of 64 characters", () => {
    assert.equal(parseName("x".repeat(longestName)).length, 64);
    assert.throws(() => parseName("x".repeat(longestName + 1)), /1 to 64 characters/);
  });

  test("a size from 2x2 to 1000x500", () => {
    for (const size of ["2x2", "1000x500"]) assert.ok(parseSize(size));
    for (const size of ["1x24", "80x1", "1001x24", "80x501", "99999999999x1"])
      assert.throws(() => parseSize(size), /from 2x2 to 1000x500/);
  });
});

test("a config.yml of 256 KiB is read; a larger one is told, and the nodes are taken from the folder", async () => {
  const run = fs.mkdtempSync("/tmp/fs-run-");
  try {
    const text = "graph:\n  z:\n    evidence: [x]\n";
    for (const [length, problem] of [
      [256 << 10, false],
      [(256 << 10) + 1, true],
    ] as const) {
      fs.writeFileSync(path.join(run, "config.yml"), `${text}#`.padEnd(length, "#"));
      const { problem: told } = await readRunConfig(run, run, undefined);
      assert.equal(told !== undefined, problem, `${length}: ${told}`);
    }
  } finally {
    fs.rmSync(run, { recursive: true });
  }
});

describe("what goes to viewers", () => {
  test("an image of 16 MiB, where images pass: what is longer is cut there and ended", () => {
    const filter = new StreamFilter({ ...defaultConfig.programSequences, images: "pass" }, { of: "screen" });
    let length = filter.feed(Buffer.from("\x1bPq")).length;
    const piece = Buffer.alloc(1 << 20, "~");
    for (let i = 0; i < 20; i++) length += filter.feed(piece).length;
    assert.equal(length, 16 << 20);
    assert.equal(Buffer.from(filter.feed(Buffer.from("\x1b\\after"))).toString(), "\x1b\\after");
  });

  test("an OSC that may be a question is waited for 16 KiB long, then dropped", () => {
    const filter = new StreamFilter(defaultConfig.programSequences, { of: "program" });
    const left = Buffer.from(filter.feed(Buffer.from(`a\x1b]4;1;${"x".repeat(20_000)};2;?\x07b`))).toString();
    assert.equal(left, "a\x1b\\b");
    const short = `\x1b]4;1;${"x".repeat(10_000)}\x07`;
    assert.equal(
      Buffer.from(new StreamFilter(defaultConfig.programSequences, { of: "program" }).feed(Buffer.from(short))).toString(),
      short,
    );
  });
});

test("what is typed before a command takes it: 1 MiB is kept, and what comes then is not put in their place", async () => {
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const taken: Buffer[] = [];
  let began: () => void = () => {};
  const ran = new Promise<void>((resolve) => {
    began = resolve;
  });
  const peer = new Peer(socket as unknown as net.Socket, {
    pid: 1,
    version: "0",
    run: () => {
      began();
      return new Promise(() => {});
    },
    foreign: () => true,
    log: () => {},
  });
  const typed = (text: string) => encodeFrame(ClientFrame.input, Buffer.from(text));
  const piece = "a".repeat(640 << 10);
  socket.emit("data", Buffer.concat([requestOf(["attach"]), typed(piece), typed("b".repeat(640 << 10)), typed("c")]));
  await ran;
  peer.onInput = (bytes) => void taken.push(bytes);
  assert.equal(Buffer.concat(taken).toString(), `${piece}c`);
  socket.destroy();
});

test("an event's command that does not end is ended", async () => {
  assert.equal(await runEventCommand(["/bin/sh", "-c", "exec sleep 1000"], { PATH: process.env.PATH ?? "" }, "/", 1), -1);
  assert.equal(await runEventCommand(["/bin/sh", "-c", "exit 3"], { PATH: process.env.PATH ?? "" }, "/"), 3);
});

describe("a server that does not come", { skip: process.platform === "linux" ? false : "needs LD_PRELOAD" }, () => {
  /** The client with a clock that runs a thousand times as fast. */
  const hurried = () => ({ LD_PRELOAD: library("fast-clock") });

  test("is waited for 30 s, then told with its log", async () => {
    const home = new TestHome();
    const node = path.join(home.work, "node");
    fs.writeFileSync(node, '#!/bin/sh\necho $$ >> "$FALCON_SESSIONS_HOME/started"\nunset LD_PRELOAD\nexec sleep 1000\n', {
      mode: 0o755,
    });
    try {
      const result = await home.run(["sessions"], { file: falcon, env: { ...hurried(), FALCON_NODE: node } });
      assert.equal(result.code, 125);
      assert.match(result.stderr, /^falcon: the session server does not listen after 30 s; see \S+\/server\.log\n$/);
    } finally {
      // by its own fast clock the client may have gone before the program has said who it is
      const started = await untilFile(path.join(home.folder, "started"), wholeLines);
      for (const pid of started.split("\n").filter(Boolean).map(Number)) {
        if (alive(pid)) process.kill(pid, "SIGKILL");
        await untilGone(pid);
      }
      await home.dispose();
    }
  });

  test("because another client is starting it: waited for 30 s too", async () => {
    const home = new TestHome();
    const lock = tryLock(path.join(home.folder, "start.lock"));
    try {
      assert.ok(lock >= 0);
      const result = await home.run(["sessions"], { file: falcon, env: hurried() });
      assert.equal(result.code, 125);
      assert.match(result.stderr, /^falcon: no session server listens after 30 s; see \S+\/server\.log\n$/);
    } finally {
      close(lock);
      await home.dispose();
    }
  });
});
