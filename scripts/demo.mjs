// npm run demo: a run in a session, attached: the Python falcon on examples/gaussian where one is found, else
// the embedded trainer.
import { spawnSync } from "node:child_process";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "..");
const falcon = path.join(root, "native", "build", "Release", "falcon");
const tty = process.stdin.isTTY && process.stdout.isTTY;

/**
 * Where nobody watches, the Python falcon is asked to stop gracefully after so long (s): the demo ends within
 * about a minute.
 */
const unwatched = 40;

const python = findPython();
const work = path.join(root, "examples", python ? "gaussian" : "trainer");
console.log(
  python
    ? `Demo with the Python falcon: ${python}`
    : "Demo with the embedded trainer, a stand-in: no Python falcon was found (pip install 'falcon-sbi[blessed]').",
);
if (tty) console.log("d leaves the run, 'falcon attach' comes back, j and k switch nodes, Ctrl+C stops it.");
const args = python ? ["launch"] : ["launch", "--falcon", path.join(root, "dist", "trainer.cjs")];
if (python && !tty) args.push("--timeout", String(unwatched));
const result = spawnSync(falcon, args, { cwd: work, stdio: "inherit" });
const shown = path.relative(process.cwd(), falcon);
const next = [
  [`${shown} sessions --all`, "what runs and what ran, how far it came"],
  [`${shown} attach`, "back to a run that you left with d"],
  ["npm install -g .", "puts 'falcon' and 'falcon-sessions' on your PATH"],
];
const width = Math.max(...next.map(([command]) => command.length));
console.log(`\nNext:  ${next.map(([command, what]) => `${command.padEnd(width)}  ${what}`).join("\n       ")}`);
process.exit(result.status ?? 1);

/** Asks our own falcon, which knows where to look and never takes itself for it. */
function findPython() {
  const version = spawnSync(falcon, ["--version"], { encoding: "utf8" });
  return /^Python falcon: (.+?)(?: \(|$)/m.exec(version.stdout ?? "")?.[1];
}
