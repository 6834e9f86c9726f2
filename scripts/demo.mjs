// npm run demo: a run in a session, attached: the Python falcon on examples/gaussian where one is found, else the embedded trainer.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "..");
const falcon = path.join(root, "native", "build", "Release", "falcon");
const tty = process.stdin.isTTY && process.stdout.isTTY;
const run = (args, options = {}) => spawnSync(falcon, args, { stdio: "inherit", ...options });
const python = findPython();
const work = path.join(root, "examples", python ? "gaussian" : "trainer");

console.log(
  python
    ? `Demo with the Python falcon: ${python}`
    : "Demo with the embedded trainer (no Python falcon was found; 'pip install falcon-sbi[blessed]' brings it)",
);
if (tty) console.log("d leaves the run, 'falcon attach' comes back, j and k switch nodes, Ctrl+C stops it.");
const args = python
  ? ["launch", "--falcon", python]
  : ["run", "--name", "demo", "--", process.execPath, path.join(root, "dist", "trainer.cjs"), "launch"];
const result = run(args, { cwd: work });
console.log(`
Next:  ${path.relative(process.cwd(), falcon) || falcon} sessions      what runs, and how far it is
       ${path.relative(process.cwd(), falcon) || falcon} attach        come back to it
       npm install -g .       puts 'falcon' and 'falcon-sessions' on your PATH`);
process.exit(result.status ?? 1);

function findPython() {
  const places = [
    process.env.FALCON_BIN,
    ...["VIRTUAL_ENV", "CONDA_PREFIX"].map((n) => process.env[n] && path.join(process.env[n], "bin", "falcon")),
  ];
  places.push(...(process.env.PATH ?? "").split(":").map((folder) => path.join(folder, "falcon")));
  return places.find((file) => file && fs.existsSync(file) && fs.realpathSync(file) !== fs.realpathSync(falcon));
}
