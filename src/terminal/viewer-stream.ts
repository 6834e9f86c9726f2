// What a viewer's terminal is sent of the output: without queries and by the user's rules; plain output passes by both filters, after one search in C.
import type { PlainPart } from "./plain-part.ts";
import { QueryFilter } from "./queries.ts";
import { wholeCharacters } from "./text-run.ts";

/** A filter of a stream. */
export interface StreamFilter {
  feed(chunk: Buffer): Buffer;
  /** Whether nothing is under way in it. */
  readonly atRest: boolean;
}

/** Plain output that is shorter (bytes) is not worth a look of its own: falcon's display, a line. */
const worthwhile = 4096;

/** In such pieces (bytes) a sequence is brought to its end, so that what stands behind it can be looked at. */
const step = 64;

/** One stream: from a snapshot on, whose tail it is fed first. */
export class ViewerStream {
  readonly #queries = new QueryFilter();
  readonly #policy: StreamFilter;
  readonly #find: PlainPart;
  readonly #found = new Uint32Array(3);

  /**
   * @param policy the user's rules; it may have been fed the snapshot already.
   * @param find finds plain output.
   */
  constructor(policy: StreamFilter, find: PlainPart) {
    this.#policy = policy;
    this.#find = find;
  }

  /** Answers what may go to the viewer now, in order. */
  feed(chunk: Buffer): Buffer[] {
    const passed: Buffer[] = [];
    const filter = (part: Buffer): void => {
      const bytes = this.#policy.feed(this.#queries.feed(part));
      if (bytes.length > 0) passed.push(bytes);
    };
    if (chunk.length < worthwhile) {
      filter(chunk);
      return passed;
    }
    let at = 0;
    while (at < chunk.length) {
      if (chunk.length - at >= worthwhile && !this.#atRest) {
        filter(chunk.subarray(at, at + step));
        at += step;
        continue;
      }
      const rest = chunk.subarray(at);
      const plain = rest.length < worthwhile ? 0 : this.#plain(rest);
      if (plain < worthwhile) {
        filter(rest);
        break;
      }
      passed.push(rest.subarray(0, plain));
      at += plain;
      if (at < chunk.length) filter(chunk.subarray(at, at + step));
      at += step;
    }
    return passed;
  }

  get #atRest(): boolean {
    return this.#queries.atRest && this.#policy.atRest;
  }

  /** Length of the plain beginning, up to the end of a character. */
  #plain(bytes: Buffer): number {
    this.#find(bytes, this.#found);
    return wholeCharacters(bytes.subarray(0, this.#found[0]));
  }
}
