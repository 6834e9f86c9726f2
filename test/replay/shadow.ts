// State of a user's terminal that xterm.js does not keep (unknown modes, palette, keyboard protocols …),
// watched so that a replay that forgets it shows.
import type { Terminal } from "@xterm/headless";

/** DEC modes that xterm.js keeps, and those whose effect is not a state. */
const kept = new Set([
  1, 2, 3, 6, 7, 9, 12, 25, 40, 45, 47, 66, 1000, 1002, 1003, 1004, 1006, 1016, 1045, 1047, 1048, 1049, 2004, 2026, 2048,
]);

/** DEC modes that are on until a program switches them off. */
const onByDefault = [8, 1007, 1034, 1035, 1036, 1039, 1041];

interface Keyboard {
  flags: number;
  stack: number[];
}

export class Shadow {
  #modes = new Map<number, boolean>();
  #ansi = new Map<number, boolean>();
  #keyboards: [Keyboard, Keyboard] = [
    { flags: 0, stack: [] },
    { flags: 0, stack: [] },
  ];
  #alternate = false;
  #keys = new Map<number, number>();
  #palette = new Map<string, string>();
  #colours = new Map<number, string>();
  #pointer = "";
  #directory = "";

  constructor({ parser }: Terminal) {
    const csi = (
      id: { prefix?: string; final: string; intermediates?: string },
      watch: (numbers: number[], count: number) => void,
    ) =>
      parser.registerCsiHandler(id, (all) => {
        watch(
          all.filter((p) => typeof p === "number"),
          all.length,
        );
        return false;
      });
    const osc = (number: number, watch: (text: string) => void) =>
      parser.registerOscHandler(number, (text) => {
        watch(text);
        return false;
      });
    for (const on of [true, false]) {
      csi({ prefix: "?", final: on ? "h" : "l" }, (modes) => {
        for (const mode of modes) {
          if (mode === 47 || mode === 1047 || mode === 1049) this.#alternate = on;
          if (!kept.has(mode)) this.#modes.set(mode, on);
        }
      });
      csi({ final: on ? "h" : "l" }, (modes) => {
        for (const mode of modes) if (mode !== 4 && mode !== 20) this.#ansi.set(mode, on);
      });
    }
    csi({ prefix: ">", final: "u" }, ([flags = 0]) => {
      const keyboard = this.#keyboard();
      keyboard.stack.push(keyboard.flags);
      if (keyboard.stack.length > 16) keyboard.stack.shift();
      keyboard.flags = flags;
    });
    csi({ prefix: "<", final: "u" }, ([count]) => {
      const keyboard = this.#keyboard();
      let left = count || 1;
      for (; left > 0 && keyboard.stack.length > 0; left--) keyboard.flags = keyboard.stack.pop() as number;
      if (left > 0) keyboard.flags = 0;
    });
    csi({ prefix: "=", final: "u" }, ([flags = 0, how = 1]) => {
      const keyboard = this.#keyboard();
      keyboard.flags = how === 3 ? keyboard.flags & ~flags : how === 2 ? keyboard.flags | flags : flags;
    });
    csi({ prefix: ">", final: "m" }, ([resource = 0, value], count) => {
      if (count === 0 || (count === 1 && resource === 0)) this.#keys.clear();
      else if (value === undefined || value < 0) this.#keys.delete(resource);
      else this.#keys.set(resource, value);
    });
    csi({ prefix: ">", final: "n" }, ([resource]) => this.#keys.delete(resource || 2));
    for (const number of [4, 5]) {
      osc(number, (text) => {
        const parts = text.split(";");
        for (let i = 0; i + 1 < parts.length; i += 2)
          if (parts[i + 1] !== "?" && parts[i + 1] !== "") this.#palette.set(`${number};${parts[i]}`, parts[i + 1] as string);
      });
      osc(100 + number, (text) => {
        for (const key of [...this.#palette.keys()])
          if (key.startsWith(`${number};`) && (text === "" || text.split(";").includes(key.slice(2)))) this.#palette.delete(key);
      });
    }
    for (let number = 10; number < 20; number++) {
      osc(number, (text) =>
        text.split(";").forEach((colour, i) => {
          if (colour !== "" && colour !== "?" && number + i < 20) this.#colours.set(number + i, colour);
        }),
      );
      osc(100 + number, () => this.#colours.delete(number));
    }
    osc(22, (text) => {
      this.#pointer = text;
    });
    osc(7, (text) => {
      this.#directory = text;
    });
    parser.registerEscHandler({ final: "c" }, () => {
      this.#reset();
      return false;
    });
  }

  #keyboard(): Keyboard {
    return this.#keyboards[this.#alternate ? 1 : 0];
  }

  #reset(): void {
    this.#modes.clear();
    this.#ansi.clear();
    for (const keyboard of this.#keyboards) {
      keyboard.flags = 0;
      keyboard.stack = [];
    }
    this.#alternate = false;
    this.#keys.clear();
    this.#palette.clear();
    this.#colours.clear();
    this.#pointer = "";
    this.#directory = "";
  }

  state(): Record<string, string> {
    const sorted = <K, V>(map: Map<K, V>) => JSON.stringify([...map].sort((a, b) => (`${a[0]}` < `${b[0]}` ? -1 : 1)));
    const on = (map: Map<number, boolean>) => [...map].filter(([, set]) => set).map(([mode]) => mode);
    const off = onByDefault.filter((mode) => this.#modes.get(mode) === false);
    return {
      "private modes": `${on(this.#modes)
        .filter((mode) => !onByDefault.includes(mode))
        .sort((a, b) => a - b)}-${off}`,
      "ANSI modes": `${on(this.#ansi).sort((a, b) => a - b)}`,
      "keyboard protocol": JSON.stringify(this.#keyboards),
      "modified keys": sorted(this.#keys),
      palette: sorted(this.#palette),
      "dynamic colours": sorted(this.#colours),
      pointer: this.#pointer,
      directory: this.#directory,
    };
  }
}
