// Finds the real falcon for the tests that need it: FALCON_BIN, else the one on PATH that is not ourselves.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { isOurselves } from "../../src/trainers/falcon/launch/find.ts";

export interface PythonFalcon {
  /** Its console script. */
  file: string;
  /** Version of falcon-sbi. */
  version: string;
  /** The Python that it runs on, and where that is installed. */
  python: string;
  base: string;
}

/** The real falcon, or the reason why there is none. */
export async function pythonFalcon(): Promise<PythonFalcon | string> {
  const named = process.env.FALCON_BIN;
  const candidates = named ? [named] : (process.env.PATH ?? "").split(":").map((folder) => path.join(folder, "falcon"));
  for (const file of candidates) {
    if (!fs.existsSync(file) || (await isOurselves(file))) continue;
    const python = interpreterOf(file);
    if (python === undefined) continue;
    const question =
      "import importlib.metadata as m; import blessed; import sys; print(m.version('falcon-sbi'), sys.base_prefix)";
    const said = spawnSync(python, ["-c", question], { encoding: "utf8", env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" } });
    const [version = "", base = ""] = said.stdout.trim().split(" ");
    if (said.status === 0) return { file, version, python, base };
    return `${file} is no falcon with its display: ${(said.stderr.trim().split("\n").at(-1) ?? "").trim()}`;
  }
  return named
    ? `FALCON_BIN names ${named}, which is no Python falcon`
    : "no Python falcon on PATH and no FALCON_BIN: 'pip install \"falcon-sbi[blessed]\"' brings it";
}

/**
 * The Python that a console script starts: by its first line, or by its second (pip's way with long paths).
 */
function interpreterOf(script: string): string | undefined {
  const [first = "", second = ""] = fs.readFileSync(script, "latin1").slice(0, 4096).split("\n");
  return /^#!(\/\S*python\S*)/.exec(first)?.[1] ?? /^'''exec' "?([^"\s]+)"?/.exec(second)?.[1];
}
