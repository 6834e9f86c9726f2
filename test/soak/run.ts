// `npm run test:soak`: a simulated week of a display that redraws itself, of attaching, leaving, resizing,
// starting and ending; nothing may grow.
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { program } from "../support/compile.ts";
import { until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { falcon, notBuilt } from "../support/paths.ts";
import { UserTerminal, type UserTerminalOptions } from "../support/terminal/terminal.ts";
import { judge, type Sample, sample } from "./figures.ts";

const usage = `npm run test:soak [-- --short] [--rounds N] [--json FILE]

  --short   a minute's worth, for CI: finds leaks of descriptors, threads, processes and disk; Node's heap is still growing into its size then
  --share   this part of the full amounts (0.01 to 1)
  --rounds  of how many parts the whole is made (default 40, --short: 12)
  --json    all samples and verdicts
`;

/** The whole, of which each round does its part. */
interface Plan {
  rounds: number;
  attaches: number;
  sessions: number;
  resizes: number;
  /** Redraws of the display: a week has 604,800 seconds. */
  redraws: number;
}

const full: Plan = { rounds: 40, attaches: 10_000, sessions: 1_000, resizes: 800, redraws: 604_800 };
const short: Plan = { rounds: 12, attaches: 480, sessions: 72, resizes: 60, redraws: 24_000 };

/** Redraws a second: what one core draws, logs and parses beside everything else. */
const pace = 800;
/** At once: the machines have two cores. */
const together = 4;
/** Small, so that the display's log passes it many times over. */
const retention = 8 << 20;
const longestRound = 300_000;

class Soak {
  readonly home = new TestHome();
  readonly samples: Sample[] = [];
  readonly counts = { attaches: 0, sessions: 0, resizes: 0, killed: 0, framed: 0 };
  #display = "";
  #quiet = "";

  async begin(): Promise<void> {
    const config = path.join(this.home.work, ".config", "falcon-sessions");
    fs.mkdirSync(config, { recursive: true });
    fs.writeFileSync(path.join(config, "config.toml"), `retention = "${retention >> 20} MiB"\n`);
    this.#display = await this.home.start([program("footer"), String(pace), "8"], ["--size", "120x40", "--name", "display"]);
    this.#quiet = await this.home.start(["/bin/cat"], ["--size", "80x24", "--name", "quiet"]);
  }

  /** Redraws so far, told by the display itself: its log lines are numbered. */
  async redraws(): Promise<number> {
    const text = await this.home.ok(["show", "display", "--screen"]);
    const numbers = [...text.matchAll(/driver message (\d+)/g)].map((found) => Number(found[1]));
    return Math.max(0, ...numbers);
  }

  async round(part: Plan): Promise<void> {
    await inTurns(part.attaches, (i) => this.#attach(i));
    await inTurns(part.sessions, () => this.#startAndEnd());
    await this.#resize(part.resizes);
    // clients that were killed are noticed by the end of their connection
    await until(
      async () => (await this.home.sessions()).every((row) => (row.viewers as unknown[]).length === 0),
      "the viewers to be gone",
    );
    this.samples.push(sample(this.home.folder, this.home.processes()));
  }

  /** A terminal that nobody remembers when it is gone: ten thousand of them would be most of this process. */
  #terminal(args: string[], options: UserTerminalOptions): UserTerminal {
    return new UserTerminal(falcon, args, { ...options, cwd: this.home.work, env: this.home.env });
  }

  /**
   * Comes, sees the screen, leaves: by the key, by a killed client, by a closed terminal, looking only, at
   * another size.
   */
  async #attach(i: number): Promise<void> {
    const display = i % 2 === 0;
    const size = display ? { cols: 120, rows: 40 } : { cols: 80, rows: 24 };
    const framed = i % 5 === 4;
    const terminal = this.#terminal(["attach", ...(framed ? ["--read-only"] : []), display ? this.#display : this.#quiet], {
      ...(framed ? { cols: 70, rows: 20 } : size),
    });
    await terminal.waitFor(() => terminal.title !== "" && terminal.received.length > 200, "the screen");
    if (i % 10 === 7) {
      terminal.kill("SIGKILL");
      this.counts.killed++;
    } else if (i % 10 === 3) terminal.closePty();
    else terminal.type("\x1cx"); // the prefix and any key: leaves at once, where the prefix alone waits for a second one
    await terminal.waitForExit();
    if (framed) this.counts.framed++;
    this.counts.attaches++;
  }

  async #startAndEnd(): Promise<void> {
    const id = await this.home.start(["/bin/sh", "-c", "echo one of many; exit 3"]);
    await this.home.ok(["wait", id], { code: 3 });
    await this.home.ok(["remove", id]);
    this.counts.sessions++;
  }

  async #resize(times: number): Promise<void> {
    const terminal: UserTerminal = this.#terminal(["attach", this.#quiet], { cols: 80, rows: 24 });
    await terminal.waitFor(() => terminal.title !== "", "the session's title");
    for (let i = 0; i < times; i++) {
      const [cols, rows] = [60 + (i % 40), 15 + (i % 20)];
      terminal.resize(cols, rows);
      this.counts.resizes++;
    }
    terminal.resize(80, 24);
    terminal.type("\x1cx");
    await terminal.waitForExit();
  }

  /** Ends the display as a person would, and answers how many lines it says that it drew. */
  async end(): Promise<number> {
    await this.home.ok(["send", "display", "C-c"]);
    await this.home.untilState(this.#display, "exited");
    const text = await this.home.ok(["show", this.#display, "--screen"]);
    return Number(/display saved after (\d+) lines/.exec(text)?.[1] ?? 0);
  }
}

/** Runs `count` tasks, a few at once. */
async function inTurns(count: number, task: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: Math.min(together, count) }, worker));
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      short: { type: "boolean", default: false },
      rounds: { type: "string" },
      share: { type: "string" },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const missing = notBuilt();
  if (values.help || missing.length > 0) {
    process.stderr.write(missing.length > 0 ? `not built: ${missing.join(", ")}; npm run build comes first\n` : usage);
    return values.help ? 0 : 1;
  }
  const share = Number(values.share ?? 1);
  if (!(share >= 0.01 && share <= 1)) {
    process.stderr.write(`--share ${values.share}: a number from 0.01 to 1\n`);
    return 2;
  }
  const whole = values.short ? short : portion(full, share);
  const rounds = values.rounds === undefined ? whole.rounds : Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 4) {
    process.stderr.write(`--rounds ${values.rounds}: at least 4\n`);
    return 2;
  }
  const part: Plan = {
    rounds,
    attaches: Math.ceil(whole.attaches / rounds),
    sessions: Math.ceil(whole.sessions / rounds),
    resizes: Math.ceil(whole.resizes / rounds),
    redraws: Math.ceil(whole.redraws / rounds),
  };
  const began = performance.now();
  const seconds = () => ((performance.now() - began) / 1000).toFixed(0);
  const soak = new Soak();
  let drawn = 0;
  try {
    await soak.begin();
    for (let round = 1; round <= rounds; round++) {
      await soak.round(part);
      await until(async () => (await soak.redraws()) >= round * part.redraws, "the display's part of the week", longestRound);
      const now = soak.samples.at(-1) as Sample;
      process.stdout.write(
        `${String(round).padStart(3)}/${rounds}  ${seconds()} s  server ${mib(now.serverResident)} MiB, ${now.serverDescriptors} descriptors, ` +
          `${now.serverThreads} threads; holders ${mib(now.holderResident)} MiB; logs ${mib(now.logs)} MiB, else ${mib(now.rest)} MiB\n`,
      );
    }
    drawn = await soak.end();
  } finally {
    await soak.home.dispose();
  }
  const verdicts = judge(soak.samples, retention, values.short);
  const { attaches, sessions, resizes, killed, framed } = soak.counts;
  process.stdout.write(
    `\n${attaches} attached and left (${killed} by kill -9, ${framed} at another size), ${sessions} sessions started, ended and removed, ` +
      `${resizes} resizes, ${drawn} redraws (a week has 604,800 seconds), ${seconds()} s\n\n` +
      `${"".padEnd(20)}${"second quarter".padStart(16)}${"last quarter".padStart(16)}${"at most".padStart(16)}\n`,
  );
  for (const { figure, before, after, most, holds } of verdicts) {
    const cells = [before, after, most].map((n) => Math.round(n).toLocaleString("en").padStart(16));
    process.stdout.write(`${figure.padEnd(20)}${cells.join("")}  ${holds ? "holds" : "GROWS"}\n`);
  }
  if (values.json !== undefined) {
    fs.writeFileSync(
      values.json,
      `${JSON.stringify({ counts: soak.counts, drawn, samples: soak.samples, verdicts }, null, 2)}\n`,
    );
  }
  const failed = verdicts.filter((v) => !v.holds).length + (drawn < whole.redraws ? 1 : 0);
  process.stdout.write(`${verdicts.length - verdicts.filter((v) => !v.holds).length} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

function portion(plan: Plan, share: number): Plan {
  const { rounds, attaches, sessions, resizes, redraws } = plan;
  return { rounds, attaches: attaches * share, sessions: sessions * share, resizes: resizes * share, redraws: redraws * share };
}

function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}

process.exitCode = await main();
