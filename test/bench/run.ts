// `npm run bench`: measures ours, the bare pty and the peers that are installed, in turns, and prints one
// table with the goals.
import fs from "node:fs";
import { parseArgs } from "node:util";
import type { Bench, Load, Measure } from "./bench.ts";
import { Drivers } from "./drivers.ts";
import { machine } from "./facts.ts";
import { type Figure, judge, median, table } from "./figures.ts";
import { attach, cold } from "./measures/attach.ts";
import { codeCache } from "./measures/code-cache.ts";
import { commands } from "./measures/commands.ts";
import { drain } from "./measures/drain.ts";
import { echo, interrupt } from "./measures/echo.ts";
import { footer } from "./measures/footer.ts";
import { history } from "./measures/history.ts";
import { many } from "./measures/many.ts";
import { cpu, resident } from "./measures/resident.ts";
import { search } from "./measures/search.ts";
import { snapshot } from "./measures/snapshot.ts";
import { usage as usageMeasure } from "./measures/usage.ts";
import { watching } from "./measures/watching.ts";
import { missing, type SideName, sideNames, versionOf } from "./sides.ts";

const measures: Measure[] = [
  drain,
  attach,
  snapshot,
  cold,
  codeCache,
  echo,
  interrupt,
  footer,
  resident,
  cpu,
  commands,
  many,
  search,
  history,
  watching,
  usageMeasure,
];

const usage = `npm run bench -- [--only NAME,…] [--sides NAME,…] [--rounds N] [--quick | --smoke] [--json FILE]

  --only    measures: ${measures.map(({ name }) => name).join(", ")}
  --sides   of: ${sideNames.join(", ")}
  --rounds  samples of each side, in turns (default 5; --quick and --smoke: 1)
  --quick   small floods and few sessions: a look in a few minutes, the figures mean little
  --smoke   the smallest load, within a minute: exits 1 when one measure cannot be taken. Ours, the bare pty and tmux only
  --json    all samples, medians and goals, as JSON
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      sides: { type: "string" },
      rounds: { type: "string" },
      quick: { type: "boolean", default: false },
      smoke: { type: "boolean", default: false },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const load: Load = values.smoke ? "smoke" : values.quick ? "quick" : "full";
  const chosen = select(measures, values.only, ({ name }) => name);
  const wanted = select(sideNames, values.sides ?? (load === "smoke" ? "bare,falcon,tmux" : undefined), (name) => name);
  const rounds = values.rounds === undefined ? (load === "full" ? 5 : 1) : Number(values.rounds);
  if (chosen === undefined || wanted === undefined || !Number.isInteger(rounds) || rounds < 1) {
    process.stderr.write(usage);
    return 2;
  }
  const say = (line: string) => process.stderr.write(`${line}\n`);

  const sides: SideName[] = [];
  for (const side of wanted) {
    const why = missing(side);
    if (why === undefined) sides.push(side);
    else say(`${side}: ${why}`);
  }
  const folder = fs.mkdtempSync("/tmp/fb-");
  const drivers = new Drivers(folder);
  const facts: Record<string, string | number> = { ...machine(), rounds };
  for (const side of sides) if (versionOf(side) !== "") facts[side] = versionOf(side);
  const figures: Figure[] = [];
  const failures: string[] = [];
  try {
    for (const measure of chosen) {
      say(`${measure.title} …`);
      const log = (line: string) => say(`  ${line}`);
      const failed = (what: string) => {
        failures.push(`${measure.name}: ${what}`);
        log(what);
      };
      const bench: Bench = { drivers, sides, rounds, load, log, failed };
      const began = performance.now();
      try {
        figures.push(...(await measure.run(bench)));
      } catch (error) {
        failed(error instanceof Error ? (error.stack ?? error.message) : String(error));
      }
      say(`  ${((performance.now() - began) / 1000).toFixed(1)} s`);
    }
  } finally {
    drivers.dispose();
    fs.rmSync(folder, { recursive: true, force: true });
  }
  const shown = figures.filter(
    ({ samples, note }) => note !== undefined || Object.values(samples).some((values) => values.length > 0),
  );
  process.stdout.write(
    `${Object.entries(facts)
      .map(([name, value]) => `${name}: ${value}`)
      .join("\n")}\nmedians${load === "full" ? "" : ` (--${load}: too few to mean much)`}\n\n${table(shown)}\n`,
  );
  if (values.json !== undefined)
    fs.writeFileSync(values.json, `${JSON.stringify({ machine: facts, load, failures, figures: shown.map(asJson) }, null, 2)}\n`);
  for (const figure of figures)
    if (sides.includes("falcon") && !figure.samples.falcon?.length && !figure.measure.startsWith("for comparison"))
      failures.push(`${figure.measure}: no figure of ours`);
  for (const failure of failures) say(`not measured: ${failure}`);
  return failures.length === 0 ? 0 : 1;
}

function asJson(figure: Figure): object {
  return {
    ...figure,
    medians: Object.fromEntries(Object.entries(figure.samples).map(([side, samples]) => [side, median(samples)])),
    goals: (figure.goals ?? []).map((goal) => ({ ...goal, ...judge(figure, goal) })),
  };
}

/** What a comma-separated list names; all without one; undefined where it names something unknown. */
function select<T>(all: T[], list: string | undefined, nameOf: (item: T) => string): T[] | undefined {
  if (list === undefined) return all;
  const names = list.split(",");
  const found = all.filter((item) => names.includes(nameOf(item)));
  return found.length === names.length ? found : undefined;
}

process.exitCode = await main();
