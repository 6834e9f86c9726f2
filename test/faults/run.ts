// The faults of issue 4 against the built product: `npm run test:faults -- [--short] [--only WORDS]
// [--keys N]`. Exit status 1 when a promise is broken.
import { notBuilt } from "../support/paths.ts";
import { manySessions, manyStarts, manyViewers } from "./crowd.ts";
import { directKills, freedHead, strangers } from "./direct.ts";
import {
  bothKilled,
  bursts,
  exitKills,
  holderKills,
  launchKills,
  newerClient,
  serverKills,
  stoppedServer,
  unreachableHolder,
  upgrades,
  viewerKills,
} from "./kills.ts";
import { type Fault, runAll } from "./report.ts";
import { silences, stuckScreens } from "./silence.ts";
import { brokenState, deletedSockets, noDescriptors, noSpace, quota, readOnlyFolder } from "./starved.ts";

const faults: readonly Fault[] = [
  bursts,
  serverKills,
  viewerKills,
  exitKills,
  launchKills,
  holderKills,
  bothKilled,
  unreachableHolder,
  upgrades,
  newerClient,
  stoppedServer,
  noSpace,
  quota,
  readOnlyFolder,
  noDescriptors,
  brokenState,
  deletedSockets,
  manyStarts,
  manyViewers,
  manySessions,
  silences,
  stuckScreens,
  ...directKills,
  freedHead,
  strangers,
];

const lacking = notBuilt();
if (lacking.length > 0) {
  process.stderr.write(`not built: ${lacking.join(", ")}; run: npm run build\n`);
  process.exit(2);
}
const short = process.argv.includes("--short") || process.env.FALCON_FAULTS === "short";
const option = (name: string) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);
const only = option("--only") ?? "";
const keys = option("--keys");
const chosen = faults.filter(({ name }) => name.includes(only));
if (chosen.length === 0) {
  process.stderr.write(`--only ${only}: no fault has these words in its name\n`);
  process.exit(2);
}
const broken = await runAll(chosen, { short, keys: keys === undefined ? undefined : Number(keys) });
process.exit(broken > 0 ? 1 : 0);
