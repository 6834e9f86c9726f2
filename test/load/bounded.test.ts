// Sequences that never end, more of each than a reader may keep: it keeps a bounded part of them, and is
// there again when they are over.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { defaultConfig } from "../../src/base/config/config.ts";
import { LineReader } from "../../src/logs/line-reader.ts";
import { StreamFilter } from "../../src/platform/stream-filter.ts";
import { mostFromClient } from "../../src/protocol/client.ts";
import { FrameReader } from "../../src/protocol/frame.ts";
import { InputParser } from "../../src/session/keys/input-parser.ts";
import type { KeyPolicy } from "../../src/session/keys/key-policy.ts";
import { ViewKeys } from "../../src/session/keys/view-keys.ts";
import { Scanner } from "../../src/terminal/model/scanner.ts";
import { Screen } from "../../src/terminal/model/screen.ts";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

const chunkBytes = 64 << 10;

/** What begins and never ends, and with what it goes on. */
const endless: readonly [name: string, begin: string, go: string][] = [
  ["OSC", "\x1b]0;", "title "],
  ["OSC that may be a query", "\x1b]11;", "rgb:dddd/"],
  ["clipboard", "\x1b]52;c;", "QUJD"],
  ["DCS", "\x1bPq", "#0;2;0;0;0"],
  ["DCS of a query", "\x1bP$q", "mmmm"],
  ["APC", "\x1b_G", "AAAA"],
  ["PM", "\x1b^", "text"],
  ["SOS", "\x1bX", "text"],
  ["CSI", "\x1b[", "1;2;"],
  ["CSI of one number", "\x1b[", "9"],
  ["intermediates", "\x1b", " "],
  ["ESC", "", "\x1b"],
  ["a paste", "\x1b[200~", "pasted d "],
  ["a line", "", "x"],
  ["returns", "", "\r"],
  ["combining characters", "e", "\u0301"],
  ["half characters", "", "\xf0\x9f"],
  ["C1", "", "\u009b1;"],
  ["links on one line", "", "\x1b[H\x1b]8;;a\x07x\x1b]8;;\x07"],
];

const policy: KeyPolicy = {
  plainDetach: true,
  detachKey: "d",
  prefix: 0x1c,
  bracketedPaste: false,
  focus: false,
  isig: true,
  interruptByte: 3,
  historyCharacters: [0x5b],
  historyKey: true,
};
const blockAll = Object.fromEntries(Object.keys(defaultConfig.programSequences).map((kind) => [kind, "block"]));

interface Reader {
  make: () => (chunk: Buffer) => unknown;
  /**
   * Chunks of a stream that it is fed: more bytes than `most`, so that one that keeps everything is found.
   */
  chunks: number;
  /** What it may keep of a stream (bytes, with some 300 kB that V8 itself keeps of any work). */
  most: number;
}

/** A string of a stream may be 1 MiB long, and is there a few times over while it is joined. */
const ofOutput = { chunks: 80, most: 4 << 20 };
/** What is typed is held up to 4 KiB; a byte of it costs a thousand times a byte of output. */
const ofInput = { chunks: 8, most: 400 << 10 };

const readers: Record<string, Reader> = {
  InputParser: {
    make: () => {
      const keys = new InputParser(
        () => policy,
        () => 0,
      );
      return (chunk) => keys.feed(chunk);
    },
    ...ofInput,
  },
  ViewKeys: {
    make: () => {
      const keys = new ViewKeys();
      return (chunk) => keys.feed(chunk);
    },
    ...ofInput,
  },
  Scanner: {
    make: () => {
      const scanner = new Scanner();
      return (chunk) => scanner.feed(chunk);
    },
    ...ofOutput,
  },
  "StreamFilter, as it is by default": {
    make: () => {
      const filter = new StreamFilter(defaultConfig.programSequences, { of: "program" });
      return (chunk) => filter.feed(chunk);
    },
    ...ofOutput,
  },
  "StreamFilter, all blocked": {
    make: () => {
      const filter = new StreamFilter({ ...defaultConfig.programSequences, ...blockAll }, { of: "screen" });
      return (chunk) => filter.feed(chunk);
    },
    ...ofOutput,
  },
  Screen: {
    make: () => {
      const screen = new Screen({ cols: 80, rows: 24, scrollback: 100 });
      return (chunk) => screen.feed(chunk);
    },
    chunks: 32,
    most: 1536 << 10,
  },
  LineReader: {
    make: () => {
      const lines = new LineReader(80, 24);
      return (chunk) => lines.feed(chunk);
    },
    ...ofOutput,
  },
};

async function memory(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    gc();
    // what lies outside of the heap is given back in a turn of its own
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

for (const [reader, { make, chunks, most }] of Object.entries(readers)) {
  test(`${reader} keeps a bounded part of what never ends`, async () => {
    for (const [name, begin, go] of endless) {
      const bytes = Buffer.from(go, name === "half characters" ? "latin1" : "utf8");
      const chunk = Buffer.alloc(chunkBytes, bytes);
      const growth = async () => {
        const feed = make();
        feed(Buffer.from(begin));
        const before = await memory();
        for (let i = 0; i < chunks; i++) feed(chunk);
        const grown = (await memory()) - before;
        feed(Buffer.from("\x18\x1b\\\r\n"));
        return grown;
      };
      // what V8 compiled meanwhile is in it; that is done once, what is kept grows each time
      let grown = await growth();
      if (grown >= most) grown = await growth();
      assert.ok(grown < most, `${name}: ${grown} bytes more after ${chunks * chunkBytes}`);
    }
  });
}

test("FrameReader keeps one payload within the limit, never what was announced beyond it", async () => {
  const before = await memory();
  const reader = new FrameReader(mostFromClient, () => assert.fail("no frame is complete"));
  const header = Buffer.alloc(5);
  header.writeUInt32LE(mostFromClient, 0);
  reader.feed(header);
  for (let i = 0; i < mostFromClient / chunkBytes - 1; i++) reader.feed(Buffer.alloc(chunkBytes));
  assert.ok((await memory()) - before < 2 * mostFromClient);
});
