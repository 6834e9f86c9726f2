// The filter in C beside the JavaScript ones that it has to equal, piece by piece.
import assert from "node:assert/strict";
import type { ProgramSequences } from "../../../src/base/config/config.ts";
import { StreamFilter } from "../../../src/platform/stream-filter.ts";
import { PolicyFilter } from "./policy.ts";
import { QueryFilter } from "./queries.ts";

/**
 * Feeds both; throws where they differ in a piece, or in what a person is to be asked. Answers what went
 * through.
 */
export function bothFiltered(chunks: readonly Buffer[], rules: ProgramSequences, of: "program" | "screen"): Buffer {
  const asked: string[][] = [[], []];
  const queries = new QueryFilter();
  const policy = new PolicyFilter(rules, (sequence) => asked[0]?.push(sequence.toString("latin1")));
  const filter = new StreamFilter(rules, { of, ask: (sequence) => asked[1]?.push(sequence.toString("latin1")) });
  const passed = chunks.map((chunk, i) => {
    const expected = Buffer.from(policy.feed(of === "program" ? queries.feed(chunk) : chunk));
    const found = Buffer.from(filter.feed(chunk));
    if (!found.equals(expected)) {
      const show = (bytes: Buffer) => JSON.stringify(bytes.toString("latin1"));
      assert.fail(`piece ${i} of ${chunks.map(show).join(" ")}: ${show(found)} instead of ${show(expected)}`);
    }
    return found;
  });
  assert.deepEqual(asked[1], asked[0], "what a person is asked about");
  return Buffer.concat(passed);
}
