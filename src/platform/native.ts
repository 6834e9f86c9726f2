// The typed face of sys.node, and where the holder lies. The only module that loads our own addon.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { Failure } from "../base/failure.ts";
import { addonFile, nativeFolder, packageRoot } from "./native-files.ts";

/** How a terminal treats what is typed; asked of the pty, never guessed. */
export interface LineMode {
  /** Whole lines, with erasing: the program does not read single keys. */
  canonical: boolean;
  /** `vintr` becomes SIGINT for the foreground process group. */
  isig: boolean;
  /** The character code that interrupts, usually 3 (Ctrl+C). */
  vintr: number;
}

/** The other end of a Unix socket; `pid` is -1 where the system does not tell. */
export interface PeerCredentials {
  uid: number;
  pid: number;
}

/** A filter of native/filter/stream_filter.c. */
export interface NativeFilter {
  readonly __filter: never;
}

/** A line of native/filter/mode_rules.c, which says what the fields mean. */
export interface ModeRule {
  mode: number;
  dec: boolean;
  passage: "never" | "passes" | "needed";
  leaving: "nothing" | "reset" | "set";
  kept: boolean;
  name: string;
  terminals: string;
}

/** What an entry of a folder is, whoever puts another one in its place later. */
export interface Entry {
  kind: "file" | "folder" | "link" | "socket" | "other";
  uid: number;
  mode: number;
  inode: number;
  device: number;
}

/** Whose a home is, and what this machine is (native/home/machine.h). */
interface HomeOwner {
  verdict: "ours" | "unknown" | "another";
  /** With `another`: one sentence that says whose. */
  problem: string;
  /** This machine's ids and name; an id that the system does not have is "". */
  id: string;
  boot: string;
  name: string;
}

/**
 * What a tree of processes uses (native/addon/usage.h). Numbers grow from the start of its processes on, but
 * for memory.
 */
export interface TreeUsage {
  root: number;
  /** One of its processes has a GPU open; told only where it was asked for. */
  gpu: boolean;
  /** Seconds of processor, of the living and of those that they have waited for. */
  cpu: number;
  /** Bytes: private memory of all, and the largest shared memory of one. */
  anonymous: number;
  shared: number;
  /** Bytes that were sent to storage. */
  written: number;
  pids: number[];
  /** Ray's processes that have a title of their own. */
  actors: { title: string; memory: number }[];
}

interface Addon {
  setCloexec(fd: number): void;
  dup(fd: number): number;
  close(fd: number): void;
  writeSome(fd: number, bytes: Uint8Array, offset: number): number;
  connectUnix(socketPath: string): number;
  sendFds(socket: number, bytes: Uint8Array, fds: readonly number[]): number;
  shutdownWriting(socket: number): void;
  recvFds(socket: number, max: number): { data: Buffer; fds: number[] } | null;
  peerCredentials(socket: number): PeerCredentials;
  tryLock(file: string): number;
  punchHole(fd: number, offset: number, length: number): boolean;
  firstData(fd: number, from: number): number;
  onNetwork(file: string): boolean;
  lineMode(fd: number): number;
  setWindowSize(fd: number, cols: number, rows: number): void;
  interruptTerminal(fd: number): void;
  resourceLimits(): (number | bigint)[];
  raiseLimit(resource: number, hard: bigint): boolean;
  scheduling(): { niceness: number; oomScoreAdj: number; processors: Buffer };
  couldTake(niceness: number, oomScoreAdj: number): { niceness: boolean; oomScoreAdj: boolean };
  roomFor(threads: number): boolean;
  jobOf(controlGroups: string): string | null;
  openFolder(file: string): number;
  openFolderAt(folder: number, name: string): number;
  lockFolder(folder: number): boolean;
  entryAt(folder: number, name: string): Entry;
  entryOf(fd: number): Entry;
  namesIn(folder: number): string[];
  unlinkAt(folder: number, name: string, isFolder: boolean): void;
  machineOfHome(home: string): HomeOwner;
  claimHome(home: string): boolean;
  scanPlainText(bytes: Uint8Array, found: Uint32Array): void;
  createFilter(passages: Uint8Array, questions: boolean, mayAsk: boolean): NativeFilter;
  feedFilter(filter: NativeFilter, bytes: Buffer): Buffer;
  takeAsked(filter: NativeFilter): Buffer | undefined;
  modeRules(): ModeRule[];
  sampleUsage(roots: readonly number[], lookForGpu: boolean): Promise<TreeUsage[]>;
}

/** The holder's executable; a wheel puts it beside the client, in the bin of its environment. */
export const holderProgram: string = findHolder(packageRoot, nativeFolder);

/**
 * @param root of the package: `<environment>/share/falcon-sessions` in a wheel.
 * @param natives the folder where it lies elsewhere.
 */
export function findHolder(root: string, natives: string): string {
  const inBin = path.resolve(root, "..", "..", "bin", "falcon-sessions-holder");
  const fromWheel = process.env.FALCON_SESSIONS_NATIVE === undefined && path.basename(path.dirname(root)) === "share";
  return fromWheel && fs.existsSync(inBin) ? inBin : path.join(natives, "holder");
}

function loadAddon(): Addon {
  try {
    return createRequire(path.join(packageRoot, "package.json"))(addonFile) as Addon;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new Failure(`the native part is not built (${reason}); run: npm run build`);
  }
}

const addon: Addon = loadAddon();

/** Keeps a descriptor from every program that is started later. */
export const setCloexec: Addon["setCloexec"] = addon.setCloexec;
/** A second descriptor of the same open file, close-on-exec; throws EMFILE where there is no room. */
export const dup: Addon["dup"] = addon.dup;
/** Closes a descriptor that Node does not know of. */
export const close: Addon["close"] = addon.close;
/**
 * Writes what the descriptor (non-blocking) takes at once from `offset` on; answers how many bytes, 0 when it
 * would block.
 */
export const writeSome: Addon["writeSome"] = addon.writeSome;
/**
 * A connected, non-blocking, close-on-exec Unix socket. Never waits. Throws ENOENT, ECONNREFUSED, EACCES,
 * ENAMETOOLONG, EAGAIN (backlog full).
 */
export const connectUnix: Addon["connectUnix"] = addon.connectUnix;
/**
 * Sends bytes with descriptors riding on the first one; answers how many bytes went. Throws EAGAIN when the
 * socket is full.
 */
export const sendFds: Addon["sendFds"] = addon.sendFds;
/**
 * Nothing can be said on this connection any more, by whoever has a copy of the descriptor; reading goes on.
 */
export const shutdownWriting: Addon["shutdownWriting"] = addon.shutdownWriting;
/**
 * Up to `max` bytes with the descriptors that came along (now close-on-exec and ours to close); null when it
 * would block, no bytes at the end.
 */
export const recvFds: Addon["recvFds"] = addon.recvFds;
/** Who is at the other end. */
export const peerCredentials: Addon["peerCredentials"] = addon.peerCredentials;
/**
 * Locks a file (made when missing, 0600): a descriptor that holds the lock until closed, or -1 when another
 * process holds it.
 */
export const tryLock: Addon["tryLock"] = addon.tryLock;
/** Gives a range of blocks back without moving a byte; false where the file system cannot. */
export const punchHole: Addon["punchHole"] = addon.punchHole;
/**
 * The first offset from `from` on that holds data; `from` where the system cannot tell, the file's length
 * where there is none. Moves the descriptor's place.
 */
export const firstData: Addon["firstData"] = addon.firstData;
/** Whether `file` lives on another machine: locks and shared memory cannot be trusted there. */
export const onNetwork: Addon["onNetwork"] = addon.onNetwork;
/**
 * The mode that the program has set, asked of the pty's master. Throws EIO or EBADF when the terminal is
 * gone.
 */
export function lineMode(fd: number): LineMode {
  const packed = addon.lineMode(fd);
  return { canonical: (packed & 1) !== 0, isig: (packed & 4) !== 0, vintr: packed >> 8 };
}
/** Gives the terminal a size (1 to 65535 each); the program gets SIGWINCH when it changed. */
export const setWindowSize: Addon["setWindowSize"] = addon.setWindowSize;
/**
 * What the kernel does at a pty's interrupt character (a SIGINT to the foreground process group, whoever owns
 * its processes), without the character. Throws where the system has no such call.
 */
export const interruptTerminal: Addon["interruptTerminal"] = addon.interruptTerminal;
/**
 * This process's resource limits as getrlimit gives them: resource, soft, hard, resource …; 2^64-1 is
 * unlimited.
 */
export const resourceLimits: Addon["resourceLimits"] = addon.resourceLimits;
/**
 * Raises a hard limit of this process (a soft one that was the same follows); false where the kernel refuses.
 */
export const raiseLimit: Addon["raiseLimit"] = addon.raiseLimit;
/**
 * Niceness, oom_score_adj and processors (a mask, the lowest processor first) of the calling thread, which
 * programs inherit.
 */
export const scheduling: Addon["scheduling"] = addon.scheduling;
/** Whether what is started from here could take these on; tried, and taken back. */
export const couldTake: Addon["couldTake"] = addon.couldTake;
/**
 * Whether so many threads more (16 at most) can be had now; on Linux processes count towards the same limits.
 */
export const roomFor: Addon["roomFor"] = addon.roomFor;
/**
 * A descriptor of the folder; its last part may not be a link. Throws ENOENT, ENOTDIR (also for a link),
 * EACCES.
 */
export const openFolder: Addon["openFolder"] = addon.openFolder;
/**
 * The folder of this name in another one, no link. Names are latin1, so that each comes back as its bytes.
 */
export const openFolderAt: Addon["openFolderAt"] = addon.openFolderAt;
/**
 * Locks the folder itself until the descriptor is closed; false when another process has it. True too where
 * folders cannot be locked.
 */
export const lockFolder: Addon["lockFolder"] = addon.lockFolder;
/** What an entry is, links not followed; undefined where there is none. */
export function entryAt(folder: number, name: string): Entry | undefined {
  try {
    return addon.entryAt(folder, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
/** What an open descriptor is. */
export const entryOf: Addon["entryOf"] = addon.entryOf;
/** Names of a folder's entries, in no order. */
export const namesIn: Addon["namesIn"] = addon.namesIn;
/**
 * Removes an entry, or a folder that is empty; nothing where there is none. Throws ENOTEMPTY, EACCES, EROFS …
 */
export const unlinkAt: Addon["unlinkAt"] = addon.unlinkAt;
/** See src/platform/stream-filter.ts, the only one that should call these. Throw ENOMEM. */
export const { createFilter, feedFilter, takeAsked }: Pick<Addon, "createFilter" | "feedFilter" | "takeAsked"> = addon;
/** The one table of terminal modes. */
export const modeRules: readonly ModeRule[] = addon.modeRules();

/**
 * What descends from each root (a holder), where there is a /proc; one at a time: throws EBUSY. Read in a
 * thread of Node's pool.
 */
export const sampleUsage: Addon["sampleUsage"] = addon.sampleUsage;

/**
 * The batch job of a text of /proc/PID/cgroup, as the name of its home ("s4711"; native/home/job.c); null
 * where there is none.
 */
export const jobOf: Addon["jobOf"] = addon.jobOf;
/**
 * Whose the home is, by its file `machine`. Sockets of this kernel are looked at only where another namespace
 * of it wrote that.
 */
export const machineOfHome: Addon["machineOfHome"] = addon.machineOfHome;
/**
 * Writes that the home is this machine's; false where the file cannot be written. Only for who has the home's
 * locks.
 */
export const claimHome: Addon["claimHome"] = addon.claimHome;
