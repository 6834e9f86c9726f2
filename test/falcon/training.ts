// A training of the real falcon in tests: a project that never gets through, and what its model files hold.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import type { ShownRun } from "../../src/presentation/shown-run.ts";
import type { SessionRow } from "../support/home.ts";
import { root } from "../support/paths.ts";

/** A session of falcon's as `sessions --json` has it. */
export interface Run extends SessionRow {
  progress: ShownRun | null;
  outcome: { kind: string; saved: boolean | null; by: string | null; time: string | null; sentence: string } | null;
  exitCode: number | null;
  interrupts: number;
}

/** A run that never gets through, with samples that are simulated in a second. */
export const quick = [
  "buffer.min_samples=512",
  "buffer.max_samples=1024",
  "buffer.validation_samples=128",
  "buffer.simulate_interval=0.2",
  "sample.posterior.n=2",
  "graph.theta.estimator.max_epochs=100000",
  "graph.theta.estimator.early_stop_patience=100000",
];

/** A copy of the example in this folder; its models will be in `modelsOf`. */
export function gaussianProject(folder: string): void {
  fs.cpSync(path.join(root, "examples/gaussian"), folder, { recursive: true, filter: (from) => !from.includes("output") });
}

/** Where the models are of the run directory `run` of the project. */
export function modelsOf(project: string): string {
  return path.join(project, "run/graph/theta");
}

/** The trained node. */
export function nodeOf(row: Run | undefined) {
  return row?.progress?.nodes.find((node) => node.name === "theta");
}

export function epochOf(row: Run | undefined): number | null | undefined {
  return nodeOf(row)?.epoch;
}

/**
 * Reads each archive to its end, with the checksums of all its members, and the number of epochs that were
 * saved.
 */
const reader = `
import glob, json, os, pickle, sys, zipfile
names, bad, epochs = [], [], None
for file in sorted(glob.glob(os.path.join(sys.argv[1], "*.pth"))):
    names.append(os.path.basename(file))
    try:
        with zipfile.ZipFile(file) as archive:
            if archive.testzip() is not None: bad.append(file)
            if file.endswith("total_epochs_trained.pth"):
                data = [n for n in archive.namelist() if n.endswith("data.pkl")][0]
                epochs = pickle.loads(archive.read(data))
    except Exception as error:
        bad.append(file + ": " + str(error))
print(json.dumps({"names": names, "bad": bad, "epochs": epochs}))
`;

/**
 * The model files of this folder, those that are not whole, and how many epochs were saved (null: none), as
 * Python reads them.
 */
export function readModels(python: string, folder: string): { names: string[]; bad: string[]; epochs: number | null } {
  const { stdout, stderr } = spawnSync(python, ["-c", reader, folder], { encoding: "utf8" });
  if (stdout === "") throw new Error(`the model files could not be read: ${stderr}`);
  return JSON.parse(stdout);
}
