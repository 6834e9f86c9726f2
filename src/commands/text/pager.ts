// Text that is longer than the terminal goes to the user's pager, as git's does: $PAGER, else less, none
// where it is empty or cat.
import { randomInt } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { printableProse } from "../../base/text/printable.ts";
import type { Call, Context } from "../dispatch/call.ts";
import { programFile } from "../start/program-file.ts";

/**
 * The pager has opened its file in this time (ms) after the client has become it; what nobody opened by then
 * is removed.
 */
const opening = 10_000;

/** A pager has a line of its own beside the text. */
const fewestRows = 2;

/**
 * Reads the text from a file that it removes at once: what it holds is nobody else's business, and must not
 * stay.
 */
const script = 'exec 3<"$1" && rm -f "$1" && eval "$2 <&3"';

/**
 * The client becomes the pager, with this text. Answers false where there is none to become: the text fits,
 * nobody is at a terminal, or the pager is not there; the caller then writes it.
 */
export async function writePaged(call: Call, context: Context, text: string): Promise<boolean> {
  const { terminal, environment } = call.request;
  const { rows } = terminal;
  if (!terminal.stdin || !terminal.stdout || environment.TERM === "dumb" || rows < fewestRows) return false;
  if (text.split("\n").length <= rows) return false;
  const pager = (environment.PAGER ?? "less").trim();
  if (pager === "" || pager === "cat" || !(await isThere(call, pager.split(/\s/, 1)[0] as string))) return false;
  const file = path.join(context.home, `.page-${randomInt(2 ** 47).toString(36)}`);
  const forget = () => fs.rm(file, { force: true }, () => {});
  try {
    // as Call.stdout would write it
    fs.writeFileSync(file, printableProse(text), { mode: 0o600, flag: "wx" });
  } catch {
    forget();
    return false; // a full disk: it is still told
  }
  void call.gone.then(() => setTimeout(forget, opening).unref());
  // git's own settings: quit where it fits one screen, pass colours on, leave the screen as it is
  const settings = [...(environment.LESS === undefined ? ["LESS=FRX"] : []), ...(environment.LV === undefined ? ["LV=-c"] : [])];
  call.exec("/usr/bin/env", ["env", ...settings, "sh", "-c", script, "sh", file, pager]);
  return true;
}

function isThere({ request }: Call, program: string): Promise<boolean> {
  return programFile(program, request.environment, request.directory).then(
    () => true,
    () => false,
  );
}
