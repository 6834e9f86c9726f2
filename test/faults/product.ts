// What every fault needs of the built product: killing its server or holders, and comparing what is kept with
// what was written.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import path from "node:path";
import headless from "@xterm/headless";
import { OutputLog } from "../../src/store/output-log.ts";
import { readRecord } from "../../src/store/record.ts";
import { alive, until } from "../support/events.ts";
import { killNow, processesNaming, type TestHome } from "../support/home.ts";
import type { UserTerminal } from "../support/terminal/terminal.ts";

export function folderOf(home: TestHome, id: string): string {
  return path.join(home.folder, "s", id);
}

/** Kills the server where one runs, and waits until it is gone; answers whether there was one. */
export async function killServer(home: TestHome): Promise<boolean> {
  const pid = home.serverPid();
  if (pid === undefined) return false;
  killNow(pid);
  await until(() => !alive(pid), `the killed server ${pid} to be gone`);
  return true;
}

/** The holder of a session. */
export function holderPid(home: TestHome, id: string): number | undefined {
  return processesNaming(folderOf(home, id)).find(({ argv }) => argv[0]?.endsWith("/holder") && argv[1] === folderOf(home, id))
    ?.pid;
}

/** Everything that is kept of a session's output; fails where a byte is missing. */
export async function wholeOutput(home: TestHome, id: string): Promise<Buffer> {
  const log = OutputLog.open(folderOf(home, id));
  try {
    assert.deepEqual(log.holes(), [], `session ${id} has holes`);
    assert.equal(log.base, 0);
    const parts: Buffer[] = [];
    for (let at = 0; at < log.end; ) {
      const bytes = await log.read(at, Math.min(1 << 20, log.end - at));
      assert.ok(bytes.length > 0, `session ${id} cannot be read at ${at} of ${log.end}`);
      parts.push(bytes);
      at += bytes.length;
    }
    return Buffer.concat(parts);
  } finally {
    log.close();
  }
}

export function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}

/** Line ends as a terminal makes them. */
export function onTerminal(text: string): Buffer {
  return Buffer.from(text.replaceAll("\n", "\r\n"));
}

/** What `flood N` writes (test/support/programs/flood.c, width 60). */
export function floodText(lines: number): string {
  const parts: string[] = [];
  for (let n = 0; n < lines; n++) {
    let line = `line ${String(n).padStart(8, "0")} `;
    for (let used = line.length; used < 60; used++) line += String.fromCharCode(97 + ((n + used) % 26));
    parts.push(line);
  }
  return `${parts.join("\n")}${lines > 0 ? "\n" : ""}flood ends\n`;
}

/** The lines that a fresh terminal shows after all of this output, without blank ones at the end. */
export async function screenAfter(bytes: Buffer, cols = 120, rows = 40): Promise<string[]> {
  const terminal = new headless.Terminal({ cols, rows, scrollback: 0, allowProposedApi: true, logLevel: "off" });
  await new Promise<void>((resolve) => terminal.write(bytes, resolve));
  const buffer = terminal.buffer.active;
  const lines = Array.from({ length: rows }, (_, y) =>
    (buffer.getLine(buffer.baseY + y)?.translateToString(true) ?? "").trimEnd(),
  );
  terminal.dispose();
  return lines.slice(0, lines.findLastIndex((line) => line !== "") + 1);
}

/** The last screen as `falcon show` tells it. */
export async function shownScreen(home: TestHome, id: string): Promise<string[]> {
  const text = await home.ok(["show", id, "--screen"]);
  const lines = text.split("\n");
  const at = lines.findIndex((line) => /^its (last )?screen( now)?:/.test(line));
  if (at < 0) return [];
  // what is known of the session comes behind it, unindented after an empty line
  const behind = lines.slice(at + 1);
  const end = behind.findIndex((line) => /^\S/.test(line));
  const screen = behind.slice(0, end < 0 ? undefined : end).map((line) => line.slice(2).trimEnd());
  while (screen.at(-1) === "") screen.pop();
  return screen;
}

/** The lines that a person's terminal shows, without blank ones at the end. */
export function screenLines(terminal: UserTerminal): string[] {
  const lines = terminal.lines().map((line) => line.trimEnd());
  return lines.slice(0, lines.findLastIndex((line) => line !== "") + 1);
}

/** The exit status that the holder recorded; undefined while there is none. */
export function recordedStatus(home: TestHome, id: string): number | undefined {
  return readRecord(folderOf(home, id)).exit?.status;
}
