// What a viewer's client may send to the holder itself, past the server: bytes that mean nothing to us.
import type { LineMode } from "../../platform/native.ts";
import type { ProgramLine } from "../life/program-line.ts";

/** The client, as it is told. */
export interface OwnKeysClient {
  /**
   * It may send these bytes (a bit for each) itself, on the connection to the holder that may come along; the
   * interrupt character (0: none) too, of which it tells us.
   */
  open(set: Uint8Array, interrupt: number, holder?: number): void;
  /** It may no more, and closes that connection. */
  close(): void;
}

export class OwnKeys {
  readonly #program: Pick<ProgramLine, "openKeyboard" | "inputTaken" | "countsInterrupts">;
  readonly #client: OwnKeysClient;
  /**
   * Whether the client has a connection to the holder for keys ("held"), and was told that it may use it and
   * has sent none to us since ("open").
   */
  #state: "none" | "held" | "open" = "none";

  constructor(program: Pick<ProgramLine, "openKeyboard" | "inputTaken" | "countsInterrupts">, client: OwnKeysClient) {
    this.#program = program;
    this.#client = client;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /**
   * Opens the way for all of ASCII but `ours`, once the program has all that was typed before.
   * @param line how the terminal takes input now; undefined where nothing runs.
   */
  open(ours: readonly (number | null)[], line: LineMode | undefined): void {
    if (!this.#program.inputTaken) return;
    const holder = this.#state === "none" ? this.#program.openKeyboard() : undefined;
    if (holder === undefined && this.#state === "none") return;
    const set = new Uint8Array(32);
    const interrupt = line?.vintr ?? 0x03;
    for (let byte = 0; byte < 0x80; byte++)
      if (!ours.includes(byte) && byte !== interrupt) set[byte >> 3] = (set[byte >> 3] ?? 0) | (1 << (byte & 7));
    this.#state = "open";
    // a key that means something to us does so first
    const goes = line?.isig === true && this.#program.countsInterrupts && !ours.includes(interrupt);
    this.#client.open(set, goes ? interrupt : 0, holder);
  }

  /** The client sent what was typed to us. */
  typedHere(): void {
    if (this.#state === "open") this.#state = "held";
  }

  close(): void {
    if (this.#state !== "none") this.#client.close();
  }
}
