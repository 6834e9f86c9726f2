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
import { findRunDirectory, type LatestLink, latestLink } from "./run/run-directory.ts";
import { falconStop } from "./stopping.ts";
import { startedWith } from "./surroundings.ts";

export const falcon: Launcher = {
  name: "falcon",
  words: "falcon launch",
  is: ({ kind }) => kind === "launch",
  savesModel: true,
  stopOrder: falconStop,
  // its display binds j, k and the arrows, and is drawn in the alternate screen
  display: { detachKeyFree: true, drawn: true },
  plain: (command) => argumentsOf(command).interactive === false,
  timeLimit: (command) => argumentsOf(command).timeout,
  beforeStart: latestLink,
  findRun: (directory, before, pids) => findRunDirectory(directory, before as LatestLink | undefined, pids),
  watch(session, effects) {
    const { runDirectory: run, directory, created } = session;
    if (run === null) return undefined;
    const { graph } = argumentsOf(session.command);
    const { look, clock, earlier } = effects;
    return new RunWatcher({ run, look, directory, graph, since: created, clock, earlier });
  },
  leftBehind: (pids) => rayProcesses(pids),
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
  behind: (file) => pythonBehind(file),
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
