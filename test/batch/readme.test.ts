// The three lines of README's batch section, as they stand there, in a real Slurm's script: the launch is a
// session, and scancel stops it gracefully.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../support/events.ts";
import { noSlurm } from "../support/machines/slurm.ts";
import { slurmHost } from "../support/machines/slurm-host.ts";
import { falcon, root } from "../support/paths.ts";

/** The lines of code below the heading. */
function linesOf(heading: string): string[] {
  const text = fs.readFileSync(path.join(root, "README.md"), "utf8");
  const section = text.slice(text.indexOf(`\n${heading}\n`) + heading.length + 2).split("\n");
  const first = section.findIndex((line) => line.startsWith("    "));
  const after = section.findIndex((line, i) => i > first && !line.startsWith("    "));
  return section.slice(first, after).map((line) => line.trim());
}

/** A Python falcon as far as a shell sees one: it saves at the first interrupt, and dies of anything else. */
const fake = `#!/bin/bash
trap 'echo "fake: saved"; exit 0' INT
echo "fake: ready $*"
while :; do sleep 0.1; done
`;

describe("README's three lines in a batch script", { skip: noSlurm() }, () => {
  const host = slurmHost();

  test("start a session of the environment's falcon, which scancel stops gracefully", async () => {
    const { home, cluster } = host;
    const lines = linesOf("### In a batch job");
    assert.equal(lines.length, 3);
    const bin = path.join(home.work, "venv", "bin");
    const made = spawnSync("python3", ["-m", "venv", "--without-pip", path.join(home.work, "venv")], { encoding: "utf8" });
    assert.equal(made.status, 0, made.stderr);
    fs.writeFileSync(path.join(bin, "falcon"), fake, { mode: 0o755 });
    fs.symlinkSync(falcon, path.join(bin, "falcon-sessions"));
    const job = await host.submit("readme", [`cd ${home.work}`, ...lines]);
    await until(
      () => cluster.output("readme").includes("fake: ready"),
      () => `the run: ${cluster.output("readme")}`,
    );
    const session = await host.running("run");
    assert.deepEqual([session.job, session.kind], [`s${job}`, "launch"]);
    assert.match(cluster.output("readme"), /fake: ready launch --no-interactive -o run/);
    await cluster.run("scancel", [String(job)]);
    await cluster.untilJob(job, "CANCELLED");
    assert.match(cluster.output("readme"), /SIGTERM: stopping gracefully.*fake: saved/s);
    const ended = await until(async () => {
      const found = (await home.sessions()).find(({ id }) => id === session.id);
      return found?.outcome ? (found.outcome as { kind: string; by: string }) : undefined;
    }, "its end");
    assert.deepEqual([ended.kind, ended.by], ["stopped", `Slurm job ${job} was cancelled`]);
  });
});
