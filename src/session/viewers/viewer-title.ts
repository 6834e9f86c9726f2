// The title of a viewer's terminal: the session's name, what its viewer has to know, and how to leave.
import type { Trainer } from "../../trainers/trainer.ts";
import type { Audience } from "../life/audience.ts";
import type { Session } from "../life/session.ts";
import type { ViewerTerminal } from "./terminal-effects.ts";
import type { Viewer } from "./viewer.ts";
import { titleOf } from "./viewer-terminal.ts";

/** The keys that leave, where they are not switched off: a letter, and a byte. */
interface LeaveKeys {
  detachKey: string | null;
  prefix: number | null;
}

/** What a title tells of a session. */
type TitledSession = Pick<Session, "row" | "trainer" | "viewed"> & { readonly audience: Pick<Audience, "limit" | "note"> };

export class ViewerTitle {
  readonly #session: TitledSession;
  readonly #viewer: Viewer;
  readonly #terminal: ViewerTerminal;
  readonly #keys: LeaveKeys;
  readonly #readOnly: boolean;
  /** What was last told. */
  #told = "";

  constructor(session: TitledSession, viewer: Viewer, terminal: ViewerTerminal, keys: LeaveKeys, readOnly: boolean) {
    this.#session = session;
    this.#viewer = viewer;
    this.#terminal = terminal;
    this.#keys = keys;
    this.#readOnly = readOnly;
  }

  get text(): string {
    const { row, trainer, audience, viewed } = this.#session;
    const { cols, rows } = this.#viewer;
    // frames cut the part around the cursor out of a larger screen
    const part = cols < viewed.cols || rows < viewed.rows ? ` · a part of ${viewed.cols}x${viewed.rows}` : "";
    const leave = leavingKeys(trainer, row.command, this.#keys);
    const told = [this.#readOnly ? "read-only" : "", audience.note, audience.limit, leave === "" ? "" : `${leave} detaches`];
    return [`${row.name}${part}`, ...told.filter((words) => words !== "")].join(" · ");
  }

  /** Gives the terminal the title where it has changed. */
  tell(): void {
    const { text } = this;
    if (text === this.#told) return;
    this.#told = text;
    this.#terminal.write(titleOf(text));
  }
}

/** "d or Ctrl-\\": the keys that leave a session of this kind; "" where all are switched off. */
export function leavingKeys(trainer: Trainer, command: readonly string[], { detachKey, prefix }: LeaveKeys): string {
  const letterLeaves = trainer.display.detachKeyFree && trainer.plain?.(command) !== true;
  const keys = [
    ...(letterLeaves && detachKey !== null ? [detachKey] : []),
    ...(prefix === null ? [] : [`Ctrl-${String.fromCharCode(prefix | 0x40)}`]),
  ];
  return keys.join(" or ");
}
