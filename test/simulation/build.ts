// Builds what the simulation needs of C: the simulated system as an addon with the names of sys.node, and
// client and holder as libraries, a copy for each process that may live at the same time.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
// @ts-expect-error: a script of the build, without types
import { nativeSources } from "../../scripts/native-sources.mjs";
import type { Plant } from "./plants.ts";

const root = path.resolve(import.meta.dirname, "../..");
const native = path.join(root, "native");
const own = path.join(import.meta.dirname, "native");
/** Where the libraries are. */
export const place = { folder: path.join(root, "build/simulation") };

/** Sources of a target of native/binding.gyp. */
function sourcesOf(target: string): string[] {
  const text = fs.readFileSync(path.join(native, "binding.gyp"), "utf8");
  const list = new RegExp(`'target_name': '${target}'[\\s\\S]*?'sources': \\[([^\\]]*)\\]`).exec(text)?.[1] ?? "";
  return [...list.matchAll(/'([^']+)'/g)].map((match) => match[1] as string);
}

/** What the simulation has in their place. */
const played = [
  ...["system/os_linux.c", "system/os_darwin.c", "system/allowance.c", "holder/holder_child.c"],
  ...["home/start.c", "home/place.c", "home/home.c", "home/machine.c", "home/job.c", "home/folder.c"],
  ...["remote/channel.c", "remote/relay.c", "remote/bridge.c"],
];
const without = (files: string[]) => files.filter((file) => !played.includes(file));

const parts = {
  holder: { copies: 3, native: without(sourcesOf("holder")), own: ["holder_parts.c"] },
  client: { copies: 4, native: without(sourcesOf("falcon")), own: ["client_parts.c"] },
};
const system = {
  own: ["face.c", "processes.c", "descriptors.c", "disk.c", "terminal.c", "calls.c"],
  // the filter of viewers' streams
  native: ["addon/addon_filter.c", ...without(sourcesOf("sys")).filter((file) => sourcesOf("falcon").includes(file))],
};

const language = ["-std=gnu11", "-D_GNU_SOURCE", '-DFALCON_VERSION="0.0.0"', "-DOS_PLAYED", `-I${native}`, `-I${own}`];
const common = [...language, "-O1", "-g", "-fPIC", "-shared", "-fno-strict-aliasing"];

function sources(part: { own: string[]; native: string[] }, plant: Plant | undefined): string[] {
  const at = (file: string) => (file === plant?.file ? path.join(place.folder, path.basename(file)) : path.join(native, file));
  return [...part.own.map((file) => path.join(own, file)), ...part.native.map(at)];
}

/** Writes the source that has the defect. */
function put({ file, right, wrong }: Plant): string | undefined {
  const text = fs.readFileSync(path.join(native, file), "utf8");
  if (!text.includes(right)) return `${file} has no line any more to plant a defect in: ${right}`;
  fs.writeFileSync(path.join(place.folder, path.basename(file)), text.replace(right, wrong));
  return undefined;
}

/** Compiles what has changed, with a defect where one is planted; what is wrong, in the compiler's words. */
export function build(plant?: Plant): string | undefined {
  if (plant !== undefined) place.folder = path.join(root, "build/simulation", plant.name);
  const { folder } = place;
  if (process.platform !== "linux") return "it is made for Linux";
  const hash = createHash("sha256").update(process.version + JSON.stringify(plant ?? {}));
  hash.update(fs.readFileSync(import.meta.filename));
  for (const file of nativeSources(root) as string[]) hash.update(fs.readFileSync(path.join(native, file)));
  for (const file of fs.readdirSync(own, { recursive: true, encoding: "utf8" }).sort())
    if (/\.[ch]$/.test(file)) hash.update(fs.readFileSync(path.join(own, file)));
  const stamp = path.join(folder, "built-from");
  const key = hash.digest("hex");
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, "utf8") === key) return undefined;
  fs.mkdirSync(folder, { recursive: true });
  const problem = plant === undefined ? undefined : put(plant);
  if (problem !== undefined) return problem;
  const headers = path.join(root, "node_modules/node-api-headers/include");
  const exported = path.join(folder, "exported");
  fs.writeFileSync(exported, "{ global: process_main; local: *; };\n");
  const memory = path.join(own, "memory.h");
  const flags = [
    ...["-fvisibility=hidden", "-include", memory, "-Dmain=own_main", "-Denviron=sim_environ"],
    ...["-Wl,-z,norelro,-z,now,-Bsymbolic", `-Wl,--version-script=${exported}`],
  ];
  const orders = [
    [...common, `-I${headers}`, "-DNAPI_VERSION=8", "-o", path.join(folder, "sys.node"), ...sources(system, plant), "-ldl"],
    ...Object.entries(parts).map(([name, part]) => [
      ...common,
      ...flags,
      "-o",
      path.join(folder, `${name}-0.so`),
      ...sources(part, plant),
    ]),
  ];
  for (const order of orders) {
    const { status, stderr, error } = spawnSync(process.env.CC ?? "cc", order, { encoding: "utf8" });
    if (status !== 0) return error?.message ?? stderr;
  }
  for (const [name, { copies }] of Object.entries(parts))
    for (let copy = 1; copy < copies; copy++)
      fs.copyFileSync(path.join(folder, `${name}-0.so`), path.join(folder, `${name}-${copy}.so`));
  fs.writeFileSync(stamp, key);
  return undefined;
}
