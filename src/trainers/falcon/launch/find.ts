// Finds the user's Python falcon, and never takes ourselves for it.
import fs from "node:fs";
import path from "node:path";
import { aside } from "../../../base/aside/aside.ts";
import { head, readRegular } from "../../../base/aside/regular-file.ts";
import { Failure, Status } from "../../../base/failure.ts";
import { onDisk, textOf } from "../../../base/text/bytes.ts";
import type { FindOptions, FoundProgram } from "../../trainer.ts";
import { pythonHasFalcon } from "./python-probe.ts";

/** What the Python falcon is called where the environment's `falcon` is our shim (shim.ts). */
export const pythonName = "falcon-python";

/**
 * How a shim (shim.ts) tells where it lies, so that the Python falcon beside it is found without any other
 * variable.
 */
export const shimVariable = "FALCON_SESSIONS_SHIM";

/**
 * The scripts, separated by colons, that were started as the Python falcon on the way to this call: none of
 * them is started again.
 */
export const viaVariable = "FALCON_SESSIONS_VIA";

/** A script longer than this is no starter script; a console script of pip has about 250 bytes. */
const scriptHead = 16 << 10;

/** How far our own name is looked for in an executable that is no script: our client has well under 1 MB. */
const binaryHead = 4 << 20;

/** A package's description has a few KB, ours among them. */
const longestPackage = 1 << 20;

/** Scripts that start scripts that start us: followed this deep. */
const deepest = 3;

/**
 * Finds it in the order of --falcon, $FALCON_BIN, the environment of the shim that called us, the active
 * environment ($VIRTUAL_ENV, $CONDA_PREFIX), PATH without ourselves, and `python3 -m falcon.cli`. Where a
 * `falcon` is our shim, the Python falcon beside it is meant. Python is started only for the last.
 * @throws Failure 127 when there is none; 126 or 127 when --falcon or $FALCON_BIN names something that cannot
 * be it.
 */
export async function findPythonFalcon(options: FindOptions): Promise<FoundProgram> {
  const { environment, directory } = options;
  const root = options.root ?? ownRoot();
  const { found, python, missing } = await lookForFalcon({ ...options, root });
  if (found !== undefined) return found;
  // a process of the user's, which has its own patience
  if (python !== undefined && (await pythonHasFalcon(python, environment, directory)))
    return { command: [python, "-m", "falcon.cli"] };
  throw new Failure(missing, Status.notFound);
}

/**
 * What files tell: the Python falcon, else the first python3, which may have one; and what is said where it
 * has none.
 */
interface Look {
  found?: FoundProgram;
  python?: string;
  missing: string;
}

const lookForFalcon = aside("findFalcon", lookHere, ([{ explicit, environment, directory }]) =>
  path.resolve(directory, explicit ?? environment.FALCON_BIN ?? environment.VIRTUAL_ENV ?? environment.CONDA_PREFIX ?? "."),
);

async function lookHere(options: FindOptions & { root: string }): Promise<Look> {
  const { environment, directory, root } = options;
  const missing = notFound(root);
  const passed = environment[viaVariable]?.split(":") ?? [];
  if (options.explicit !== undefined) return { found: await named(options.explicit, "--falcon", options, root), missing };
  if (environment.FALCON_BIN) {
    const found = await named(environment.FALCON_BIN, "$FALCON_BIN", options, root);
    if (!passed.includes(found.command[0] as string)) return { found, missing };
  }
  for (const file of places(environment, directory)) {
    const python = await behindHere(file, root);
    if (python !== undefined && !passed.includes(python)) return { found: startedAs(python, environment), missing };
  }
  for (const file of onPath("python3", environment, directory)) {
    if (await runnable(file)) return { python: file, missing };
  }
  return { missing };
}

/** Where a falcon may lie, best first. */
function* places(environment: Readonly<Record<string, string>>, directory: string): Generator<string> {
  const shim = environment[shimVariable];
  if (shim) yield path.resolve(directory, shim);
  for (const prefix of [environment.VIRTUAL_ENV, environment.CONDA_PREFIX])
    if (prefix) yield path.resolve(directory, prefix, "bin", "falcon");
  yield* onPath("falcon", environment, directory);
}

/**
 * The Python falcon that a file stands for: itself, or where it is ours the falcon-python beside it;
 * undefined where it is neither. A falcon-python that is gone is the falcon beside it: the shim was removed
 * since.
 */
export const pythonBehind = aside("pythonBehind", behindHere, ([file]) => file);

async function behindHere(file: string, root: string = ownRoot()): Promise<string | undefined> {
  const there = await runnable(file);
  if (there && !(await isOursHere(file, root))) return file;
  const aside = path.basename(file) === pythonName;
  if (!there && !aside) return undefined;
  // pipx and others link the environment's falcon to a folder on PATH: what lies beside the file itself
  // counts as well
  for (const shim of new Set([file, await realOrSame(file)])) {
    const beside = path.join(path.dirname(shim), aside ? "falcon" : pythonName);
    if ((await runnable(beside)) && !(await isOursHere(beside, root))) return beside;
  }
  return undefined;
}

/** @param file what was found, which may be a script that calls us */
function startedAs(file: string, environment: Readonly<Record<string, string>>): FoundProgram {
  const script = head(file, scriptHead);
  if (!script.startsWith("#!") || isPythonScript(script)) return { command: [file] };
  return { command: [file], via: [...(environment[viaVariable]?.split(":") ?? []), file].join(":") };
}

/**
 * pip writes long interpreter paths as `#!/bin/sh` and `'''exec' /path/python3 "$0" "$@"` on the second line.
 */
function isPythonScript(text: string): boolean {
  return /python|pypy/i.test(text.split("\n", 1)[0] as string) || /^'''exec' /m.test(text);
}

/**
 * What a shell of this environment starts for `falcon`, and whether that is us: undefined where PATH has
 * none. For telling a user whose Python environment stands before us on PATH.
 */
export const firstOnPath = aside("firstOnPath", firstHere, ([{ directory }]) => directory);

async function firstHere(options: FindOptions): Promise<{ file: string; ourselves: boolean } | undefined> {
  for (const file of onPath("falcon", options.environment, options.directory)) {
    if (await runnable(file)) return { file, ourselves: await isOursHere(file, options.root ?? ownRoot()) };
  }
  return undefined;
}

/**
 * Whether `file` is our own `falcon`, or a script that ends in it: starting it as the Python falcon would go
 * round in circles.
 */
export const isOurselves = aside("isOurselves", isOursHere, ([file]) => file);

async function isOursHere(file: string, root: string = ownRoot(), depth = 0): Promise<boolean> {
  let real: string;
  let start: Buffer;
  try {
    real = await realPath(file);
    const own = await Promise.all(
      [path.join(root, "native", "build", "Release", "falcon"), path.join(root, "dist", "server.cjs")].map(realOrSame),
    );
    if (own.includes(real)) return true;
    start = readRegular(real, 0, scriptHead);
  } catch {
    return false; // unreadable: the one who starts it will hear why
  }
  const text = textOf(start);
  if (!text.startsWith("#!")) return isExecutableImage(start) && readRegular(real, 0, binaryHead).includes("falcon-sessions");
  const starter = text.split("\n", 1)[0] as string;
  if (isPythonScript(text)) return false;
  if (/\bnode\b/.test(starter)) return belongsToUs(real);
  if (depth >= deepest) return false;
  for (const word of text.match(/[^\s"'`;|&()=]+/g) ?? []) {
    if (path.basename(word) === "falcon-sessions") return true;
    if (word.startsWith("/") && path.basename(word) !== "env" && word !== real && (await isOursHere(word, root, depth + 1)))
      return true;
  }
  return false;
}

async function named(name: string, how: string, options: FindOptions, root: string): Promise<FoundProgram> {
  const { environment, directory } = options;
  const files = name.includes("/") ? [path.resolve(directory, name)] : onPath(name, environment, directory);
  for (const file of files) {
    const stat = await fs.promises.stat(onDisk(file)).catch(() => undefined);
    if (!stat) continue;
    if (stat.isDirectory()) throw new Failure(`${how} names a folder, ${file}: name the falcon in it`, Status.notExecutable);
    // a trainer bundle is a program of Node's, executable or not
    if (/\.[cm]?js$/.test(file)) return { command: [process.execPath, file] };
    if (!(await runnable(file))) throw new Failure(`${how} names ${file}, which is not executable`, Status.notExecutable);
    const python = await behindHere(file, root);
    if (python === undefined)
      throw new Failure(`${how} names ${file}, which is falcon-sessions itself and not the Python falcon`, Status.notFound);
    return startedAs(python, environment);
  }
  throw new Failure(`${how} names ${name}, which does not exist`, Status.notFound);
}

function* onPath(name: string, environment: Readonly<Record<string, string>>, directory: string): Generator<string> {
  for (const folder of (environment.PATH ?? "/usr/local/bin:/usr/bin:/bin").split(":"))
    yield path.resolve(directory, folder, name);
}

async function runnable(file: string): Promise<boolean> {
  try {
    if (!(await fs.promises.stat(onDisk(file))).isFile()) return false;
    await fs.promises.access(onDisk(file), fs.constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** ELF, or one of the Mach-O numbers. */
function isExecutableImage(head: Buffer): boolean {
  return head.length > 4 && ["7f454c46", "cffaedfe", "cefaedfe", "cafebabe"].includes(head.subarray(0, 4).toString("hex"));
}

/**
 * Whether the package that `file` is part of is an installation of ours (npm's bin scripts are links into the
 * package).
 */
function belongsToUs(file: string): boolean {
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const text = head(path.join(folder, "package.json"), longestPackage);
    if (text !== "") {
      try {
        return JSON.parse(text).name === "falcon-sessions";
      } catch {
        return false;
      }
    }
    if (folder === path.dirname(folder)) return false;
  }
}

async function realOrSame(file: string): Promise<string> {
  return await realPath(file).catch(() => file);
}

async function realPath(file: string): Promise<string> {
  return textOf(await fs.promises.realpath(onDisk(file), "buffer"));
}

/** Both as the bundle in dist/ and as sources in src/trainers/falcon/launch/. */
function ownRoot(): string {
  const here = import.meta.dirname;
  return path.basename(here) === "dist" ? path.dirname(here) : path.resolve(here, "../../../..");
}

function notFound(root: string): string {
  const trainer = path.join(root, "dist", "trainer.cjs");
  const attempt = fs.existsSync(trainer) ? `falcon launch --falcon ${trainer}` : "npm run demo";
  return (
    "no Python falcon found in --falcon, $FALCON_BIN, $VIRTUAL_ENV, $CONDA_PREFIX, PATH or python3: " +
    `'pip install "falcon-sbi[blessed]"' installs it, '${attempt}' tries the built-in example instead`
  );
}
