// npm run test:simulation -- [--seeds N] [--seed S] [--story] [--all] [--plant DEFECT]
// Lives of one session, each drawn from a seed.
// The first that is broken is told, with how to live it again.
import { parseArgs } from "node:util";
import { build } from "./build.ts";
import { plants } from "./plants.ts";

const values = options();
const first = whole("seed") ?? 1;
/** As many as take a minute where others have the processors, too. */
const short = 400;
const count = whole("seeds") ?? (values.short ? short : values.seed === undefined ? 1000 : 1);
const plant = plants.find(({ name }) => name === values.plant);
if (values.plant !== undefined && plant === undefined) {
  process.stderr.write(`there is no defect "${values.plant}"; there are: ${plants.map(({ name }) => name).join(", ")}\n`);
  process.exit(2);
}
const problem = build(plant);
if (problem !== undefined) {
  process.stderr.write(`the simulation cannot be built: ${problem}\n`);
  process.exit(2);
}
const { real } = await import("./shims.ts");
const { World } = await import("./world.ts");

const began = real.now();
let steps = 0;
let broken = 0;
let lived = 0;
for (let seed = first; seed < first + count; seed++) {
  const world = new World(seed);
  lived++;
  try {
    await world.live();
  } catch (error) {
    broken++;
    const words = error instanceof Error ? (error.constructor.name === "Broken" ? error.message : error.stack) : String(error);
    process.stderr.write(`seed ${seed} is broken: ${words}\n`);
    if (values.all !== true) {
      process.stderr.write(`${world.life.story.map((line) => `  ${line}`).join("\n")}\n`);
      if (values.story) process.stderr.write(`${world.life.log.map((line) => `    ${line}`).join("\n")}\n`);
      process.stderr.write(`live it again: npm run test:simulation -- --seed ${seed} --story\n`);
      break;
    }
  }
  if (values.story && broken === 0) process.stdout.write(`${world.life.story.join("\n")}\n`);
  steps += world.life.steps;
}
const seconds = (real.now() - began) / 1000;
process.stdout.write(`${lived} seeds from ${first}, ${steps} steps, ${broken} broken, ${seconds.toFixed(1)} s\n`);
process.exit(broken > 0 ? 1 : 0);

function options() {
  try {
    return parseArgs({
      options: {
        seeds: { type: "string" },
        seed: { type: "string" },
        story: { type: "boolean" },
        all: { type: "boolean" },
        short: { type: "boolean" },
        plant: { type: "string" },
      },
    }).values;
  } catch (error) {
    process.stderr.write(`${(error as Error).message.split("\n")[0]}\n`);
    process.exit(2);
  }
}

function whole(option: "seed" | "seeds"): number | undefined {
  const text = values[option];
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  process.stderr.write(`--${option} takes a whole number from 1 on, not "${text}"\n`);
  process.exit(2);
}
