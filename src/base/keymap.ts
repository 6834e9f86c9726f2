// The keymap: which key does what in which view of ours, as data. Views, footers, help and the
// configuration's `[keys]` are made from it; another key is one line.

/** A key by its name (session/keys/view-keys.ts), or the character that it types. */
export type KeyName = string;

/** One action of a view. */
export interface Binding<Action extends string = string> {
  readonly action: Action;
  readonly keys: readonly KeyName[];
  readonly help: string;
  /** What does the same without a key that could be bound. */
  readonly also?: string;
  /**
   * Its word in the footer; those with the lowest rank go first where it is narrow. `with`: the action whose
   * key stands beside its own. Without a word it is in the help alone.
   */
  readonly footer?: { readonly word: string; readonly rank: number; readonly with?: string };
}

/** The keys as they are where nobody chose others, in the order of the help. */
export const defaultKeymap = {
  /** Behind the prefix key; any other key detaches. */
  prefix: [{ action: "history", keys: ["["], help: "the history" }],
  /** falcon sessions --watch. */
  watch: [
    {
      action: "down",
      keys: ["j", "down"],
      also: "wheel",
      help: "the next line",
      footer: { word: "select", rank: 8, with: "up" },
    },
    { action: "up", keys: ["k", "up"], also: "wheel", help: "the line before" },
    { action: "page-down", keys: ["page-down", " "], help: "a page down" },
    { action: "page-up", keys: ["page-up"], help: "a page up" },
    { action: "first", keys: ["g", "home"], help: "the first line" },
    { action: "last", keys: ["G", "end"], help: "the last line" },
    {
      action: "open",
      keys: ["enter"],
      help: "attach (d comes back here), or an ended run's report",
      footer: { word: "attach", rank: 7 },
    },
    { action: "fold", keys: ["e"], help: "fold or unfold the ended ones", footer: { word: "ended", rank: 2 } },
    { action: "filter", keys: ["/"], help: "only what has this text in it; Esc shows all", footer: { word: "filter", rank: 3 } },
    { action: "sort", keys: ["s"], help: "sort by age, name, status, loss", footer: { word: "sort", rank: 4 } },
    { action: "reverse", keys: ["r"], help: "the other way round", footer: { word: "reverse", rank: 1 } },
    { action: "metric", keys: ["m"], help: "a metric that the runs write as a column, by its name" },
    { action: "usage", keys: ["u"], help: "CPU, memory and GPU before other columns, where not all have room" },
    { action: "help", keys: ["?"], help: "this list", footer: { word: "keys", rank: 5 } },
    {
      action: "leave",
      keys: ["q", "d", "escape", "interrupt"],
      help: "leave; everything goes on",
      footer: { word: "leave", rank: 6 },
    },
  ],
  /** The history while attached. */
  history: [
    { action: "page-up", keys: ["page-up", "b"], help: "a page up" },
    { action: "page-down", keys: ["page-down", "f", " "], help: "a page down" },
    { action: "down", keys: ["j", "down", "enter"], help: "a line down" },
    { action: "up", keys: ["k", "up"], help: "a line up" },
    { action: "search", keys: ["/"], help: "search" },
    { action: "older", keys: ["n"], help: "older match" },
    { action: "newer", keys: ["N"], help: "newer match" },
    { action: "first", keys: ["g", "home"], help: "oldest line" },
    { action: "last", keys: ["G", "end"], help: "newest line" },
    { action: "left", keys: ["left"], help: "to the left" },
    { action: "right", keys: ["right"], help: "to the right" },
    { action: "help", keys: ["?"], help: "keys" },
    { action: "leave", keys: ["q", "Q", "escape", "interrupt"], help: "back" },
  ],
  /** falcon replay. */
  replay: [
    { action: "pause", keys: [" "], help: "pauses and goes on", footer: { word: "pauses", rank: 4 } },
    { action: "back", keys: ["left"], help: "10 s back", footer: { word: "10 s", rank: 2, with: "forward" } },
    { action: "forward", keys: ["right"], help: "10 s on" },
    { action: "begin", keys: ["home"], help: "to the beginning" },
    { action: "end", keys: ["end"], help: "to the end" },
    { action: "faster", keys: ["+", "="], help: "twice as fast", footer: { word: "speed", rank: 1, with: "slower" } },
    { action: "slower", keys: ["-", "_"], help: "half as fast" },
    { action: "leave", keys: ["q", "Q", "interrupt"], help: "leaves", footer: { word: "leaves", rank: 3 } },
  ],
} as const satisfies Record<string, readonly Binding[]>;

export type Context = keyof typeof defaultKeymap;
/** What can be done in a view. */
export type Action<C extends Context> = (typeof defaultKeymap)[C][number]["action"];
export type Bindings<C extends Context> = readonly Binding<Action<C>>[];
export type Keymap = { readonly [C in Context]: Bindings<C> };

/** Names of keys that are not one character, and how a person writes them. */
const labels: Readonly<Record<KeyName, string>> = {
  up: "Up",
  down: "Down",
  left: "Left",
  right: "Right",
  home: "Home",
  end: "End",
  "page-up": "PageUp",
  "page-down": "PageDown",
  escape: "Esc",
  enter: "Enter",
  backspace: "Backspace",
  interrupt: "Ctrl+C",
  " ": "Space",
};

/** What a key does in a view. */
export function actionOf<A extends string>(bindings: readonly Binding<A>[], key: KeyName): A | undefined {
  return bindings.find(({ keys }) => keys.includes(key))?.action;
}

/** The first key of an action as a person writes it; "" where it has none. */
export function labelOf(bindings: readonly Binding[], action: string): string {
  const [key] = bindings.find((binding) => binding.action === action)?.keys ?? [];
  return key === undefined ? "" : (labels[key] ?? key);
}

/** All keys of an action as a person writes them. */
export function labelsOf({ keys, also }: Binding): string {
  return [...keys.map((key) => labels[key] ?? key), ...(also === undefined ? [] : [also])].join(", ");
}

/**
 * As many of a view's keys as `cols` columns take, in the order of the help.
 * @param value what stands behind the word of an action, such as what is sorted by.
 */
export function footerOf(bindings: readonly Binding[], cols: number, value: Readonly<Record<string, string>> = {}): string {
  const items = bindings.flatMap(({ action, footer }) => {
    if (footer === undefined) return [];
    const keys = [labelOf(bindings, action), ...(footer.with === undefined ? [] : [labelOf(bindings, footer.with)])];
    const told = value[action] === undefined ? "" : `: ${value[action]}`;
    return keys.includes("") ? [] : [{ text: `${keys.join("/")} ${footer.word}${told}`, rank: footer.rank }];
  });
  const line = () => items.map(({ text }) => text).join(" · ");
  while (items.length > 1 && line().length > cols) {
    const least = items.reduce((a, b) => (b.rank < a.rank ? b : a));
    items.splice(items.indexOf(least), 1);
  }
  return line();
}

/** The list of a view's keys, a line each. */
export function helpOf(bindings: readonly Binding[]): string[] {
  const shown = bindings.filter(({ keys }) => keys.length > 0);
  const width = Math.max(...shown.map((binding) => labelsOf(binding).length)) + 2;
  return shown.map((binding) => `  ${labelsOf(binding).padEnd(width)}${binding.help}`);
}

/** The keys of a view in one line, the order of the help; it is cut where the terminal is narrow. */
export function sentenceOf(bindings: readonly Binding[]): string {
  return bindings
    .filter(({ keys }) => keys.length > 0)
    .map((binding) => `${labelsOf(binding)} ${binding.help}`)
    .join(" · ");
}

/**
 * Whether a key may be chosen in the configuration: a character, or one of the names. Ctrl+C leaves always.
 */
export function mayBind(key: unknown): key is KeyName {
  if (typeof key !== "string" || key === "interrupt") return false;
  return Object.hasOwn(labels, key) || key === "space" || (/^[^\p{C}\p{Z}]$/u.test(key) && key !== "");
}

/** The keymap with other keys for one action; they are taken from whatever else they did in that view. */
export function rebound(keymap: Keymap, context: Context, action: string, keys: readonly KeyName[]): Keymap {
  const wanted = keys.map((key) => (key === "space" ? " " : key));
  const bindings = (keymap[context] as readonly Binding[]).map((binding) => {
    if (binding.action !== action) return { ...binding, keys: binding.keys.filter((key) => !wanted.includes(key)) };
    return { ...binding, keys: binding.keys.includes("interrupt") ? [...wanted, "interrupt"] : wanted };
  });
  return { ...keymap, [context]: bindings };
}
