// Runs the tests again and again, every second time beside a load that keeps both processors busy, and names
// each test that did not pass every time.
// Usage: npm run test:flakes -- --times 20 [--load always|never] [files and folders of test/ ...]
// Without files: what `npm test` runs.
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { asked } from "./asked.mjs";
import { compiledSources } from "./compiled/sources.mjs";
import { testsBelow } from "./test-files.mjs";

const root = path.resolve(import.meta.dirname, "..");
const { values, positionals } = asked({
  allowPositionals: true,
  options: { times: { type: "string", default: "20" }, load: { type: "string", default: "alternating" } },
});
const times = Number(values.times);
if (!Number.isInteger(times) || times < 1) refuse(`--times ${values.times}: give a whole number from 1`);
if (!["alternating", "always", "never"].includes(values.load)) refuse(`--load ${values.load}: say always, never or alternating`);
const chosen = positionals.length > 0 ? positionals : ["unit", "property", "e2e", "regression"];
const files = testsBelow(chosen);

/** Processors that the load keeps busy; it ends by itself when nobody has stopped it by then (s). */
const busy = 2;
const longestLoad = 1200;
/** Files at a time, more than `npm test` runs: a round is sooner done, and less kind to them. */
const atOnce = 4;
/** A test that waits for ever fails by its name (ms). */
const longestTest = 600_000;

const folder = path.join(root, "build", "flakes");
fs.rmSync(folder, { recursive: true, force: true });
fs.mkdirSync(folder, { recursive: true });

const sources = compiledSources();
/** By file and name: rounds in which it ran, and how it failed. */
const tests = new Map();
let green = 0;
for (let round = 1; round <= times; round++) {
  const loaded = values.load === "always" || (values.load === "alternating" && round % 2 === 0);
  const stop = loaded ? load() : () => {};
  const began = performance.now();
  const { status, outcomes } = await run(round).finally(stop);
  const failed = outcomes.filter(({ passed }) => !passed);
  for (const { file, name, passed, message } of outcomes) {
    const known = tests.get(`${file}\0${name}`) ?? { file, name, ran: 0, failures: [] };
    known.ran++;
    if (!passed) known.failures.push({ round, loaded, message });
    tests.set(`${file}\0${name}`, known);
  }
  // a runner that was ended before it had begun has failed nothing
  if (status === 0 && failed.length === 0 && outcomes.length > 0) green++;
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log(
    `${round} of ${times}${loaded ? ", loaded" : ""}: ${outcomes.length} tests, ${failed.length} failed${status !== 0 && failed.length === 0 ? `, status ${status}` : ""}, ${seconds} s`,
  );
}
const flaky = [...tests.values()].filter(({ failures }) => failures.length > 0);
for (const { file, name, ran, failures } of flaky) {
  const where = failures.map(({ round, loaded }) => `${round}${loaded ? " (loaded)" : ""}`).join(", ");
  console.log(
    `\nfailed ${failures.length} of ${ran} times, in round ${where}: ${file}\n  ${name}\n  ${failures[0].message.split("\n").slice(0, 3).join("\n  ")}`,
  );
}
console.log(
  `\n${green} of ${times} rounds green${flaky.length > 0 ? `; what was said is in ${path.relative(root, folder)}` : ""}`,
);
process.exit(green === times ? 0 : 1);

/** One run of all; its words go to a file of its own. */
function run(round) {
  const report = path.join(folder, `${round}.json`);
  const words = fs.openSync(path.join(folder, `${round}.log`), "w");
  const args = [
    ...[...sources, "--test", `--test-concurrency=${atOnce}`, `--test-timeout=${longestTest}`],
    ...["--test-reporter=spec", "--test-reporter-destination=stdout"],
    ...[`--test-reporter=${path.join(import.meta.dirname, "test-outcomes.mjs")}`, `--test-reporter-destination=${report}`],
    ...files,
  ];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", words, words] });
    child.once("exit", (status) => {
      fs.closeSync(words);
      const lines = fs.existsSync(report) ? fs.readFileSync(report, "utf8").split("\n").filter(Boolean) : [];
      resolve({ status: status ?? 1, outcomes: lines.map((line) => JSON.parse(line)) });
    });
  });
}

/** Keeps the processors busy; answers what ends that. */
function load() {
  const loop = `const end = Date.now() + ${longestLoad * 1000}; while (Date.now() < end) {}`;
  const children = Array.from({ length: busy }, () => spawn(process.execPath, ["-e", loop], { stdio: "ignore" }));
  return () => {
    for (const child of children) child.kill("SIGKILL");
  };
}

function refuse(why) {
  console.error(`test:flakes: ${why}`);
  process.exit(2);
}
