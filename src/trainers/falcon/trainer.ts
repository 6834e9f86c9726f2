// falcon (PyPI: falcon-sbi) as a trainer: `falcon launch` trains a graph of estimators with Ray.
import type { Launcher } from "../trainer.ts";
import { type LaunchArguments, parseLaunch } from "./launch/arguments.ts";
import { findPythonFalcon, firstOnPath, pythonBehind, pythonName, shimVariable, viaVariable } from "./launch/find.ts";
import { checkLaunch } from "./launch/launch-check.ts";
import { joinedCluster, launchConditions, launchNotices } from "./launch/launch-notices.ts";
import { relaunchPlan } from "./launch/relaunch.ts";
import { installShim, makeShim, removeShim, shimFolder } from "./launch/shim.ts";
import { commandsIn, falconUsage } from "./launch/usage.ts";
import { rayProcesses } from "./leftovers.ts";
import { modelFiles } from "./run/model-files.ts";
import { postMortem } from "./run/post-mortem.ts";
import { RunWatcher } from "./run/progress.ts";
import { findRunDirectory, type LinkBefore, latestLink } from "./run/run-directory.ts";
import { startedWith } from "./surroundings.ts";

export const falcon: Launcher = {
  name: "falcon",
  words: "falcon launch",
  is: ({ kind }) => kind === "launch",
  savesModel: true,
  // One interrupt, with and without its display. Read and measured in 0.5.1 and in the newest source
  // (dd41311, November 2026): without a display cli.py handles SIGINT and nothing else; with it
  // interactive.py handles SIGINT and SIGTERM, but ray.init(), which comes after, puts a handler of its own
  // in the place of that for SIGTERM (sys.exit: nothing is saved). SIGUSR1 and SIGUSR2 have no handler at
  // all. A second interrupt, however much later, drops the model.
  stopOrder: "interrupt",
  // its display binds j, k and the arrows, and is drawn in the alternate screen
  display: { detachKeyFree: true, drawn: true },
  plain: (command) => argumentsOf(command).interactive === false,
  timeLimit: (command) => argumentsOf(command).timeout,
  beforeStart: (directory): Promise<LinkBefore> => latestLink(directory).catch(() => "unknown"),
  findRun: (directory, before, pids) => findRunDirectory(directory, before as LinkBefore, pids),
  watch(session, effects) {
    const { runDirectory: run, directory, created } = session;
    if (run === null) return undefined;
    const { graph } = argumentsOf(session.command);
    const { look, clock, earlier } = effects;
    return new RunWatcher({ run, look, directory, graph, since: created, clock, earlier });
  },
  leftBehind: rayProcesses,
  models(run, since) {
    const trained = run.nodes.filter(({ status }) => status !== "idle").map(({ name }) => name);
    return modelFiles(run.graph, trained, since);
  },
  postMortem,
  resume: relaunchPlan,
  startedWith,
  cluster: joinedCluster,
  conditions: { name: "what falcon asks Ray for", look: launchConditions },
  pythonName,
  shimVariable,
  viaVariable,
  find: findPythonFalcon,
  firstOnPath,
  behind: pythonBehind,
  request: parseLaunch,
  check: (command, args, directory) => checkLaunch(command, parseLaunch(args), directory),
  notices: (command, args, directory, environment) => launchNotices(command, parseLaunch(args), directory, environment),
  usage: falconUsage,
  commandsIn,
  shimFolder,
  makeShim,
  installShim,
  removeShim,
};

/** What stands behind `launch` in the session's command. */
function argumentsOf(command: readonly string[]): LaunchArguments {
  return parseLaunch(command.slice(command.indexOf("launch") + 1));
}
