// Asks a Python whether it has cweniger's falcon, and remembers the answer until a folder changes in which
// that Python looks for modules.

import fs from "node:fs";
import { aside } from "../../../base/aside/aside.ts";
import { askProgram } from "../../../base/aside/ask-program.ts";
import { steady, wall } from "../../../base/clock.ts";
import { onDisk } from "../../../base/text/bytes.ts";

/** Milliseconds that Python may take to say whether it has falcon; it imports nothing for it. */
const pythonPatience = 10_000;

/** Its paths are a few hundred bytes each; more than this is no answer of ours. */
const longestAnswer = 256 << 10;

/** Answers that are remembered: users have a handful of environments. */
const mostRemembered = 64;

/**
 * How long an answer holds (ms): a starter like pyenv's may choose another Python for reasons that no folder
 * shows.
 */
const longestMemory = 10 * 60_000;

/**
 * The clock of a file's times is this coarse (ms): a folder that changed so shortly before the question may
 * change again unseen.
 */
const fileClock = 20;

/** What decides in Python which folders it looks into. */
const decisive = [
  "PYTHONPATH",
  "PYTHONHOME",
  "PYTHONUSERBASE",
  "PYTHONNOUSERSITE",
  "PYTHONSAFEPATH",
  "PYENV_VERSION",
  "VIRTUAL_ENV",
  "CONDA_PREFIX",
  "HOME",
  "PATH",
];

const question = [
  "import importlib.util, json, os, sys",
  "spec = importlib.util.find_spec('falcon')",
  "places = list(spec.submodule_search_locations or []) if spec else []",
  "print(json.dumps(sys.path + places))",
  "sys.exit(0 if any(os.path.exists(os.path.join(p, 'cli.py')) and os.path.exists(os.path.join(p, 'interactive.py')) for p in places) else 1)",
].join("\n");

interface Answer {
  has: boolean;
  /** When it was asked (ms of the steady clock). */
  asked: number;
  /** The folders that were looked into, and when each was changed last (undefined: not there). */
  folders: Map<string, number | undefined>;
}

const remembered = new Map<string, Answer>();

/**
 * Whether `-m falcon.cli` would find cweniger's falcon (and not the web framework of that name) with this
 * Python, of which nothing is imported. A module that is installed or removed changes its folder, and Python
 * is asked anew.
 */
export async function pythonHasFalcon(
  python: string,
  environment: Readonly<Record<string, string>>,
  directory: string,
): Promise<boolean> {
  const key = JSON.stringify([python, directory, ...decisive.map((name) => environment[name] ?? null)]);
  const known = remembered.get(key);
  if (known !== undefined) {
    if (steady() - known.asked < longestMemory && (await isUnchanged(known))) return known.has;
    remembered.delete(key);
  }
  const [asked, askedAt] = [steady(), wall()];
  const asking = { environment, directory, patience: pythonPatience, longest: longestAnswer };
  const { status, said } = await askProgram(python, ["-c", question], asking);
  const has = status === 0;
  const places = foldersIn(said, directory);
  if (places === undefined || (status !== 0 && status !== 1)) return has;
  const folders = await changes([python, ...places]);
  if ([...folders.values()].some((changed) => changed !== undefined && changed > askedAt - fileClock)) return has;
  for (const oldest of remembered.keys()) if (remembered.size >= mostRemembered) remembered.delete(oldest);
  remembered.set(key, { has, asked, folders });
  return has;
}

/** The folders of an answer, absolute; undefined where it is none of ours. */
function foldersIn(said: string, directory: string): string[] | undefined {
  try {
    const paths: unknown = JSON.parse(said);
    if (!Array.isArray(paths) || !paths.every((path) => typeof path === "string")) return undefined;
    // "" is the working directory
    return paths.map((path: string) => (path === "" ? directory : path));
  } catch {
    return undefined;
  }
}

/** When each was changed last (ms since 1970); undefined: it is not there. */
const changes = aside("changes", changesHere, ([files]) => files[0] ?? "/");

async function changesHere(folders: readonly string[]): Promise<Map<string, number | undefined>> {
  const changed = (folder: string) =>
    fs.promises.stat(onDisk(folder)).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    );
  return new Map(await Promise.all(folders.map(async (folder) => [folder, await changed(folder)] as const)));
}

async function isUnchanged({ folders }: Answer): Promise<boolean> {
  const now = await changes([...folders.keys()]);
  return [...folders].every(([folder, changed]) => now.get(folder) === changed);
}
