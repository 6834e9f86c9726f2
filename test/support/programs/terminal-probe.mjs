// Runs inside a terminal: writes each of the given outputs to it and asks for its modes before and after.
// Usage: terminal-probe.mjs INPUT RESULT, where INPUT is JSON: {modes: [[number, dec], …], outputs: [base64,
// …]}. RESULT gets a list of answers as text: before the first, then behind each.
import fs from "node:fs";

const [input, result] = process.argv.slice(2);
const { modes, outputs } = JSON.parse(fs.readFileSync(input, "utf8"));
process.stdin.setRawMode(true);

/**
 * What DECRQM says of each mode, DECRQSS of attributes, margins and cursor, and by its width whether the
 * terminal reads UTF-8.
 */
const questions = `${modes.map(([mode, dec]) => `\x1b[${dec ? "?" : ""}${mode}$p`).join("")}${["m", "r", "s", " q", '"q', '"p']
  .map((what) => `\x1bP$q${what}\x1b\\`)
  .join("")}\x1b[?4m\r\u00e9\x1b[6n\x1b[c`;

let heard = "";
let wake = () => {};
process.stdin.on("data", (bytes) => {
  heard += bytes.toString("latin1");
  wake();
});

async function ask() {
  heard = "";
  fs.writeSync(1, questions);
  // DA1 is answered last
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ESC introduces it
  while (!/\x1b\[\?[\d;]*c$/.test(heard)) {
    await new Promise((resolve) => {
      wake = resolve;
    });
  }
  // the row of the cursor is where the session left it
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ESC introduces it
  return heard.replace(/\x1b\[\d+;(\d+)R/, "column $1");
}

const answers = [await ask()];
for (const output of outputs) {
  fs.writeSync(1, Buffer.from(output, "base64"));
  answers.push(await ask());
}
fs.writeFileSync(`${result}.new`, JSON.stringify(answers));
fs.renameSync(`${result}.new`, result);
process.exit(0);
