// How a connection to a holder comes about: one is launched, found again by a later server, or takes the
// place of one that was killed.

import { spawn } from "node:child_process";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { steady } from "../../base/clock.ts";
import { Failure, sentence, shortageOf } from "../../base/failure.ts";
import type { Limit, Scheduling } from "../../base/limits.ts";
import type { Log } from "../../base/log.ts";
import { isPlain, percentCoded } from "../../base/text/bytes.ts";
import { systemAllowance } from "../../platform/allowance.ts";
import { joinControlGroups } from "../../platform/control-groups.ts";
import {
  close,
  connectUnix,
  dup,
  holderProgram,
  peerCredentials,
  recvFds,
  sendFds,
  shutdownWriting,
} from "../../platform/native.ts";
import { commandLine, parentOf, processAlive } from "../../platform/processes.ts";
import { signalNumber } from "../../platform/signals.ts";
import { FrameReader } from "../../protocol/frame.ts";
import {
  encodeFd,
  encodeGo,
  encodeSpeak,
  encodeSubscribe,
  FromHolder,
  fromHolderLimit,
  HolderRole,
  highestHolderVersion,
} from "../../protocol/holder.ts";
import { checkDirectory } from "../life/working-directory.ts";
import { type HolderEvents, HolderLink } from "./holder-link.ts";
import { spawnUnread, type UnreadPty } from "./unread-pty.ts";

/**
 * How long a holder may take to appear and to say hello. It answers within milliseconds; this is for a
 * machine that swaps.
 */
const launchLimitMs = 15_000;
/**
 * How long a running holder may take to answer a new server. Past it, it is taken for hung, and nothing waits
 * for it.
 */
const answerLimitMs = 5_000;
/**
 * A holder that closed the connection is about to end: so long (ms) its own words are waited for, which say
 * more.
 */
const lastWordsMs = 1_000;
/** While a holder is starting, its socket is looked for this often at the least (ms). */
const longestWaitMs = 20;

export interface LaunchOptions {
  /** The session folder, absolute, 0700, empty. */
  folder: string;
  /** The command, looked up on the environment's PATH, and its arguments. */
  file: string;
  args: string[];
  directory: string;
  environment: Record<string, string>;
  cols: number;
  rows: number;
  umask: number;
  limits: readonly Limit[];
  /** Bytes of log to retain at most, 0 all. */
  keep: number;
  /** What the program's oom_score_adj is raised to. */
  oomScoreAdj: number;
  /** What holder and program are to have; undefined: what we have. */
  scheduling?: Scheduling | undefined;
  /** A process whose control groups they are to be in. */
  like?: number | undefined;
  /** Whether nobody wants it any more: asked just before anything is started. */
  givenUp?: () => boolean;
  log?: Log;
}

/**
 * Starts a program in a session of its own. Answers once the holder has said hello: then the program runs, or
 * `link.hello.execError` tells why it could not be started. Throws where no holder could be started, and
 * leaves nothing behind then.
 */
export async function launchHolder(options: LaunchOptions, events: HolderEvents): Promise<HolderLink> {
  await checkDirectory(options.directory);
  if (options.givenUp?.() === true) throw new Error("nobody wants the program any more");
  const pty = spawnHolder(options);
  const deadline = steady() + launchLimitMs;
  const gone = holderGone(pty);
  let link: HolderLink | undefined;
  try {
    // before GO, so that the program is born there
    const refused = options.like === undefined ? [] : joinControlGroups(pty.pid, options.like);
    if (refused.length > 0) options.log?.("holder.control-groups-refused", { folder: options.folder, groups: refused });
    const socket = await connectSoon(options.folder, deadline, gone);
    link = greet(socket, encodeGo(options), pty.master, events);
    const greeted = link.greeted.catch(async (error: unknown) => {
      await Promise.race([gone, delay(lastWordsMs, undefined, { ref: false })]);
      throw error;
    });
    await Promise.race([greeted, gone, expire(deadline, "the holder did not start the program in time")]);
    pty.handOver();
    link.holderEnded = pty.exited;
    return link;
  } catch (error) {
    // with its terminal gone, what was started ends; the holder too, unless it hangs
    if (link) {
      pty.handOver();
      link.close();
    } else pty.dispose();
    pty.killUnlessEnded();
    if (error instanceof Failure) throw error;
    throw failureOf((error as NodeJS.ErrnoException).code ?? "", `no holder can be reached for a session: ${sentence(error)}`);
  }
}

/**
 * Connects to a holder that runs already. Throws ENOENT or ECONNREFUSED where there is none, ETIMEDOUT where
 * it does not answer.
 */
export async function connectHolder(folder: string, events: HolderEvents): Promise<HolderLink> {
  const { socket } = connectChecked(folder);
  const passed: number[] = [];
  let link: HolderLink | undefined;
  try {
    sendFds(socket, encodeFd(), []);
    const read: Buffer[] = [];
    let answered = false;
    const reader = new FrameReader(fromHolderLimit, (type) => {
      answered ||= type === FromHolder.fd;
    });
    const deadline = steady() + answerLimitMs;
    // libuv cannot receive descriptors, so this first answer is read here, and Node's socket takes over
    // behind it
    for (let wait = 0; !answered; wait = Math.min(wait * 2 + 1, longestWaitMs)) {
      const received = recvFds(socket, fromHolderLimit);
      if (received === null) {
        if (steady() > deadline) throw failureOf("ETIMEDOUT", `the holder of ${folder} does not answer`);
        await delay(wait);
        continue;
      }
      passed.push(...received.fds);
      if (received.data.length === 0) throw failureOf("ECONNRESET", `the holder of ${folder} closed the connection`);
      read.push(received.data);
      reader.feed(received.data);
    }
    link = new HolderLink(socket, passed.shift() ?? -1, events, Buffer.concat(read));
    await link.greeted;
    return link;
  } catch (error) {
    if (link) link.close();
    else close(socket);
    throw error;
  } finally {
    for (const fd of passed) close(fd);
  }
}

/**
 * A connection to a holder of version 2, on which a viewer's client reads the output itself from `offset` on.
 * Whoever has it can say nothing on it.
 * The caller closes it, or passes it on. Throws what connecting throws.
 */
export function openCursor(folder: string, offset: number): number {
  const socket = openViewer(folder, encodeSubscribe(offset));
  shutdownWriting(socket);
  return socket;
}

/** One on which a viewer's client types itself, and reads no output. */
export function openKeyboard(folder: string): number {
  return openViewer(folder);
}

function openViewer(folder: string, ...frames: Buffer[]): number {
  const { socket } = connectChecked(folder);
  try {
    // a fresh connection has room for all of it
    sendFds(socket, Buffer.concat([encodeSpeak(highestHolderVersion, HolderRole.viewer), ...frames]), []);
    return socket;
  } catch (error) {
    close(socket);
    throw error;
  }
}

/**
 * Makes a holder that lives bind its socket's path again, where that was deleted, and connects. `pids` may be
 * its own or its program's number.
 * Throws what connecting threw where there is no such holder.
 */
export async function recallHolder(
  folder: string,
  pids: readonly (number | null | undefined)[],
  events: HolderEvents,
): Promise<HolderLink> {
  const holder = pids
    .flatMap((pid) => (pid ? [pid, parentOf(pid) ?? 0] : []))
    .find((pid) => commandLine(pid)[1] === folder && processAlive(pid));
  if (holder === undefined) throw failureOf("ENOENT", `no holder of ${folder} is alive`);
  process.kill(holder, "SIGUSR1");
  const socket = await connectSoon(folder, steady() + answerLimitMs, new Promise<never>(() => {}), holder);
  close(socket);
  return connectHolder(folder, events);
}

/**
 * Starts a successor for a holder that was killed, while the terminal lives because `masterFd` (which stays
 * the caller's) is open.
 * Throws where the old holder still lives, or the successor cannot be started.
 */
export async function adoptAfterHolder(
  folder: string,
  masterFd: number,
  programPid: number,
  events: HolderEvents,
  keep = 0,
): Promise<HolderLink> {
  const master = dup(masterFd);
  let link: HolderLink | undefined;
  let child: ReturnType<typeof spawn> | undefined;
  try {
    child = spawn(holderProgram, [folder, "--adopt", String(programPid)], { cwd: "/", env: {}, stdio: "ignore", detached: true });
    child.unref();
    const gone = new Promise<never>((_, reject) => {
      child?.once("error", (error) =>
        reject(new Failure(`the successor of a killed holder cannot be started: ${sentence(error)}`)),
      );
      child?.once("exit", (status) => reject(new Failure(`the successor of a killed holder ended with status ${status}`)));
    });
    gone.catch(() => {}); // it may well end weeks later
    const deadline = steady() + launchLimitMs;
    const socket = await connectSoon(folder, deadline, gone, child.pid);
    // size 0: the terminal keeps the one it has
    const go = encodeGo({ umask: 0o077, keep, oomScoreAdj: 0, cols: 0, rows: 0, limits: [] });
    link = greet(socket, go, master, events);
    await Promise.race([link.greeted, gone, expire(deadline, "the successor of a killed holder does not answer")]);
    const successor = child;
    link.holderEnded = new Promise((resolve) => {
      successor.once("exit", (code, signal) => resolve(signal === null ? (code ?? 0) : 128 + (signalNumber(signal) ?? 0)));
    });
    return link;
  } catch (error) {
    if (link) link.close();
    else close(master);
    child?.kill("SIGKILL");
    throw error;
  }
}

function spawnHolder(options: LaunchOptions): UnreadPty {
  try {
    const { folder, file, args, directory, environment } = options;
    const plain = [file, ...args, directory, ...Object.entries(environment).flat()].every(isPlain);
    const allowance = allowanceWords(options.scheduling);
    if (plain) return spawnUnread(holderProgram, [folder, ...allowance, "--", file, ...args], options);
    // node-pty passes UTF-8 only: the holder decodes the words and variables, and enters the directory
    return spawnUnread(holderProgram, [folder, ...allowance, "--coded", ...[directory, file, ...args].map(percentCoded)], {
      ...options,
      directory: "/",
      environment: Object.fromEntries(Object.entries(environment).map((entry) => entry.map(percentCoded))),
    });
  } catch (error) {
    throw new Failure(shortageOf(error) ?? `no terminal or process can be had for a session: ${sentence(error)}`);
  }
}

/** The holder's words for a scheduling other than ours; none where it is ours. */
function allowanceWords(wanted: Scheduling | undefined): string[] {
  if (wanted === undefined) return [];
  const own = systemAllowance.own().scheduling;
  const { niceness, oomScoreAdj, processors } = wanted;
  if (niceness === own.niceness && oomScoreAdj === own.oomScoreAdj && processors === own.processors) return [];
  return ["--allowance", `${niceness},${oomScoreAdj},${processors}`];
}

/** Rejects when the holder ends, with what it said on its terminal. */
function holderGone(pty: UnreadPty): Promise<never> {
  const gone = pty.exited.then((status) => {
    throw new Failure(`the holder ended with status ${status}${pty.lastWords()}`);
  });
  gone.catch(() => {}); // usually it ends long after the launch
  return gone;
}

/**
 * Connects as soon as a holder that is starting listens; before that there is no socket, a dead one, or
 * (`pid`) another holder's.
 */
async function connectSoon(folder: string, deadline: number, gone: Promise<never>, pid?: number): Promise<number> {
  for (let wait = 1; ; wait = Math.min(wait * 2, longestWaitMs)) {
    try {
      const { socket, peer } = connectChecked(folder);
      if (pid === undefined || peer === pid || peer < 0) return socket;
      close(socket);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "";
      if (!["ENOENT", "ECONNREFUSED", "EAGAIN"].includes(code)) throw error;
    }
    if (steady() > deadline) throw failureOf("ETIMEDOUT", "the holder did not start in time");
    await Promise.race([delay(wait), gone]);
  }
}

/**
 * A connection to the holder of a folder, and its process, -1 where the system does not tell. The folder is
 * ours alone, and still: a holder of another user is none.
 */
function connectChecked(folder: string): { socket: number; peer: number } {
  const socket = connectUnix(path.join(folder, "sock"));
  try {
    const { uid, pid } = peerCredentials(socket);
    if (uid === process.geteuid?.() || uid === 0) return { socket, peer: pid };
    throw failureOf("EPERM", `the holder of ${folder} belongs to user ${uid}`);
  } catch (error) {
    close(socket);
    throw error;
  }
}

/** Sends GO with the master; what answers is a HolderLink. */
function greet(socket: number, go: Buffer, master: number, events: HolderEvents): HolderLink {
  try {
    if (sendFds(socket, go, [master]) !== go.length) throw new Failure("the holder took only a part of its orders");
  } catch (error) {
    close(socket);
    throw error;
  }
  return new HolderLink(socket, master, events);
}

function expire(deadline: number, what: string): Promise<never> {
  return delay(Math.max(0, deadline - steady()), undefined, { ref: false }).then(() => {
    throw failureOf("ETIMEDOUT", what);
  });
}

function failureOf(code: string, message: string): Failure {
  return Object.assign(new Failure(message), { code });
}
