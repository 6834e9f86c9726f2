// The terminal on the page beside the one that a session's whole output makes.
import fs from "node:fs";
import path from "node:path";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import headless from "@xterm/headless";
import type { Page } from "playwright-core";
import { until } from "../support/events.ts";
import type { TestHome } from "../support/home.ts";
import { type BrowserScreen, readScreen, screenOf } from "./web-home.ts";

/** The screen that the session's whole output makes. */
async function screenOfLog(home: TestHome, id: string, cols: number, rows: number): Promise<BrowserScreen> {
  const terminal = new headless.Terminal({ cols, rows, allowProposedApi: true, scrollback: 2_000, logLevel: "off" });
  terminal.loadAddon(new Unicode11Addon() as never);
  terminal.unicode.activeVersion = "11";
  const bytes = fs.readFileSync(path.join(home.folder, "s", id, "output.log"));
  await new Promise<void>((resolve) => terminal.write(bytes, resolve));
  const screen = readScreen(terminal) as BrowserScreen;
  terminal.dispose();
  return screen;
}

/** Waits until the page's terminal is as the session's own, cell by cell. @param about of what it is. */
export async function untilSame(
  home: TestHome,
  page: Page,
  id: string,
  cols: number,
  rows: number,
  about = "the session",
): Promise<void> {
  let seen: BrowserScreen | undefined;
  let own: BrowserScreen | undefined;
  await until(
    async () => {
      seen = await screenOf(page);
      own = await screenOfLog(home, id, cols, rows);
      return JSON.stringify(seen) === JSON.stringify(own);
    },
    () => `the screen of ${about}: ${difference(seen, own)}`,
  );
}

/** The first line that is another one, for a person. */
function difference(seen: BrowserScreen | undefined, own: BrowserScreen | undefined): string {
  if (seen === undefined || own === undefined) return "the page shows none";
  const facts = ({ cols, rows, cursor }: BrowserScreen) => `${cols}x${rows}, cursor at ${cursor}`;
  const at = own.lines.findIndex((line, y) => line !== seen.lines[y]);
  return `browser ${facts(seen)}, session ${facts(own)}; line ${at}:\n${seen.lines[at]}\n${own.lines[at]}`;
}
