// A lint rule: who may use node:fs and node:child_process, and who reads a clock. Files and programs of users
// lie on file systems that may not answer, and a server that asks one itself stops with all its sessions; so
// that is done aside (src/base/aside/aside.ts, src/base/aside/outside-program.ts), and each other module that
// does it has its reason here.
// Usage: node scripts/check-files.mjs [FOLDER]     FOLDER holds src; default: this repository
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = process.argv[2] ?? path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/**
 * Reasons, and the modules and folders that they hold for. A module that is named twice, or is not there, is
 * told as well.
 */
const files = {
  "work that is done aside, in a helper that may be killed": [
    "src/base/config/config-file.ts",
    "src/base/aside/regular-file.ts",
    "src/base/aside/usable-directory.ts",
    "src/batch/leaving.ts",
    "src/commands/compare/run-directories.ts",
    "src/commands/output/export-writer.ts",
    "src/trainers/falcon/run/metric-series.ts",
    "src/trainers/files/lightning.ts",
    "src/commands/start/program-file.ts",
    "src/doctor/falcons.ts",
    "src/doctor/places.ts",
    "src/doctor/terminal.ts",
    "src/trainers/falcon/launch/find.ts",
    "src/trainers/reading/foreign-files.ts",
    "src/trainers/falcon/launch/launch-check.ts",
    "src/trainers/falcon/launch/launch-files.ts",
    "src/trainers/falcon/run/model-files.ts",
    "src/trainers/falcon/launch/python-probe.ts",
    "src/trainers/falcon/launch/relaunch.ts",
    "src/trainers/falcon/config/run-config.ts",
    "src/trainers/falcon/run/run-directory.ts",
    "src/trainers/falcon/launch/shim.ts",
    "src/session/life/agent-link.ts",
    "src/trainers/falcon/surroundings.ts",
    "src/session/life/real-paths.ts",
    "src/session/machines/own-files.ts",
    "src/session/machines/roster-files.ts",
    "src/session/machines/shared-notices.ts",
    "src/notify/secret.ts",
    "src/server/aside-helper.ts",
    "src/session/life/working-directory.ts",
  ],
  "a folder of sockets in /run or /tmp of this machine": ["src/commands/machines/ssh-masters.ts"],
  "our own home, which was checked before a server could start in it": [
    "src/base/kept-code.ts",
    "src/base/log.ts",
    "src/base/replace-file.ts",
    "src/commands/start/submit.ts",
    "src/commands/text/pager.ts",
    "src/resources/usage-file.ts",
    "src/server/clients/clients.ts",
    "src/server/code-cache.ts",
    "src/server/home/home-guard.ts",
    "src/server/clients/listener.ts",
    "src/server/main.ts",
    "src/server/scope.ts",
    "src/server/serve.ts",
    "src/server/server.ts",
    "src/server/version.ts",
    "src/session/output/log-watch.ts",
    "src/session/machines/left-program.ts",
    "src/session/output/session-output.ts",
    "src/session/life/session-table.ts",
    "src/session/life/session-holder.ts",
    "src/session/machines/submissions.ts",
    "src/session/machines/move-folder.ts",
    "src/session/machines/take-in.ts",
    "src/session/holder/unread-pty.ts",
    "src/store/",
    "src/terminal/worker/following.ts",
    "src/terminal/worker/screen-slot.ts",
    "src/terminal/worker/worker-native.ts",
    "src/web/access.ts",
    "src/web/running.ts",
  ],
  "processes of their own, which a file system that hangs stops alone": ["src/web/server/"],
  "the kernel's own file systems, /etc, and our installation": [
    "src/base/aside/aside-pool.ts",
    "src/base/names-in.ts",
    "src/base/text/zone.ts",
    "src/platform/",
    "src/doctor/cleaner.ts",
    "src/resources/memory-limit.ts",
    "src/server/usage.ts",
    "src/doctor/system.ts",
    "src/trainers/falcon/leftovers.ts",
  ],
};

/** The same for who starts programs: Node waits for the file's system, and for that of its directory. */
const programs = {
  "which has another process wait for them": ["src/base/aside/outside-program.ts"],
  "programs of our own installation": [
    "src/base/aside/helper-process.ts",
    "src/server/home/successor.ts",
    "src/session/holder/holder-launch.ts",
    "src/web/server/session-server.ts",
  ],
};

const rules = [
  {
    module: "node:fs",
    uses: /(?:from|import|require)\s*\(?\s*["'](?:node:)?fs(?:\/promises)?["']/,
    entries: Object.values(files).flat(),
    used: new Set(),
    instead: "have it done aside (src/base/aside/aside.ts)",
  },
  {
    module: "node:child_process",
    uses: /(?:(?:import|export) (?!type\b)[^;]*?from|import|require)\s*\(?\s*["'](?:node:)?child_process["']/,
    entries: Object.values(programs).flat(),
    used: new Set(),
    instead: "start it by src/base/aside/outside-program.ts",
  },
  {
    module: "a clock",
    uses: /\b(?:Date|performance)\.now\b|\bDate\(\s*\)|\bhrtime\b/,
    entries: ["src/base/clock.ts"],
    used: new Set(),
    instead: "ask src/base/clock.ts",
  },
];
const complaints = [];
for (const name of fs.readdirSync(path.join(root, "src"), { recursive: true, encoding: "utf8" })) {
  const file = path.posix.join("src", name);
  if (!file.endsWith(".ts")) continue;
  const text = fs.readFileSync(path.join(root, file), "utf8");
  for (const rule of rules) {
    if (!rule.uses.test(text)) continue;
    const entry = rule.entries.find((name) => (name.endsWith("/") ? file.startsWith(name) : file === name));
    if (entry === undefined)
      complaints.push(
        `${file} uses ${rule.module}: ${rule.instead}, or name the module with its reason in scripts/check-files.mjs`,
      );
    else rule.used.add(entry);
  }
}
if (process.argv[2] === undefined)
  for (const { module, entries, used } of rules)
    for (const entry of entries)
      if (!used.has(entry)) complaints.push(`${entry} is named in scripts/check-files.mjs, and uses ${module} no more`);
for (const complaint of complaints) console.error(complaint);
process.exit(complaints.length > 0 ? 1 : 0);
