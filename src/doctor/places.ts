// Places on disk: the sessions' folder, the caller's folder and Ray's: on which file system, how full, open
// to whom, cleaned by whom.

import fs from "node:fs";
import path from "node:path";
import { aside } from "../base/aside/aside.ts";
import { onNetwork } from "../platform/native.ts";
import { rayFolder } from "../trainers/reading/ray-folder.ts";
import { type Caller, type Finding, problem, warning } from "./condition.ts";

/** One folder that a run needs. */
export interface PlaceFacts {
  /** What it is for, as a sentence's subject. */
  role: string;
  folder: string;
  /** Number of the disk that it lies on; 0: it cannot be looked at. */
  disk: number;
  network: boolean;
  freeBytes: number;
  totalBytes: number;
  /** 0 and 0 where the file system does not count them. */
  freeFiles: number;
  totalFiles: number;
}

/** Below this a run's next checkpoint may not fit. */
const leastFree = 1 << 30;
/** Below this, when it is also less than a twentieth, it is time to look. */
const littleFree = 10 * 2 ** 30;

export function checkDisk(places: readonly PlaceFacts[]): Finding[] {
  const findings: Finding[] = [];
  const disks = new Set<number>();
  const rooms = new Set<string>();
  for (const place of places) {
    // Two folders of one disk are one condition. Each subvolume of one btrfs, and each export of one filer,
    // has a number of its own and the same room; one disk's room is another where somebody writes meanwhile.
    const room = [place.totalBytes, place.freeBytes, place.freeFiles].join();
    if (disks.has(place.disk) || rooms.has(room) || place.totalBytes === 0) continue;
    disks.add(place.disk);
    rooms.add(room);
    const free = `${gigabytes(place.freeBytes)} of ${gigabytes(place.totalBytes)}`;
    const remedy = "falcon prune removes old sessions; else make room, or run elsewhere";
    if (place.freeBytes < leastFree) {
      findings.push(problem("disk-full", `the disk of ${place.role} (${place.folder}) is nearly full: ${free} left`, remedy));
    } else if (place.freeBytes < littleFree && place.freeBytes < place.totalBytes / 20) {
      findings.push(warning("disk-full", `the disk of ${place.role} (${place.folder}) fills up: ${free} left`, remedy));
    } else if (place.totalFiles > 0 && place.freeFiles < place.totalFiles / 100) {
      findings.push(
        problem(
          "disk-full",
          `the disk of ${place.role} (${place.folder}) has room for ${place.freeFiles} more files only`,
          remedy,
        ),
      );
    }
  }
  return findings;
}

export function checkNetwork(sessions: PlaceFacts, home: PlaceFacts | undefined): Finding[] {
  if (sessions.network) {
    return [
      problem(
        "network-folder",
        `the sessions' folder ${sessions.folder} lies on a network file system, where locks and the database cannot be trusted`,
        "set FALCON_SESSIONS_HOME to a folder on a local disk, such as one in /var/tmp",
      ),
    ];
  }
  if (home?.network) {
    return [
      warning(
        "network-home",
        `your home is on a network file system, so the sessions of this machine are kept on it alone, in ${sessions.folder}`,
        "log in to this same machine to come back to them; run directories in your home are seen from everywhere",
      ),
    ];
  }
  return [];
}

/** Looks at a folder, or at the nearest one above it that exists. */
export function placeFacts(role: string, folder: string, isRemote: (folder: string) => boolean = onNetwork): PlaceFacts {
  const nothing = { disk: 0, network: false, freeBytes: 0, totalBytes: 0, freeFiles: 0, totalFiles: 0 };
  for (let at = folder; ; at = path.dirname(at)) {
    try {
      const network = isRemote(at);
      const { bavail, blocks, bsize, ffree, files } = fs.statfsSync(at);
      const { dev: disk } = fs.statSync(at);
      const bytes = { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
      return { role, folder, disk, network, ...bytes, freeFiles: ffree, totalFiles: files };
    } catch {
      if (at === path.dirname(at)) return { role, folder, ...nothing };
    }
  }
}

/** One path below the sessions' folder that others could use. */
export interface OpenPath {
  file: string;
  mode: number;
  uid: number;
}

/**
 * Paths that are looked at: the folder itself, the sessions' folders, and the files in them. More than this
 * is not walked.
 */
const mostPaths = 20_000;

/** What below `home` belongs to somebody else or can be used by others. Links are not followed. */
export function openPaths(home: string, uid: number): OpenPath[] {
  const found: OpenPath[] = [];
  const queue = [home];
  for (let looked = 0; queue.length > 0 && looked < mostPaths; looked++) {
    const file = queue.shift() as string;
    let stat: fs.Stats;
    try {
      stat = fs.lstatSync(file);
    } catch {
      continue; // gone meanwhile
    }
    const open = !stat.isSymbolicLink() && (stat.mode & 0o077) !== 0;
    if (open || stat.uid !== uid) found.push({ file, mode: stat.mode & 0o7777, uid: stat.uid });
    if (!stat.isDirectory()) continue;
    try {
      for (const name of fs.readdirSync(file)) queue.push(path.join(file, name));
    } catch {
      // unreadable: its own line says so where the mode is the reason
    }
  }
  return found;
}

/** Paths that are named one by one. */
const mostNamed = 5;

export function checkModes(open: readonly OpenPath[], home: string, uid: number): Finding[] {
  if (open.length === 0) return [];
  const named = open
    .slice(0, mostNamed)
    .map(({ file, mode, uid: owner }) => `${file} (${owner === uid ? `mode ${mode.toString(8)}` : `of user ${owner}`})`)
    .join(", ");
  const more = open.length > mostNamed ? ` and ${open.length - mostNamed} more` : "";
  const foreign = open.some((o) => o.uid !== uid);
  return [
    problem(
      "folder-modes",
      `other users can reach what is yours alone: ${named}${more}`,
      foreign ? `find out who made it; falcon removes what it does not own never by itself` : `chmod -R go= ${home}`,
    ),
  ];
}

/** The folders that a run needs, for this caller. */
export const runPlaces = aside("runPlaces", placesHere, ([, caller]) => caller.directory);

function placesHere(home: string, caller: Caller): { sessions: PlaceFacts; home: PlaceFacts | undefined; all: PlaceFacts[] } {
  const sessions = placeFacts("the sessions", home);
  const own = caller.environment.HOME;
  const userHome = own ? placeFacts("your home", own) : undefined;
  const all = [sessions, placeFacts("this folder", caller.directory), placeFacts("Ray's files", rayFolder(caller.environment))];
  return { sessions, home: userHome, all };
}

function gigabytes(bytes: number): string {
  return bytes < 2 ** 30 ? `${Math.round(bytes / 2 ** 20)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
