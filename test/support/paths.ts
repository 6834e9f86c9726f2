// Where the built program and the fixtures of the tests lie.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/**
 * FALCON_SESSIONS_NATIVE names the sanitized build (scripts/build-sanitized.sh): the suites then run with
 * that.
 */
const native = process.env.FALCON_SESSIONS_NATIVE ?? path.join(root, "native/build/Release");

/** The native client, `falcon`. */
export const falcon = path.join(native, "falcon");
/** The holder, one per session. */
export const holder = path.join(native, "holder");
/** The N-API addon. */
export const addon = path.join(native, "sys.node");
/** The bundled session server. */
export const server = path.join(root, "dist/server.cjs");
/** The bundled stand-in trainer. */
export const trainer = path.join(root, "dist/trainer.cjs");

/** What the end-to-end tests need and does not exist yet; empty when everything is built. */
export function notBuilt(files: string[] = [falcon, holder, addon, server]): string[] {
  return files.filter((file) => !fs.existsSync(file)).map((file) => path.relative(root, file));
}
