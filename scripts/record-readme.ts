// npm run record:readme: the recording at the top of README, made from the real product: launch, d, sessions,
// attach, typed into a shell in a terminal. It writes docs/guide/first-day.cast (asciicast 2) and
// docs/guide/first-day.svg, which shows the scenes in turn. The Python falcon trains examples/gaussian where
// one is found (FALCON_BIN, PATH), else the embedded trainer.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import xterm from "@xterm/headless";
import * as pty from "node-pty";
import { pictureOf } from "../src/export/picture.ts";
import { screenSvg } from "../src/export/svg.ts";

const root = path.resolve(import.meta.dirname, "..");
const cols = 96;
const rows = 26;
/** Pauses of the recording are cut to this (s): Ray takes half a minute to start. */
const longestPause = 1.5;
/** How long a scene is seen (s). */
const sceneTime = 3.5;
/** How long anything is waited for (ms). */
const patience = 180_000;

const work = fs.mkdtempSync("/tmp/fs-record-");
const bin = path.join(work, "bin");
const project = path.join(work, "gaussian");
fs.mkdirSync(bin);
fs.symlinkSync(path.join(root, "native/build/Release/falcon"), path.join(bin, "falcon"));
fs.cpSync(path.join(root, "examples/gaussian"), project, { recursive: true });
const env: Record<string, string> = {
  ...(process.env as Record<string, string>),
  FALCON_SESSIONS_HOME: path.join(work, "home"),
  PATH: `${bin}:${process.env.PATH}`,
  PYTHONWARNINGS: "ignore",
  TERM: "xterm-256color",
  LC_ALL: "C.UTF-8",
  PS1: "\\[\\e[1;32m\\]~/gaussian\\[\\e[0m\\] $ ",
};
fs.mkdirSync(env.FALCON_SESSIONS_HOME as string, { mode: 0o700 });
const found = /^Python falcon: (.+?)(?: \(|$)/m.exec(spawnSync("falcon", ["--version"], { env, encoding: "utf8" }).stdout)?.[1];
const launch = found ? "falcon launch -o run" : "falcon launch -o run --falcon trainer";
if (found === undefined) fs.symlinkSync(path.join(root, "dist/trainer.cjs"), path.join(project, "trainer"));

const terminal = new xterm.Terminal({ cols, rows, scrollback: 1000, allowProposedApi: true, logLevel: "off" });
terminal.loadAddon(new Unicode11Addon() as unknown as Parameters<typeof terminal.loadAddon>[0]);
terminal.unicode.activeVersion = "11";
const shell = pty.spawn("bash", ["--norc", "--noprofile"], { cols, rows, cwd: project, env, name: env.TERM as string });
const events: [number, "o", string][] = [];
const scenes: string[] = [];
const started = performance.now();
shell.onData((text) => {
  events.push([(performance.now() - started) / 1000, "o", text]);
  terminal.write(text);
});
terminal.onData((answer) => shell.write(answer));

try {
  await shows(/\$ $/);
  await types(launch);
  scene("launch: typed");
  shell.write("\r");
  // falcon's node line: enough epochs that there is something to see
  await shows(found ? /Epoch 1\d\// : /Epoch \d{2}\//);
  await pause(2500);
  scene("launch: falcon's own display");
  shell.write("d");
  await shows(/\$ $/);
  await pause(1200);
  await types("falcon sessions");
  shell.write("\r");
  await shows(/STATE[\s\S]*\$ $/);
  scene("d leaves, sessions lists");
  await pause(1500);
  await types("falcon attach");
  shell.write("\r");
  await shows(/switch node/);
  await pause(4000);
  scene("attach: the run as it stands now");
  shell.write("d");
  await shows(/\$ $/);
  await pause(500);
} finally {
  // the run is stopped as a user stops it; its server goes by itself
  spawnSync("falcon", ["stop", "--force", "run"], { cwd: project, env, stdio: "ignore" });
  shell.kill();
  spawnSync("falcon", ["server", "stop"], { env, stdio: "ignore" });
  fs.rmSync(work, { recursive: true, force: true, maxRetries: 10, retryDelay: 500 });
}
write();
process.exit(0);

/** What the screen shows, without blanks at the ends of lines. */
function screen(): string {
  const buffer = terminal.buffer.active;
  const lines = [];
  for (let y = 0; y < rows; y++) lines.push(buffer.getLine(buffer.viewportY + y)?.translateToString(true) ?? "");
  return lines.slice(0, buffer === terminal.buffer.normal ? buffer.cursorY + 1 : rows).join("\n");
}

async function shows(pattern: RegExp): Promise<void> {
  const until = performance.now() + patience;
  // a prompt's own blank at its end was trimmed away with those of the line
  while (!pattern.test(`${screen()} `.replace(/ +$/, " "))) {
    if (performance.now() > until) throw new Error(`${pattern} did not come:\n${screen()}`);
    await pause(50);
  }
}

async function types(words: string): Promise<void> {
  for (const letter of words) {
    shell.write(letter);
    await pause(55);
  }
  await pause(400);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function scene(title: string): void {
  scenes.push(screenSvg(pictureOf(terminal), title));
}

function write(): void {
  const folder = path.join(root, "docs/guide");
  let shift = 0;
  let last = 0;
  const lines = events.map(([time, kind, text]) => {
    shift += Math.max(0, time - last - longestPause);
    last = time;
    return JSON.stringify([Number((time - shift).toFixed(3)), kind, text]);
  });
  const header = { version: 2, width: cols, height: rows, title: "falcon launch, d, sessions, attach", env: { TERM: env.TERM } };
  const cast = `${[JSON.stringify(header), ...lines].join("\n")}\n`;
  const svg = animated(scenes);
  for (const secret of [root, os.homedir(), os.hostname()])
    if (secret.length > 3 && `${cast}${svg}`.includes(secret)) throw new Error(`the recording names ${secret}`);
  fs.writeFileSync(path.join(folder, "first-day.cast"), cast);
  fs.writeFileSync(path.join(folder, "first-day.svg"), svg);
  console.log(
    `docs/guide/first-day.cast: ${events.length} events, ${cast.length} bytes; first-day.svg: ${scenes.length} scenes, ${svg.length} bytes`,
  );
}

/**
 * The scenes one after another, each for the same time; who wants no motion, or cannot show it, sees the
 * last.
 */
function animated(all: string[]): string {
  const [, open = ""] = /(<svg [^>]*>)/.exec(all[0] as string) ?? [];
  const share = 100 / all.length;
  const total = sceneTime * all.length;
  const bodies = all.map((svg) => /<svg [^>]*>([\s\S]*)<\/svg>/.exec(svg)?.[1]?.replace(/<title>[\s\S]*?<\/title>/, "") ?? "");
  const groups = bodies.map(
    (body, i) => `<g class="scene" style="animation-delay:${(i * sceneTime - total).toFixed(1)}s">${body}</g>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
${open}
<title>falcon launch, d, falcon sessions, falcon attach</title>
<style>
@keyframes scene { 0%, ${share - 0.01}% { visibility: visible } ${share}%, 100% { visibility: hidden } }
.scene { animation: scene ${total}s linear infinite }
@media (prefers-reduced-motion: reduce) { .scene { animation: none } }
</style>
${groups.join("\n")}
</svg>
`;
}
