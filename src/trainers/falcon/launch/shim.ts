// The shim: a small script named falcon that is ours, in a folder of its own or in a Python environment
// beside `falcon-python`.
import fs from "node:fs";
import path from "node:path";
import { aside } from "../../../base/aside/aside.ts";
import { Failure, Status, sentence } from "../../../base/failure.ts";
import { namesIn } from "../../../base/names-in.ts";
import { bytesOf, onDisk, textOf } from "../../../base/text/bytes.ts";
import { quoted } from "../../../base/text/shell-words.ts";
import { homeOf } from "../../../base/user.ts";
import type { EnvironmentShim } from "../../trainer.ts";
import { isOurselves, pythonName, shimVariable } from "./find.ts";

/**
 * The script. Nohup, xargs, a batch script and `env -i` find a file on PATH, where they would not see a
 * function of the shell. When we are gone it starts the Python falcon beside it and says so: a run without a
 * session is better than none.
 * @param client our native client, an absolute path
 */
export function shimText(client: string): string {
  return `#!/bin/sh
# falcon-sessions: this falcon runs a launch in a session, and hands what it does not know to the Python falcon.
${shimVariable}=$0
export ${shimVariable}
client=${quoted(client)}
if [ ! -x "$client" ]; then client=$(command -v falcon-sessions); fi
if [ -x "$client" ]; then exec "$client" "$@"; fi
python=\${0%/*}/${pythonName}
if [ -x "$python" ]; then
  echo "falcon: falcon-sessions is not installed any more, so this runs without a session ($0)" >&2
  exec "$python" "$@"
fi
echo "falcon: falcon-sessions is not installed any more: install it again, or remove $0" >&2
exit 127
`;
}

/** Where the shim's folder is kept: the folder itself, or a link to the one that the user chose. */
function keptFolder(environment: Readonly<Record<string, string>>): string {
  return path.join(environment.XDG_DATA_HOME || path.join(homeOf(environment), ".local", "share"), "falcon-sessions", "shim");
}

/** The folder of this user's shim, to be put on PATH; undefined where none was made. */
export const shimFolder = aside("shimFolder", folderHere, ([environment]) => keptFolder(environment));

function folderHere(environment: Readonly<Record<string, string>>): string | undefined {
  const kept = keptFolder(environment);
  try {
    const folder = isLink(kept) ? textOf(fs.readlinkSync(onDisk(kept), "buffer")) : kept;
    fs.accessSync(onDisk(path.join(folder, "falcon")), fs.constants.X_OK);
    return folder;
  } catch {
    return undefined;
  }
}

/**
 * Puts the shim into a folder of its own (made where it is not there) and remembers the folder; answers it.
 * @param chosen the folder; undefined: the one that was chosen before, else the default
 * @throws Failure 2 when the folder cannot be on PATH or holds anything else, 125 when it cannot be written.
 */
export const makeShim = aside("makeShim", makeHere, ([, environment, directory, chosen]) =>
  chosen === undefined ? keptFolder(environment) : path.resolve(directory, chosen),
);

async function makeHere(
  client: string,
  environment: Readonly<Record<string, string>>,
  directory: string,
  chosen: string | undefined,
): Promise<string> {
  const kept = keptFolder(environment);
  const folder = chosen === undefined ? (folderHere(environment) ?? kept) : path.resolve(directory, chosen);
  if (/[:\n]/.test(folder)) throw new Failure(`--shim ${folder}: a folder on PATH cannot have ':' in its name`, Status.usage);
  const others = namesIn(folder).filter((name) => name !== "falcon");
  const file = path.join(folder, "falcon");
  if (others.length > 0 || (exists(file) && !(await isOurselves(file)))) {
    const held = others[0] ?? "another falcon";
    throw new Failure(
      `--shim ${folder}: it holds ${held}, and would stand before everything else on PATH: name a folder of its own`,
      Status.usage,
    );
  }
  try {
    fs.mkdirSync(onDisk(folder), { recursive: true });
    writeWhole(file, shimText(client));
    if (folder !== kept) {
      fs.mkdirSync(onDisk(path.dirname(kept)), { recursive: true });
      fs.rmSync(onDisk(kept), { recursive: true, force: true });
      fs.symlinkSync(onDisk(folder), onDisk(kept));
    }
  } catch (error) {
    throw new Failure(`--shim ${folder}: it cannot be made there (${sentence(error)})`);
  }
  return folder;
}

/**
 * Puts the shim into a Python environment: its falcon is called falcon-python from then on. At each moment
 * there is a falcon. Done again after pip has written its own falcon anew, it does the same.
 * @throws Failure 2 when it is no environment or has no falcon, 125 when it cannot be written.
 */
export const installShim = aside("installShim", installHere, ([, environment]) => environment);

async function installHere(client: string, environment: string): Promise<EnvironmentShim> {
  const { file, python } = environmentFiles(environment);
  if (!exists(file)) {
    throw new Failure(
      `${environment} has no falcon: '${path.join(environment, "bin", "python")} -m pip install "falcon-sbi[blessed]"' first`,
      Status.usage,
    );
  }
  const ours = await isOurselves(file);
  if (ours && !exists(python)) {
    throw new Failure(
      `${file} is ours already, and there is no Python falcon beside it: install falcon-sbi there again`,
      Status.usage,
    );
  }
  const text = shimText(client);
  if (ours && !isLink(file) && textOf(fs.readFileSync(onDisk(file))) === text) return { file, python, changed: false };
  try {
    if (!ours) copyAs(file, python);
    writeWhole(file, text);
  } catch (error) {
    throw new Failure(`${environment}: falcon cannot be put there (${sentence(error)})`);
  }
  return { file, python, changed: true };
}

/** Undoes installShim. What pip has written since stays. @throws Failure as installShim. */
export const removeShim = aside("removeShim", removeHere, ([environment]) => environment);

async function removeHere(environment: string): Promise<EnvironmentShim> {
  const { file, python } = environmentFiles(environment);
  const ours = exists(file) && (await isOurselves(file));
  if (!exists(python)) {
    if (ours) throw new Failure(`${file} is ours, and there is no Python falcon beside it to put back`, Status.usage);
    return { file, python, changed: false };
  }
  try {
    // a falcon that is not ours is newer than the one that we had put aside
    if (exists(file) && !ours) fs.rmSync(onDisk(python));
    else fs.renameSync(onDisk(python), onDisk(file));
  } catch (error) {
    throw new Failure(`${environment}: falcon cannot be put back (${sentence(error)})`);
  }
  return { file, python, changed: true };
}

function environmentFiles(environment: string): { file: string; python: string } {
  const bin = path.join(environment, "bin");
  const marks = ["pyvenv.cfg", "conda-meta", "bin/python", "bin/python3"];
  if (!marks.some((name) => exists(path.join(environment, name)))) {
    throw new Failure(
      `${environment} is no Python environment: name the folder that holds bin/activate, or conda-meta`,
      Status.usage,
    );
  }
  return { file: path.join(bin, "falcon"), python: path.join(bin, pythonName) };
}

/** A second name for a file, or a copy of it where the file system has none; a link stays a link. */
function copyAs(file: string, name: string): void {
  const fresh = `${name}.new`;
  fs.rmSync(onDisk(fresh), { force: true });
  if (isLink(file)) fs.symlinkSync(fs.readlinkSync(onDisk(file), "buffer"), onDisk(fresh));
  else fs.copyFileSync(onDisk(file), onDisk(fresh));
  fs.renameSync(onDisk(fresh), onDisk(name));
}

/** Whoever starts the file at this moment gets the old or the new one, whole. */
function writeWhole(file: string, text: string): void {
  const fresh = `${file}.${process.pid}.new`;
  fs.writeFileSync(onDisk(fresh), bytesOf(text), { mode: 0o755 });
  fs.chmodSync(onDisk(fresh), 0o755);
  fs.renameSync(onDisk(fresh), onDisk(file));
}

function isLink(file: string): boolean {
  return fs.lstatSync(onDisk(file)).isSymbolicLink();
}

function exists(file: string): boolean {
  try {
    return fs.lstatSync(onDisk(file)) !== undefined;
  } catch {
    return false; // not there, or on a path that is none: who writes there will hear why
  }
}
