// What the input parser has decided since it was last asked, in order: bytes for the program in as few pieces
// as can be, each interrupt character by itself.
import { atInterrupts } from "./interrupts.ts";
import type { KeyAction, KeyPolicy } from "./key-policy.ts";

export class ActionQueue {
  #actions: KeyAction[] = [];
  /** Bytes for the program since the last action. */
  #run: Uint8Array[] = [];

  /** Adds bytes for the program; those that its terminal turns into SIGINT become interrupts. */
  send(bytes: Uint8Array | number[], { isig, interruptByte }: KeyPolicy): void {
    for (const piece of atInterrupts(Uint8Array.from(bytes), isig ? interruptByte : null)) {
      if (piece.interrupt) this.add({ do: "interrupt", bytes: Buffer.from(piece.bytes) });
      else this.#run.push(piece.bytes);
    }
  }

  add(action: KeyAction): void {
    this.#endRun();
    this.#actions.push(action);
  }

  /** Hands out what has gathered. */
  take(): KeyAction[] {
    this.#endRun();
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }

  #endRun(): void {
    if (this.#run.length > 0) this.#actions.push({ do: "send", bytes: Buffer.concat(this.#run) });
    this.#run = [];
  }
}
