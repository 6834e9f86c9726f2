// How one session ends: by its program's end, or by what is on disk where nobody saw that; and what is kept
// of it before anybody hears of the end.
import { within } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { ExitRecord } from "../../protocol/holder.ts";
import type { OutputLog } from "../../store/output-log.ts";
import type { SessionRow } from "../../store/session-store.ts";
import type { Trainer } from "../../trainers/trainer.ts";
import { ofLog } from "../output/feed-log.ts";
import { endLeftovers } from "../run/ray-leftovers.ts";
import { whyLost } from "./ending.ts";
import type { SessionHolder } from "./session-holder.ts";
import { endReason } from "./state.ts";

/**
 * So long (ms) an end is not told of while its files are looked at: a file server that hangs must not keep a
 * waiting caller. Of a part whose job is to run again the end is told behind the request to Slurm, however
 * long that takes (each program and each look has a bound of its own): the job's script ends with the caller,
 * and Slurm kills the server, which alone would ask, with the script.
 */
const longestConclusion = 10_000;

/** The session that ends. */
export interface EndingSession {
  readonly id: string;
  readonly row: SessionRow;
  readonly trainer: Trainer;
  readonly live: boolean;
  readonly output: { offset: number; settle(end: number): Promise<void> };
  /** ms since 1970 of the last output, 0 before any. */
  readonly lastOutput: number;
  openLog(): OutputLog;
  save(): void;
}

/** What it needs of its session and of the server. */
export interface SessionEndEffects {
  readonly holder: SessionHolder;
  readonly log: Log;
  /** ms since 1970. */
  clock(): number;
  readonly boot: string;
  /** Keeps how it ended. `lost`: nobody saw the end, and why. Never rejects. */
  conclude(lost: string | undefined): Promise<void>;
  /** The session has another state, with the reason. */
  to(state: "exiting" | "exited" | "lost", reason: string): void;
  /** It is exited, or lost; not called where this server has let go of it. */
  over(state: "exited" | "lost", reason: string): void;
}

export class SessionEnd {
  readonly #session: EndingSession;
  readonly #effects: SessionEndEffects;
  /** Whether it was begun. */
  isBegun = false;

  constructor(session: EndingSession, effects: SessionEndEffects) {
    this.#session = session;
    this.#effects = effects;
  }

  /** The program has ended, as its holder says. */
  async exited({ status, time, end }: Pick<ExitRecord, "status" | "time" | "end">): Promise<void> {
    // "exiting" alone tells nothing: a server that was killed in this very place left it behind
    if (!this.#begin()) return;
    this.#effects.holder.link?.ended();
    this.#exiting(status, time);
    await this.#session.output.settle(end);
    await this.#endLeftovers();
    await this.#conclude(undefined);
    this.#effects.over("exited", endReason(status));
  }

  /** Nobody holds the terminal any more: what is on disk tells how it ended, or that it is lost. */
  async fromDisk(): Promise<void> {
    if (!this.#begin()) return;
    this.#effects.holder.removeSocket();
    const { row, output, lastOutput } = this.#session;
    const { start, exit } = this.#effects.holder.record();
    // of a program that has ended before its server heard that it had begun the holder's record alone tells
    // that
    row.started ??= start ?? null;
    if (exit === undefined) {
      // not when we notice: nobody may have looked for hours
      row.ended ??= lastOutput || this.#lastHeard() || this.#effects.clock();
      const why = whyLost(row, this.#effects.boot, this.#effects.holder.lossReason);
      await this.#conclude(why);
      this.#effects.over("lost", why);
    } else {
      output.offset = exit.end;
      this.#exiting(exit.status, exit.time);
      await this.#conclude(undefined);
      this.#effects.over("exited", endReason(exit.status));
    }
  }

  /** What its holder wrote down: nobody may have told of the end. */
  look(): void {
    const { exit } = this.#effects.holder.record();
    if (exit !== undefined) void this.exited(exit);
  }

  #begin(): boolean {
    if (!this.#session.live || this.isBegun) return false;
    this.isBegun = true;
    return true;
  }

  #exiting(status: number, time: number): void {
    const { row } = this.#session;
    row.waitStatus = status;
    row.ended = time;
    if (row.state !== "exiting") this.#effects.to("exiting", "the program has ended");
  }

  /** Ray's processes, for one, would otherwise stay until the next reboot. */
  async #endLeftovers(): Promise<void> {
    const { row, trainer, id } = this.#session;
    if (row.holderPid === null) return;
    const ended = await endLeftovers(row.holderPid, trainer);
    if (ended.length === 0) return;
    this.#effects.log("session.leftovers-ended", { id, ended });
    row.facts.leftovers = ended.map(({ what }) => what);
  }

  /** Keeps how it ended, before anybody hears of the end. */
  async #conclude(lost: string | undefined): Promise<void> {
    const { row, output, lastOutput } = this.#session;
    row.facts.outputBytes = output.offset;
    row.facts.lastOutput = lastOutput || this.#lastHeard();
    this.#session.save();
    const concluded = this.#effects.conclude(lost);
    await (row.facts.requeue === true ? concluded : within(longestConclusion, concluded));
  }

  /**
   * When its log says that it wrote something last (ms since 1970), 0 where it does not tell: of an output
   * that this server never saw.
   */
  #lastHeard(): number {
    return ofLog(this.#session, (log) => log.times.last?.time) ?? 0;
  }
}
