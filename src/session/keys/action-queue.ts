// What the input parser has decided since it was last asked, in order: bytes for the program in as few pieces
// as can be, each interrupt character by itself.
import type { KeyAction, KeyPolicy } from "./key-policy.ts";

export class ActionQueue {
  #actions: KeyAction[] = [];
  /** Bytes for the program since the last action. */
  #run: Uint8Array[] = [];

  /** Adds bytes for the program; those that its terminal turns into SIGINT become interrupts. */
  send(bytes: Uint8Array | number[], { isig, interruptByte }: KeyPolicy): void {
    let rest = Uint8Array.from(bytes);
    for (let at = find(rest, interruptByte); isig && at >= 0; at = find(rest, interruptByte)) {
      if (at > 0) this.#run.push(rest.subarray(0, at));
      this.add({ do: "interrupt", bytes: Buffer.from(rest.subarray(at, at + 1)) });
      rest = rest.subarray(at + 1);
    }
    if (rest.length > 0) this.#run.push(rest);
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

function find(bytes: Uint8Array, byte: number | null): number {
  return byte === null ? -1 : bytes.indexOf(byte);
}
