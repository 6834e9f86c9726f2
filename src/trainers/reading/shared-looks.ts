// Looks at the files of several runs that are asked for in the same moment, made as one piece of work: a
// watch asks for ten runs each second, and most of what that cost was a message to the helper for each.

import { NoAnswer } from "../../base/aside/aside.ts";
import type { FileStat, FileToStat, StatFiles } from "../../base/aside/stat-files.ts";
import { within } from "../../base/clock.ts";

/** Runs that are looked at together: with five files each it takes some milliseconds. */
const mostTogether = 32;

/**
 * A shared look without an answer after this (ms) is made again one by one: only who is where nothing answers
 * waits on.
 */
const patience = 500;

export interface LookEffects {
  /** Looks at one run's files. */
  readonly one: StatFiles;
  /** The same for several runs, in their order. */
  many(runs: readonly (readonly FileToStat[])[]): Promise<FileStat[][]>;
}

interface Asked {
  files: readonly FileToStat[];
  answer(seen: FileStat[] | PromiseLike<FileStat[]>): void;
}

/** A way to look at files that shares the work with those who ask in the same moment. */
export function sharedLooks({ one, many }: LookEffects): StatFiles {
  let asked: Asked[] = [];
  /** Runs, by the first of their files, that did not answer at the last look: those hold up no others. */
  const silent = new Set<string>();

  const alone = async (files: readonly FileToStat[]): Promise<FileStat[]> => {
    const place = files[0]?.file ?? "";
    try {
      const seen = await one(files);
      silent.delete(place);
      return seen;
    } catch (error) {
      if (error instanceof NoAnswer) silent.add(place);
      throw error;
    }
  };

  const together = async (group: readonly Asked[]): Promise<void> => {
    const looks = many(group.map(({ files }) => files)).catch(() => undefined);
    const seen = await within(patience, looks);
    group.forEach(({ files, answer }, i) => {
      answer(seen?.[i] ?? alone(files));
    });
  };

  const serve = (): void => {
    const all = asked;
    asked = [];
    for (let at = 0; at < all.length; at += mostTogether) {
      const group = all.slice(at, at + mostTogether);
      if (group.length > 1) void together(group);
      else for (const { files, answer } of group) answer(alone(files));
    }
  };

  return (files) => {
    if (silent.has(files[0]?.file ?? "")) return alone(files);
    return new Promise((answer) => {
      if (asked.length === 0) setImmediate(serve);
      asked.push({ files, answer });
    });
  };
}
