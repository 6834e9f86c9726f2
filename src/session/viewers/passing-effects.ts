// What a program does to a terminal beside its screen, in the order in which it does it: the bell,
// notifications, writes of the clipboard. Frames of a screen lack them.
import { Position, State } from "../../base/text/control-sequences.ts";

/**
 * Operating system commands that are no part of a screen; native/filter/sequence_rules.c has what each does.
 */
const effects = new Set(["9", "52", "99", "777", "5522"]);

/** Bytes of one such command: a clipboard of many pages. A longer one is dropped. */
const longestEffect = 1 << 20;

const bell = 0x07;
const escapeCode = 0x1b;
const stringTerminator = 0x9c;

/** Within these a bell ends or belongs to a string, and is not heard. */
const strings: ReadonlySet<number> = new Set([
  State.osc,
  State.string,
  State.dcsEntry,
  State.dcsParameter,
  State.dcsIntermediate,
  State.dcsIgnore,
  State.dcsPassthrough,
]);

/** Picks the effects out of a program's stream; a command may come in several pieces. */
export class PassingEffects {
  readonly #at = new Position();
  /** The command that is being read, behind its introducer. */
  #command: number[] = [];

  /** The effects of the next bytes, as sequences that a terminal knows. */
  feed(chunk: Uint8Array): Buffer {
    const found: Buffer[] = [];
    for (const byte of chunk) {
      const before = this.#at.state;
      const code = this.#at.take(byte);
      const { state } = this.#at;
      if (before === State.osc && state === State.osc) {
        if (this.#command.length <= longestEffect) this.#command.push(byte);
        continue;
      }
      if (before === State.osc) found.push(this.#ended(code));
      else if (code === bell && !strings.has(before)) found.push(Buffer.of(bell));
      if (state === State.osc) this.#command = [];
    }
    return Buffer.concat(found);
  }

  /** @param code what ended the command. */
  #ended(code: number): Buffer {
    // a terminator of two bytes has left its first one
    const command = Buffer.from(code === stringTerminator ? this.#command.slice(0, -1) : this.#command);
    this.#command = [];
    const whole = code === bell || code === escapeCode || code === stringTerminator;
    if (!whole || command.length > longestEffect) return Buffer.alloc(0);
    const number = command.subarray(0, 5).toString("latin1").split(";", 1)[0] as string;
    return effects.has(number) ? Buffer.concat([Buffer.from("\x1b]"), command, Buffer.from("\x1b\\")]) : Buffer.alloc(0);
  }
}
