// Another process that takes a lock on a database and keeps it until it is told to end, as a shell in a
// transaction or a backup does.
import { type ChildProcess, spawn } from "node:child_process";
import { sqlitePlace } from "../../src/store/sqlite.ts";
import { root } from "./paths.ts";

const script = `
  const Database = require("node:module").createRequire(process.env.SQLITE)("better-sqlite3");
  const [file, begin] = process.argv.slice(1);
  const database = new Database(file, { timeout: 0 });
  try {
    database.exec(begin);
    if (begin !== "BEGIN EXCLUSIVE") database.prepare("SELECT count(*) FROM session").get();
    process.send("locked");
  } catch (error) {
    process.send(error.code);
  }
  process.on("message", () => {
    if (database.inTransaction) database.exec("COMMIT");
    database.close();
    process.disconnect();
  });
`;

export class Locker {
  readonly #child: ChildProcess;
  /** "locked", or SQLite's code of the refusal. */
  readonly answer: string;

  private constructor(child: ChildProcess, answer: string) {
    this.#child = child;
    this.answer = answer;
  }

  /** @param begin what takes the lock: `BEGIN EXCLUSIVE` to keep everybody out, `BEGIN` to read. */
  static async on(file: string, begin: "BEGIN EXCLUSIVE" | "BEGIN" = "BEGIN EXCLUSIVE"): Promise<Locker> {
    const child = spawn(process.execPath, ["-e", script, file, begin], {
      cwd: root,
      env: { PATH: process.env.PATH ?? "", SQLITE: sqlitePlace(root) },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const answer = await new Promise<string>((resolve, reject) => {
      child.once("message", (message) => resolve(String(message)));
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`the process that was to lock ${file} ended with ${code}`)));
    });
    return new Locker(child, answer);
  }

  /**
   * Ends its transaction, closes the database as a well-behaved process does, and is gone when this resolves.
   */
  async release(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.send("release");
    await gone;
  }
}
