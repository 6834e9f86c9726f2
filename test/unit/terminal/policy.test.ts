// What programs may do to viewers' terminals: every kind of sequence by rule, cut anywhere, and never more
// than the rules allow.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { defaultConfig, type ProgramSequences } from "../../../src/base/config/config.ts";
import { StreamFilter } from "../../../src/platform/stream-filter.ts";

/** As in native/filter/stream_filter.h. */
const longestString = 64 << 10;

const rules = defaultConfig.programSequences;
const all = (passage: "pass" | "block"): ProgramSequences => ({
  clipboard: passage,
  title: passage,
  notification: passage,
  colours: passage,
  links: passage,
  images: passage,
  keys: passage,
  window: passage,
});

/** What is left of a text, whole and byte by byte (both must agree). */
function filtered(text: string, by: ProgramSequences = rules): string {
  const bytes = Buffer.from(text);
  const whole = new StreamFilter(by, { of: "screen" }).feed(bytes).toString();
  const single = new StreamFilter(by, { of: "screen" });
  const parts = Buffer.concat([...bytes].map((byte) => Buffer.from(single.feed(Buffer.from([byte]))))).toString();
  assert.equal(parts, whole, `cut at every byte: ${JSON.stringify(text)}`);
  return whole;
}
/** Whether a sequence goes through as it is. */
const passes = (text: string, by: ProgramSequences = rules) => filtered(`a${text}b`, by) === `a${text}b`;
const st = "\x1b\\";

describe("each kind by its rule", () => {
  const kinds: Record<keyof ProgramSequences, string[]> = {
    clipboard: [
      "\x1b]52;c;aGk=\x07",
      `\x1b]52;;aGk=${st}`,
      "\x1b]5522;type=write\x07",
      "\x1b]1337;CopyToClipboard=\x07",
      "\x1b]1337;Copy=:aGk=\x07",
    ],
    title: [
      "\x1b]0;a title\x07",
      `\x1b]2;rm -rf ~${st}`,
      "\x1b]1;icon\x07",
      "\x1b]lsun's\x1b\\",
      "\x1b[22;0t",
      "\x1b[23;2t",
      "\x1b]1337;SetBadgeFormat=eA==\x07",
    ],
    notification: [
      "\x1b]9;done\x07",
      "\x1b]9;4;1;50\x07",
      "\x1b]99;i=1;done\x07",
      "\x1b]777;notify;a;b\x07",
      "\x1b]1337;RequestAttention=yes\x07",
    ],
    colours: ["\x1b]4;1;rgb:00/00/00\x07", "\x1b]11;#000\x07", "\x1b]104\x07", "\x1b]112\x1b\\", "\x1b]22;pointer\x07"],
    links: ["\x1b]8;;https://example.org\x1b\\", "\x1b]7;file:///tmp\x07", "\x1b]133;A\x07", "\x1b]9;9;/tmp\x07"],
    images: ["\x1bPq#0;2;0;0;0~\x1b\\", "\x1bP0;1;8q~\x1b\\", "\x1b]1337;File=inline=1:eA==\x07"],
    keys: ["\x1bP1;1|17/6c73\x1b\\", "\x1bP|17/6c73\x1b\\", "\x1b]1337;SetKeyLabel=F1=x\x07"],
    window: [
      "\x1b[8;24;80t",
      "\x1b[2t",
      "\x1b[3;0;0t",
      "\x1b[9;1t",
      "\x1b[48t",
      "\x1b[132$|",
      "\x1b[40*|",
      "\x1b]1337;StealFocus\x07",
    ],
  };
  for (const [kind, sequences] of Object.entries(kinds) as [keyof ProgramSequences, string[]][]) {
    test(kind, () => {
      for (const sequence of sequences) {
        assert.ok(passes(sequence, { ...all("block"), [kind]: "pass" }), `passed alone: ${JSON.stringify(sequence)}`);
        const left = filtered(`a${sequence}b`, { ...all("pass"), [kind]: "block" });
        assert.equal(left, `a${st}b`, `blocked alone: ${JSON.stringify(sequence)}`);
      }
    });
  }

  test("the defaults", () => {
    assert.deepEqual(
      Object.entries(kinds).map(([kind, sequences]) => [
        kind,
        sequences.every((s) => passes(s)),
        sequences.some((s) => passes(s)),
      ]),
      Object.entries(rules).map(([kind, passage]) => [kind, passage === "pass", passage === "pass"]),
    );
  });
});

test("behind a reset stands what we need of the terminal again; of modes that are blocked the others are left", () => {
  assert.equal(filtered("a\x1bcb", all("block")), "a\x1bc\x1b[?2004hb");
  assert.equal(filtered("a\x1b[!pb", all("block")), "a\x1b[!p\x1b[?2004hb");
  assert.equal(filtered("a\x1b[4;2;12;20hb", all("block")), "a\x1b\\\x1b[4;20hb");
  assert.equal(filtered("a\x1b[?25;2;7lb", all("block")), "a\x1b\\\x1b[?25;7lb");
  for (const passes of ["\x1b[4h", "\x1b[20l", "\x1b F", "\x1b%G", "\x1b[s", "\x1b[2;5r", "\x1b[22m", "\x1b[?1002h"])
    assert.equal(filtered(`a${passes}b`, all("block")), `a${passes}b`);
});

test("never, whatever the rules say: logs, macros, editors' functions, other terminals' passages, printing", () => {
  for (const sequence of [
    "\x1b]46;/home/ada/.bashrc\x07",
    '\x1b]51;["call","Tapi_x",[]]\x07',
    "\x1b]50;font\x07",
    "\x1b]3;PROPERTY=x\x07",
    "\x1b]9;6;macro\x07",
    "\x1b]777;preexec\x07",
    "\x1b]1337;SetProfile=x\x07",
    "\x1b]1337;Custom=id=x:y\x07",
    "\x1b]12345;x\x07",
    "\x1b]not a number\x07",
    "\x1b]P0000000\x07",
    "\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\",
    "\x1bP0;0;0!z6c73\x1b\\",
    "\x1bP0$t1;2\x1b\\",
    '\x1bP"x1/1/1\x1b\\',
    "\x1b_a title for tmux\x1b\\",
    "\x1b^a message\x1b\\",
    "\x1bXa string\x1b\\",
    "\x1b[2h",
    "\x1b[12l",
    "\x1b[2;12h",
    "\x1b[?2l",
    "\x1b[002h",
    "\x1b G",
    "\x1b%@",
    '\x1b[62"p',
    '\x1b[65;2"p',
    "\x1b[3h",
    "\x1b[7h",
    "\x1b[12;3]",
    "\x1b[>3p",
    "\x1b[>1s",
    "\x1b[1$}",
    "\x1b[2$~",
    "\x1b[?2004;1007s",
    "\x1b[?2004r",
    "\x1b[5i",
    "\x1b[?5i",
    "\x1b[>2;3t",
  ]) {
    const left = filtered(`a${sequence}b`, all("pass"));
    assert.ok(!left.includes(sequence.slice(0, 4)), JSON.stringify(left));
    assert.match(left, /^a[\s\S]*b$/);
  }
});

test("a mode that writes a log is taken out of a list of modes; a screen's title is text, as for the session's own terminal", () => {
  assert.equal(filtered("\x1b[?46h", all("pass")), st);
  assert.equal(filtered("\x1b[?25;46;1049h", all("pass")), `${st}\x1b[?25;1049h`);
  assert.equal(filtered("\x1b[?146h", all("pass")), st, "nobody could say how to give it back");
  assert.equal(filtered("\x1b[?25;2004;2048l", all("pass")), `${st}\x1b[?25l`, "what we need, what the session's screen answers");
  assert.equal(filtered("\x1b[?25:1h\x1b[4:2l", all("pass")), st + st, "no mode has a part");
  assert.ok(passes("\x1b[?2004h"));
  assert.equal(filtered("\x1bkname\x1b\\x", all("pass")), `${st}name\x1b\\x`);
});

test("what only draws is passed untouched, in place", () => {
  const drawing = Buffer.from(
    "plain · text\x1b[1;31mred\x1b[0m\x1b[?25l\x1b[2J\x1b[10;20H\x1b7\x1b8\x1b(B\x1b=\x1b[1 q\x1b[>4;2m\r\n é 漢",
  );
  const usual = Buffer.from("plain · text\x1b[1;31mred\x1b[0m\x1b[?25l\x1b[2J\x1b[10;20H\x1b7\x1b8\x1b=\r\n é 漢");
  assert.equal(new StreamFilter(all("block"), { of: "screen" }).feed(usual), usual, "the same buffer");
  assert.equal(filtered(drawing.toString(), all("block")), drawing.toString());
  assert.ok(passes("\x1bP=1s\x1b\\", all("block")), "synchronized output in its older form");
});

test("C1 controls in UTF-8 are the same as their two-character forms", () => {
  assert.equal(filtered("a\u009d52;c;aGk=\u009cb"), `a${st}b`);
  assert.ok(passes("\u009d0;title\u009c"));
  assert.equal(filtered("a\u009b8;24;80tb"), `a${st}b`);
  assert.equal(filtered("a\u0090tmux;x\u009cb"), `a${st}b`);
  assert.equal(filtered("a\u009fx\u009cb"), `a${st}b`);
  assert.ok(passes("\u009b31m"));
});

test("strings broken off, unfinished and begun anew", () => {
  assert.equal(filtered("\x1b]52;c;aG\x18text"), "\x18text", "CAN");
  assert.equal(filtered("\x1b]52;c;aG\x1b[31mred"), `${st}\x1b[31mred`, "another sequence");
  assert.equal(filtered("\x1b]52;c;aG"), "");
  assert.equal(filtered("\x1b]0;tit\x1b[31m"), `\x1b]0;tit${st}\x1b[31m`, "what begins next ends it, as in a terminal");
  assert.equal(filtered("text\x1b]0;tit"), "text", "no half of a string");
  assert.equal(filtered("é\x1b(\x1b[3"), "é", "nor of a sequence");
  assert.equal(filtered("\x1b[8;24\x1b[31m"), "\x1b[31m");
  assert.equal(filtered("\x1b[8;\n24;80t"), `\n${st}`, "a control inside acts at once");
  assert.equal(filtered("\x1b]0;two\nlines\x07"), "\x1b]0;twolines\x07", "a title is one line");
});

test("a broken C2 is never joined to a byte behind it by what is taken out between them", () => {
  for (const between of ["\x1b", "\x01", "\x1b\x7f"]) {
    for (const before of ["", "\x1b]0;t", "\x1b[1"]) {
      const bytes = Buffer.from(`${before}\xc2${between}\x9d52;c;aGk=\x07`, "latin1");
      const whole = new StreamFilter(rules, { of: "screen" }).feed(bytes);
      assert.ok(!whole.includes(Buffer.from([0xc2, 0x9d])), JSON.stringify(whole.toString("latin1")));
      const single = new StreamFilter(rules, { of: "screen" });
      const parts = [...bytes].map((byte) => Buffer.from(single.feed(Buffer.from([byte]))));
      assert.deepEqual(Buffer.concat(parts), Buffer.from(whole));
    }
  }
});

test("lengths are bounded: a string is cut, a control sequence of zeros is dropped, an endless head is blocked", () => {
  const long = filtered(`\x1b]0;${"x".repeat(longestString * 2)}\x07after`);
  assert.ok(long.length < longestString + 100);
  assert.ok(long.endsWith(`${st}after`), long.slice(-20));
  assert.equal(filtered(`a\x1b[${"0".repeat(600)}8;24;80tb`, all("pass")), `a${st}b`);
  // the final byte ends a sequence that is one byte too long, too (ECMA-48, 5.4): what follows is text
  assert.equal(filtered(`a\x1b[${"0".repeat(510)}mbcd`, all("pass")), `a${st}bcd`);
  assert.equal(filtered(`a\x1b]${"0".repeat(200)}52;c;aGk=\x07b`, all("pass")), `a${st}b`);
  assert.equal(filtered(`a\x1bP${"1;".repeat(200)}|x\x1b\\b`, all("pass")), `a${st}b`);
  const held = new StreamFilter(all("block"), { of: "screen" });
  for (let i = 0; i < 1000; i++) assert.ok(held.feed(Buffer.from(`\x1b]52;c;${"x".repeat(1000)}`)).length <= st.length);
});

describe("asking about the clipboard", () => {
  const asking = { ...rules, clipboard: "ask" as const };
  function asked(text: string): { left: string; sequences: string[] } {
    const sequences: string[] = [];
    const filter = new StreamFilter(asking, { of: "screen", ask: (sequence) => sequences.push(sequence.toString()) });
    return { left: filter.feed(Buffer.from(text)).toString(), sequences };
  }

  test("the whole sequence is handed over, and not passed", () => {
    assert.deepEqual(asked("a\x1b]52;c;aGk=\x07b"), { left: `a${st}b`, sequences: [`\x1b]52;c;aGk=${st}`] });
    assert.deepEqual(asked("a\x1b]52;c;aGk=\x1b\\b"), { left: `a${st}b`, sequences: [`\x1b]52;c;aGk=${st}`] });
  });

  test("one that is broken off or too long is not asked about", () => {
    assert.deepEqual(asked("a\x1b]52;c;aGk\x18b").sequences, []);
    assert.deepEqual(asked(`\x1b]52;c;${"x".repeat(longestString)}\x07b`).sequences, []);
  });

  test("without anybody to ask it is blocked", () => {
    assert.equal(new StreamFilter(asking, { of: "screen" }).feed(Buffer.from("a\x1b]52;c;aGk=\x07b")).toString(), `a${st}b`);
  });
});

test("whatever a program writes: cuts do not matter, and nothing blocked comes out in any form", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "\x1b",
      "]",
      "[",
      "P",
      "_",
      "\\",
      "\x07",
      "\x18",
      "52;c;",
      "0;",
      "8;;",
      "9;",
      "1337;",
      "Copy",
      "=",
      "t",
      "i",
      "h",
      "8;1;1",
      "?46",
    ),
    fc.constantFrom("\u009d", "\u009b", "\u009c", "\u0090", "é", "\x1b]52;c;aGk=\x07", "\x1bk", "q", "|", "text"),
    fc.string({ maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.array(fc.nat(40), { maxLength: 6 }), (pieces, cuts) => {
      const bytes = Buffer.from(pieces.join(""));
      const whole = new StreamFilter(all("block"), { of: "screen" }).feed(bytes);
      const filter = new StreamFilter(all("block"), { of: "screen" });
      const parts: Buffer[] = [];
      let at = 0;
      for (const cut of [...cuts, bytes.length]) {
        const end = Math.min(bytes.length, at + cut);
        parts.push(Buffer.from(filter.feed(bytes.subarray(at, end))));
        at = end;
      }
      parts.push(Buffer.from(filter.feed(bytes.subarray(at))));
      assert.equal(Buffer.concat(parts).toString("hex"), whole.toString("hex"));
      const text = whole.toString();
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the introducers of strings
      assert.doesNotMatch(text, /\x1b[\]_^X]|\u009d|\u009f|\u009e|\u0098|\x1b\[[\d;]*t|\u009b[\d;]*t/);
      // a second time there is nothing left to take
      const again = new StreamFilter(all("block"), { of: "screen" }).feed(whole).toString();
      const without = (passed: string) => passed.replaceAll("\x1b[?2004h", "");
      assert.equal(without(again), without(text));
    }),
    { numRuns: 5000, seed: 2 },
  );
});

test("what has been passed at any moment ends between two sequences and two characters, so that ours can be put there", () => {
  const program = Buffer.from("a\x1b]0;a title\x07é漢😀\x1b[1;31mred\x1b(B\x1b]8;;x\x1b\\link\u009d2;t\u009c");
  const ours = "\x1b]9;ours\x07";
  const filter = new StreamFilter(rules, { of: "screen" });
  let out = "";
  for (const byte of program) out += new TextDecoder("utf8", { fatal: true }).decode(filter.feed(Buffer.from([byte]))) + ours;
  assert.equal(out.replaceAll(ours, ""), program.toString());
  const ended = new StreamFilter(all("block"), { of: "screen" }).feed(Buffer.from(out.replaceAll(ours, "\x18"))).toString();
  assert.equal(ended.replaceAll("\x18", "").replaceAll(st, ""), "aé漢😀\x1b[1;31mred\x1b(Blink", "no CAN broke anything off");
});
