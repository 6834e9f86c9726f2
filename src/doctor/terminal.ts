// The caller's terminal and locale: whether programs know what it is, and whether text arrives as it was
// meant.
import fs from "node:fs";
import path from "node:path";
import { aside } from "../base/aside/aside.ts";
import { type Caller, type Finding, problem, warning } from "./condition.ts";

/** What every session's program is told that its terminal is. */
const sessionTerminal = "xterm-256color";

/** Folders of terminfo(5), after those that the environment names. */
const systemFolders = ["/etc/terminfo", "/lib/terminfo", "/usr/share/terminfo", "/usr/share/lib/terminfo", "/usr/lib/terminfo"];

/** Whether the terminfo database describes a terminal of this name. */
export function isKnownTerminal(
  name: string,
  environment: Caller["environment"],
  folders: readonly string[] = systemFolders,
): boolean {
  if (!/^[\w.+-]+$/.test(name)) return false;
  const first = name[0] as string;
  // Linux has folders by letter, macOS by its number
  const inFolder = [path.join(first, name), path.join(first.charCodeAt(0).toString(16), name)];
  const all = [
    environment.TERMINFO,
    environment.HOME && path.join(environment.HOME, ".terminfo"),
    ...(environment.TERMINFO_DIRS ?? "").split(":"),
    ...folders,
  ];
  return all.some((folder) => folder && inFolder.some((file) => fs.existsSync(path.join(folder, file))));
}

export interface TerminalFacts {
  /** "" where it is not set. */
  name: string;
  known: boolean;
  /** The database describes the terminal that sessions have. */
  sessionKnown: boolean;
  onTerminal: boolean;
}

export function terminalFacts(caller: Caller, folders: readonly string[] = systemFolders): TerminalFacts {
  const { TERM = "" } = caller.environment;
  return {
    name: TERM,
    known: isKnownTerminal(TERM, caller.environment, folders),
    sessionKnown: isKnownTerminal(sessionTerminal, caller.environment, folders),
    onTerminal: caller.onTerminal,
  };
}

/** `terminalFacts`, aside: a terminal's description may lie in the user's home. */
export const askTerminalFacts = aside("terminalFacts", terminalFacts, ([caller]) => caller.environment.HOME ?? "/");

export function checkTerminal(facts: TerminalFacts): Finding[] {
  const findings: Finding[] = [];
  const remedy = `TERM=${sessionTerminal} in this terminal, or install its description (Debian: apt-get install ncurses-term)`;
  if (facts.onTerminal && /^(?:|dumb|unknown)$/.test(facts.name)) {
    const how = facts.name === "" ? "is not set" : `is ${facts.name}`;
    findings.push(
      warning(
        "terminal-unknown",
        `TERM ${how}: programs outside of sessions take this terminal for one that can do nothing`,
        remedy,
      ),
    );
  } else if (facts.onTerminal && !facts.known) {
    findings.push(warning("terminal-unknown", `TERM is ${facts.name}, of which this machine knows nothing`, remedy));
  }
  if (!facts.sessionKnown) {
    findings.push(
      problem(
        "session-terminal-unknown",
        `this machine knows no ${sessionTerminal}, the terminal that every session has: falcon's display fails or stays plain`,
        "install ncurses' basic descriptions (Debian: apt-get install ncurses-base)",
      ),
    );
  }
  return findings;
}

/** The locale that decides about characters: LC_ALL, else LC_CTYPE, else LANG; "" when none is set. */
function characterLocale(environment: Caller["environment"]): string {
  return environment.LC_ALL || environment.LC_CTYPE || environment.LANG || "";
}

/** Whether a locale's characters are UTF-8; Apple's plain "UTF-8" counts too. */
function isUtf8(locale: string): boolean {
  return /(^|\.)utf-?8(@|$)/i.test(locale);
}

/**
 * Whether the caller's terminal is taken to read UTF-8. Without a locale, and in the C locale, nothing is
 * said of it, and nearly every terminal does: Python takes C for C.UTF-8, too (PEP 538). One that says
 * another encoding means it.
 */
export function readsUtf8(environment: Caller["environment"]): boolean {
  const locale = characterLocale(environment);
  return /^(?:C|POSIX)?$/.test(locale) || isUtf8(locale);
}

export function checkLocale(environment: Caller["environment"]): Finding[] {
  const locale = characterLocale(environment);
  if (isUtf8(locale)) return [];
  const named = locale === "" ? "no locale is set (LANG, LC_CTYPE, LC_ALL)" : `the locale is ${locale}`;
  return [
    warning(
      "locale",
      `${named}, which is not UTF-8: programs print other characters than letters as question marks or fail at them`,
      "export LANG=C.UTF-8",
    ),
  ];
}
