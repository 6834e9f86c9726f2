// The list of runs, asked of the session server once for all pages, and only while somebody looks.
import type { RunRow } from "../wire.ts";
import { runRow } from "./rows.ts";
import type { SessionServer } from "./session-server.ts";

/** Between two questions (ms): a loss comes each epoch, and epochs take seconds. */
const askEach = 1_500;
/** Longest list that is taken, bytes: some ten thousand sessions. */
const mostList = 32 << 20;

export class RunsFeed {
  readonly #server: SessionServer;
  readonly #watchers = new Set<(rows: RunRow[]) => void>();
  #rows: RunRow[] | undefined;
  #said = "";
  #timer: NodeJS.Timeout | undefined;
  #asking = false;

  constructor(server: SessionServer) {
    this.#server = server;
  }

  /** Calls with the list at once where it is known, and whenever it changes. Answers what ends that. */
  watch(watcher: (rows: RunRow[]) => void): () => void {
    this.#watchers.add(watcher);
    if (this.#rows !== undefined) watcher(this.#rows);
    if (this.#timer === undefined && !this.#asking) void this.#ask();
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) this.close();
    };
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#rows = undefined;
    this.#said = "";
  }

  async #ask(): Promise<void> {
    this.#asking = true;
    try {
      const { status, stdout } = await this.#server.ask(["sessions", "--all", "--json"], mostList);
      const parsed: unknown = status === 0 ? JSON.parse(stdout.toString()) : undefined;
      if (Array.isArray(parsed)) this.#tell(parsed.flatMap((one) => runRow(one) ?? []));
    } catch {
      // no server, or one that was killed in between: it is asked again
    }
    this.#asking = false;
    if (this.#watchers.size > 0) this.#timer = setTimeout(() => void this.#ask(), askEach);
  }

  #tell(rows: RunRow[]): void {
    const said = JSON.stringify(rows);
    if (said === this.#said) return;
    this.#said = said;
    this.#rows = rows;
    for (const watcher of this.#watchers) watcher(rows);
  }
}
