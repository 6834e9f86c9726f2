// What a terminal that reads no UTF-8 is written: no byte that it could take for a control, and nothing in
// another column than before.
import assert from "node:assert/strict";
import { test } from "node:test";
import { showable } from "../../../../src/base/text/terminal-bytes.ts";
import { textWidth } from "../../../../src/logs/char-width.ts";
import { asciiTerminal, inAscii } from "../../../../src/session/viewers/ascii-terminal.ts";

test("letters, lines, bars and marks are what they look like, as wide as they were", () => {
  const pairs = [
    ["Ünïcödé Û Å ñ ø ß", "Unicode U A n o s"],
    ["┌──┬─┐│x│└──┘", "+--+-+|x|+--+"],
    ["12%|███▌ | ⣿⠀", "12%|#### | : "],
    ["“a” — b…", '"a" - b.'],
    ["日本", "????"],
    ["e\u0301", "e"],
    ["½ ﬁ", "? ?"],
  ];
  for (const [text = "", ascii = ""] of pairs) {
    assert.equal(inAscii(text), ascii);
    assert.equal(textWidth(ascii), textWidth(text), text);
  }
});

test("every character is printable ASCII of its width; C1 controls are their two bytes", () => {
  for (let code = 0xa0; code < 0x30000; code++) {
    if (code >= 0xd800 && code < 0xe000) continue;
    const text = String.fromCodePoint(code);
    const ascii = inAscii(text);
    assert.match(ascii, /^[ -~]*$/, code.toString(16));
    if (ascii.length !== textWidth(text)) assert.fail(`${code.toString(16)}: ${ascii}`);
  }
  assert.equal(inAscii("\u009b31mx\u009c"), "\x1b[31mx\x1b\\");
  assert.equal(inAscii("\x1b[1;31mx\r\n\t\x1b[m"), "\x1b[1;31mx\r\n\t\x1b[m");
});

test("a character that comes in pieces is one, and what is none is a mark", () => {
  let written = "";
  const terminal = asciiTerminal({
    write: (bytes) => (written += Buffer.from(bytes).toString("latin1")),
    backlog: () => 0,
    onDrained: () => {},
    direct: { begin: () => {}, end: () => {} },
  });
  const bytes = Buffer.concat([Buffer.from("aÛ─"), Buffer.from([0x9b, 0xff, 0x62])]);
  for (const byte of bytes) terminal.write(showable(Buffer.from([byte])));
  assert.equal(written, "aU-??b");
  assert.equal(terminal.direct, undefined, "it reads nothing itself");
  assert.equal(terminal.drawn, true);
});
