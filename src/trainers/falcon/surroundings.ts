// What a run was started with and that nobody notes down: falcon's and Python's versions, the commit of its directory, the GPUs, and in which
// settings it differs from its config.yml. Everything is read from files, and asked of git; no Python is started.
import { execFile } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { aside } from "../../base/aside.ts";
import { onDisk } from "../../base/bytes.ts";
import { readRegular } from "../../base/regular-file.ts";
import { parseLaunch } from "./arguments.ts";
import { readYaml, type YamlValue } from "./yaml.ts";

/** JSON-friendly; docs/guide/json.md describes it. */
export interface Surroundings {
  /** falcon's version; null: not a falcon that pip installed. */
  falcon: string | null;
  python: string | null;
  /** The directory's commit; null: it is in no git repository, or git does not answer. */
  commit: string | null;
  /** Whether files that git knows were changed since. */
  dirty: boolean | null;
  /** Models of this machine's NVIDIA GPUs, by the driver. */
  gpus: string[];
  /** CUDA_VISIBLE_DEVICES of the program. */
  visibleGpus: string | null;
  /** key=value settings whose value is another one than config.yml's. */
  overrides: Override[];
}

export interface Override {
  key: string;
  value: string;
  /** What the file has there, as JSON; null: nothing. */
  config: string | null;
}

/** Milliseconds that git may take: a repository on a slow disk; the helper that asks it is given four seconds. */
const gitPatience = 3_000;

/** Bytes that git may say: of a status only whether it is empty counts. */
const longestGit = 1 << 20;

/** A console script of pip has about 250 bytes; a configuration a few KB. */
const scriptHead = 4096;
const largestConfig = 1 << 20;

/** Settings that are compared: a person types a handful. */
const mostOverrides = 100;

/**
 * Of a run that is just being started.
 * @param kind of the session: only a falcon launch has a falcon and a configuration
 * @param command with which it was started @param run its run directory, where it was named
 * @param created when it was asked for (ms since 1970)
 */
export const surroundings = aside("surroundings", readHere, ([, , directory]) => directory);

async function readHere(
  kind: "launch" | "run",
  command: string[],
  directory: string,
  environment: Record<string, string>,
  run: string | null,
  created: number,
): Promise<Surroundings> {
  const args = kind === "launch" ? command.slice(command.indexOf("launch") + 1) : [];
  return {
    ...(kind === "launch" ? versions(command) : { falcon: null, python: null }),
    ...(await gitState(directory, environment)),
    gpus: gpus(),
    visibleGpus: environment.CUDA_VISIBLE_DEVICES ?? null,
    overrides: kind === "launch" ? overrides(args, directory, run, created) : [],
  };
}

/** By the files that pip and venv wrote beside the Python that starts falcon. */
function versions([file = "", ...rest]: readonly string[]): Pick<Surroundings, "falcon" | "python"> {
  const python = rest.includes("falcon.cli") ? file : interpreterOf(file);
  if (python === undefined) return { falcon: null, python: null };
  const prefix = path.dirname(path.dirname(python));
  const library = entries(path.join(prefix, "lib")).find((name) => /^python3\.\d+$/.test(name));
  const packages = library === undefined ? [] : entries(path.join(prefix, "lib", library, "site-packages"));
  const told = packages.flatMap((name) => /^falcon_sbi-(.+)\.dist-info$/.exec(name)?.[1] ?? [])[0];
  const venv = /^version(?:_info)?\s*=\s*(\d+\.\d+\.\d+)/m.exec(head(path.join(prefix, "pyvenv.cfg")))?.[1];
  const conda = entries(path.join(prefix, "conda-meta")).flatMap((name) => /^python-(\d+\.\d+\.\d+)-/.exec(name)?.[1] ?? [])[0];
  return { falcon: told ?? null, python: venv ?? conda ?? library?.slice("python".length) ?? null };
}

/** The Python that starts a console script; undefined where it is none. */
function interpreterOf(file: string): string | undefined {
  const text = head(file);
  if (!/\bfalcon\b/.test(text)) return undefined;
  // a long path stands on the second line of a shell's script
  return /^#!\s*(\/\S*python\S*)/.exec(text)?.[1] ?? /^'''exec' "?(\/[^"\s]*python[^"\s]*)/m.exec(text)?.[1];
}

async function gitState(directory: string, environment: Record<string, string>): Promise<Pick<Surroundings, "commit" | "dirty">> {
  const commit = (await git(directory, environment, "rev-parse", "--verify", "HEAD"))?.trim();
  if (commit === undefined || !/^[0-9a-f]{40,64}$/.test(commit)) return { commit: null, dirty: null };
  const status = await git(directory, environment, "status", "--porcelain", "--untracked-files=no");
  return { commit, dirty: status === undefined ? null : status !== "" };
}

/** What git says; undefined where it fails. It takes no lock that a person's own git would meet, and starts no monitor of files. */
function git(directory: string, environment: Record<string, string>, ...words: string[]): Promise<string | undefined> {
  const own = Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("GIT_")));
  return new Promise((done) => {
    execFile(
      "git",
      ["--no-optional-locks", "-c", "core.fsmonitor=false", "-C", directory, ...words],
      {
        env: { ...own, GIT_OPTIONAL_LOCKS: "0", LC_ALL: "C" },
        timeout: gitPatience,
        killSignal: "SIGKILL",
        maxBuffer: longestGit,
      },
      (error, said) => done(error === null ? said : undefined),
    );
  });
}

function gpus(): string[] {
  const folder = "/proc/driver/nvidia/gpus";
  return entries(folder).flatMap((name) => /^Model:\s*(.+)$/m.exec(head(path.join(folder, name, "information")))?.[1] ?? []);
}

/** A resumed run has a configuration of its own; one that was written since the start holds the settings already. */
function overrides(args: readonly string[], directory: string, run: string | null, created: number): Override[] {
  const read = parseLaunch(args);
  const own = run === null ? undefined : path.join(run, "config.yml");
  const file = own !== undefined && isOlder(own, created) ? own : path.resolve(directory, read.config ?? "config.yml");
  let root: YamlValue | undefined;
  try {
    root = readYaml(readRegular(file, 0, largestConfig).toString("utf8"));
  } catch {
    // every setting is one that the file does not have
  }
  const last = new Map(read.overrides.map((text) => [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)]));
  return [...last].slice(0, mostOverrides).flatMap(([key, value]) => {
    const there = valueAt(root, key);
    if (there !== undefined && same(there, value)) return [];
    return [{ key, value, config: there === undefined ? null : JSON.stringify(there) }];
  });
}

function isOlder(file: string, time: number): boolean {
  const stat = fs.statSync(onDisk(file), { throwIfNoEntry: false });
  return stat !== undefined && stat.mtimeMs < time;
}

function valueAt(root: YamlValue | undefined, key: string): YamlValue | undefined {
  let here = root;
  for (const part of key.split(".")) {
    if (here === null || typeof here !== "object") return undefined;
    here = Array.isArray(here) ? here[Number(part)] : Object.hasOwn(here, part) ? here[part] : undefined;
  }
  return here;
}

function same(there: YamlValue, text: string): boolean {
  try {
    return JSON.stringify(readYaml(text)) === JSON.stringify(there);
  } catch {
    return text === there;
  }
}

/** Names in a folder, without an error where there is none. */
function entries(folder: string): string[] {
  try {
    return fs.readdirSync(onDisk(folder));
  } catch {
    return [];
  }
}

function head(file: string): string {
  try {
    return readRegular(file, 0, scriptHead).toString("utf8");
  } catch {
    return "";
  }
}
