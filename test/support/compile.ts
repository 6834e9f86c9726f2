// Compiles the small C programs of the tests and of the bench, once per change of their source.
import { execFileSync } from "node:child_process";
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { root } from "./paths.ts";

/**
 * Compiled fixtures stay here between runs; the name holds the source's hash, so that a stale one is never
 * used.
 */
const cache = path.join(root, "build/test-programs");

/**
 * Compiles one C file (and what it includes from its own folder) with the machine's `cc` and answers the
 * program's path.
 * Throws the compiler's words when it refuses. Several processes may do it at once: the program appears by a
 * rename.
 */
export function compile(source: string, folder = cache, more: readonly string[] = []): string {
  const headers = fs.readdirSync(path.dirname(source)).filter((name) => name.endsWith(".h"));
  const hash = crypto.createHash("sha256");
  for (const file of [source, ...headers.map((name) => path.join(path.dirname(source), name))])
    hash.update(fs.readFileSync(file));
  const program = path.join(folder, `${path.basename(source, ".c")}-${hash.digest("hex").slice(0, 12)}`);
  if (fs.existsSync(program)) return program;
  fs.mkdirSync(folder, { recursive: true });
  const fresh = `${program}.${process.pid}`;
  try {
    execFileSync(
      process.env.CC ?? "cc",
      ["-O2", "-std=gnu11", "-Wall", "-Wextra", "-o", fresh, source, "-lutil", "-lm", "-lpthread", ...more],
      {
        stdio: ["ignore", "ignore", "pipe"],
      },
    );
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr) : String(error);
    throw new Error(`cc could not compile ${source}:\n${said}`);
  }
  fs.renameSync(fresh, program);
  return program;
}

/** The compiled fixture `name` of test/support/programs. */
export function program(name: string): string {
  return compile(path.join(root, "test/support/programs", `${name}.c`));
}

/** The same as a library for LD_PRELOAD. */
export function library(name: string): string {
  return compile(path.join(root, "test/support/programs", `${name}.c`), cache, ["-shared", "-fPIC", "-ldl"]);
}
