// Every rule of the input parser: what detaches, what never does, what goes to the program, and what is
// nobody's.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { InputParser } from "../../../../src/session/keys/input-parser.ts";
import {
  escapeTimeout,
  type KeyPolicy,
  longestCsi,
  longestString,
  pasteReset,
  prefixTimeout,
  quietReset,
} from "../../../../src/session/keys/key-policy.ts";

const launch: KeyPolicy = {
  plainDetach: true,
  detachKey: "d",
  prefix: 0x1c,
  bracketedPaste: true,
  focus: false,
  isig: true,
  interruptByte: 3,
  historyCharacters: [0x5b],
  historyKey: false,
};
/** A session of `falcon run`, or a launch whose program is in line mode: `d` is a letter. */
const plain: KeyPolicy = { ...launch, plainDetach: false };

/**
 * A parser with a clock that tests move, and everything that it did, in short: ">text" sent, "^" interrupt,
 * "detach d", …
 */
class Typist {
  now = 1000;
  policy: KeyPolicy;
  readonly keys: InputParser;
  #did: string[] = [];

  constructor(policy: Partial<KeyPolicy> = {}, base = launch) {
    this.policy = { ...base, ...policy };
    this.keys = new InputParser(
      () => this.policy,
      () => this.now,
    );
  }

  type(...chunks: (string | Uint8Array)[]): this {
    for (const chunk of chunks) this.#note(this.keys.feed(typeof chunk === "string" ? Buffer.from(chunk, "latin1") : chunk));
    return this;
  }

  /** Types with the time of the viewer's own clock. */
  at(chunk: string, typed: number): this {
    this.#note(this.keys.feed(Buffer.from(chunk, "latin1"), typed));
    return this;
  }

  /** Lets time pass as the owner does: `timeout` at each deadline on the way. */
  wait(ms: number): this {
    const end = this.now + ms;
    for (let at = this.keys.deadline; at !== null && at <= end; at = this.keys.deadline) {
      this.now = Math.max(this.now, at);
      this.#note(this.keys.timeout());
      assert.notEqual(this.keys.deadline, at, "a deadline that does not go would spin");
    }
    this.now = end;
    return this;
  }

  #note(actions: ReturnType<InputParser["feed"]>): void {
    for (const action of actions) {
      if (action.do === "send") {
        const last = this.#did.at(-1);
        const text = action.bytes.toString("latin1");
        if (last?.startsWith(">")) this.#did[this.#did.length - 1] = last + text;
        else this.#did.push(`>${text}`);
      } else if (action.do === "interrupt") this.#did.push(`^${action.bytes.toString("hex")}`);
      else if (action.do === "answer") this.#did.push(action.yes ? "yes" : "no");
      else this.#did.push(action.do === "detach" ? `detach ${action.key}` : action.do);
    }
  }

  did(...expected: string[]): this {
    assert.deepEqual(this.#did, expected);
    this.#did = [];
    return this;
  }
}

const typist = (policy: Partial<KeyPolicy> = {}) => new Typist(policy);

describe("the detach key", () => {
  test("typed alone detaches, at once, and what follows is dropped", () => {
    typist().type("d").did("detach plain").type("j").type("\x03").wait(5000).did();
  });

  test("typed alone between other keys detaches, and those before it are the program's", () => {
    typist().type("j").type("k").type("\x1b[A").type("d").did(">jk\x1b[A", "detach plain");
  });

  test("is a letter in a session of another kind, and while the program reads lines", () => {
    new Typist({}, plain).type("d").did(">d").type("d\r").did(">d\r");
  });

  test("the policy counts as it is when the key is typed", () => {
    const t = new Typist({}, plain).type("d").did(">d");
    t.policy = launch;
    t.type("d").did("detach plain");
  });

  test("among other characters of one read it is text", () => {
    for (const text of ["dd", "ad", "da", "d\r", "\rd", " d", "d ", "dø", "\x7fd", "d\x03"]) {
      const t = typist().type(text);
      t.did(...(text.endsWith("\x03") ? [">d", "^03"] : [`>${text}`]));
    }
  });

  test("another letter, and none, may be configured", () => {
    typist({ detachKey: "q" }).type("d").did(">d").type("q").did("detach plain");
    typist({ detachKey: null }).type("d").did(">d");
    typist({ detachKey: null }).type("\x1b[100u").did(">\x1b[100u");
  });

  test("is the key itself, not its capital, not with Ctrl or Alt", () => {
    for (const bytes of ["D", "\x04", "\x1bd", "\x1bD", "\x1b\x04"]) typist().type(bytes).wait(escapeTimeout).did(`>${bytes}`);
  });

  test("after Esc in the same moment is Alt+d, after a pause it is d", () => {
    typist().type("\x1b", "d").did(">\x1bd");
    // the sequence may still go on while the line is slow
    typist().type("\x1b").wait(escapeTimeout).did(">\x1b").type("d").did(">d");
    typist().type("\x1b").wait(quietReset).did(">\x1b").type("d").did("detach plain");
  });

  test("as a part of a character is none", () => {
    // a Latin-1 é, which begins what UTF-8 would go on with
    typist().type(Uint8Array.of(0xe9), "d").did(">\xe9d");
    typist().type(Uint8Array.of(0xc3), Uint8Array.of(0xa9)).type("d").did(">\xc3\xa9", "detach plain");
  });
});

describe("the detach key in the kitty encoding", () => {
  for (const [bytes, why] of [
    ["\x1b[100u", "plain"],
    ["\x1b[100;1u", "with modifiers said"],
    ["\x1b[100;1:1u", "with the press said"],
    ["\x1b[100;65u", "with caps lock"],
    ["\x1b[100;129u", "with num lock"],
    ["\x1b[100;193u", "with both"],
    ["\x1b[100;1;100u", "with its text"],
    ["\x1b[100:68;1:1;100u", "with its capital beside it"],
    ["\x1b[1074:1042:100;1;100u", "on a Cyrillic layout that types d"],
    ["\x1b[27;1;100~", "of modifyOtherKeys"],
  ] as const)
    test(`${why} detaches`, () => {
      typist().type(bytes).did("detach plain");
      typist().type(`jk${bytes}xyz`).did(">jk", "detach plain");
      for (let cut = 1; cut < bytes.length; cut++) typist().type(bytes.slice(0, cut), bytes.slice(cut)).did("detach plain");
    });

  for (const [bytes, why] of [
    ["\x1b[100;5u", "Ctrl+d"],
    ["\x1b[100;3u", "Alt+d"],
    ["\x1b[100;9u", "Super+d"],
    ["\x1b[100:68;2u", "Shift+d"],
    ["\x1b[100;1:2u", "a repeat"],
    ["\x1b[100;1:3u", "a release"],
    ["\x1b[27;5;100~", "Ctrl+d of modifyOtherKeys"],
    ["\x1b[1100u", "another key"],
    ["\x1b[100~", "a function key"],
    ["\x1b[100;1Z", "another sequence"],
  ] as const)
    test(`${why} does not`, () => {
      typist().type(bytes).did(`>${bytes}`);
    });

  test("after an Esc of its own does not (Alt, in the legacy way)", () => {
    typist().type("\x1b\x1b[100u").wait(escapeTimeout).did(">\x1b\x1b[100u");
  });

  test("torn by a pause does not: a part of it has gone to the program", () => {
    typist().type("\x1b[10").wait(escapeTimeout).did(">\x1b[10").type("0u").did(">0u");
  });

  test("its release, when the press detached, is nobody's", () => {
    typist().type("\x1b[100;1:1u").type("\x1b[100;1:3u").did("detach plain");
  });
});

describe("Ctrl-\\", () => {
  const encodings = ["\x1c", "\x1b[92;5u", "\x1b[92;5:1u", "\x1b[92;69u", "\x1b[27;5;92~"];

  for (const key of encodings) {
    const name = JSON.stringify(key);
    const release = key.startsWith("\x1b[92") ? "\x1b[92;5:3u" : "";

    test(`${name} alone detaches when its time is over, in any session`, () => {
      for (const base of [launch, plain]) {
        const t = new Typist({}, base).type(key).did();
        assert.equal(t.keys.deadline, 1000 + prefixTimeout);
        t.wait(prefixTimeout - 1)
          .did()
          .wait(1)
          .did("detach prefix");
        assert.equal(t.keys.deadline, null);
      }
    });

    test(`${name} twice sends it once, as it was typed`, () => {
      typist().type(key, key).did(`>${key}`).wait(5000).did();
      typist().type(key, release, key, release).did(`>${key}${release}`);
      typist()
        .type(key)
        .wait(prefixTimeout - 1)
        .type(key)
        .did(`>${key}`);
      typist().type(`a${key}${key}b`).did(`>a${key}b`);
    });

    test(`${name} three times sends it and then detaches; four times sends two`, () => {
      typist().type(key, key, key).did(`>${key}`).wait(prefixTimeout).did("detach prefix");
      typist().type(key, key, key, key).did(`>${key}${key}`).wait(5000).did();
    });

    test(`${name} then [ opens the history, also in the kitty encoding`, () => {
      for (const bracket of ["[", "\x1b[91u", "\x1b[91;1u", "\x1b[91;65u", "\x1b[56:91;2u", "\x1b[56;2;91u"]) {
        typist().type(key, bracket).did("history").wait(5000).did().type("j").did(">j");
        typist().type(`x${key}${release}${bracket}y`).did(">x", "history", ">y");
      }
    });

    test(`${name} then any other key detaches at once`, () => {
      for (const other of ["d", "x", "\r", "\x03", "\x1b[A", "\x1bOA", "\x1b[120u", "\x1b[91;5u"])
        typist().type(key, other).did("detach prefix");
    });
  }

  test("then a modifier key alone (kitty reports it) still waits", () => {
    typist()
      .type("\x1b[92;5u", "\x1b[57442;5:3u", "\x1b[57441;2u", "\x1b[56:91;2u")
      .did(">\x1b[57442;5:3u\x1b[57441;2u", "history");
  });

  test("held down is not twice", () => {
    typist().type("\x1b[92;5u", "\x1b[92;5:2u", "\x1b[92;5:2u").did().wait(prefixTimeout).did("detach prefix");
  });

  test("then Esc detaches once it is known not to be a reply", () => {
    typist().type("\x1c", "\x1b").did().wait(escapeTimeout).did("detach prefix");
  });

  test("then a paste detaches; nothing of the paste goes anywhere", () => {
    typist().type("\x1c", "\x1b[200~secret\x1b[201~").did("detach prefix");
  });

  test("then a reply, a mouse report or a focus report is no key", () => {
    typist().type("\x1c", "\x1b[?62;22c", "\x1b]11;rgb:dddd/dddd/dddd\x07").did().type("\x1c").did(">\x1c");
    typist().type("\x1c", "\x1b[<35;10;10M", "\x1b[O").did(">\x1b[<35;10;10M").wait(prefixTimeout).did("detach prefix");
  });

  test("another control key, and none, may be configured", () => {
    typist({ prefix: 1 }).type("\x1c").did(">\x1c").type("\x01").wait(prefixTimeout).did("detach prefix");
    typist({ prefix: 1 }).type("\x1b[97;5u").wait(prefixTimeout).did("detach prefix");
    typist({ prefix: null }).type("\x1c\x1c\x1b[92;5u").wait(5000).did(">\x1c\x1c\x1b[92;5u");
  });

  test("with Shift, where the character needs it, counts; with Alt it does not", () => {
    typist().type("\x1b[223:92;6u").wait(prefixTimeout).did("detach prefix");
    typist().type("\x1b[92;7u").wait(prefixTimeout).did(">\x1b[92;7u");
    typist().type("\x1b[92u").wait(prefixTimeout).did(">\x1b[92u");
    // Alt+Ctrl-\ in the legacy encoding
    typist().type("\x1b\x1c").wait(prefixTimeout).did(">\x1b\x1c");
  });
});

describe("a paste", () => {
  const paste = (text: string) => `\x1b[200~${text}\x1b[201~`;

  test("detaches nothing, whatever is in it, however it is cut", () => {
    for (const text of ["d", "\x1c", "\x1c\x1c", "\x1b[100u", "\x1b[5~", "\x1b[200~d", "\x1b]11;rgb:dd", "\x1b[20", "a\x1b"]) {
      const bytes = paste(text);
      for (let cut = 1; cut < bytes.length; cut++)
        typist({ historyKey: true }).type(bytes.slice(0, cut), bytes.slice(cut)).did(`>${bytes}`);
      typist()
        .type(...bytes)
        .did(`>${bytes}`);
    }
  });

  test("has its brackets only where the program asked for them", () => {
    typist({ bracketedPaste: false }).type(paste("d"), "j").did(">dj");
    typist({ bracketedPaste: true })
      .type(paste("d"), "j")
      .did(`>${paste("d")}j`);
    typist({ bracketedPaste: false })
      .type(...paste("d\x1b[20d"))
      .did(">d\x1b[20d");
  });

  test("keeps the brackets that it began with", () => {
    const t = typist().type("\x1b[200~text");
    t.policy = { ...t.policy, bracketedPaste: false };
    t.type("more\x1b[201~").did(">\x1b[200~textmore\x1b[201~");
  });

  test("is followed by keys again", () => {
    typist()
      .type(paste("d"))
      .type("d")
      .did(`>${paste("d")}`, "detach plain");
  });

  test("whose end never comes is over after a long silence", () => {
    typist()
      .type("\x1b[200~abc")
      .wait(pasteReset - 1)
      .type("d")
      .did(">\x1b[200~abcd")
      .wait(pasteReset)
      .type("d")
      .did("detach plain");
  });

  test("of which a part of the end is late is not over", () => {
    typist({ bracketedPaste: false })
      .type("\x1b[200~abc\x1b[20")
      .did(">abc")
      .wait(escapeTimeout)
      .did(">\x1b[20")
      .type("1~")
      .did(">1~")
      .type("d")
      .did("detach plain");
    typist().type("\x1b[200~abc\x1b[20").wait(quietReset).type("x").type("d").did(">\x1b[200~abc\x1b[20xd");
  });

  test("has Ctrl+C handed out by itself, since the terminal makes a signal of it", () => {
    typist().type(paste("a\x03b")).did(">\x1b[200~a", "^03", ">b\x1b[201~");
  });

  test("an end without a beginning is the program's where it wants brackets", () => {
    typist().type("\x1b[201~").did(">\x1b[201~");
    typist({ bracketedPaste: false }).type("\x1b[201~").did();
  });
});

describe("replies of the terminal", () => {
  const replies = [
    "\x1b[?62;1;2;4c",
    "\x1b[>41;379;0c",
    "\x1b[=1;2c",
    "\x1b[0n",
    "\x1b[12;34R",
    "\x1b[1;1R",
    "\x1b[?12;34R",
    "\x1b[?2026;2$y",
    "\x1b[4;2$y",
    "\x1b[?1u",
    "\x1b[?0u",
    "\x1b[8;24;80t",
    "\x1b[4;600;800t",
    "\x1b[2;1;1;128;128;1;0x",
    "\x1b]11;rgb:dddd/dddd/dddd\x07",
    "\x1b]11;rgb:dddd/dddd/dddd\x1b\\",
    "\x1b]4;1;rgb:dd/dd/dd\x1b\\",
    "\x1b]52;c;ZGQ=\x07",
    "\x1bP>|XTerm(379)\x1b\\",
    "\x1bP1$r0;4:3m\x1b\\",
    "\x1bP1+r544e=787465726d\x1b\\",
    "\x1bP!|00000000\x1b\\",
    "\x1b_Gi=31;OK\x1b\\",
    "\x9b?62c",
    "\x9d11;rgb:dddd/dddd/dddd\x9c",
  ];
  for (const reply of replies)
    test(`${JSON.stringify(reply)} is nobody's, cut anywhere, and detaches nothing`, () => {
      typist().type(`j${reply}k`).did(">jk");
      for (let cut = 1; cut < reply.length; cut++)
        typist().type(reply.slice(0, cut), reply.slice(cut)).type("j").wait(quietReset).did(">j");
      typist()
        .type(...reply)
        .wait(quietReset)
        .did();
    });

  test("torn by a slow line are sent whole, and still detach nothing", () => {
    for (const reply of replies.filter((reply) => reply.includes("dddd"))) {
      const cut = reply.indexOf("dddd") + 1;
      const t = typist()
        .type(reply.slice(0, cut))
        .did()
        .wait(escapeTimeout)
        .did(`>${reply.slice(0, cut)}`);
      t.type("d")
        .did(">d")
        .wait(quietReset - 1)
        .type("d")
        .did(">d");
      t.type(reply.slice(cut + 2))
        .did(`>${reply.slice(cut + 2)}`)
        .type("d")
        .did("detach plain");
    }
  });

  test("F3 with modifiers is a key, though a cursor report looks alike", () => {
    for (const key of ["\x1b[1;2R", "\x1b[1;5R", "\x1b[1;1:3R", "\x1b[1;2:2R", "\x1b[R"]) typist().type(key).did(`>${key}`);
  });

  test("what is said unasked, in modes 2031 and 2048, is the program's", () => {
    for (const report of ["\x1b[?997;1n", "\x1b[48;24;80;480;800t"]) typist().type(report).did(`>${report}`);
  });

  test("longer than any reply are passed on as they come", () => {
    const long = `\x1b]52;c;${"A".repeat(longestString)}\x07`;
    typist().type(long).did(`>${long}`).type("d").did("detach plain");
    const csi = `\x1b[${"1;".repeat(longestCsi / 2)}n`;
    typist().type(csi).did(`>${csi}`).type("d").did("detach plain");
    // the d that ends it is its last byte
    typist()
      .type(csi.slice(0, -1), "d")
      .did(`>${csi.slice(0, -1)}d`);
  });

  test("that no terminal ends hold the keys only until a person has typed something", () => {
    // Alt+] is no operating system command
    typist().type("\x1b]").wait(escapeTimeout).did(">\x1b]").type("\r").type("d").did(">\r", "detach plain");
    typist().type("\x1b]").wait(quietReset).type("d").did(">\x1b]", "detach plain");
    typist().type("\x1bP", "\x18", "d").did(">\x1bP\x18", "detach plain");
  });

  test("that turn out to be none are the program's", () => {
    typist().type("\x1b]0;x\x1b[A").did(">\x1b]0;x\x1b[A");
    typist().type("\x1b[12\x03").did(">\x1b[12", "^03");
    typist().type("\x1b[12\x1b[A").did(">\x1b[12\x1b[A");
    typist().type("\x1b[12\x7f").did(">\x1b[12\x7f");
  });
});

describe("mouse and focus reports", () => {
  for (const report of [
    "\x1b[<0;100;100M",
    "\x1b[<35;100;100m",
    "\x1b[96;100;100M",
    "\x1b[M ddd".slice(0, 6),
    "\x1b[Mddd",
    "\x1b[M\x60\xc2\xa0\xc4\x80",
  ])
    test(`${JSON.stringify(report)} is the program's, cut anywhere`, () => {
      typist().type(report).did(`>${report}`);
      for (let cut = 1; cut < report.length; cut++) typist().type(report.slice(0, cut), report.slice(cut)).did(`>${report}`);
      typist()
        .type(...report.slice(0, -1), report.slice(-1), "d")
        .did(`>${report}`, "detach plain");
    });

  test("a report that a key cuts short is over", () => {
    typist().type("\x1b[M  ", "\x1b[A").did(">\x1b[M  \x1b[A").type("d").did("detach plain");
  });

  test("focus goes to a program that asked for it", () => {
    typist({ focus: true }).type("\x1b[I", "\x1b[O").did(">\x1b[I\x1b[O");
    typist({ focus: false }).type("\x1b[I", "\x1b[O", "j").did(">j");
    typist({ focus: false }).type("\x1b[").wait(escapeTimeout).type("I").did(">\x1b[I");
  });
});

describe("keys of the program", () => {
  const keys = [
    "j",
    "k",
    "\r",
    "\t",
    "\x7f",
    "\x1b[A",
    "\x1b[1;5A",
    "\x1bOA",
    "\x1bOP",
    "\x1b[15~",
    "\x1b[15;2~",
    "\x1b[[A",
    "\x1b[[E",
    "\x1b[Z",
    "\x1bj",
    "\x1b\x1b[A",
    "\x1b\x1bOA",
    "\x1b\x7f",
    "é",
    "漢",
    "\u{1f600}",
    "\x1b[97u",
    "\x1b[97;1:3u",
    "\x1b[57399u",
    "\x1b[1;1:2A",
    "\x1bé",
    "\x1b[27;5;9~",
    "\x00",
    "\x01",
    "\x1d",
    "\x1b[6~",
    "\x1b[5;5~",
    "\x1bOd",
    "\x1b[d",
  ];
  for (const key of keys) {
    const bytes = Buffer.from(key);
    test(`${JSON.stringify(key)} arrives as it is, cut anywhere`, () => {
      for (let cut = 0; cut < bytes.length; cut++) {
        const t = typist({ historyKey: true }).type(bytes.subarray(0, cut), bytes.subarray(cut)).wait(escapeTimeout);
        t.did(`>${bytes.toString("latin1")}`)
          .type("d")
          .did("detach plain");
      }
    });
  }

  test("Esc alone arrives after the pause that tells it from a sequence", () => {
    const t = typist().type("\x1b").did();
    assert.equal(t.keys.deadline, 1000 + escapeTimeout);
    t.wait(escapeTimeout - 1)
      .did()
      .wait(1)
      .did(">\x1b");
    assert.equal(t.keys.deadline, null);
    typist().type("\x1b", "\x1b").did(">\x1b").wait(escapeTimeout).did(">\x1b");
  });

  test("an eight-bit CSI is one; the same byte within a character is not", () => {
    typist()
      .type(Buffer.from([0x9b, 0x41]))
      .did(">\x9bA");
    typist()
      .type(Buffer.from([0xc2, 0x9b]), "d")
      .did(">\xc2\x9b", "detach plain");
    typist()
      .type(Buffer.from([0xe2, 0x9b, 0x84]), "d")
      .did(">\xe2\x9b\x84", "detach plain");
  });

  test("of a chunk that its owner uses again are not changed", () => {
    const typed = typist();
    const chunk = Buffer.from("abc");
    const actions = typed.keys.feed(chunk);
    chunk.fill(0);
    assert.deepEqual(actions, [{ do: "send", bytes: Buffer.from("abc") }]);
  });

  test("an empty chunk is nothing", () => {
    typist().type("", "\x1b[", "", "A").did(">\x1b[A");
  });
});

describe("the interrupt key", () => {
  test("is handed out by itself, in its place", () => {
    typist().type("a\x03b\x03\x03").did(">a", "^03", ">b", "^03", "^03");
  });

  test("is the terminal's own (VINTR), where the terminal makes a signal of it", () => {
    typist({ interruptByte: 0x0b }).type("\x03\x0b").did(">\x03", "^0b");
    typist({ isig: false }).type("\x03").did(">\x03");
    typist({ interruptByte: null }).type("\x03\x00").did(">\x03\x00");
  });

  test("in the kitty encoding is a key like any other: the terminal makes no signal of it", () => {
    typist().type("\x1b[99;5u").did(">\x1b[99;5u");
  });

  test("as the prefix's own byte detaches", () => {
    // a program may set VINTR to Ctrl-\; leaving counts for more
    typist({ interruptByte: 0x1c }).type("\x1c").wait(prefixTimeout).did("detach prefix");
    typist({ interruptByte: 0x1c }).type("\x1c\x1c").did("^1c");
  });
});

describe("PageUp", () => {
  test("opens the history where the session says so, and is a key elsewhere", () => {
    for (const key of ["\x1b[5~", "\x1b[5;1~", "\x1b[5;1:1~"]) {
      typist({ historyKey: true }).type(`j${key}k`).did(">j", "history", ">k");
      typist({ historyKey: false }).type(key).did(`>${key}`);
      typist().type(key).did(`>${key}`);
    }
  });

  test("with a modifier, repeated, released or torn is the program's", () => {
    for (const key of ["\x1b[5;2~", "\x1b[5;5~", "\x1b[5;1:2~", "\x1b[5;1:3~"])
      typist({ historyKey: true }).type(key).did(`>${key}`);
    typist({ historyKey: true }).type("\x1b[5").wait(escapeTimeout).type("~").did(">\x1b[5~");
  });

  test("behind Ctrl-\\ detaches, as any key does", () => {
    typist({ historyKey: true }).type("\x1c", "\x1b[5~").did("detach prefix");
  });
});

describe("time", () => {
  test("only what waits has a deadline", () => {
    const t = typist();
    assert.equal(t.keys.deadline, null);
    t.type("\x1b[200~abc");
    assert.equal(t.keys.deadline, null, "a paste holds nothing back");
    t.type("\x1b[201~\x1b[");
    assert.equal(t.keys.deadline, t.now + escapeTimeout);
    t.type("A");
    assert.equal(t.keys.deadline, null);
    t.type("\x1c");
    assert.equal(t.keys.deadline, t.now + prefixTimeout);
    t.type("\x1b");
    assert.equal(t.keys.deadline, t.now + escapeTimeout, "the earlier of the two");
  });

  test("a late timer counts when the next key comes", () => {
    const t = typist().type("\x1c");
    t.now += prefixTimeout;
    t.type("\x1c").did("detach prefix");
  });

  test("a timer that comes early changes nothing", () => {
    const t = typist().type("\x1b[1");
    assert.deepEqual(t.keys.timeout(), []);
    t.type(";5A").did(">\x1b[1;5A");
  });

  test("what was typed when is told, and decides what is twice, what is a sequence and what is a paste", () => {
    const at = (...keys: [string, number][]) => {
      const t = typist();
      // a server that stood still gets all of it at once
      for (const [key, typed] of keys) t.at(key, typed);
      return t;
    };
    at(["\x1c", 0], ["\x1c", prefixTimeout - 1]).did(">\x1c");
    at(["\x1c", 0], ["\x1c", prefixTimeout]).did("detach prefix");
    at(["\x1b", 0], ["d", quietReset]).did(">\x1b", "detach plain");
    at(["\x1b", 0], ["d", quietReset - 1]).did(">\x1bd");
    at(["\x1b[200~x", 0], ["d", pasteReset - 1], ["\x1b[201~", pasteReset]).did(">\x1b[200~xd\x1b[201~");
    at(["\x1b[200~x", 0], ["d", pasteReset]).did(">\x1b[200~x", "detach plain");
  });

  test("a prefix that came late waits for what may be on its way behind it", () => {
    const t = typist().at("\x1c", -5000);
    t.wait(prefixTimeout - 1).did();
    t.at("\x1c", -4900).did(">\x1c");
    typist().at("\x1c", -5000).wait(prefixTimeout).did("detach prefix");
  });

  test("a clock that goes backwards loses nothing", () => {
    const t = typist().type("\x1b[1");
    t.now -= 5000;
    t.type(";5A").did(">\x1b[1;5A");
  });
});

describe("an open question", () => {
  const asked = (policy: Partial<KeyPolicy> = {}) => {
    const t = typist(policy);
    t.keys.ask();
    return t;
  };

  test("is answered by the next key that is typed, which goes nowhere else; then all is as before", () => {
    for (const yes of ["y", "Y", "\x1b[121u", "\x1b[121;1:1u", "\x1b[121:89;2u", "\x1b[89;65u", "\x1b[27;2;89~"]) {
      asked().type(yes).did("yes").type("j").did(">j");
    }
    const no = ["n", "d", "\r", "\x03", " ", "\x7f", "\xc3\xa9", "\xf0\x9f\x98\x80", "\x1b[A", "\x1bOA", "\x1b[[A", "\x1b[15~"];
    for (const key of [...no, "\x1by", "\x1b\xc3\xa9", "\x1b\x1b[A", "\x1b[110u", "\x1b[121;5u", "\x1b[1;5A", "\x1b[Z"]) {
      asked().type(key).did("no").type("y").did(">y");
      // cut anywhere, and with more behind it
      asked()
        .type(...[...key].map((byte) => Buffer.from(byte, "latin1")))
        .did("no");
      asked().type(`${key}jk`).did("no", ">jk");
    }
    asked().type("\x1b").wait(100).did("no").type("y").did(">y");
    asked().type("yy").did("yes", ">y");
  });

  test("the release of the key that answered is nobody's, and holding a key down is no answer", () => {
    asked().type("\x1b[121;1:1u\x1b[121;1:2u").did("yes", ">\x1b[121;1:2u");
    asked().type("\x1b[121;1:1u").did("yes").type("\x1b[121;1:3u").did();
    asked().type("\x1b[99;5:2u").did().type("\x1b[99;5:3u").did(">\x1b[99;5:3u").type("y").did("yes");
    asked().type("\x1b[57442;5u").did(">\x1b[57442;5u").type("y").did("yes");
  });

  const reports = [
    "\x1b[<0;1;1M",
    "\x1b[<35;12;7m",
    "\x1b[M !!",
    "\x1b[32;5;6M",
    "\x1b[I",
    "\x1b[O",
    "\x1b[?62;22c",
    "\x1b[>0;276;0c",
    "\x1b[5;10R",
    "\x1b[1;1R",
    "\x1b[0n",
    "\x1b[?997;1n",
    "\x1b[48;24;80;480;800t",
    "\x1b[8;24;80t",
    "\x1b[?2026;2$y",
    "\x1b[?1u",
    "\x1b]11;rgb:yyyy/dddd/dddd\x07",
    "\x1b]52;c;eQ==\x1b\\",
    "\x1bP1$r0m\x1b\\",
    "\x1bP>|yterm 1\x1b\\",
    "\x1b_Gi=1;OK\x1b\\",
    "\x1b[200~y\r\x1b[201~",
  ];
  test("is not answered by what the terminal says by itself, nor by a paste, however it is cut", () => {
    for (const report of reports) {
      for (let cut = 1; cut <= report.length; cut++) {
        const t = asked();
        for (const part of [report.slice(0, cut), report.slice(cut)]) {
          if (part === "") continue;
          t.type(part);
          // a slow line: what has come is sent as it stands; only Esc by itself is a key
          if (cut > 1) t.wait(60);
        }
        // whatever of it was the program's, there was no answer
        const before = t.keys;
        assert.deepEqual(
          before.feed(Buffer.from("y")).map((action) => action.do),
          ["answer"],
          JSON.stringify([report, cut]),
        );
      }
    }
  });

  test("leaving is possible all the same", () => {
    asked().type("\x1c").did().wait(300).did("detach prefix");
    asked().type("\x1c").did().type("y").did("detach prefix");
  });
});
