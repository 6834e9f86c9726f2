// Who gets which `falcon`: the caller's own line, an interactive shell of each kind, a script from here, a
// script that activates an environment.
import fs from "node:fs";
import path from "node:path";
import { aside } from "../base/aside/aside.ts";
import { head } from "../base/aside/regular-file.ts";
import { onDisk } from "../base/text/bytes.ts";
import { commandLine, parentOf } from "../platform/processes.ts";
import { launcher } from "../trainers/registry.ts";
import { type Caller, type Finding, warning } from "./condition.ts";

/**
 * Set by `falcon init` in the shell whose start file evaluates it, to `<shell>:<process>`: children inherit
 * it, so it counts for the shell of that process alone.
 */
export const initVariable = "FALCON_SESSIONS_INIT";

/** What one caller starts when it says `falcon`. */
export interface FalconSeen {
  /** Who says it, for a person. */
  who: string;
  /** What it starts; null: there is none. */
  file: string | null;
  /** Whether that is ours, so that a launch is a session. */
  ours: boolean;
  /** Why, where that is no plain look-up on PATH; "" where it is. */
  why: string;
}

export interface FalconFacts {
  seen: FalconSeen[];
  /** The `falcon` that the caller's own PATH finds first. */
  first: { file: string; ourselves: boolean } | undefined;
  /** The function of `init` is in force in the shell that called. */
  inForce: boolean;
  /** The folder of `init --shim`, where one was made. */
  shim: string | undefined;
  /** The environment that is active. */
  active: string | undefined;
  /** An environment in which pip has written its falcon over ours. */
  overwritten: string | undefined;
}

/**
 * Files that a shell reads at its start, below the home folder; a line of `falcon init` is looked for in
 * them, nothing is executed.
 */
const startFiles: Readonly<Record<string, readonly string[]>> = {
  bash: [".bashrc", ".bash_profile", ".bash_login", ".profile"],
  zsh: [".zshrc", ".zshenv", ".zprofile", ".zlogin"],
  fish: [".config/fish/config.fish"],
};

/** Environments that are looked at, and how much of a start file, or of conda's list, is read. */
const mostEnvironments = 20;
const longestStartFile = 1 << 20;

/** What programs get that are started with an empty environment: execvp's own default, and cron's. */
const emptyPath = "/usr/local/bin:/usr/bin:/bin";

/** @param root of our own installation; @param pid the caller's client */
export const falconFacts = aside("falconFacts", factsHere, ([{ directory }]) => directory);

async function factsHere(caller: Caller, root: string, pid: number): Promise<FalconFacts> {
  const { environment, directory } = caller;
  const look = (PATH: string | undefined) =>
    launcher.firstOnPath({ environment: PATH === undefined ? {} : { PATH }, directory, root });
  const first = await look(environment.PATH);
  const inForce = isInForce(environment[initVariable], pid);
  const seen: FalconSeen[] = [
    inForce
      ? { who: "this shell", file: first?.file ?? null, ours: true, why: "the function of falcon init goes before PATH" }
      : asSeen("this shell", first),
    asSeen("what it starts: scripts, nohup, xargs", first),
  ];
  for (const [shell, files] of Object.entries(startFiles)) {
    const start = files.map((name) => startFile(shell, name, environment)).find((file) => evaluatesInit(file, shell));
    if (start !== undefined) {
      seen.push({ who: `an interactive ${shell}`, file: first?.file ?? null, ours: true, why: `falcon init in ${start}` });
    } else if (isOnPath(shell, environment.PATH)) seen.push(asSeen(`an interactive ${shell}`, first));
  }
  let overwritten: string | undefined;
  const active = environment.VIRTUAL_ENV || environment.CONDA_PREFIX || undefined;
  for (const prefix of environments(caller)) {
    const bin = path.join(prefix, "bin");
    const found = await look(bin);
    if (found === undefined) continue;
    seen.push(asSeen(`a script that activates ${prefix}`, found));
    if (!found.ourselves && fs.existsSync(onDisk(path.join(bin, launcher.pythonName)))) overwritten ??= prefix;
  }
  seen.push(asSeen("an empty environment: env -i, cron", await look(emptyPath)));
  return { seen, first, inForce, shim: await launcher.shimFolder(environment), active, overwritten };
}

/**
 * What the user does not know and should: a `falcon` that would run without a session. Nothing once the
 * remedy is in force.
 */
export function checkFalcons(facts: FalconFacts): Finding[] {
  const { first, inForce, shim, active, overwritten } = facts;
  const findings: Finding[] = [];
  const line = 'eval "$(falcon-sessions init bash)"';
  const environment =
    active !== undefined && first?.file === path.join(active, "bin", "falcon")
      ? `'falcon-sessions install-shim ${active}', or `
      : "";
  if (first !== undefined && !first.ourselves && !inForce) {
    findings.push(
      warning(
        "shadowed",
        `${first.file} stands first on PATH, so that 'falcon attach' would reach it: it prints its usage and reports success`,
        `${environment}${line} in ~/.bashrc (zsh and fish too), or say falcon-sessions instead of falcon`,
      ),
    );
  } else if (first !== undefined && !first.ourselves) {
    findings.push(
      warning(
        "scripts-bypass",
        `falcon is ours in this shell, but what it starts (a script, nohup, xargs) gets ${first.file}, and runs without a session`,
        shim === undefined
          ? `${environment}'falcon-sessions init --shim', then a new shell`
          : `${environment}a new shell: ${shim} is there and not first on PATH`,
      ),
    );
  }
  if (overwritten !== undefined) {
    findings.push(
      warning(
        "shim-overwritten",
        `${path.join(overwritten, "bin", "falcon")} was ours, and has been installed anew since: scripts run without a session`,
        `falcon-sessions install-shim ${overwritten}`,
      ),
    );
  }
  return findings;
}

function asSeen(who: string, found: { file: string; ourselves: boolean } | undefined): FalconSeen {
  return { who, file: found?.file ?? null, ours: found?.ourselves ?? false, why: "" };
}

/**
 * Whether the caller's client was started by the shell that evaluated init: its parent, or a fork of that
 * shell (a pipe, parentheses), which has the same arguments. Where the system does not tell parents, the
 * variable is believed.
 */
export function isInForce(
  value: string | undefined,
  pid: number,
  processes: { parentOf(pid: number): number | null; commandLine(pid: number): string[] } = { parentOf, commandLine },
): boolean {
  const shell = Number(/^\w+:(\d+)$/.exec(value ?? "")?.[1] ?? 0);
  if (shell === 0) return false;
  const words = processes.commandLine(shell).join("\0");
  for (let at = processes.parentOf(pid); ; at = processes.parentOf(at)) {
    if (at === null) return processes.parentOf(process.pid) === null;
    if (at === shell) return true;
    if (at <= 1 || processes.commandLine(at).join("\0") !== words) return false;
  }
}

function startFile(shell: string, name: string, environment: Caller["environment"]): string {
  const home = environment.HOME ?? "/";
  if (shell === "zsh") return path.join(environment.ZDOTDIR || home, name);
  if (shell === "fish" && environment.XDG_CONFIG_HOME) return path.join(environment.XDG_CONFIG_HOME, "fish/config.fish");
  return path.join(home, name);
}

function evaluatesInit(file: string, shell: string): boolean {
  const lines = head(file, longestStartFile).split("\n");
  return lines.some((line) => new RegExp(`^[^#]*falcon(-sessions)?['"]? init\\b[^#]*\\b${shell}\\b`).test(line));
}

/** The active environments, those in the caller's folder, and those that conda has written down. */
function environments({ environment, directory }: Caller): string[] {
  const known = head(path.join(environment.HOME ?? "/", ".conda/environments.txt"), longestStartFile).split("\n");
  const found = [environment.VIRTUAL_ENV, environment.CONDA_PREFIX, ".venv", "venv", ...known];
  const prefixes = found.flatMap((prefix) => (prefix ? path.resolve(directory, prefix) : []));
  return [...new Set(prefixes)].slice(0, mostEnvironments);
}

function isOnPath(name: string, PATH = emptyPath): boolean {
  return PATH.split(":").some((folder) => fs.existsSync(path.join(folder, name)));
}
