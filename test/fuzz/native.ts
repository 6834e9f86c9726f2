// The targets in C: the client's and the holder's own sources, built with sanitizers and coverage together
// with the fuzz driver (native/driver.c). gcc and clang can both do that; where the compiler has no
// sanitizers, they are skipped, and that is said.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
// @ts-expect-error: a script of the build, without types
import { nativeSources } from "../../scripts/native-sources.mjs";
import {
  encodeExec,
  encodeExit,
  encodeHello,
  encodeInputMode,
  encodeInputTaken,
  encodeLeaveKeys,
  encodeResume,
  encodeSignals,
  ServerFrame,
} from "../../src/protocol/client.ts";
import { encodeFrame } from "../../src/protocol/frame.ts";
import {
  encodeFd,
  encodeGo,
  encodeInput,
  encodeKeys,
  encodeRelease,
  encodeSignal,
  encodeSpeak,
  encodeSubscribe,
  encodeWindowSize,
  HolderRole,
} from "../../src/protocol/holder.ts";
import { encodeKeep } from "../support/holder/holder-cursor.ts";
import { root } from "../support/paths.ts";
import { foundInputs, keepFound } from "./found.ts";
import type { Outcome } from "./target.ts";

/** A target that is a program. */
export interface NativeTarget {
  readonly name: string;
  readonly what: string;
  readonly inputs: number;
  /** File of native/ with `fuzz_one`. */
  readonly source: string;
  seeds(): Uint8Array[];
  /** As the driver reads them: \xHH for what cannot be written. */
  readonly words: readonly string[];
}

const folder = path.join(import.meta.dirname, "native");

/**
 * Puts a script of what happens in front of what the other side sends: the targets take the first third as
 * the script.
 */
function played(script: number[], stream: Uint8Array): Buffer {
  const length = Math.ceil(stream.length / 2) + 1;
  return Buffer.concat([Buffer.from(Array.from({ length }, (_, i) => script[i % script.length] as number)), stream]);
}

const language = ["-std=gnu11", "-D_GNU_SOURCE", '-DFALCON_VERSION="0"', "-I", path.join(root, "native")];

const header = (type: number, length: number) =>
  [length & 0xff, (length >> 8) & 0xff, (length >> 16) & 0xff, length >>> 24, type]
    .map((n) => `\\x${n.toString(16).padStart(2, "0")}`)
    .join("");

export function nativeTargets(): NativeTarget[] {
  return [
    {
      name: "client-c",
      what: "the client's main loop against a hostile server: ends, shows what was sent in order, sends what was typed in order, bounded",
      inputs: 3_000_000,
      source: "client_target.c",
      seeds: () => {
        const text = encodeFrame(ServerFrame.stdout, Buffer.from("some text\r\n"));
        const stream = Buffer.concat([
          encodeHello({ protocol: 1, pid: 7, version: "1" }),
          encodeInputMode(2),
          encodeSignals(true),
          encodeResume(["attach", "id"]),
          encodeFrame(ServerFrame.restore, Buffer.from("x")),
          encodeInputTaken(0, 0),
          encodeLeaveKeys([0x1c, 0x64]),
          encodeFrame(ServerFrame.taken),
          text,
          encodeFrame(ServerFrame.stderr, Buffer.from("note")),
          text,
        ]);
        return [
          played([0x00, 0x14, 40, 10], Buffer.concat([stream, encodeExit(3)])),
          played([0x16, 5, 0x44], Buffer.concat([stream, encodeFrame(ServerFrame.reconnect)])),
          played([0x05], Buffer.concat([stream, encodeExec("/bin/sh", ["sh", "-c", "x"])])),
          played([0x13, 9, 0x16], Buffer.concat([stream, encodeInputTaken(2, 2), text, encodeInputTaken(9, 7)])),
        ];
      },
      words: [65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81].flatMap((type) => [
        header(type, 0),
        header(type, 1),
        header(type, 8),
        header(type, 16),
        header(type, 1 << 20),
      ]),
    },
    {
      name: "holder-c",
      what: "the holder's sockets against hostile servers: HELLO first, frames whole, buffers and descriptors bounded, nothing closed twice",
      inputs: 1_500_000,
      source: "holder_target.c",
      seeds: () => {
        const go = encodeGo({
          umask: 0o77,
          keep: 0,
          oomScoreAdj: 200,
          cols: 80,
          rows: 24,
          limits: [{ resource: 7, soft: 1n, hard: 2n }],
        });
        const rest = [
          encodeSubscribe(0),
          encodeInput(Buffer.from("typed")),
          encodeWindowSize(90, 30),
          encodeSignal(2, 1),
          encodeFd(),
          encodeKeep(5),
          encodeSpeak(2, HolderRole.viewer),
          encodeKeys({ writer: 7n, number: 0, more: true }, Buffer.from("typed")),
          encodeSubscribe(0),
          encodeWindowSize(91, 30),
        ];
        return [
          played([0, 0xff, 200, 200, 0, 101], Buffer.concat([go, ...rest, encodeRelease()])),
          played([1, 0xff, 200, 3, 0], Buffer.concat([...rest, encodeInput(Buffer.alloc(3000, "x"))])),
        ];
      },
      words: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].flatMap((type) => [
        header(type, 0),
        header(type, 8),
        header(type, 40),
        header(type, 65_536),
        header(type, 65_537),
      ]),
    },
    {
      name: "filter-c",
      what: "the filter of viewers' streams: the same whatever the cuts, no more than three times as much, freed as a whole",
      inputs: 5_000_000,
      source: "filter_target.c",
      seeds: () =>
        ["text \x1b[1;31m\x1b]0;t\x07", "\x1b[?1;46;2004l\x1b]4;1;?;2;red\x1b\\", "\x1bP1q~\x1b\\\xc2\x9d52;c;x\x07\x1b[c"].map(
          (text) => Buffer.from(`\x0f\x07\x09${text}`, "latin1"),
        ),
      words: [
        "\\x1b[",
        "\\x1b]",
        "\\x1bP",
        "\\x1b_G",
        "\\x1b\\x5c",
        "\\x07",
        "\\x18",
        "\\xc2\\x9b",
        "\\xc2\\x9d",
        "\\xc2\\x9c",
      ].concat([
        "52;c;",
        "1337;File=",
        "777;notify",
        "9;4;",
        "99;p=?",
        "10;?;",
        "21;a=?",
        "4;1;?",
        "\\x1bPq",
        "$p",
        "?2048h",
        "?46;2004l",
        "22t",
      ]),
    },
    {
      name: "home-c",
      what: "the client's folder and Node against a hostile environment and file system: ours and closed, or refused with a sentence",
      inputs: 2_500_000,
      source: "home_target.c",
      seeds: () => [Buffer.from([0, 100, 20, ...Buffer.from("tmp/home/user/folder")]), Buffer.alloc(200, 0x41), Buffer.alloc(60)],
      words: ["/", "..", ".", "//", "/tmp", "0 0 4294967295", "Node.js v20", "\\x00", "\\xff\\xff"],
    },
  ];
}

/** What is wrong with the C of a target, in the compiler's words; empty where nothing is. */
export function faultsOf({ source }: NativeTarget): string {
  const { status, stderr, error } = spawnSync(process.env.CC ?? "cc", [...language, "-fsyntax-only", path.join(folder, source)], {
    encoding: "utf8",
  });
  return status === 0 ? "" : (error?.message ?? stderr);
}

/**
 * Builds a target; answers its program, or why it cannot be built: `broken` is the target's own fault, not
 * the compiler's.
 */
export function build(target: NativeTarget): { program: string } | { problem: string; broken: boolean } {
  const { source, name } = target;
  const out = path.join(root, "build/fuzz");
  const hash = createHash("sha256");
  for (const file of fs.readdirSync(folder, { recursive: true, encoding: "utf8" }).sort())
    if (/\.[ch]$/.test(file)) hash.update(fs.readFileSync(path.join(folder, file)));
  for (const file of nativeSources(root) as string[]) hash.update(fs.readFileSync(path.join(root, "native", file)));
  const program = path.join(out, `${name}-${hash.digest("hex").slice(0, 12)}`);
  if (fs.existsSync(program)) return { program };
  fs.mkdirSync(out, { recursive: true });
  const cc = process.env.CC ?? "cc";
  const sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
  const common = [...language, "-g", "-O1", "-fno-omit-frame-pointer"];
  const steps = [
    [...common, ...sanitizers, "-fsanitize-coverage=trace-pc", "-c", path.join(folder, source), "-o", `${program}.target.o`],
    ["-std=gnu11", "-D_GNU_SOURCE", "-g", "-O2", "-c", path.join(folder, "driver.c"), "-o", `${program}.driver.o`],
    [...sanitizers, `${program}.target.o`, `${program}.driver.o`, "-o", `${program}.new`],
  ];
  for (const step of steps) {
    const { status, stderr, error } = spawnSync(cc, step, { encoding: "utf8" });
    if (status !== 0)
      return {
        problem: `${cc} cannot build it: ${error?.message ?? stderr.split("\n").find((line) => line !== "") ?? `status ${status}`}`,
        broken: faultsOf(target) !== "",
      };
  }
  for (const part of ["target.o", "driver.o"]) fs.rmSync(`${program}.${part}`);
  fs.renameSync(`${program}.new`, program);
  return { program };
}

const environment = ({ name }: NativeTarget) => ({
  ...process.env,
  // a client that would have ended leaves its memory to the system: only the holder and the filter live long
  ASAN_OPTIONS: `detect_leaks=${name === "holder-c" || name === "filter-c" ? 1 : 0}:allocator_may_return_null=1:quarantine_size_mb=16`,
  UBSAN_OPTIONS: "print_stacktrace=1",
});

/** Tries the found inputs of a target; answers what is wrong. */
export function replayNative(target: NativeTarget): string[] {
  const built = build(target);
  if ("problem" in built) return [];
  const inputs = foundInputs(target.name).map(({ name }) => path.join(import.meta.dirname, "found", target.name, name));
  const { status, stderr } = spawnSync(built.program, ["--replay", ...inputs], { encoding: "utf8", env: environment(target) });
  return status === 0 ? [] : [`${target.name}: ${stderr}`];
}

/** Fuzzes a target. */
export function runNative(
  target: NativeTarget,
  order: { inputs: number; seconds: number; seed: number },
  scratch: string,
): Promise<Outcome> {
  const outcome: Outcome = { target: target.name, what: target.what, inputs: 0, seconds: 0, corpus: 0, blocks: 0 };
  const built = build(target);
  if ("problem" in built) return Promise.resolve({ ...outcome, [built.broken ? "problem" : "skipped"]: built.problem });
  const place = path.join(scratch, target.name);
  const seeds = path.join(place, "seeds");
  fs.rmSync(seeds, { recursive: true, force: true });
  fs.mkdirSync(seeds, { recursive: true });
  for (const [i, bytes] of target.seeds().entries()) fs.writeFileSync(path.join(seeds, String(i)), bytes);
  fs.writeFileSync(path.join(place, "words"), `${target.words.join("\n")}\n`);
  const current = path.join(place, "current");
  const args = [
    "--inputs",
    String(order.inputs),
    "--seconds",
    String(order.seconds),
    "--seed",
    String(order.seed),
    "--current",
    current,
  ];
  const files = fs.readdirSync(seeds).map((name) => path.join(seeds, name));
  const begin = Date.now();
  return new Promise((resolve) => {
    const child = spawn("nice", ["-n", "10", built.program, ...args, "--words", path.join(place, "words"), ...files], {
      env: environment(target),
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (data) => out.push(data));
    child.stderr.on("data", (data) => err.push(data));
    child.on("close", (status, signal) => {
      outcome.seconds = (Date.now() - begin) / 1000;
      const done = /^done (\d+) (\d+) (\d+)$/m.exec(Buffer.concat(out).toString());
      if (done !== null) [outcome.inputs, outcome.corpus, outcome.blocks] = done.slice(1).map(Number) as [number, number, number];
      if (status !== 0) {
        const bytes = fs.readFileSync(current);
        const file = keepFound(target.name, bytes.subarray(4, 4 + bytes.readUInt32LE(0)));
        outcome.problem = `status ${status}, signal ${signal}\n${Buffer.concat(err)}\n  kept as ${file}`;
      }
      resolve(outcome);
    });
  });
}
