// The history of a session as an overlay of an attached viewer: its lines, its keys, its terminal.
import type { Bindings } from "../../base/keymap.ts";
import { type HistoryLine, type HistorySource, HistoryView } from "../../logs/history-view.ts";
import { everyLine, LastLines, linesOf, type Place, SessionLines } from "../../logs/session-lines.ts";
import { plainKeys, ViewKeys } from "../keys/view-keys.ts";
import type { Session } from "../life/session.ts";
import { type Archive, lineSource } from "../output/archive.ts";
import type { Overlay } from "./overlay.ts";
import type { ViewerInput } from "./viewer-input.ts";

const all = { ...everyLine, colours: true };

/** Opens it on the viewer's terminal. */
export function openHistory(archive: Archive, session: Session, input: ViewerInput, bindings: Bindings<"history">): Overlay {
  const view = new HistoryView(new SessionHistory(archive, session), input, session.row.name, bindings);
  const keys = new ViewKeys();
  let busy = false;
  let again = false;
  /** One after the other: what is said meanwhile is looked for once more behind it. */
  const look = async (first: () => Promise<void>) => {
    again = true;
    if (busy) return;
    busy = true;
    for (let next = first; again; next = () => view.more()) {
      again = false;
      await next().catch(() => {});
    }
    busy = false;
  };
  const stop = session.onMore(() => void look(() => view.more()));
  void look(() => view.open(plainKeys));
  return {
    feed: (chunk) => keys.feed(chunk).some((key) => view.key(key)),
    resize: (cols, rows) => view.resize(cols, rows),
    close() {
      stop();
      view.close();
    },
  };
}

/** The lines of a session, backwards from the first ask, and forwards from there. */
class SessionHistory implements HistorySource {
  readonly #archive: Archive;
  readonly #session: Session;
  #place: Place | undefined;
  /** The first line that is not older. */
  #next = 0;

  constructor(archive: Archive, session: Session) {
    this.#archive = archive;
    this.#session = session;
  }

  #lines(): SessionLines {
    return new SessionLines(lineSource(this.#session), this.#archive);
  }

  async older(before: number, count: number): Promise<HistoryLine[]> {
    const select = { ...all, to: Math.min(before, this.#next) };
    return (await this.#lines().last(count, select, "show")).flatMap(linesOf);
  }

  async newer(count: number): Promise<HistoryLine[]> {
    const standing = this.#session.live ? "complete" : "end";
    const found = new LastLines(count);
    const select = { ...all, from: this.#next };
    const first = this.#place === undefined;
    const reached = (place: Place, { shown }: { shown: number }) => {
      this.#place = place;
      this.#next = Math.max(this.#next, shown);
    };
    const lines =
      this.#place === undefined
        ? this.#lines().tail(select, standing, reached)
        : this.#lines().onward(this.#place, select, standing, reached);
    for await (const selected of lines) if (!first) found.push(selected);
    return found.chunks.flatMap(linesOf);
  }
}
