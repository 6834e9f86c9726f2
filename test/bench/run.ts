// `npm run bench`: measures ours, the bare pty and the peers that are installed, in turns, and prints one table with the goals.
import fs from "node:fs";
import { parseArgs } from "node:util";
import type { Bench, Measure } from "./bench.ts";
import { Drivers } from "./drivers.ts";
import { machine } from "./facts.ts";
import { type Figure, judge, median, table } from "./figures.ts";
import { attach, cold } from "./measures/attach.ts";
import { commands } from "./measures/commands.ts";
import { drain } from "./measures/drain.ts";
import { echo, interrupt } from "./measures/echo.ts";
import { footer } from "./measures/footer.ts";
import { many } from "./measures/many.ts";
import { cpu, resident } from "./measures/resident.ts";
import { missing, type SideName, sideNames, versionOf } from "./sides.ts";

const measures: Measure[] = [drain, attach, cold, echo, interrupt, footer, resident, cpu, commands, many];

const usage = `npm run bench -- [--only NAME,…] [--sides NAME,…] [--rounds N] [--quick] [--json FILE]

  --only    measures: ${measures.map(({ name }) => name).join(", ")}
  --sides   of: ${sideNames.join(", ")}
  --rounds  samples of each side, in turns (default 5; --quick: 1)
  --quick   small floods and few sessions: shows that everything runs, the figures mean little
  --json    all samples, medians and goals, as JSON
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      sides: { type: "string" },
      rounds: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const chosen = select(measures, values.only, ({ name }) => name);
  const wanted = select(sideNames, values.sides, (name) => name);
  const rounds = values.rounds === undefined ? (values.quick ? 1 : 5) : Number(values.rounds);
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
  let failed = 0;
  try {
    for (const measure of chosen) {
      say(`${measure.title} …`);
      const bench: Bench = { drivers, sides, rounds, quick: values.quick, log: (line) => say(`  ${line}`) };
      const began = performance.now();
      try {
        figures.push(...(await measure.run(bench)));
      } catch (error) {
        failed++;
        say(`${measure.name} failed: ${error instanceof Error ? error.stack : String(error)}`);
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
      .join("\n")}\nmedians${values.quick ? " (--quick: too few to mean much)" : ""}\n\n${table(shown)}\n`,
  );
  if (values.json !== undefined)
    fs.writeFileSync(
      values.json,
      `${JSON.stringify({ machine: facts, quick: values.quick, figures: shown.map(asJson) }, null, 2)}\n`,
    );
  return failed === 0 ? 0 : 1;
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
