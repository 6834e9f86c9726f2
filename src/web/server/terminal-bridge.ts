// One browser's terminal: a viewer of the session server on one side, a WebSocket on the other, and never
// more between them than the browser can draw.
import type { ServerMessage } from "../wire.ts";
import type { Line } from "./line.ts";
import type { SessionServer } from "./session-server.ts";

/**
 * So many bytes may be on their way to a browser that has not said that it drew them. Beyond it the session
 * server is not read, which then
 * sends the screen of the present instead of what piled up (its credit is 1 MiB).
 */
export const mostUntaken = 256 << 10;
/** After the session server was lost, until the next attempt (ms). */
const retryPause = 500;

/** What a terminal shows. */
export interface Shown {
  /** The command and its arguments. */
  args: readonly string[];
  /** What to ask of the next session server, where it is something else. */
  again?: readonly string[];
  typing: boolean;
}

export interface BridgeEffects {
  say(message: ServerMessage): void;
  output(bytes: Buffer): void;
}

export class TerminalBridge {
  readonly #server: SessionServer;
  readonly #effects: BridgeEffects;
  readonly #n: number;
  readonly #shown: Shown;
  #line: Line | undefined;
  #cols: number;
  #rows: number;
  #untaken = 0;
  #paused = false;
  #closed = false;
  #notes = "";
  #retry: NodeJS.Timeout | undefined;

  /** @param n number of this terminal on its WebSocket. */
  constructor(server: SessionServer, n: number, shown: Shown, size: { cols: number; rows: number }, effects: BridgeEffects) {
    this.#server = server;
    this.#n = n;
    this.#shown = shown;
    this.#effects = effects;
    this.#cols = size.cols;
    this.#rows = size.rows;
    void this.#open(shown.args);
  }

  get typing(): boolean {
    return this.#shown.typing;
  }

  /**
   * Keys that come while there is no session server are dropped: who typed them sees that nothing happens.
   */
  input(bytes: Uint8Array): void {
    this.#line?.input(bytes);
  }

  size(cols: number, rows: number): void {
    this.#cols = cols;
    this.#rows = rows;
    this.#line?.size(cols, rows);
  }

  /** The browser has drawn so many bytes. */
  taken(n: number, bytes: number): void {
    if (n !== this.#n) return;
    this.#untaken = Math.max(0, this.#untaken - bytes);
    if (!this.#paused || this.#untaken > mostUntaken / 2) return;
    this.#paused = false;
    this.#line?.resume();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#line?.close();
  }

  async #open(args: readonly string[]): Promise<void> {
    try {
      const line = await this.#server.terminal(args, this.#cols, this.#rows, {
        stdout: (bytes) => this.#output(bytes),
        stderr: (bytes) => {
          this.#notes = bytes.toString().slice(-2_000);
        },
        over: (status) => this.#over(status),
      });
      if (this.#closed) return line.close();
      this.#line = line;
      this.#untaken = 0;
      this.#paused = false;
      this.#effects.say({ is: "terminal", n: this.#n, state: "open", typing: this.#shown.typing });
    } catch {
      this.#over(undefined);
    }
  }

  #output(bytes: Buffer): void {
    if (this.#closed) return;
    this.#untaken += bytes.length;
    this.#effects.output(bytes);
    if (this.#paused || this.#untaken <= mostUntaken) return;
    this.#paused = true;
    this.#line?.pause();
  }

  /**
   * The session is over, or was left; or the session server was lost, and the next one draws the screen
   * anew.
   */
  #over(status: number | undefined): void {
    if (this.#closed) return;
    this.#line = undefined;
    if (status !== undefined) {
      this.#closed = true;
      const why = this.#notes.trim().split("\n").at(-1) ?? "";
      return this.#effects.say({ is: "terminal", n: this.#n, state: "closed", why });
    }
    this.#effects.say({ is: "terminal", n: this.#n, state: "lost" });
    this.#retry = setTimeout(() => void this.#open(this.#shown.again ?? this.#shown.args), retryPause);
  }
}
