// The proof through the real product: a program plays a recording in a session, its viewer detaches in the
// midst of it, another attaches in a second terminal; that one must equal a terminal that saw all. The
// machine's tmux and GNU screen do the same beside it.
// Usage: node --import tsx test/replay/e2e.ts [--cases N] [--only PATTERN] [--verbose] [--alone]
//   --cases: at least so many cases (default 200)   --alone: without tmux and screen
//   --share: each how many-th these play, too (default 4)
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { program } from "../support/compile.ts";
import { until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { notBuilt } from "../support/paths.ts";
import { UserTerminal } from "../support/terminal/terminal.ts";
import { corpusFolder, ownFolder, type Recording, randomNumbers, recordings } from "./corpus.ts";
import { cannotBeRight } from "./known.ts";
import { compare, type Difference, isVisible, type State, UserScreen } from "./user-screen.ts";

const value = (option: string) => (process.argv.includes(option) ? process.argv[process.argv.indexOf(option) + 1] : undefined);
const wantedCases = Number(value("--cases") ?? 200);
const only = value("--only");
const verbose = process.argv.includes("--verbose");

/** How long a terminal may take to come to the state that it should have (ms); then the case has failed. */
const patience = { ours: 10_000, theirs: 1_500 };

/**
 * Of our cases, every so many-th is played in tmux and screen, too: their misses cost the whole patience
 * each.
 */
const theirShare = Number(value("--share") ?? 4);

/** tmux and screen have the alternate screen for themselves: what shows on it counts, not which one it is. */
const showsInTheirs = (difference: Difference) => isVisible(difference) && difference.what !== "screen";

interface Case {
  recording: Recording;
  cut: number;
}

interface Side {
  name: string;
  /** Runs the player in a new session with a viewer. */
  start(player: string[], size: { cols: number; rows: number }, number: number): Promise<UserTerminal>;
  /** Leaves the session and attaches in another terminal. */
  attachAgain(first: UserTerminal, size: { cols: number; rows: number }, number: number): Promise<UserTerminal>;
  /** Bytes of output that the session has taken; undefined where that cannot be known. */
  taken(number: number): number | undefined;
  end(): Promise<void>;
}

interface Outcome {
  full: boolean;
  visible: boolean;
  differences: Difference[];
  when: string;
}

class Falcon implements Side {
  readonly name = "falcon";
  readonly #home = new TestHome();
  readonly #ids = new Map<number, string>();

  async start(player: string[], size: { cols: number; rows: number }, number: number): Promise<UserTerminal> {
    const terminal = this.#home.terminal(["run", "--name", `case${number}`, "--", ...player], size);
    const row = await until(
      async () => (await this.#home.sessions()).find(({ name, state }) => name === `case${number}` && state === "running"),
      `session case${number}`,
    );
    this.#ids.set(number, row.id);
    return terminal;
  }

  async attachAgain(first: UserTerminal, size: { cols: number; rows: number }, number: number): Promise<UserTerminal> {
    first.key("C-\\");
    await first.waitForExit();
    return this.#home.terminal(["attach", this.#ids.get(number) as string], size);
  }

  taken(number: number): number {
    const file = path.join(this.#home.folder, "s", this.#ids.get(number) as string, "output.log");
    return fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  }

  end(): Promise<void> {
    return this.#home.dispose();
  }
}

const plainEnvironment = (folder: string) => ({
  PATH: process.env.PATH ?? "/usr/bin:/bin",
  HOME: folder,
  LANG: "C.UTF-8",
  TERM: "xterm-256color",
});

class Tmux implements Side {
  readonly name = "tmux";
  readonly #folder = fs.mkdtempSync("/tmp/fs-");
  readonly #socket = path.join(this.#folder, "tmux");
  readonly #configuration = path.join(this.#folder, "tmux.conf");

  constructor() {
    fs.writeFileSync(
      this.#configuration,
      'set -g status off\nset -g default-terminal "xterm-256color"\nset -g escape-time 0\nset -ga terminal-features "*:RGB:usstyle:hyperlinks"\nset -g history-limit 1000\n',
    );
  }

  #terminal(args: string[], size: { cols: number; rows: number }): UserTerminal {
    return new UserTerminal("tmux", ["-S", this.#socket, "-f", this.#configuration, ...args], {
      ...size,
      env: plainEnvironment(this.#folder),
    });
  }

  async start(player: string[], size: { cols: number; rows: number }, number: number): Promise<UserTerminal> {
    const terminal = this.#terminal(["new-session", "-s", `case${number}`, ...player], size);
    await terminal.waitFor(() => terminal.received.length > 0, "tmux to draw");
    return terminal;
  }

  async attachAgain(first: UserTerminal, size: { cols: number; rows: number }, number: number): Promise<UserTerminal> {
    first.key("C-b", "d");
    await first.waitForExit();
    return this.#terminal(["attach", "-t", `case${number}`], size);
  }

  taken(): undefined {
    return undefined;
  }

  async end(): Promise<void> {
    spawnSync("tmux", ["-S", this.#socket, "kill-server"], { env: plainEnvironment(this.#folder) });
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }
}

class Screens implements Side {
  readonly name = "screen";
  readonly #folder = fs.mkdtempSync("/tmp/fs-");

  constructor() {
    fs.mkdirSync(path.join(this.#folder, "s"), { mode: 0o700 });
    fs.writeFileSync(path.join(this.#folder, "rc"), "startup_message off\ndefutf8 on\naltscreen on\nterm xterm-256color\n");
  }

  #environment(): Record<string, string> {
    return { ...plainEnvironment(this.#folder), SCREENDIR: path.join(this.#folder, "s") };
  }

  #terminal(args: string[], size: { cols: number; rows: number }): UserTerminal {
    return new UserTerminal("screen", ["-c", path.join(this.#folder, "rc"), ...args], { ...size, env: this.#environment() });
  }

  async start(player: string[], size: { cols: number; rows: number }, number: number): Promise<UserTerminal> {
    const terminal = this.#terminal(["-S", `case${number}`, ...player], size);
    await terminal.waitFor(() => terminal.received.length > 0, "screen to draw");
    return terminal;
  }

  async attachAgain(first: UserTerminal, size: { cols: number; rows: number }, number: number): Promise<UserTerminal> {
    first.key("C-a", "d");
    await first.waitForExit();
    return this.#terminal(["-r", `case${number}`], size);
  }

  taken(): undefined {
    return undefined;
  }

  async end(): Promise<void> {
    for (const socket of fs.readdirSync(path.join(this.#folder, "s")))
      spawnSync("screen", ["-S", socket, "-X", "quit"], { env: this.#environment() });
    await until(() => fs.readdirSync(path.join(this.#folder, "s")).length === 0, "screen to end").catch(() => {});
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }
}

/**
 * What a viewer's terminal has beside the program's state: a title of its own below the program's, earlier
 * lines.
 */
function differences(expected: State, terminal: UserScreen): Difference[] {
  const found = terminal.state();
  const facts: Record<string, string> = { ...found.facts };
  const wanted: Record<string, string> = { ...expected.facts };
  const pair = (text: string | undefined) => JSON.parse(text ?? "[[],[]]") as [unknown, unknown];
  const [title, icon] = pair(wanted.title);
  const [ownTitle, ownIcon] = pair(facts.title);
  wanted.title = JSON.stringify([title || ownTitle, icon || ownIcon]);
  const stacks = pair(facts["title stack"]) as [string[], string[]];
  facts["title stack"] = JSON.stringify(stacks.map((stack) => stack.slice(1)));
  const { scrollback } = found;
  const { length } = expected.scrollback.lines;
  const earlier = Math.max(0, scrollback.lines.length - length);
  return compare(
    { ...expected, facts: wanted },
    {
      ...found,
      facts,
      scrollback: {
        lines: scrollback.lines.slice(earlier),
        wrapped: scrollback.wrapped.slice(earlier).map((wrapped, i) => wrapped && i > 0),
      },
    },
  );
}

/** Follows a pty's output as a user's terminal, and waits for a state. */
class Follower {
  readonly #terminal: UserTerminal;
  readonly #screen: UserScreen;
  #fed = 0;

  constructor(terminal: UserTerminal, { cols, rows }: Recording) {
    this.#terminal = terminal;
    this.#screen = new UserScreen(cols, rows);
  }

  #differences(expected: State): Difference[] {
    const { received } = this.#terminal;
    this.#screen.feed(received.subarray(this.#fed));
    this.#fed = received.length;
    return differences(expected, this.#screen);
  }

  /** What still differs when the state has come, or has not come in time. */
  async reach(expected: State, limit: number, only: (difference: Difference) => boolean): Promise<Difference[]> {
    await this.#terminal.waitFor(() => !this.#differences(expected).some(only), "the state", limit).catch(() => {});
    return this.#differences(expected);
  }

  dispose(): void {
    this.#screen.dispose();
  }
}

function expectedState({ cols, rows }: Recording, data: Buffer): State {
  const whole = new UserScreen(cols, rows);
  whole.feed(data);
  // the filter of a viewer passes a control inside of an unfinished sequence on, and holds the sequence
  whole.feedUnfinished();
  const state = whole.state();
  whole.dispose();
  return state;
}

const scratch = fs.mkdtempSync("/tmp/fs-");
const playerProgram = program("player");

async function play(side: Side, { recording, cut }: Case, number: number): Promise<Outcome> {
  const { cols, rows, data } = recording;
  const file = path.join(scratch, `${side.name}-${number}.bin`);
  const fifo = path.join(scratch, `${side.name}-${number}.fifo`);
  fs.writeFileSync(file, data);
  execFileSync("mkfifo", [fifo]);
  const nextPart = async () => (await fs.promises.open(fifo, "w")).close();
  const ours = side.name === "falcon";
  const limit = ours ? patience.ours : patience.theirs;
  const relevant = ours ? () => true : showsInTheirs;
  const before = expectedState(recording, data.subarray(0, cut));
  const after = expectedState(recording, data);
  const first = await side.start([playerProgram, file, `${cut}`, fifo], { cols, rows }, number);
  // the player opens the FIFO behind its first part: that this end can be opened says that it is written
  const turn = await fs.promises.open(fifo, "w");
  if (ours) await until(() => (side.taken(number) as number) >= cut, `${cut} bytes in the log`);
  else {
    const settled = new Follower(first, recording);
    await settled.reach(before, patience.theirs, showsInTheirs);
    settled.dispose();
  }
  const second = await side.attachAgain(first, { cols, rows }, number);
  const follower = new Follower(second, recording);
  const outcome: Outcome = { full: true, visible: true, differences: [], when: "" };
  const judge = async (expected: State, when: string) => {
    const found = await follower.reach(expected, limit, relevant);
    if (found.length > 0 && outcome.full) {
      outcome.differences = found;
      outcome.when = when;
    }
    outcome.full &&= found.length === 0;
    outcome.visible &&= !found.some(ours ? isVisible : showsInTheirs);
  };
  await judge(before, "at the attach");
  await turn.close();
  if (ours) await until(() => (side.taken(number) as number) >= data.length, "the whole recording in the log");
  await judge(after, "at the end");
  await nextPart();
  await second.waitForExit().catch(() => second.kill("SIGKILL"));
  follower.dispose();
  fs.rmSync(file);
  fs.rmSync(fifo);
  return outcome;
}

/** Cases from all recordings in turn, so that each gives some; the cuts are the same at every run. */
function chooseCases(list: Recording[], count: number): Case[] {
  const random = randomNumbers("e2e");
  const cases: Case[] = [];
  const rounds = Math.ceil(count / list.length);
  const step = rounds > 1 ? 1 : list.length / count;
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < list.length; i += step) {
      const recording = list[Math.floor(i)] as Recording;
      cases.push({ recording, cut: 1 + Math.floor(random() * (recording.data.length - 1)) });
    }
  }
  return cases;
}

function percent(part: number, of: number): string {
  return of === 0 ? "none" : `${part}/${of} = ${((100 * part) / of).toFixed(1)} %`;
}

const missing = notBuilt();
if (missing.length > 0) {
  console.error(`not built: ${missing.join(", ")}; npm run build comes first`);
  process.exit(2);
}
const own = recordings(ownFolder);
const corpus = recordings(corpusFolder);
if (corpus.length === 0)
  console.log(`No corpus in ${corpusFolder} (FALCON_CORPUS): only the project's own recordings are played.`);
const list = [...own, ...corpus].filter(
  ({ name, data }) => data.length > 1 && (only === undefined || new RegExp(only).test(name)),
);
const cases = chooseCases(list, wantedCases);
const installed = (name: string) => spawnSync("sh", ["-c", `command -v ${name}`]).status === 0;
const sides: Side[] = [new Falcon()];
if (!process.argv.includes("--alone")) {
  if (installed("tmux")) sides.push(new Tmux());
  else console.log("tmux is not installed: apt install tmux");
  if (installed("screen")) sides.push(new Screens());
  else console.log("screen is not installed: apt install screen");
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, async () => {
    for (const side of sides) await side.end();
    fs.rmSync(scratch, { recursive: true, force: true });
    process.exit(130);
  });
}

const score = new Map(sides.map(({ name }) => [name, { cases: 0, full: 0, visible: 0, both: 0 }]));
let failed = 0;
try {
  for (const [number, one] of cases.entries()) {
    for (const side of sides) {
      if (side.name !== "falcon" && number % theirShare !== 0) continue;
      const outcome = await play(side, one, number).catch((error: unknown) => ({
        full: false,
        visible: false,
        differences: [{ what: "failed", detail: error instanceof Error ? error.message : String(error) }],
        when: "",
      }));
      const s = score.get(side.name) as { cases: number; full: number; visible: number; both: number };
      s.cases++;
      if (outcome.full) s.full++;
      if (outcome.visible) s.visible++;
      const why = outcome.full ? undefined : cannotBeRight(`e2e:${one.recording.name}`, outcome.differences);
      if (side.name === "falcon" && !outcome.full && why === undefined) failed++;
      if (side.name === "falcon" && why !== undefined) console.log(`cannot be right: ${one.recording.name}@${one.cut}: ${why}`);
      if (side.name === "falcon" && number % theirShare === 0 && outcome.visible) s.both++;
      if (!outcome.full && (verbose || (side.name === "falcon" && why === undefined)))
        console.log(
          `${side.name} ${one.recording.name}@${one.cut} ${outcome.when}: ${outcome.differences
            .slice(0, 4)
            .map(({ what, detail }) => `${what}: ${detail}`)
            .join("; ")
            .slice(0, 500)}`,
        );
    }
  }
} finally {
  for (const side of sides) await side.end();
  fs.rmSync(scratch, { recursive: true, force: true });
}
const shared = Math.ceil(cases.length / theirShare);
for (const [name, { cases: count, full, visible, both }] of score) {
  if (name === "falcon") {
    console.log(`falcon   FULL ${percent(full, count)}   VISIBLE ${percent(visible, count)}`);
    if (sides.length > 1) console.log(`falcon   VISIBLE ${percent(both, shared)} of the cases that the others play too`);
  } else console.log(`${name.padEnd(8)} VISIBLE ${percent(visible, count)}`);
}
process.exit(failed > 0 ? 1 : 0);
