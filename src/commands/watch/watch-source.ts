// What the watch is of: sessions of ours and lines of others, and what it tells of either.
import type { Failure } from "../../base/failure.ts";
import { standing } from "../../session/life/conclusion.ts";
import type { Session } from "../../session/life/session.ts";
import type { SessionTable } from "../../session/life/session-table.ts";
import type { Context } from "../dispatch/call.ts";
import { isOwn, jobText, type ListRow } from "../list/list-row.ts";
import { usageOf } from "../list/session-json.ts";
import { statusWord } from "../text/status-word.ts";
import { usageCells } from "../text/usage-text.ts";
import type { Watched } from "./watch-rows.ts";

/** What is watched. */
export interface WatchSource {
  /** Asks the others again. */
  refresh(): Promise<void>;
  /**
   * The sessions of this server to show, and what the others last said.
   * @param lacks told of each that was named and fits none
   */
  choose(lacks: (failure: Failure) => void): (Session | ListRow)[];
  /** The metric that stands in a column at first. */
  metric?: string | undefined;
}

/** What is watched, chosen anew when a session has come or gone and when the others were asked. */
export class WatchChoice {
  readonly #source: WatchSource;
  readonly #table: SessionTable;
  /** At which of the table's changes it was chosen; undefined: it is to be chosen anew. */
  #at: number | undefined;
  #first = true;
  /** What was said of those that fit none. */
  #told = new Set<string>();
  own: readonly Session[] = [];
  others: readonly ListRow[] = [];

  constructor(source: WatchSource, table: SessionTable) {
    this.#source = source;
    this.#table = table;
  }

  /**
   * Chooses where that is due. One of those that were named may have been removed: the others stay.
   * @returns what to say of those that fit none any more
   * @throws Failure where the first choice finds none at all
   */
  look(): string | undefined {
    const { changes } = this.#table;
    if (this.#at === changes) return undefined;
    this.#at = changes;
    const lacking: Failure[] = [];
    const found = this.#source.choose((failure) => lacking.push(failure));
    if (this.#first && found.length === 0 && lacking[0] !== undefined) throw lacking[0];
    this.#first = false;
    this.own = found.filter(isOwn);
    this.others = found.filter((one): one is ListRow => !isOwn(one));
    const sentences = lacking.map(({ message }) => message);
    const untold = sentences.filter((sentence) => !this.#told.has(sentence));
    this.#told = new Set(sentences);
    return untold.length > 0 ? untold.join("; ") : undefined;
  }

  /** One that does not answer holds up nothing: its next answer is shown when it comes. */
  askOthers(): void {
    const anew = () => {
      this.#at = undefined;
    };
    anew();
    this.#source.refresh().then(anew, () => {});
  }
}

export function watched(session: Session, { usage }: Context): Watched {
  const { id, name, directory, runDirectory, created, started, ended } = session.row;
  return {
    id,
    name,
    directory: runDirectory ?? directory,
    live: session.live,
    created,
    started,
    ended,
    status: statusWord(standing(session)),
    usage: usageCells(usageOf(session, usage), session.live),
  };
}

export function watchedRow({ id, name, place, live, created, since, status, far, listing }: ListRow): Watched {
  const { usage, job, host } = listing;
  return {
    ...{ id, name, directory: far === undefined ? place : `${far.host}:${place}`, live, created },
    started: live ? since : null,
    ended: live ? null : since,
    status: statusWord(status),
    usage: usageCells(usage ?? undefined, live),
    // as it is called, which is another name where it is reached through the machine that was asked
    ...(far === undefined ? {} : { host: host ?? far.host }),
    ...(job ? { job: jobText(job) } : {}),
  };
}
