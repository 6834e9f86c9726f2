// The other session servers of this user on this host: the host's own, and one in each batch job. Asked over
// their sockets, as a client asks.
import path from "node:path";
import { namesIn } from "../../base/names-in.ts";
import { jobHomes } from "../../platform/job-homes.ts";
import { machineOfHome } from "../../platform/native.ts";
import { connectOwn } from "../../platform/own-socket.ts";
import { mostFromServer, ServerFrame } from "../../protocol/client.ts";
import { FrameReader } from "../../protocol/frame.ts";
import { encodeOwnRequest } from "../../protocol/own-request.ts";
import { knownRecord } from "../../store/record.ts";
import { readSessionFile } from "../../store/session-file.ts";
import { isLive } from "../life/state.ts";
import { bareSessionJson } from "./bare-session-json.ts";
import { lastWrite, programRuns } from "./left-program.ts";

/** A session of another server, as that tells it. */
export interface NeighbourSession {
  /** The job's home it is in ("s4711"); null: the host's own. */
  job: string | null;
  id: string;
  name: string;
  live: boolean;
  state: string;
  /** ms since 1970. */
  created: number;
  runDirectory: string | null;
  directory: string;
  viewers: number;
  /** How far it is, or how it ended, in words. */
  text: string;
  /** ms since 1970; null: not yet. */
  started: number | null;
  ended: number | null;
  /** As `falcon sessions --json` has it. */
  listing: Record<string, unknown>;
}

/** Where the homes are of this host. */
export interface Place {
  /** The home of this server. */
  readonly home: string;
  /** The host's home; the same, but in a batch job. */
  readonly host: string;
  /** The job's name, as its home is called; null: none. */
  readonly job: string | null;
}

/** A neighbour that has not answered within this time (ms) hangs: the list goes without it. */
const longestAnswer = 3_000;

/** So much of an answer (bytes) is taken: some ten thousand sessions. */
const mostAnswer = 32 << 20;

export class Neighbours {
  readonly place: Place;

  constructor(place: Place) {
    this.place = place;
  }

  /** Whether there can be any: asking costs nothing where no job has a home. */
  get any(): boolean {
    return this.place.job !== null || jobHomes(this.place.host).length > 0;
  }

  /** The sessions of all servers but this one, oldest first. One that does not answer has none. */
  async sessions(): Promise<NeighbourSession[]> {
    const { home, host, job } = this.place;
    const places: { job: string | null; home: string }[] = jobHomes(host);
    if (job !== null) places.push({ job: null, home: host });
    const answers = await Promise.all(
      places.filter((place) => place.home !== home).map((place) => sessionsOf(place.job, place.home)),
    );
    return answers.flat().sort((a, b) => a.created - b.created);
  }
}

async function sessionsOf(job: string | null, home: string): Promise<NeighbourSession[]> {
  // another machine's: what it has is told by the roster, if at all
  if (machineOfHome(home).verdict === "another") return [];
  const answer = await ask(path.join(home, "server.sock"), ["sessions", "--all", "--json", "--here"]);
  // the host's own are there again with its next server; a job's may wait for the job's last process
  if (answer === undefined) return job === null ? [] : fromFolders(job, home);
  try {
    const parsed: unknown = JSON.parse(answer);
    return Array.isArray(parsed) ? parsed.flatMap((listing) => sessionFrom(job, listing) ?? []) : [];
  } catch {
    return [];
  }
}

/** The sessions of a job whose server is gone, as their folders tell them. */
function fromFolders(job: string, home: string): NeighbourSession[] {
  return namesIn(path.join(home, "s")).flatMap((name): NeighbourSession[] => {
    const folder = path.join(home, "s", name);
    const file = readSessionFile(folder);
    if (file === undefined) return [];
    const record = knownRecord(folder);
    const { start, pid, exit } = record;
    const live = programRuns(folder, record);
    const state = live ? "running" : exit === undefined ? "lost" : "exited";
    const reason = `the session server of job ${job.slice(1)} is gone`;
    const { id, kind, command, directory, runDirectory, host, created } = file;
    const listing = bareSessionJson({
      ...{ id, name: file.name, kind, command, directory, runDirectory, host, created, state, reason, job, pid },
      started: start,
      waitStatus: exit?.status,
      ended: live ? null : (exit?.time ?? lastWrite(folder)),
    });
    const session = sessionFrom(job, { ...listing, text: reason });
    return session === undefined ? [] : [session];
  });
}

function sessionFrom(job: string | null, told: unknown): NeighbourSession | undefined {
  if (typeof told !== "object" || told === null) return undefined;
  const { text, ...listing } = told as Record<string, unknown>;
  const { id, name, state, created, runDirectory, directory, viewers, started, ended } = listing;
  if (typeof id !== "string" || typeof name !== "string" || typeof state !== "string" || typeof directory !== "string")
    return undefined;
  return {
    job,
    id,
    name,
    state,
    live: isLive(state),
    created: time(created) ?? 0,
    started: time(started),
    ended: time(ended),
    runDirectory: typeof runDirectory === "string" ? runDirectory : null,
    directory,
    viewers: Array.isArray(viewers) ? viewers.length : 0,
    text: typeof text === "string" ? text : "",
    listing,
  };
}

function time(text: unknown): number | null {
  const ms = typeof text === "string" ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}

/**
 * Asks a server and answers what it printed; undefined where none listens, it belongs to somebody else, or it
 * failed.
 */
async function ask(socketPath: string, args: string[]): Promise<string | undefined> {
  const socket = await connectOwn(socketPath);
  if (socket === undefined) return undefined;
  return new Promise((resolve) => {
    const printed: Buffer[] = [];
    let length = 0;
    const done = (answer: string | undefined) => {
      clearTimeout(limit);
      socket.destroy();
      resolve(answer);
    };
    const limit = setTimeout(() => done(undefined), longestAnswer);
    const reader = new FrameReader(mostFromServer, (type, payload) => {
      if (type === ServerFrame.stdout) {
        printed.push(Buffer.from(payload));
        length += payload.length;
        if (length > mostAnswer) done(undefined);
      } else if (type === ServerFrame.exit) done(payload[0] === 0 ? Buffer.concat(printed).toString() : undefined);
    });
    socket.on("error", () => done(undefined));
    socket.on("close", () => done(undefined));
    socket.on("data", (chunk) => {
      try {
        reader.feed(chunk);
      } catch {
        done(undefined);
      }
    });
    socket.write(encodeOwnRequest(args));
  });
}
