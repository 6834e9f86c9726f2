// An attachment's own decisions on a session of the test's: the question before a second Ctrl+C, and what
// else comes while it is open.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { defaultConfig } from "../../../../src/base/config/config.ts";
import { KeptKeys } from "../../../../src/session/keys/kept-keys.ts";
import {
  mostHeldBack,
  type SessionInput,
  ViewerInput,
  type WatchedSession,
} from "../../../../src/session/viewers/viewer-input.ts";
import { trainerNamed } from "../../../../src/trainers/registry.ts";

/** A falcon run of which one Ctrl+C was sent already, and its only viewer. */
class Scene {
  readonly typed: string[] = [];
  readonly shown: Buffer[] = [];
  readonly sizes: string[] = [];
  /** Rows of each window that frames were asked for. */
  readonly framed: number[] = [];
  /** How often the screen's present was waited for. */
  waits = 0;
  viewers = 0;
  frame = () => {};
  now = 1000;
  /** What may be done to the session, by the name of what was called. */
  readonly input: SessionInput & { interrupted: boolean } = {
    interrupted: false,
    input: (bytes) => void this.typed.push(Buffer.from(bytes).toString("latin1")),
    interrupt: () => void this.typed.push("^C"),
    interruptOnce: () => {
      this.input.interrupted = true;
      this.typed.push("^C, if it is none that the holder has");
    },
    countsInterrupts: true,
    resize: (cols, rows) => void this.sizes.push(`${cols}x${rows}`),
    openKeyboard: () => undefined,
    inputTaken: true,
  };
  readonly attachment: ViewerInput;

  constructor({
    interrupts = 1,
    kind = "launch",
    readOnly = false,
    early = undefined as { cols: number; rows: number } | undefined,
    screenText = async () => undefined as never,
    hint = undefined as string | undefined,
    mouse = false,
    current = false,
    goneBefore = false,
    keptKeys = undefined as KeptKeys | undefined,
  } = {}) {
    const screen = {
      watchFrames: (_cols: number, rows: number, draw: (frame: Buffer) => void) => {
        this.framed.push(rows);
        this.frame = () => draw(Buffer.from("<frame>"));
        return { close: () => {}, resize: () => {}, again: () => {} };
      },
      snapshot: async () => ({
        offset: 0,
        cols: 80,
        rows: 24,
        first: Buffer.from("<screen>"),
        history: Buffer.alloc(0),
        tail: Buffer.alloc(0),
      }),
    };
    const whenCurrent = (callback: () => void) => {
      this.waits++;
      if (current) callback();
    };
    this.input.interrupted = interrupts > 0;
    const session = {
      row: { kind, command: ["falcon", "launch"], name: "run", interrupts, pinned: false },
      trainer: trainerNamed(kind === "launch" ? "falcon" : "none"),
      live: true,
      viewed: { cols: 80, rows: 24, sizing: false, current: true, whenCurrent, stream: () => {}, screen: () => screen },
      audience: { add: () => this.viewers++, remove: () => {}, limit: "", note: "" },
      onOver: () => () => {},
      lineMode: () => ({ canonical: false, echo: false, isig: true, vintr: 3, foreground: 1 }),
      inputModes: () => ({ bracketedPaste: true, focus: true, alternate: true, mouse }),
      screenText,
    } as unknown as WatchedSession;
    const terminal = {
      write: (bytes: Uint8Array) => void this.shown.push(Buffer.from(bytes)),
      backlog: () => 0,
      onDrained: (callback: () => void) => setImmediate(callback),
    };
    this.attachment = new ViewerInput(session, readOnly ? undefined : this.input, terminal, {
      cols: 80,
      rows: 24,
      pid: 1,
      history: 0,
      keys: { detachKey: "d", prefix: 0x1c, historyCharacters: [0x5b] },
      enter: hint !== undefined,
      hint,
      sequences: { ...defaultConfig.programSequences, clipboard: "ask" },
      clock: () => this.now,
      steady: () => this.now,
      leaveKeys: () => {},
      ...(keptKeys === undefined ? {} : { keptKeys: () => keptKeys }),
    });
    if (early !== undefined) this.attachment.resize(early.cols, early.rows);
    if (goneBefore) this.attachment.finish("gone");
    this.attachment.begin();
  }

  type(...chunks: string[]): this {
    for (const chunk of chunks) this.attachment.type(Buffer.from(chunk, "latin1"));
    return this;
  }

  /** What reached the program since the last time. */
  got(...expected: string[]): this {
    assert.deepEqual(this.typed, expected);
    this.typed.length = 0;
    return this;
  }

  get asked(): number {
    return Buffer.concat(this.shown).toString().split("[y/N]").length - 1;
  }

  async leave(): Promise<string> {
    this.attachment.finish("detached");
    return this.attachment.over;
  }
}

test("a size that came before the session could be joined is the one that it gets", async () => {
  const scene = new Scene({ early: { cols: 100, rows: 60 } });
  assert.equal(scene.sizes.at(-1), "100x60");
  await scene.leave();
});

test("a second Ctrl+C is asked about also while the holder has not said whether it has the first", async () => {
  const scene = new Scene({ interrupts: 0, keptKeys: new KeptKeys(1n, 0, { passed: () => {} }) });
  scene.type("\x03\x03").got("^C, if it is none that the holder has");
  assert.equal(scene.asked, 1);
  await scene.leave();
});

test("who went before the session could be joined is no viewer of it", async () => {
  const scene = new Scene({ goneBefore: true });
  assert.equal(await scene.attachment.over, "gone");
  assert.deepEqual([scene.viewers, scene.sizes, scene.waits], [0, [], 0]);
});

describe("the hint in the bottom row", () => {
  const hint = "Ctrl-\\ leaves";
  const clear = "\x1b[24;1H\x1b[0m\x1b[2K";
  const text = (scene: Scene) => Buffer.concat(scene.shown).toString();

  test("stands below the screen until a key is typed; what the terminal says by itself is none", async () => {
    const scene = new Scene({ hint, current: true });
    assert.deepEqual(scene.framed, [23]);
    scene.frame();
    assert.match(text(scene), /<frame>.*Ctrl-\\ leaves/);
    scene.type("\x1b[I", "\x1b[O\x1b[?997;1n");
    assert.deepEqual([scene.waits, text(scene).includes(clear)], [1, false]);
    scene.type("j").got("\x1b[I", "\x1b[O\x1b[?997;1n", "j");
    assert.deepEqual([scene.waits, text(scene).includes(clear)], [2, true], "the screen has all rows");
    await scene.leave();
  });

  test("is gone by itself after its time", async ({ mock }) => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const scene = new Scene({ hint, current: true });
    scene.frame();
    mock.timers.tick(3_999);
    assert.equal(scene.waits, 1);
    mock.timers.tick(1);
    assert.deepEqual([scene.waits, text(scene).includes(clear)], [2, true]);
    mock.timers.reset();
    await scene.leave();
  });

  test("a screen that is still waited for is not asked for again when it ends", async () => {
    const scene = new Scene({ hint });
    scene.type("j");
    assert.deepEqual([scene.waits, scene.framed], [1, []]);
    await scene.leave();
  });

  test("what draws the terminal anew, or has another size of it, clears no row that may be another's by now", async () => {
    const redrawn = new Scene({ hint, current: true });
    redrawn.frame();
    redrawn.attachment.redraw();
    assert.equal(text(redrawn).includes(clear), false);
    await redrawn.leave();
    const resized = new Scene({ hint, current: true });
    resized.frame();
    resized.attachment.resize(80, 30);
    assert.equal(text(resized).includes("\x1b[2K"), false);
    assert.equal(resized.waits, 2);
    await resized.leave();
  });

  test("who leaves while it stands leaves nothing of it behind", async () => {
    const scene = new Scene({ hint, current: true });
    scene.frame();
    assert.equal(await scene.leave(), "detached");
    assert.ok(text(scene).lastIndexOf(clear) > text(scene).lastIndexOf(hint));
    assert.equal(scene.waits, 1);
  });

  test("does not come where the program has the mouse", async () => {
    const scene = new Scene({ hint, mouse: true, current: true });
    scene.type("j");
    assert.doesNotMatch(text(scene), /leaves/);
    await scene.leave();
  });
});

describe("a second Ctrl+C", () => {
  test("is asked about, and goes only with a typed y", async () => {
    const yes = new Scene().type("\x03").got();
    assert.equal(yes.asked, 1);
    await yes.type("y").got("^C").type("j").got("j").leave();
    const no = new Scene().type("\x03", "n").got().type("j").got("j");
    assert.equal(await no.leave(), "detached");
  });

  test("the first goes at once, and so does every one to a command that is no falcon", async () => {
    await new Scene({ interrupts: 0 }).type("\x03").got("^C").leave();
    await new Scene({ kind: "run" }).type("\x03").got("^C").leave();
    await new Scene({ readOnly: true }).type("\x03y").got().leave();
  });

  test("what the terminal says by itself is no answer, and goes its way afterwards, in order", async () => {
    const reports = ["\x1b[<35;4;5M", "\x1b[I", "\x1b[M !!", "\x1b[?997;1n"];
    const scene = new Scene().type("\x03", ...reports, "\x1b[?62;22c", "\x1b]11;rgb:yyyy/0000/0000\x07").got();
    assert.equal(scene.asked, 1, "still open");
    await scene
      .type("y")
      .got("^C", ...reports)
      .leave();
  });

  test("a pasted y is no answer", async () => {
    const paste = "\x1b[200~y\r\x1b[201~";
    const scene = new Scene().type("\x03", paste).got().type("n");
    assert.deepEqual(scene.typed.join(""), paste);
    await scene.leave();
  });

  test("what follows it in the same read waits for the answer, and is none", async () => {
    await new Scene().type("\x03y").got().type("n").got("y").leave();
    await new Scene().type("j\x03kk").got("j").type("y").got("^C", "kk").leave();
    // each further Ctrl+C is a question of its own
    const scene = new Scene().type("\x03a\x03b").got().type("y").got("^C", "a");
    assert.equal(scene.asked, 2);
    await scene.type("n").got("b").leave();
  });

  test("Ctrl-\\ leaves all the same, and nothing was sent", async () => {
    const scene = new Scene().type("\x03", "\x1c", "x").got();
    assert.equal(await scene.attachment.over, "detached");
  });

  test("what waits for the answer is bounded", async () => {
    const scene = new Scene().type("\x03");
    const piece = `\x1b[200~${"x".repeat(64 << 10)}\x1b[201~`;
    for (let i = 0; i < 64; i++) scene.type(piece);
    scene.type("n");
    const length = scene.typed.join("").length;
    assert.ok(length > mostHeldBack / 2 && length <= mostHeldBack, `${length}`);
    await scene.type("j").leave();
    assert.equal(scene.typed.at(-1), "j");
  });
});

test("a screen that cannot be told keeps nobody who leaves", async () => {
  const scene = new Scene({ screenText: () => new Promise(() => {}) });
  assert.equal(await scene.leave(), "detached");
  assert.notEqual(scene.shown.length, 0);
});

test("keys typed in the read that opens the history are for the history", async () => {
  const scene = new Scene();
  const fed: string[] = [];
  let closed = 0;
  scene.attachment.openHistory = () => ({
    feed: (chunk) => {
      fed.push(chunk.toString("latin1"));
      return chunk.includes("q");
    },
    resize: () => {},
    close: () => closed++,
  });
  scene.type("\x1c[kk").got().type("k", "q").got();
  assert.deepEqual([fed, closed], [["kk", "k", "q"], 1]);
  await scene.type("j").got("j").type("\x1c[").leave();
  assert.equal(closed, 2, "also with its viewer");
});

test("a question stands there again when the client goes on after a stop", async () => {
  const scene = new Scene();
  scene.type("\x03");
  scene.shown.length = 0;
  scene.attachment.redraw();
  assert.match(Buffer.concat(scene.shown).toString(), /Send it\? \[y\/N\]/);
  await scene.type("n").leave();
});
