// Runs a bundle of ours with what V8 compiled of it in an earlier process. Node's own cache
// (NODE_COMPILE_CACHE) keeps a module as it is before it runs, without the functions that are compiled when
// they are called first, which are most of what a start compiles.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import v8 from "node:v8";
import vm from "node:vm";
import { threadId } from "node:worker_threads";

/**
 * So long (ms) after its start a process has done what it was started for, and writes what it has compiled.
 */
export const calm = 1_000;

export class KeptCode {
  readonly #folder: string | undefined;
  readonly #purposes: readonly string[];
  readonly #loaded = new Map<string, { exports: unknown }>();
  readonly #fresh: { script: vm.Script; name: string }[] = [];
  #keeps = false;

  /**
   * @param folder where code is kept; undefined: nowhere.
   * @param purposes what this process is started for, and what others are whose code does as well: each
   * calls other functions.
   */
  constructor(folder: string | undefined, purposes: readonly [string, ...string[]]) {
    this.#folder = folder;
    this.#purposes = purposes;
  }

  /** What a bundle exports, as by `require`; the bundles beside it that it requires are run so as well. */
  run(file: string): unknown {
    const known = this.#loaded.get(file);
    if (known !== undefined) return known.exports;
    const module = { exports: {} as unknown };
    this.#loaded.set(file, module);
    const folder = path.dirname(file);
    const elsewhere = createRequire(file);
    const require = (name: string) => (/^\.\/.*\.cjs$/.test(name) ? this.run(path.join(folder, name)) : elsewhere(name));
    this.#compiled(file).runInThisContext()(module.exports, require, module, file, folder);
    return module.exports;
  }

  #compiled(file: string): vm.Script {
    const { source, name } = read(file);
    const files = this.#files(name);
    const kept = files.find((each) => fs.existsSync(each));
    const cachedData = kept === undefined ? undefined : contentOf(kept);
    const script = new vm.Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
      filename: file,
      ...(cachedData === undefined ? {} : { cachedData }),
    });
    const [own] = files;
    if (own !== undefined && (kept !== own || script.cachedDataRejected !== false)) {
      this.#fresh.push({ script, name });
      if (this.#keeps) setTimeout(() => void this.keep(), calm).unref();
    }
    return script;
  }

  /** Where code of this name is kept for each purpose, for V8 with the flags that it has now. */
  #files(name: string): string[] {
    const folder = this.#folder;
    return folder === undefined
      ? []
      : this.#purposes.map((purpose) => path.join(folder, `${name}-${v8.cachedDataVersionTag()}.${purpose}`));
  }

  /**
   * Keeps what is compiled by now of bundles for which nothing fitted, for whoever starts next, and from here
   * on of each that is run later, a while after that. It is only a cache: nothing that goes wrong with it is
   * worth a word.
   */
  async keep(): Promise<void> {
    this.#keeps = true;
    for (const { script, name } of this.#fresh.splice(0)) {
      // the flags may be others than when it was compiled
      const [own] = this.#files(name);
      if (own !== undefined) await write(own, script.createCachedData()).catch(() => {});
    }
  }
}

/** A bundle, and a name that no other one has, nor this one with another content or for another Node. */
function read(file: string): { source: string; name: string } {
  const descriptor = fs.openSync(file, "r");
  try {
    const { dev, ino, size, ctimeNs } = fs.fstatSync(descriptor, { bigint: true });
    const name = [path.basename(file), dev, ino, size, ctimeNs, process.version].join("-");
    return { source: fs.readFileSync(descriptor, "utf8"), name };
  } finally {
    fs.closeSync(descriptor);
  }
}

/** What was kept, where it is the user's own and whole; undefined where it is not. */
function contentOf(file: string): Buffer | undefined {
  let descriptor = -1;
  try {
    descriptor = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
    const { uid, mode } = fs.fstatSync(descriptor);
    if (uid !== process.getuid?.() || (mode & 0o022) !== 0) return undefined;
    const content = fs.readFileSync(descriptor);
    const code = content.subarray(0, -markSize);
    return content.subarray(-markSize).equals(markOf(code)) ? code : undefined;
  } catch {
    return undefined;
  } finally {
    if (descriptor >= 0) fs.closeSync(descriptor);
  }
}

const markSize = 16;
/** Words that the mark counts lie so far apart (bytes): four in each page of a disk. */
const markStep = 1024;

/**
 * By it code is known of which a power cut, a full disk or a copy with holes left pages empty: V8 ends the
 * process where such a thing runs. Some words of each page do; to sum all would take as long as is won.
 */
function markOf(code: Buffer): Buffer {
  let sum = 0x9e3779b9;
  for (let at = 0; at + 4 <= code.length; at += markStep) sum = (Math.imul(sum, 31) + code.readInt32LE(at)) | 0;
  const mark = Buffer.from("falcon-code-1...");
  mark.writeInt32LE(sum, 8);
  mark.writeUInt32LE(code.length, 12);
  return mark;
}

/** The file has its name when the disk has all of it (Node 20.10 and later). */
async function write(file: string, code: Buffer): Promise<void> {
  await fs.promises.mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const unfinished = `${file}.${process.pid}-${threadId}`;
  try {
    await fs.promises.writeFile(unfinished, Buffer.concat([code, markOf(code)]), { mode: 0o600, flag: "wx", flush: true });
    await fs.promises.rename(unfinished, file);
  } catch (error) {
    await fs.promises.rm(unfinished, { force: true });
    throw error;
  }
}

/** The client names the folder to Node (native/home/start.c), whose switch for it is ours too. */
export function codeFolder(environment: NodeJS.ProcessEnv): string | undefined {
  return environment.NODE_DISABLE_COMPILE_CACHE ? undefined : environment.NODE_COMPILE_CACHE || undefined;
}

/** A process or thread whose whole program is the bundle of this name beside its own. */
export function runProgram(folder: string, name: string): void {
  const code = new KeptCode(codeFolder(process.env), [path.basename(name, ".cjs")]);
  code.run(path.join(folder, name));
  setTimeout(() => void code.keep(), calm).unref();
}
