// What a headless terminal does with keys, output and its cursor: to be compared before and after.
import type { Terminal } from "@xterm/headless";

/** The state of its modes, of its cursor and of which buffer it shows. */
export function stateOf(terminal: Terminal): unknown {
  const core = (
    terminal as unknown as { _core: { coreService: { isCursorHidden: boolean; modes: object; decPrivateModes: object } } }
  )._core.coreService;
  return structuredClone({
    modes: { ...terminal.modes },
    hidden: core.isCursorHidden,
    ansi: core.modes,
    dec: core.decPrivateModes,
    buffer: terminal.buffer.active.type,
  });
}

/** Resolves when the terminal has taken the bytes. */
export function written(terminal: Terminal, bytes: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => terminal.write(bytes, resolve));
}
