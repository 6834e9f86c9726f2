// Makes new inputs from old ones: bytes flipped, set, inserted, removed, doubled, moved; words of the format
// put in; two inputs joined.
import type { Random } from "../support/random.ts";
import { bytesOf, type Target } from "./target.ts";

/** Bytes and numbers at which programs make mistakes. */
const edges = [0, 1, 0x7f, 0x80, 0xff, 0x1b, 0x0a, 0x20, 0x30];
const numbers = [
  0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0xfffff, 0x100000, 0x100001, 0x7fffffff, 0x80000000, 0xffffffff,
];

/** One more input for `target`, made from `base` (and perhaps `other`). */
export function mutated(random: Random, target: Target, base: Buffer, other: Buffer): Buffer {
  let input = target.mutate !== undefined && !random.oneIn(4) ? target.mutate(random, base) : base;
  const changes = 1 << random.below(5);
  for (let i = 0; i < changes; i++) input = changed(random, target.words ?? [], input, other);
  return input.length > target.longest ? input.subarray(0, target.longest) : input;
}

function changed(random: Random, words: readonly (string | Uint8Array)[], input: Buffer, other: Buffer): Buffer {
  const at = random.below(input.length + 1);
  const length = Math.min(1 << random.below(7), input.length - at);
  switch (random.below(words.length > 0 ? 13 : 11)) {
    case 0:
      return set(input, at, (byte) => byte ^ (1 << random.below(8)));
    case 1:
      return set(input, at, () => random.below(256));
    case 2:
      return set(input, at, () => random.pick(edges));
    case 3:
      return set(input, at, (byte) => byte + random.between(-8, 8));
    case 4:
      return splice(input, at, 0, random.bytes(1 + random.below(8)));
    case 5:
      return splice(input, at, length, Buffer.alloc(0));
    case 6:
      return splice(input, at, 0, input.subarray(at, at + length));
    case 7: {
      const from = random.below(input.length + 1);
      return splice(input, at, length, input.subarray(from, from + length));
    }
    case 8: {
      if (input.length < at + 4) return input;
      const copy = Buffer.from(input);
      const number = random.pick(numbers);
      if (random.oneIn(2)) copy.writeUInt32LE(number, at);
      else copy.writeUInt16LE(number & 0xffff, at);
      return copy;
    }
    case 9: {
      const from = random.below(other.length + 1);
      return splice(
        input,
        at,
        random.oneIn(2) ? input.length - at : 0,
        other.subarray(from, from + 1 + random.below(other.length)),
      );
    }
    case 10: {
      // a run of one thing: what takes time that grows with its square shows itself
      if (!random.oneIn(8)) return input;
      const piece = input.subarray(at, at + 1 + random.below(3));
      return splice(input, at, 0, piece.length === 0 ? piece : Buffer.alloc(1 << random.below(14), piece));
    }
    default: {
      const word = bytesOf(random.pick(words));
      return splice(input, at, random.oneIn(2) ? Math.min(word.length, input.length - at) : 0, word);
    }
  }
}

function set(input: Buffer, at: number, change: (byte: number) => number): Buffer {
  if (at >= input.length) return input;
  const copy = Buffer.from(input);
  copy[at] = change(copy[at] as number) & 0xff;
  return copy;
}

function splice(input: Buffer, at: number, removed: number, added: Uint8Array): Buffer {
  return Buffer.concat([input.subarray(0, at), added, input.subarray(at + removed)]);
}
