// What programs write to their terminals, on its way to the screen and to viewers, and screens that were
// stored.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import type { ProgramSequences } from "../../../src/base/config/config.ts";
import { withoutSequences } from "../../../src/base/text/tokenizer.ts";
import { LineReader, type LogLine } from "../../../src/logs/line-reader.ts";
import { modeRules } from "../../../src/platform/native.ts";
import { StreamFilter } from "../../../src/platform/stream-filter.ts";
import { Model } from "../../../src/terminal/model/model.ts";
import { Scanner } from "../../../src/terminal/model/scanner.ts";
import { Screen } from "../../../src/terminal/model/screen.ts";
import { plainLines } from "../../../src/trainers/reading/plain-text.ts";
import { bothFiltered } from "../../support/oracle/both.ts";
import { root } from "../../support/paths.ts";
import { readDisplay } from "../../support/terminal/falcon-display.ts";
import type { Target } from "../target.ts";

const words = [
  "\x1b[",
  "\x1b]",
  "\x1bP",
  "\x1b_",
  "\x1b^",
  "\x1bX",
  "\x1b\\",
  "\x07",
  "\x18",
  "\x1a",
  "\x9b",
  "\xc2\x9b",
  "\xc2\x9c",
  "\xc2\x90",
  "\x1b[c",
  "\x1b[>c",
  "\x1b[5n",
  "\x1b[6n",
  "\x1b[?6n",
  "\x1b[?2026$p",
  "\x1b[>q",
  "\x1b[18t",
  "\x1b[21t",
  "\x1b]11;?\x07",
  "\x1b]4;1;?\x1b\\",
  "\x1b]52;c;?\x07",
  "\x1bP$qm\x1b\\",
  "\x1bP+q544e\x1b\\",
  "\x1b[?u",
  "\x1b[?1049h",
  "\x1b[?1049l",
  "\x1b[?2004h",
  "\x1b[?2026h",
  "\x1b[?6h",
  "\x1b[?69h",
  "\x1b[3;10r",
  "\x1b[r",
  "\x1b[2J",
  "\x1b[3J",
  "\x1b[10;10H",
  "\x1b[5@",
  "\x1b[5P",
  "\x1b[5L",
  "\x1b[5M",
  "\x1b[5S",
  "\x1b[5T",
  "\x1b[5X",
  "\x1b[9b",
  "\x1b[38;5;9m",
  "\x1b[48:2::1:2:3m",
  "\x1b[4:3m",
  "\x1b[58;5;1m",
  "\x1b]8;;http://x\x07",
  "\x1b]0;title\x07",
  "\x1b[22;0t",
  "\x1b[23;0t",
  "\x1b7",
  "\x1b8",
  "\x1b[s",
  "\x1b[u",
  "\x1bc",
  "\x1b[!p",
  "\x1b(0",
  "\x1b)B",
  "\x0e",
  "\x0f",
  "\x1bn",
  "\x1bo",
  "\x1bH",
  "\x1b[3g",
  "\x1b[>1u",
  "\x1b[<u",
  "\x1b[=5;1u",
  "\x1b[>4;2m",
  "\x1bM",
  "\x1bD",
  "\x1bE",
  "\r\n",
  "\t",
  "\b",
  "\xe6\xbc\xa2",
  "\xf0\x9f\x98\x80",
  "e\xcc\x81",
  "\xf0\x9f",
  "99999999999",
  ";;;;;;",
  "\x1b#8",
  "\x1bZ",
  "\x05",
];

const samples = [
  "plain text\r\nand more\r\n",
  "\x1b[?1049h\x1b[?25l\x1b[1;20r\x1b[20;1Hlog line\r\n\x1b[s\x1b[21;1H\x1b[Kfooter\x1b[u",
  "\x1b]0;title\x07\x1b[c\x1b[6n\x1b]11;?\x1b\\\x1bP$qr\x1b\\x\x1b[38;2;1;2;3mcolour\x1b[0m",
];

/** Short recordings of real programs, where the corpus is there, and the samples. */
function recordings(): Buffer[] {
  const corpus = process.env.FALCON_CORPUS ?? path.join(root, "../shared/corpus");
  const found: Buffer[] = samples.map((text) => Buffer.from(text, "latin1"));
  if (!fs.existsSync(corpus)) return found;
  for (const entry of fs.readdirSync(corpus, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || found.length >= 400) continue;
    const file = path.join(entry.parentPath, entry.name);
    if (fs.statSync(file).size <= 2_000) found.push(fs.readFileSync(file));
  }
  return found;
}

const blocked: ProgramSequences = {
  clipboard: "block",
  title: "block",
  notification: "block",
  colours: "block",
  links: "block",
  images: "block",
  keys: "block",
  window: "block",
};

const passed = Object.fromEntries(Object.keys(blocked).map((kind) => [kind, "pass"])) as unknown as ProgramSequences;

/** Queries in disguise. */
const queryWords = [
  "\x1b\x80[c",
  "\x1b\x7f[c",
  "\x1b[\x80c",
  "\x1b[000c",
  "\x1b[0018t",
  "\x1b[18:0t",
  "\x1b]0011;?\x07",
  "\x1b]1\x801;?\x07",
  "\x1b]11;\x80?\x07",
  "\x1bP\x80$qm\x1b\\",
  "\x1bP000$qm\x1b\\",
  "\x1b_\x80Gi=1;\x1b\\",
  "\xc2\xc2\x9bc",
  "\xe2\xc2\x9b6n",
  "\x1b\x1b\x80[c",
  "\x1b[\x1b\x80c",
  "\xc2\x1b\x9bc",
  "\xc2\x05\x9bc",
  "\x1b]22;?x\x07",
  "\x1b]5522;type=read;\x1b\\",
  "\x1b]99;p=?;\x1b\\",
];

const forbiddenWords = [
  "\x1b]52;c;aGk=\x07",
  "\x1b]52;",
  "\x1b]0;t\x1b\\",
  "\x1b]l",
  "\x1b]9;hello\x07",
  "\x1b]777;notify;a;b\x07",
  "\x1b]99;;x\x1b\\",
  "\x1b]4;1;red\x07",
  "\x1b]10;red\x07",
  "\x1b]104\x07",
  "\x1b]8;;http://x\x07",
  "\x1b]1337;File=:",
  "\x1bPq#0",
  "\x1b_Gf=24;",
  "\x1bP0;1|17/",
  "\x1b[5i",
  "\x1b[8;9;9t",
  "\x1b[?46h",
  "\x1b[?1;46h",
  "\x1b[0046i",
  "\x1b]0052;",
  "\xc2\x9d52;c;x\x07",
  "\xc2\x90q",
  "\x1bk",
  "\x1b]7;file:",
  "\x1b]133;A\x07",
  "\x1b]46;f\x07",
  "\xc2\x1b\x9d52;c;x\x07",
  "\xc2\x01\x9d52;c;x\x07",
];

/** A terminal that notes what it is asked to do beyond drawing. */
interface WatchedViewer {
  model: Model;
  asked: string | undefined;
}
let viewer: WatchedViewer | undefined;

function watchedViewer(): WatchedViewer {
  const watched: WatchedViewer = { model: new Model(40, 10, 0), asked: undefined };
  const { parser } = watched.model.terminal;
  const note = (what: string) => {
    watched.asked = what;
    return true;
  };
  const numbers = [0, 1, 2, 4, 5, 6, 7, 8, 9, 46, 50, 51, 52, 99, 104, 105, 133, 633, 777, 1337, 5522];
  for (let n = 10; n <= 22; n++) numbers.push(n, n + 100);
  for (const n of numbers) parser.registerOscHandler(n, (text) => note(`OSC ${n};${text}`));
  for (const final of ["i", "t"]) parser.registerCsiHandler({ final }, () => note(`CSI ${final}`));
  parser.registerCsiHandler({ prefix: "?", final: "i" }, () => note("CSI ? i"));
  parser.registerCsiHandler({ prefix: ">", final: "t" }, () => note("CSI > t"));
  for (const final of ["h", "l"])
    parser.registerCsiHandler({ prefix: "?", final }, (modes) => modes.includes(46) && note(`mode 46 ${final}`));
  for (const final of ["q", "|", "p", "r", "{"]) parser.registerDcsHandler({ final }, () => note(`DCS ${final}`));
  return watched;
}

/** Control sequences that make a terminal send something, with their prefixes. */
const controlQueries: readonly { prefix?: string; intermediates?: string; final: string }[] = [
  ...["c", "n", "u", "x"].map((final) => ({ final })).filter(({ final }) => final !== "u"),
  ...[">", "="].map((prefix) => ({ prefix, final: "c" })),
  { prefix: ">", final: "q" },
  ...["u", "m", "g", "S", "n"].map((final) => ({ prefix: "?", final })),
  { intermediates: "$", final: "p" },
  { prefix: "?", intermediates: "$", final: "p" },
  ...["$u", "&u", "$w", "*y", "'|", "#|", "#R", '"v', "+x"].map((word) => ({
    intermediates: word[0] as string,
    final: word[1] as string,
  })),
];

/** Whether what stands behind the number of an OSC asks for something. */
function asks(number: number, text: string): boolean {
  const parts = text.split(";");
  if (number === 4 || number === 5) return parts.some((part, i) => i % 2 === 1 && part === "?");
  if (number >= 10 && number <= 19) return parts.some((part, i) => number + i <= 19 && part === "?");
  if (number === 21) return parts.some((part) => part.endsWith("=?"));
  if (number === 3 || number === 22 || number === 50) return text.startsWith("?");
  if (number === 52) return (parts[1] ?? "").startsWith("?");
  if (number === 99) return /^[^;]*p=\?/.test(text);
  if (number === 1337) return /^(ReportCellSize|ReportVariable=|Capabilities|RequestUpload)/.test(text);
  return number === 60 || number === 61 || number === 5522;
}

/** A terminal that notes what it is asked to answer, and answers what xterm.js does. */
function askedViewer(): WatchedViewer {
  const watched: WatchedViewer = { model: new Model(40, 10, 0), asked: undefined };
  const { terminal } = watched.model;
  const note = (what: string) => {
    watched.asked = what;
    return true;
  };
  for (const query of controlQueries) terminal.parser.registerCsiHandler(query, () => note(`CSI ${JSON.stringify(query)}`));
  const reports = [11, 13, 14, 15, 16, 18, 19, 20, 21];
  terminal.parser.registerCsiHandler({ final: "t" }, ([operation]) =>
    reports.includes(operation as number) ? note(`CSI ${operation} t`) : false,
  );
  for (const n of [3, 4, 5, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22, 50, 52, 60, 61, 99, 1337, 5522]) {
    terminal.parser.registerOscHandler(n, (text) => (asks(n, text) ? note(`OSC ${n};${text}`) : false));
  }
  for (const intermediates of ["$", "+"]) {
    terminal.parser.registerDcsHandler({ intermediates, final: "q" }, () => note(`DCS ${intermediates}q`));
  }
  terminal.parser.registerEscHandler({ final: "Z" }, () => note("DECID"));
  // links would be kept for as long as the terminal lives
  terminal.parser.registerOscHandler(8, () => true);
  terminal.onData((answer) => note(`answered ${JSON.stringify(answer)}`));
  return watched;
}
let asked: WatchedViewer | undefined;

/** The pieces of an input, cut at each 0xff, which no UTF-8 has. */
function pieces(input: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at <= input.length; ) {
    const cut = input.indexOf(0xff, at);
    const end = cut < 0 ? input.length : cut;
    found.push(input.subarray(at, end));
    at = end + 1;
  }
  return found;
}

/** What we need of a terminal, and the resets (RIS, DECSTR) behind which it is set again. */
const needed = "\x1b[?2004h";
// biome-ignore lint/suspicious/noControlCharactersInRegex: ESC introduces them
const reset = /\x1bc|(?:\x1b\[|\xc2\x9b)[\d:;]*!p/g;

/**
 * What is left of a replay of ours, by which all that a user may allow is allowed: the modes that never pass
 * are taken out.
 */
function replayAsPassed(replay: Buffer): Buffer {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ESC introduces them
  const settings = /\x1b\[(\??)(\d+)([hl])/g;
  const text = replay.toString("latin1").replaceAll(settings, (sequence, prefix: string, mode: string, final: string) => {
    const rule = modeRules.find(({ mode: number, dec }) => number === Number(mode) && dec === (prefix === "?"));
    const passes = rule?.passage === "passes" || (rule?.passage === "needed" && final === "h");
    return passes ? sequence : "\x1b\\";
  });
  return Buffer.from(text.replaceAll(reset, `$&${needed}`), "latin1");
}

/** What a filter lets through, piece by piece. */
function filtered(chunks: readonly Buffer[]): Buffer {
  const filter = new StreamFilter(passed, { of: "program" });
  return Buffer.concat(chunks.map((chunk) => Buffer.from(filter.feed(chunk))));
}

export const targets: readonly Target[] = [
  {
    name: "scanner",
    what: "Scanner: nothing lost or moved, however it is cut; what is let through ends between sequences",
    inputs: 900_000,
    longest: 3_000,
    seeds: recordings,
    words,
    steps: { base: 2_000, perByte: 60 },
    run(input) {
      const chunks = pieces(input);
      const scanner = new Scanner();
      const out: Buffer[] = [];
      for (const chunk of chunks) {
        const passed = Buffer.from(scanner.feed(chunk));
        // (a broken character that ends it may be the beginning of a whole one, for all that the other
        // scanner knows)
        if (passed.length > 0 && (passed.at(-1) as number) < 0x80) {
          // what was let through leaves another scanner between sequences
          const other = new Scanner();
          assert.equal(other.feed(passed).length, passed.length);
          assert.ok(other.ground);
        }
        out.push(passed);
      }
      assert.deepEqual(Buffer.concat([...out, scanner.tail()]), Buffer.concat(chunks));
      assert.equal(scanner.ground, scanner.tail().length === 0);
    },
  },
  {
    name: "query-filter",
    what: "StreamFilter: the same whatever the cuts; a terminal that reads what it lets through has nothing to answer; bounded",
    inputs: 900_000,
    longest: 2_000,
    seeds: recordings,
    words: [...words, ...queryWords],
    steps: { base: 20_000, perByte: 400 },
    run(input) {
      const chunks = pieces(input);
      // ends what is unfinished, so that nothing is held back
      chunks.push(Buffer.from("\x18"));
      const whole = Buffer.concat(chunks);
      const once = filtered([whole]);
      assert.deepEqual(filtered(chunks), once, "cuts make a difference");
      // what we need in the terminal is set behind each reset, also behind one that was passed before:
      // nothing else is new
      const text = once.toString("latin1");
      assert.equal(filtered([once]).toString("latin1"), text.replaceAll(reset, `$&${needed}`), "a query went through");
      const added = (text.match(reset)?.length ?? 0) * needed.length;
      assert.ok(once.length <= whole.length * 3 + 16 + added, `${once.length} bytes of ${whole.length}`);
      asked ??= askedViewer();
      asked.model.parse(Buffer.concat([Buffer.from("\x18\x1bc"), once, Buffer.from("\x18")]));
      const heard = asked.asked;
      asked.asked = undefined;
      assert.equal(heard, undefined, "a terminal would have answered");
    },
  },
  {
    name: "stream-filter",
    what: "the filter in C says the same as the JavaScript ones, piece by piece, by any rules and however the stream is cut",
    inputs: 5_000_000,
    longest: 1_000,
    seeds: recordings,
    words: [...words, ...queryWords, ...forbiddenWords],
    run(input) {
      const [choice = 0, source = 0] = input;
      const chosen = Object.keys(blocked).map((kind, i) => [kind, choice & (1 << i) ? "pass" : "block"]);
      const rules: ProgramSequences = { ...Object.fromEntries(chosen), ...(source & 1 ? { clipboard: "ask" } : {}) };
      bothFiltered(pieces(input.subarray(2)), rules, source & 2 ? "screen" : "program");
    },
  },
  {
    name: "policy-filter",
    what: "what programs may do to viewers, all of it blocked: the same whatever the cuts, and a terminal that reads it is asked for nothing of it",
    inputs: 400_000,
    longest: 1_500,
    seeds: recordings,
    words: [...words, ...forbiddenWords],
    steps: { base: 20_000, perByte: 400 },
    run(input) {
      const chunks = pieces(input);
      chunks.push(Buffer.from("\x18"));
      const whole = Buffer.concat(chunks);
      const once = Buffer.from(new StreamFilter(blocked, { of: "screen" }).feed(whole));
      const filter = new StreamFilter(blocked, { of: "screen" });
      assert.deepEqual(Buffer.concat(chunks.map((chunk) => Buffer.from(filter.feed(chunk)))), once, "cuts make a difference");
      const resets = once.toString("latin1").match(reset)?.length ?? 0;
      assert.ok(once.length <= whole.length * 3 + 16 + resets * needed.length, `${once.length} bytes of ${whole.length}`);
      viewer ??= watchedViewer();
      viewer.model.parse(Buffer.concat([Buffer.from("\x18\x1bc"), once, Buffer.from("\x18")]));
      const { asked } = viewer;
      viewer.asked = undefined;
      assert.equal(asked, undefined, "a blocked sequence went through");
    },
  },
  {
    name: "screen",
    what: "Screen: takes any output and any size, answers boundedly; snapshot, text, frames and storing work in every state",
    inputs: 250_000,
    longest: 1_500,
    seeds: recordings,
    words,
    run(input) {
      let answers = 0;
      const listener = {
        answer: (bytes: Buffer) => {
          answers += bytes.length;
        },
      };
      const screen = new Screen(
        { cols: 20 + ((input[0] ?? 0) % 20), rows: 5 + ((input[1] ?? 0) % 10), scrollback: 50 },
        listener,
      );
      try {
        for (const chunk of pieces(input)) {
          screen.feed(chunk);
          const size = chunk[chunk.length - 1] ?? 0;
          if (size % 5 === 0) screen.resize(1 + (size % 40), 1 + (size % 16));
        }
        const { cols, rows } = screen;
        const text = screen.text();
        assert.equal(text.lines.length, rows);
        assert.ok(text.cursor.x >= 0 && text.cursor.x < cols && text.cursor.y >= 0 && text.cursor.y < rows);
        assert.ok(screen.terminal.buffer.normal.baseY <= 50);
        assert.ok(answers <= 256 * (input.length + 1), `${answers} bytes of answers to ${input.length}`);
        // as a viewer gets it: with bracketed paste on, which no program switches off in their terminal
        const snapshot = screen.snapshot(50);
        assert.equal(
          snapshot.offset,
          pieces(input).reduce((sum, { length }) => sum + length, 0),
        );
        // a replay is nothing that a program could not have written, but for modes that never pass
        const replay = Buffer.concat([snapshot.first, snapshot.history]);
        const left = new StreamFilter(passed, { of: "screen" }).feed(replay);
        assert.equal(left.toString("latin1"), replayAsPassed(replay).toString("latin1"), "the filter changes a replay");
        // and it asks nothing of the terminal that it is shown on
        asked ??= askedViewer();
        asked.model.parse(Buffer.concat([Buffer.from("\x18\x1bc"), snapshot.first, snapshot.history, Buffer.from("\x18")]));
        const heard = asked.asked;
        asked.asked = undefined;
        assert.equal(heard, undefined, "a replay asks");
        const again = Screen.restore(screen.encode().replay, { scrollback: 50 });
        assert.deepEqual(again.text(), text);
        again.dispose();
        readDisplay(text.lines);
      } finally {
        screen.dispose();
      }
    },
  },
  {
    name: "stored-screen",
    what: "a stored screen that is none: refused with an Error, never a crash, never more memory than a screen has",
    inputs: 250_000,
    longest: 3_000,
    seeds: () =>
      samples.map((text) => {
        const screen = new Screen({ cols: 20, rows: 5, scrollback: 20 });
        screen.feed(Buffer.from(text, "latin1"));
        const { replay } = screen.encode();
        screen.dispose();
        return replay;
      }),
    run(input) {
      let screen: Screen;
      try {
        screen = Screen.restore(input, { scrollback: 20 });
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        return;
      }
      try {
        assert.ok(screen.cols <= 2000 && screen.rows <= 1000);
        screen.feed(Buffer.from("x\r\n\x1b[H\x1b[2Jy"));
        screen.text();
        screen.snapshot(20);
      } finally {
        screen.dispose();
      }
    },
  },
  {
    name: "log-lines",
    what: "LineReader and the plain text of an output: the same lines whatever the cuts and stops; lines in order, memory bounded",
    inputs: 500_000,
    longest: 2_000,
    seeds: recordings,
    words,
    run(input) {
      const text = withoutSequences(input.toString("latin1"));
      assert.ok(text.length <= input.length);
      plainLines(input);
      readLines(input);
    },
  },
];

/** Reads the lines of an output in one piece, and in several with a stop at each cut. */
function readLines(input: Buffer): void {
  const chunks = pieces(input);
  const inOne = new LineReader(30, 8);
  const once = [...inOne.feed(Buffer.concat(chunks)), ...inOne.end()];
  let inParts = new LineReader(30, 8);
  const lines: LogLine[] = [];
  for (const chunk of chunks) {
    lines.push(...inParts.feed(chunk));
    inParts = LineReader.from(JSON.parse(JSON.stringify(inParts.state())));
  }
  lines.push(...inParts.end());
  // the offset of a line is that of the piece that was fed
  const said = ({ number, runs }: LogLine) => ({ number, runs });
  assert.deepEqual(lines.map(said), once.map(said));
  for (const [i, line] of once.entries()) assert.equal(line.number, i);
}
