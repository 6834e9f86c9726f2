// All conditions that can cost a user a run, looked at in turn: the facts are collected here, each check is
// pure and in a file of its own.
import os from "node:os";
import { configPath, readSettings } from "../base/config/config-file.ts";
import { shortfall, systemAllowance } from "../platform/allowance.ts";
import { logOutFacts } from "../platform/log-out.ts";
import { rayFolder } from "../trainers/reading/ray-folder.ts";
import { checkCleaners, cleanedFolders } from "./cleaner.ts";
import { type Caller, type Finding, warning } from "./condition.ts";
import { checkFalcons, type FalconSeen, falconFacts } from "./falcons.ts";
import { checkLimits, checkShortfall } from "./limits.ts";
import { checkLogOut } from "./log-out.ts";
import { checkDisk, checkModes, checkNetwork, openPaths, runPlaces } from "./places.ts";
import { checkPython, pythonFacts } from "./python.ts";
import { checkKernel, checkVersions, otherServers, versionOnDisk } from "./system.ts";
import { askTerminalFacts, checkLocale, checkTerminal } from "./terminal.ts";
import { checkTrainers } from "./trainers.ts";

/** The server that was asked. */
export interface Surroundings {
  home: string;
  /** Folder of its installation. */
  root: string;
  version: string;
  uid: number;
}

/** One thing that was looked at, and what was found. */
export interface Condition {
  readonly name: string;
  readonly findings: readonly Finding[];
}

/** All that was looked at. */
export interface Diagnosis {
  conditions: Condition[];
  /** Who gets which `falcon`. */
  falcons: FalconSeen[];
}

/** @param pid the caller's client */
export async function diagnose(caller: Caller, server: Surroundings, pid: number): Promise<Diagnosis> {
  const { environment } = caller;
  const places = await runPlaces(server.home, caller);
  const python = await pythonFacts(caller, server.root);
  const falcons = await falconFacts(caller, server.root, pid);
  const conditions = [
    { name: "log-out", findings: checkLogOut(logOutFacts()) },
    { name: "limits", findings: [...checkLimits(caller.limits), ...checkShortfall(shortfall(caller, systemAllowance))] },
    { name: "disk space", findings: checkDisk(places.all) },
    { name: "network file system", findings: checkNetwork(places.sessions, places.home) },
    { name: "cleaners of old files", findings: checkCleaners(cleanedFolders(), server.home, rayFolder(environment)) },
    { name: "access by others", findings: checkModes(openPaths(server.home, server.uid), server.home, server.uid) },
    { name: "Python falcon", findings: checkPython(python) },
    ...(await checkTrainers(caller, server.root)),
    { name: "which falcon", findings: checkFalcons(falcons) },
    { name: "terminal", findings: checkTerminal(await askTerminalFacts(caller)) },
    { name: "locale", findings: checkLocale(environment) },
    { name: "kernel", findings: checkKernel(os.release()) },
    {
      name: "versions",
      findings: checkVersions({
        running: server.version,
        installed: versionOnDisk(server.root),
        client: caller.version,
        others: otherServers(server.home, server.uid),
      }),
    },
    { name: "configuration", findings: await configuration(environment) },
  ];
  return { conditions, falcons: falcons.seen };
}

async function configuration(environment: Caller["environment"]): Promise<Finding[]> {
  return (await readSettings(configPath(environment))).problems.map((what) =>
    warning("configuration", what, "correct the line, then falcon server upgrade (docs/guide/configuration.md)"),
  );
}
