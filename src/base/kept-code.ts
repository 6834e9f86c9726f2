// Runs a bundle of ours with what V8 compiled of it in an earlier process. Node's own cache
// (NODE_COMPILE_CACHE) keeps a module as it is before it runs, without the functions that are compiled when
// they are called first, which are most of what a start compiles.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
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
  readonly #fresh: { script: vm.Script; file: string }[] = [];

  /**
   * @param folder where code is kept; undefined: nowhere.
   * @param purposes what this process is started for, and what others are whose code does as well: each
   * calls other functions, and may have other flags of V8.
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
    const files =
      this.#folder === undefined ? [] : this.#purposes.map((purpose) => path.join(this.#folder as string, `${name}.${purpose}`));
    const kept = files.find((each) => fs.existsSync(each));
    const cachedData = kept === undefined ? undefined : contentOf(kept);
    const script = new vm.Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
      filename: file,
      ...(cachedData === undefined ? {} : { cachedData }),
    });
    const [own] = files;
    if (own !== undefined && (kept !== own || script.cachedDataRejected !== false)) this.#fresh.push({ script, file: own });
    return script;
  }

  /**
   * Keeps what is compiled by now of bundles for which nothing fitted, for whoever starts next. It is only a
   * cache: nothing that goes wrong with it is worth a word.
   */
  async keep(): Promise<void> {
    for (const { script, file } of this.#fresh.splice(0)) await write(file, script.createCachedData()).catch(() => {});
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

function contentOf(file: string): Buffer | undefined {
  try {
    return fs.readFileSync(file);
  } catch {
    return undefined;
  }
}

/**
 * V8 runs what it is given, without a look at it but for its length: the file has its name when the disk has
 * all of it.
 */
async function write(file: string, code: Buffer): Promise<void> {
  await fs.promises.mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const unfinished = `${file}.${process.pid}-${threadId}`;
  try {
    await fs.promises.writeFile(unfinished, code, { mode: 0o600, flag: "wx", flush: true });
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
