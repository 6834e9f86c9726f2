// What a session asks of the terminal of a viewer: that it is written to, and how it reads the output itself.
import type { TerminalBytes } from "../../base/text/terminal-bytes.ts";

/** What a viewer's terminal is sent of something. */
export interface OutputFilter {
  feed(chunk: Buffer): TerminalBytes;
}

/** The terminal of a viewer, as the server reaches it. */
export interface ViewerTerminal {
  write(bytes: TerminalBytes): void;
  /** Bytes written that the viewer has not taken yet. */
  backlog(): number;
  /** Calls once, when the backlog is gone. */
  onDrained(callback: () => void): void;
  /** It can only be shown what we draw: no program's own bytes, whatever its size. Default false. */
  readonly drawn?: boolean;
  /**
   * Reads the output itself, from a connection to the holder that is its own from then on; absent where it
   * cannot.
   */
  readonly direct?: {
    begin(holder: number, offset: number, tail: Buffer, events: DirectEvents): void;
    /**
     * Everything that is written from here on is shown behind what it has read; the rest of that it drops.
     */
    end(): void;
  };
}

/** What a terminal that reads the output itself tells. */
export interface DirectEvents {
  /**
   * It shows the output before `offset`; of the time since the last report it took nothing for so many
   * percent.
   */
  at(offset: number, blocked: number): void;
  /**
   * It reads no more: as it was told, at the end of the session, since what comes is drawn for something
   * else, or because nobody sends it any more.
   */
  ended(why: "told" | "over" | "other" | "gone"): void;
}
