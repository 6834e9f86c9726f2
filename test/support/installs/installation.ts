// A second installation of the built program, as another environment on the same machine has one.
import fs from "node:fs";
import path from "node:path";
import { root } from "../paths.ts";

/** An installation in a folder of its own. */
export class Installation {
  readonly folder: string;

  /** @param folder where it is put; packages that are not bundled are those of the repository. */
  constructor(folder: string) {
    this.folder = folder;
    for (const name of ["dist", "native/build/Release"]) fs.mkdirSync(path.join(folder, name), { recursive: true });
    for (const name of ["falcon", "holder", "sys.node"]) this.#copy(`native/build/Release/${name}`);
    for (const name of fs.readdirSync(path.join(root, "dist")).filter((n) => /\.cjs$|^node-path$/.test(n)))
      this.#copy(`dist/${name}`);
    for (const name of ["node_modules", "older-node"]) fs.symlinkSync(path.join(root, name), path.join(folder, name));
    this.#copy("package.json");
  }

  /** Its client. */
  get falcon(): string {
    return path.join(this.folder, "native/build/Release/falcon");
  }

  get version(): string {
    return JSON.parse(fs.readFileSync(path.join(this.folder, "package.json"), "utf8")).version;
  }

  /**
   * Calls itself another version: what the server reads; and the client, where it is as long as the one that
   * was compiled in.
   */
  setVersion(version: string): void {
    const before = this.version;
    const manifest = path.join(this.folder, "package.json");
    fs.writeFileSync(manifest, JSON.stringify({ ...JSON.parse(fs.readFileSync(manifest, "utf8")), version }));
    if (version.length !== before.length) return;
    const program = fs.readFileSync(this.falcon);
    for (let at = program.indexOf(`${before}\0`); at >= 0; at = program.indexOf(`${before}\0`, at))
      program.write(version, at, "latin1");
    // not in place: it may be running
    fs.writeFileSync(`${this.falcon}.new`, program, { mode: 0o755 });
    fs.renameSync(`${this.falcon}.new`, this.falcon);
  }

  remove(): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  #copy(name: string): void {
    fs.copyFileSync(path.join(root, name), path.join(this.folder, name));
  }
}
