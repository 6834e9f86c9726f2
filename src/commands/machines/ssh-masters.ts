// Connections of ours that several commands to one machine share (OpenSSH's ControlMaster), where the user's
// own configuration has none: their sockets lie in a folder that only the user enters, and end with
// the server.
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { execFileOutside } from "../../base/aside/outside-program.ts";

/**
 * A connection that nobody uses is kept so long (s), which is how long one may outlive a server that
 * was killed.
 */
export const masterIdle = 60;
/** A master whose network is gone notices it after three times this (s). */
export const masterAlive = 5;
/**
 * A socket's path has 103 bytes on macOS, 107 on Linux; OpenSSH takes 58 for its name, 40 digits, and that of
 * a temporary one.
 */
const longestFolder = 103 - 58;
/** The end of a server waits so long (ms) for each connection's. */
const longestEnd = 500;

export class SshMasters {
  readonly #folders: readonly string[];
  /** The one that was made. */
  #made: string | undefined;

  /**
   * @param home what tells the server's home from all others, those of another machine that shares /tmp too.
   * The next server finds the connections of one that was killed.
   * @param places where the folder may lie: the first that is there, and has a path short enough.
   */
  constructor(home: string, places: readonly string[] = [`/run/user/${process.getuid?.()}`, os.tmpdir(), "/tmp"]) {
    const tag = createHash("sha256").update(home).digest("hex").slice(0, 8);
    const name = `falcon-ssh-${process.geteuid?.()}-${tag}`;
    this.#folders = places.map((place) => path.join(place, name)).filter((folder) => Buffer.byteLength(folder) <= longestFolder);
  }

  /**
   * The folder for their sockets, made when it is first asked for; undefined where it would not be
   * ours alone, or has no place.
   */
  get folder(): string | undefined {
    // only now, and one after the other: the server starts also where TMPDIR is a file system that is away
    const folder = this.#made ?? this.#folders.find((one) => fs.existsSync(path.dirname(one)));
    if (folder === undefined) return undefined;
    try {
      if (this.#made === undefined) fs.mkdirSync(folder, { mode: 0o700, recursive: true });
      this.#made = folder;
      const stat = fs.lstatSync(folder);
      return stat.isDirectory() && stat.uid === process.geteuid?.() && (stat.mode & 0o077) === 0 ? folder : undefined;
    } catch {
      return undefined;
    }
  }

  /** Ends them all, and removes the folder. */
  async end(): Promise<void> {
    const folder = this.#made && this.folder;
    if (folder === undefined) return;
    await Promise.all(fs.readdirSync(folder).map((name) => endOne(path.join(folder, name))));
    fs.rmSync(folder, { recursive: true, force: true });
    this.#made = undefined;
  }
}

function endOne(socket: string): Promise<void> {
  return new Promise((resolve) => {
    const args = ["-F", "none", "-o", `ControlPath=${socket}`, "-O", "exit", "any"];
    execFileOutside("ssh", args, { timeout: longestEnd }, () => resolve());
  });
}
