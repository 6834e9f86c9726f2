// What a viewer's keyboard and terminal send.
import assert from "node:assert/strict";
import { Failure } from "../../../src/base/failure.ts";
import { keyBytes } from "../../../src/commands/control/key-names.ts";
import { InputParser } from "../../../src/session/keys/input-parser.ts";
import { type KeyPolicy, longestCsi, longestString } from "../../../src/session/keys/key-policy.ts";
import { ViewKeys } from "../../../src/session/keys/view-keys.ts";
import { Random } from "../../support/random.ts";
import { describeInput, keyInput, mayBeReply, misfortune } from "../../support/terminal/key-inputs.ts";
import type { Target } from "../target.ts";

const base: KeyPolicy = {
  plainDetach: true,
  detachKey: "d",
  prefix: 0x1c,
  bracketedPaste: true,
  focus: true,
  isig: true,
  interruptByte: 3,
  historyCharacters: [0x5b],
  historyKey: true,
};

/**
 * Feeds the bytes, cut after each 0xfe (which is dropped, and whose follower says for how long nothing
 * comes).
 */
function feed(
  policy: KeyPolicy,
  input: Buffer,
  asking = false,
): { out: Buffer; fed: Buffer; left: string | undefined; cause: string; histories: number; answers: boolean[] } {
  let now = 0;
  const keys = new InputParser(
    () => policy,
    () => now,
  );
  if (asking) keys.ask();
  const answers: boolean[] = [];
  const out: Buffer[] = [];
  const fed: Buffer[] = [];
  let left: string | undefined;
  let histories = 0;
  let cause = "";
  const take = (actions: ReturnType<InputParser["feed"]>) => {
    for (const action of actions) {
      assert.equal(left, undefined, "nothing is done after a detach");
      if (action.do === "send" || action.do === "interrupt") out.push(action.bytes);
      else if (action.do === "history") histories++;
      else if (action.do === "answer") answers.push(action.yes);
      else left = action.key;
    }
    const typed = Buffer.concat(fed);
    const held = typed.length - Buffer.concat(out).length;
    if (policy === passing && !mayBeReply(typed))
      assert.ok(held <= Math.max(longestCsi, longestString) + 8, `${held} bytes are held back`);
  };
  for (let at = 0; at < input.length; ) {
    const cut = input.indexOf(0xfe, at);
    const end = cut < 0 ? input.length : cut;
    fed.push(input.subarray(at, end));
    if (left === undefined) cause = input.toString("latin1", at, end);
    take(keys.feed(input.subarray(at, end)));
    const pause = cut < 0 ? 0 : (input[cut + 1] ?? 0) * 8;
    for (let fired = 0; keys.deadline !== null && keys.deadline <= now + pause; fired++) {
      assert.ok(fired < 4, "the timer goes on for ever");
      now = Math.max(now, keys.deadline);
      take(keys.timeout());
    }
    now += pause;
    at = end + 2;
  }
  for (let fired = 0; keys.deadline !== null; fired++) {
    assert.ok(fired < 4, "the timer goes on for ever");
    now = Math.max(now, keys.deadline);
    take(keys.timeout());
  }
  return { out: Buffer.concat(out), fed: Buffer.concat(fed), left, cause, histories, answers };
}

/** Nothing is ours: whatever comes in comes out, but for what may be a reply of the terminal. */
const passing: KeyPolicy = { ...base, plainDetach: false, prefix: null, historyKey: false };

/** Words of all that a terminal sends. */
const keyWords = [
  "\x1b[",
  "\x1b]",
  "\x1bP",
  "\x1b_",
  "\x1b\\",
  "\x07",
  "\x9b",
  "\x9c",
  "\x9d",
  "\x1b[200~",
  "\x1b[201~",
  "\x1b[M",
  "\x1b[<0;1;1M",
  "\x1b[I",
  "\x1b[100u",
  "\x1b[92;5u",
  "\x1b[27;5;92~",
  "\x1b[5~",
  "\x1c",
  "\x03",
  "d",
  "\x1b[?62c",
  "rgb:dddd",
  "\xfe\x00",
  "\xfe\x07",
  "\xfe\x80",
  "\xfe\xff",
];

/** How many bytes of `whole` are not in `part`, -1 where `part` has others or another order. */
function missing(whole: Buffer, part: Buffer): number {
  let at = 0;
  for (const byte of whole) if (at < part.length && byte === part[at]) at++;
  return at < part.length ? -1 : whole.length - part.length;
}

export const targets: readonly Target[] = [
  {
    name: "answers",
    what: "any bytes at an open question: at most one answer, a yes only where a Y was typed, nothing lost but the key that answered",
    inputs: 500_000,
    longest: 800,
    seeds: () => [
      Buffer.from("\x1b[<0;1;1M\x1b[I\x1b[?62cy\xfe\x10jk", "latin1"),
      Buffer.from("\x1b[200~y\x1b[201~\x1b[121;1:1u\x1b[121;1:3u\xfe\x30\x1bOA\x1by", "latin1"),
    ],
    words: [...keyWords, "y", "Y", "\x1b[121u", "\x1b[27;2;89~", "\x1b[97:65;2u", "\x1bOP", "\x1b[1;1R"],
    steps: { base: 3_000, perByte: 200 },
    run(input) {
      const { out, fed, answers, left } = feed(passing, input, true);
      assert.equal(left, undefined);
      assert.ok(answers.length <= 1);
      const gone = missing(fed, out);
      assert.ok(gone >= 0, "bytes that nobody typed, or in another order");
      // releases and repeats of keys that were not the program's are not, either; then there was a kitty key
      const typed = fed.toString("latin1");
      if (answers.length === 0 && !/u|~/.test(typed) && !mayBeReply(fed)) assert.equal(gone, 0, "lost");
      if (answers[0] === true) assert.match(fed.toString("latin1"), /[yY]|121|89/);
    },
  },
  {
    name: "keys",
    what: "any bytes typed: where nothing is ours all arrive in order; no detach without a detach key; bounded, and over when all is said",
    inputs: 1_000_000,
    longest: 800,
    seeds: () => [
      Buffer.from("jk\x1b[A\x1b[200~pasted d\x1b[201~\x1b]11;rgb:dddd/dddd/dddd\x07", "latin1"),
      Buffer.from("\x1b[100;1:1u\xfe\x10\x1c\xfe\x30\x1c[\x1b[M dd", "latin1"),
    ],
    words: keyWords,
    steps: { base: 3_000, perByte: 200 },
    run(input) {
      const all = feed(passing, input);
      if (mayBeReply(all.fed)) assert.ok(missing(all.fed, all.out) >= 0, "bytes that nobody typed");
      else assert.deepEqual(all.out, all.fed);
      assert.equal(all.left, undefined);
      assert.equal(all.histories, 0);
      // with the keys of ours nothing is made up, and a detach has its cause
      const some = feed(base, input);
      let at = 0;
      for (const byte of some.out) {
        at = some.fed.indexOf(byte, at);
        assert.ok(at >= 0, "a byte that was not typed, or in another order");
        at++;
      }
      const typed = some.fed.toString("latin1");
      if (some.left === "plain") assert.ok(some.cause === "d" || typed.includes("100"), "a detach that nobody typed");
      if (some.left === "prefix") assert.ok(typed.includes("\x1c") || typed.includes("92"), "a detach that nobody typed");
    },
  },
  {
    name: "key-inputs",
    what: "generated pastes, replies, mouse reports and keys with what must become of each: no false detach, none missed, no byte lost, order kept",
    inputs: 1_000_000,
    longest: 8,
    seeds: () => [Buffer.alloc(8)],
    run(input) {
      const seed = Buffer.concat([input, Buffer.alloc(8)]);
      const made = keyInput(new Random(seed.readUInt32LE(0) + seed.readUInt16LE(4) * 2 ** 32));
      const trouble = misfortune(made);
      assert.equal(trouble, undefined, `${describeInput(made)}\n  ${trouble}`);
    },
  },
  {
    name: "view-keys",
    what: "keys of the history and replay views: the same however they are cut, each a name or one character; nothing waits for ever",
    inputs: 200_000,
    longest: 400,
    seeds: () => [Buffer.from("jk/word\r\x1b[A\x1b[5~\x1bOHq\x1b[200~é漢\x03")],
    words: ["\x1b[", "\x1bO", "\x1b", "\x1b[A", "\x1b[5~", "\x7f", "\x15", "\xe6\xbc\xa2", "0".repeat(100)],
    steps: { base: 2_000, perByte: 200 },
    run(input) {
      const keys = new ViewKeys();
      let count = 0;
      for (let at = 0; at < input.length; at += 1 + (input[0] ?? 0)) {
        for (const key of keys.feed(input.subarray(at, at + 1 + (input[0] ?? 0)))) {
          count++;
          assert.ok(/^[a-z]+(-[a-z]+)?$/.test(key) || [...key].length === 1, JSON.stringify(key));
        }
      }
      assert.ok(count <= input.length);
      // what waits for its end has been given up after at most so many characters
      keys.feed(Buffer.from(";".repeat(70)));
      assert.ok(keys.feed(Buffer.from("xq")).includes("q"));
    },
  },
  {
    name: "key-names",
    what: "falcon send's names of keys: bytes, or a Failure",
    inputs: 100_000,
    longest: 60,
    seeds: () => ["j", "Enter", "C-c", "M-x", "M-C-Up", "F12", "C-Space"].map((name) => Buffer.from(name)),
    words: ["C-", "M-", "F1", "Up", "toString", "__proto__", "constructor"],
    steps: { base: 1_000, perByte: 100 },
    run(input) {
      try {
        assert.ok(keyBytes(input.toString(), "normal").length <= 4 * input.length + 8);
      } catch (error) {
        if (!(error instanceof Failure) || error.status !== 2) throw error;
      }
    },
  },
];
