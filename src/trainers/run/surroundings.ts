// What a run was started with and that nobody notes down: the commit of its directory, the GPUs, and what its
// trainer tells of itself. Everything is read from files, and asked of git; no Python is started.
import path from "node:path";
import { aside } from "../../base/aside/aside.ts";
import { askProgram } from "../../base/aside/ask-program.ts";
import { head } from "../../base/aside/regular-file.ts";
import { namesIn } from "../../base/names-in.ts";
import { trainerNamed } from "../registry.ts";
import type { Cluster, StartedWith, TrainedSession } from "../trainer.ts";

/** JSON-friendly; docs/guide/json.md describes it. */
export interface Surroundings extends StartedWith {
  /** The directory's commit; null: it is in no git repository, or git does not answer. */
  commit: string | null;
  /** Whether files that git knows were changed since. */
  dirty: boolean | null;
  /** Models of this machine's NVIDIA GPUs, by the driver. */
  gpus: string[];
  /** CUDA_VISIBLE_DEVICES of the program. */
  visibleGpus: string | null;
  /** The cluster that it joined; null: none, or not asked yet. Undefined: of an earlier version. */
  cluster?: Cluster | null;
}

/**
 * Milliseconds that git may take: a repository on a slow disk; the helper that asks it is given four
 * seconds.
 */
const gitPatience = 3_000;

/** Bytes that git may say: of a status only whether it is empty counts. */
const longestGit = 1 << 20;

/** The driver's page about a GPU has some 300 bytes. */
const longestPage = 4096;

/**
 * Of a run that is just being started.
 * @param trainer the name of the session's trainer
 */
export const surroundings = aside("surroundings", readHere, ([, { directory }]) => directory);

async function readHere(trainer: string, session: TrainedSession): Promise<Surroundings> {
  const { directory, environment } = session;
  const { falcon, python, overrides } = trainerNamed(trainer).startedWith?.(session) ?? {
    falcon: null,
    python: null,
    overrides: [],
  };
  return {
    falcon,
    python,
    ...(await gitState(directory, environment)),
    gpus: gpus(),
    visibleGpus: environment.CUDA_VISIBLE_DEVICES ?? null,
    cluster: null,
    overrides,
  };
}

async function gitState(
  directory: string,
  environment: Readonly<Record<string, string>>,
): Promise<Pick<Surroundings, "commit" | "dirty">> {
  const commit = (await git(directory, environment, "rev-parse", "--verify", "HEAD"))?.trim();
  if (commit === undefined || !/^[0-9a-f]{40,64}$/.test(commit)) return { commit: null, dirty: null };
  const status = await git(directory, environment, "status", "--porcelain", "--untracked-files=no");
  return { commit, dirty: status === undefined ? null : status !== "" };
}

/**
 * What git says; undefined where it fails. It takes no lock that a person's own git would meet, and starts
 * no monitor of files.
 */
async function git(
  directory: string,
  environment: Readonly<Record<string, string>>,
  ...words: string[]
): Promise<string | undefined> {
  const own = Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("GIT_")));
  const args = ["--no-optional-locks", "-c", "core.fsmonitor=false", "-C", directory, ...words];
  const asking = { environment: { ...own, GIT_OPTIONAL_LOCKS: "0", LC_ALL: "C" }, patience: gitPatience, longest: longestGit };
  const { status, said } = await askProgram("git", args, asking);
  return status === 0 ? said : undefined;
}

function gpus(): string[] {
  const folder = "/proc/driver/nvidia/gpus";
  return namesIn(folder).flatMap(
    (name) => /^Model:\s*(.+)$/m.exec(head(path.join(folder, name, "information"), longestPage))?.[1] ?? [],
  );
}
