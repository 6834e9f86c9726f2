// Programs for Linux on arm64, started here by qemu-user. The kernel starts none of them by itself, so each
// stands behind a script of its name, which is what everybody starts.
import fs from "node:fs";
import { tool } from "./foreign.ts";

const emulator = "qemu-aarch64-static";

/** Whether test/packages/arm64.test.ts runs these tests. */
export const emulated = process.env.FALCON_TEST_EMULATED === "1";
/** The system's libraries for programs that are not static, of Debian's libstdc++6-arm64-cross. */
const libraries = "/usr/aarch64-linux-gnu/lib";

/**
 * Why no such program runs here; false: it does.
 * @param dynamic whether it needs the system's libraries.
 */
export function lackingEmulator(dynamic = false): string | false {
  if (process.platform !== "linux" || process.arch !== "x64") return "for Linux x64";
  if (tool(emulator) === undefined) return `${emulator} is not here (Debian: qemu-user-static)`;
  if (dynamic && !fs.existsSync(`${libraries}/libstdc++.so.6`)) return "no libraries (Debian: libstdc++6-arm64-cross)";
  return false;
}

/**
 * Puts a script in a program's place, or elsewhere, that runs it. A copy of the script puts the program
 * beside itself, as a copied program has its own file.
 * @param program an executable for arm64.
 * @param script where the script is put: its own place, or another one.
 * @param options `loader`: a path of at most 26 bytes that becomes a link to the loader, for a program that
 * is not static and stays in its place; `words`: what comes before the program's arguments, as sh reads it.
 */
export function emulate(program: string, script = program, options: { loader?: string; words?: string } = {}): void {
  const place = `${script}.arm64`;
  if (program === script) fs.renameSync(program, place);
  else fs.copyFileSync(program, place);
  if (options.loader !== undefined) bindLoader(place, options.loader);
  const found = options.loader === undefined ? "" : `-E LD_LIBRARY_PATH=${libraries} `;
  const lines = [
    "#!/bin/sh",
    // a test's empty PATH is none of the script's business
    'self=$(/usr/bin/readlink -f "$0")',
    'if [ ! -e "$self.arm64" ]; then',
    `  /bin/cp '${place}' "$self.arm64.$$" && /bin/mv "$self.arm64.$$" "$self.arm64"`,
    "fi",
    `exec ${tool(emulator)} ${found}-0 "$0" "$self.arm64" ${options.words ?? ""} "$@"`,
  ];
  fs.writeFileSync(script, `${lines.join("\n")}\n`, { mode: 0o755 });
}

/**
 * Has a program loaded by the sysroot's loader. qemu's own option for it (-L) looks for every path below that
 * folder first, also for the root, from which client and server walk to their home.
 */
function bindLoader(program: string, link: string): void {
  const usual = "/lib/ld-linux-aarch64.so.1";
  const bytes = fs.readFileSync(program);
  const at = bytes.indexOf(`${usual}\0`);
  if (at < 0 || link.length > usual.length) throw new Error(`${program} cannot be loaded by ${link}`);
  if (!fs.existsSync(link)) fs.symlinkSync(`${libraries}/ld-linux-aarch64.so.1`, link);
  bytes.fill(0, at, at + usual.length);
  bytes.write(link, at);
  fs.writeFileSync(program, bytes);
}
