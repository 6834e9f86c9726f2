// Streams of output for property tests: everything that xterm.js understands, things that it ignores, and
// broken sequences.
import fc from "fast-check";
import { modeRules } from "../../../src/platform/native.ts";

const small = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom(24, 80, 255, 999, 65536) },
);

const parameters = fc.oneof(
  { weight: 2, arbitrary: fc.constant("") },
  { weight: 4, arbitrary: small.map(String) },
  { weight: 3, arbitrary: fc.tuple(small, small).map((p) => p.join(";")) },
  {
    weight: 1,
    arbitrary: fc.array(fc.oneof(small.map(String), fc.constant("")), { minLength: 1, maxLength: 4 }).map((p) => p.join(";")),
  },
);

const text = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 14 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "日本語",
      "한",
      "x日",
      "e\u0301",
      "a\u0300\u0301",
      "\u0301",
      "😀",

      "☎",
      "⌚",
      "│─┼",
      "\u200b",
      "ＡＢ",
      "\u{1f1e9}\u{1f1ea}",
      "\u00ad",
      "ﬁ",
      "\u{20000}",
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom("lqqqk", "x  x", "`abc~", "#$@[]{}") },
);

const controls = fc.constantFrom(
  "\r\n",
  "\r\n",
  "\n",
  "\r",
  "\b",
  "\t",
  "\x07",
  "\x0b",
  "\x0c",
  "\x0e",
  "\x0f",
  "\x7f",
  "\x00",
  "\x18",
  "\x1a",
  "\x05",
);

const colour = fc.oneof(
  fc.constantFrom(
    "",
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "7",
    "8",
    "9",
    "21",
    "22",
    "23",
    "24",
    "25",
    "27",
    "28",
    "29",
    "53",
    "55",
    "39",
    "49",
    "59",
    "100",
  ),
  fc.constantFrom("4:0", "4:1", "4:2", "4:3", "4:4", "4:5", "58:5:9", "58:2::10:20:30", "58;5;100", "38:2::1:2:3", "48:5:20"),
  fc.integer({ min: 30, max: 49 }).map(String),
  fc.integer({ min: 90, max: 107 }).map(String),
  fc.integer({ min: 0, max: 255 }).map((n) => `38;5;${n}`),
  fc.integer({ min: 0, max: 255 }).map((n) => `48;5;${n}`),
  fc.integer({ min: 0, max: 255 }).map((n) => `38;2;${n};1;2`),
  fc.integer({ min: 0, max: 255 }).map((n) => `48;2;3;${n};1`),
);
const sgr = fc.array(colour, { minLength: 1, maxLength: 3 }).map((p) => `\x1b[${p.join(";")}m`);

const csi = fc.tuple(parameters, fc.constantFrom(..."@ABCDEFGHIJKLMPSTXZ`abdefgsurIZ")).map(([p, final]) => `\x1b[${p}${final}`);

const special = fc.oneof(
  parameters.map((p) => `\x1b[${p} q`),
  parameters.map((p) => `\x1b[${p} @`),
  parameters.map((p) => `\x1b[${p} A`),
  parameters.map((p) => `\x1b[${p}'}`),
  parameters.map((p) => `\x1b[${p}'~`),
  parameters.map((p) => `\x1b[?${p}J`),
  parameters.map((p) => `\x1b[?${p}K`),
  parameters.map((p) => `\x1b[${p}"q`),
  parameters.map((p) => `\x1b[>${p}u`),
  parameters.map((p) => `\x1b[<${p}u`),
  parameters.map((p) => `\x1b[=${p}u`),
  parameters.map((p) => `\x1b[>${p}m`),
  parameters.map((p) => `\x1b[>${p}n`),
  parameters.map((p) => `\x1b[${p}t`),
  fc.constantFrom(
    "\x1b[22;0t",
    "\x1b[22;1t",
    "\x1b[22;2t",
    "\x1b[23;0t",
    "\x1b[23;1t",
    "\x1b[23;2t",
    "\x1b[!p",
    "\x1b[?W",
    "\x1b[3g",
    "\x1b[?5W",
  ),
  // region and cursor positions that matter to a small screen
  fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 9 })).map(([t, b]) => `\x1b[${t};${b}r`),
  fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 30 })).map(([y, x]) => `\x1b[${y};${x}H`),
);

const decModes = fc.constantFrom(
  1,
  2,
  3,
  5,
  6,
  6,
  7,
  7,
  8,
  9,
  12,
  25,
  45,
  47,
  66,
  69,
  1000,
  1001,
  1002,
  1003,
  1004,
  1005,
  1006,
  1007,
  1015,
  1016,
  1034,
  1047,
  1048,
  1049,
  1049,
  1070,
  2004,
  2026,
  2027,
  2031,
  2048,
  9001,
);
const modes = fc.oneof(
  fc
    .tuple(fc.array(decModes, { minLength: 1, maxLength: 3 }), fc.constantFrom("h", "l"))
    .map(([m, f]) => `\x1b[?${m.join(";")}${f}`),
  fc.tuple(fc.constantFrom(4, 4, 20, 12, 2), fc.constantFrom("h", "l")).map(([m, f]) => `\x1b[${m}${f}`),
);

const escapes = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(..."78DEMHNOno|}~=>".split("").map((c) => `\x1b${c}`)) },
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constantFrom(..."()*+-./"), fc.constantFrom(..."0AB4C5RQKYE6ZH7=1")).map((p) => `\x1b${p.join("")}`),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom("\x1b%@", "\x1b%G", "\x1b#8", "\x1b#3", "\x1b F", "\x1bZ", "\x1b\\", "\x1bV", "\x1bc"),
  },
);

const words = fc.constantFrom("title", "", "a;b", "ünïcödé", "?", "#102030", "rgb:1/2/3", "red", "x".repeat(60));
const strings = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(0, 1, 2, 7, 10, 11, 12, 17, 19, 22, 104, 110, 111, 112, 117, 119, 133, 9, 52, 633, 1337),
      words,
      fc.constantFrom("\x07", "\x1b\\", "\u009c"),
    )
    .map(([n, w, end]) => `\x1b]${n};${w}${end}`),
  fc.tuple(fc.integer({ min: 0, max: 255 }), words).map(([n, w]) => `\x1b]4;${n};${w}\x07`),
  fc
    .tuple(fc.constantFrom("", "id=1", "id=2:x=y"), fc.constantFrom("", "http://a", "file:///b;c"))
    .map(([id, uri]) => `\x1b]8;${id};${uri}\x07`),
  fc.constantFrom(
    "\x1bP$qm\x1b\\",
    "\x1bP$qr\x1b\\",
    "\x1bP+q544e\x1b\\",
    "\x1bPq#0~~\x1b\\",
    "\x1b_Gi=1;AAAA\x1b\\",
    "\x1b^pm\x1b\\",
    "\x1bXsos\x1b\\",
    "\x1b]104\x07",
    "\x1b]8;;\x07",
  ),
);

const queries = fc.constantFrom(
  "\x1b[c",
  "\x1b[>c",
  "\x1b[=c",
  "\x1b[5n",
  "\x1b[6n",
  "\x1b[?6n",
  "\x1b[?2026$p",
  "\x1b[4$p",
  "\x1b[>q",
  "\x1b[?u",
  "\x1b]10;?\x07",
  "\x1b]4;1;?\x07",
  "\x1b[18t",
);

const broken = fc.oneof(
  fc.constantFrom(
    "\x1b[",
    "\x1b[12;",
    "\x1b]0;cut",
    "\x1bP1$",
    "\x1b",
    "\x1b(",
    "\x1b[?",
    "\x1b[1;2\x18",
    "\x1b[3\x1b[1m",
    "\x1b[1\r\n;4H",
    "\x1b[1?3h",
    "\u009b1m",
    "\u0084",
    "\u0085",
    "\u0088",
    "\u008d",
  ),
);

/** One piece of output as a program writes it. */
export const sequence: fc.Arbitrary<Buffer> = fc
  .oneof(
    { weight: 30, arbitrary: text },
    { weight: 14, arbitrary: controls },
    { weight: 10, arbitrary: sgr },
    { weight: 16, arbitrary: csi },
    { weight: 8, arbitrary: special },
    { weight: 8, arbitrary: modes },
    { weight: 8, arbitrary: escapes },
    { weight: 5, arbitrary: strings },
    { weight: 2, arbitrary: queries },
    { weight: 2, arbitrary: broken },
  )
  .map((t) => Buffer.from(t, "utf8"));

const bytes = fc.uint8Array({ minLength: 1, maxLength: 6 }).map((b) => Buffer.from(b));

/** Output: sequences, rarely raw bytes. */
export const stream: fc.Arbitrary<Buffer> = fc
  .array(fc.oneof({ weight: 40, arbitrary: sequence }, { weight: 1, arbitrary: bytes }), {
    minLength: 1,
    maxLength: 60,
    size: "max",
  })
  .map((parts) => Buffer.concat(parts));

/** Sizes that are small, so that edges are met. */
export const size = fc.record({ cols: fc.integer({ min: 2, max: 24 }), rows: fc.integer({ min: 1, max: 9 }) });

const privateModes = modeRules.filter(({ dec }) => dec).map(({ mode }) => mode);
const ansiModes = modeRules.filter(({ dec }) => !dec).map(({ mode }) => mode);
/** Of no table. */
const unknownModes = [0, 146, 4242, 99_999];
const privateSetting = fc
  .tuple(
    fc.array(fc.constantFrom(...privateModes, ...unknownModes), { minLength: 1, maxLength: 4 }),
    fc.constantFrom("h", "l", "s", "r"),
  )
  .map(([modes, final]) => `\x1b[?${modes.join(";")}${final}`);
const ansiSetting = fc
  .tuple(fc.array(fc.constantFrom(...ansiModes, 7), { minLength: 1, maxLength: 3 }), fc.constantFrom("h", "l"))
  .map(([modes, final]) => `\x1b[${modes.join(";")}${final}`);
const otherStates = fc.constantFrom(
  "\x1bc",
  "\x1b[!p",
  '\x1b[62"p',
  '\x1b[61;1"p',
  "\x1b G",
  "\x1b F",
  "\x1b%@",
  "\x1b%G",
  "\x1b=",
  "\x1b>",
  "\x1b(0",
  "\x1b)A",
  "\x0e",
  "\x1bn",
  "\x1b~",
  "\x1b[2;4r",
  "\x1b[5;9s",
  "\x1b[>1u",
  "\x1b[>4;2m",
  "\x1b[>1;2m",
  "\x1b[>4;1f",
  "\x1b[>3p",
  "\x1b[>1s",
  "\x1b[1'z",
  "\x1b[4 q",
  '\x1b[1"q',
  "\x1b[2$~",
  "\x1b[1$}",
  "\x1b[1;31m",
  "\x1bV",
  "text",
  "\r\n",
);

/** Programs that set modes of all kinds, and reset their terminals, in pieces. */
export const modesAndResets = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: privateSetting },
    { weight: 1, arbitrary: ansiSetting },
    { weight: 2, arbitrary: otherStates },
  ),
  { maxLength: 20 },
);
