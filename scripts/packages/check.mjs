// What a built native file must be: of its processor and system, of no newer glibc than the oldest we serve,
// static for musl, signed for arm64 macOS.
import fs from "node:fs";
import path from "node:path";
import { newestGlibc, targets } from "./targets.mjs";
import { run } from "./tools.mjs";

const expected = ["falcon", "holder", "sys.node", "better_sqlite3.node", "pty.node"];
/** Load commands of Mach-O. */
const codeSignature = 0x1d;

/**
 * @param name of a target.
 * @param folder with its files.
 * @returns {{ problems: string[]; facts: string }} what is wrong, each in a sentence, and what was seen, in
 * one line.
 */
export function check(name, folder) {
  const target = targets[name];
  const problems = [];
  const seen = [];
  for (const file of [...expected, ...(target.system === "darwin" ? ["spawn-helper"] : [])]) {
    const place = path.join(folder, file);
    if (!fs.existsSync(place)) {
      problems.push(`${file} was not built`);
      continue;
    }
    const facts = target.system === "darwin" ? machO(place) : elf(place);
    seen.push(`${file} ${Math.round(fs.statSync(place).size / 1024)} KiB${facts.glibc ? ` (glibc ${facts.glibc})` : ""}`);
    if (facts.machine !== target.machine) problems.push(`${file} is for another processor (${facts.machine})`);
    if (target.system === "darwin") {
      if (target.machine === 0x0100000c && !facts.signed)
        problems.push(`${file} has no signature, without which arm64 macOS kills it`);
      continue;
    }
    if (target.libc === "glibc" && newer(facts.glibc, newestGlibc)) problems.push(`${file} asks for glibc ${facts.glibc}`);
    if (target.libc === "musl" && facts.glibc !== undefined) problems.push(`${file} asks for glibc ${facts.glibc}`);
    if (facts.libraries.some((library) => library.startsWith("libstdc++")) && target.libc === "glibc")
      problems.push(`${file} asks for libstdc++, which Node has inside`);
    if (target.libc === "musl" && !file.endsWith(".node") && facts.interpreter) problems.push(`${file} is not static`);
  }
  return { problems, facts: seen.join(", ") };
}

/**
 * The symbols' versions as `objdump -T` shows them; readelf knows every processor's files, where objdump
 * often knows one's.
 */
function elf(file) {
  const bytes = fs.readFileSync(file);
  if (bytes.readUInt32BE(0) !== 0x7f454c46) return { machine: "no ELF file", libraries: [] };
  const symbols = run("readelf", ["--wide", "--dyn-syms", file]);
  const versions = [...symbols.matchAll(/UND \S+@+GLIBC_([0-9.]+)/g)].map(([, version]) => version).sort(compare);
  const dynamic = run("readelf", ["--wide", "--dynamic", file]);
  return {
    machine: bytes.readUInt16LE(18),
    glibc: versions.at(-1),
    libraries: [...dynamic.matchAll(/NEEDED.*\[(.*)\]/g)].map(([, library]) => library),
    interpreter: run("readelf", ["--wide", "--program-headers", file]).includes("INTERP"),
  };
}

function machO(file) {
  const bytes = fs.readFileSync(file);
  if (bytes.readUInt32LE(0) !== 0xfeedfacf) return { machine: "no Mach-O file" };
  let signed = false;
  for (let i = 0, at = 32; i < bytes.readUInt32LE(16); i++, at += bytes.readUInt32LE(at + 4))
    if (bytes.readUInt32LE(at) === codeSignature) signed = true;
  return { machine: bytes.readUInt32LE(4), signed };
}

function newer(a, b) {
  return a !== undefined && compare(a, b) > 0;
}

function compare(a, b) {
  const [left, right] = [a, b].map((version) => version.split(".").map(Number));
  return left[0] - right[0] || (left[1] ?? 0) - (right[1] ?? 0) || (left[2] ?? 0) - (right[2] ?? 0);
}
