// A session's state or outcome in one word, with a sign and a colour: each alone says it, for those who see
// no colours and those who skim.
import type { Colours } from "./table.ts";

export interface StatusWord {
  readonly word: string;
  /** One column wide. */
  readonly sign: string;
  readonly colour: "green" | "yellow" | "red" | "cyan" | "dim";
}

/** Signs and colours by what they mean: goes on, wants a look, went wrong, was meant to end, is done. */
const looks = {
  goesOn: { sign: "●", colour: "green" },
  look: { sign: "!", colour: "yellow" },
  wrong: { sign: "✗", colour: "red" },
  meant: { sign: "■", colour: "cyan" },
  done: { sign: "✓", colour: "dim" },
  waits: { sign: "○", colour: "dim" },
} as const;

const meanings: Readonly<Record<string, keyof typeof looks>> = {
  running: "goesOn",
  training: "goesOn",
  starting: "waits",
  waiting: "waits",
  pending: "waits",
  exiting: "waits",
  unknown: "waits",
  stalled: "look",
  completed: "done",
  done: "done",
  stopped: "meant",
  "time limit": "meant",
  failed: "wrong",
  killed: "wrong",
  lost: "wrong",
};

/** A word that nobody knows here goes on as it is, without a judgement. */
export function statusWord(word: string): StatusWord {
  return { word, ...looks[meanings[word] ?? "waits"] };
}

/** "● training" in its colour. */
export function paintStatus({ word, sign, colour }: StatusWord, colours: Colours): string {
  return colours[colour](`${sign} ${word}`);
}
