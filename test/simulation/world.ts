// One seed: a session's whole life among faults that are drawn from it, and what must be true at each step
// and in the end.
import { checkHeard, heardOf, lostWithHolder, Person, people } from "./people.ts";
import { Broken, holds, output, verdict, wide } from "./screens.ts";
import { type Database, SimServer, serverDeadline, serverWork } from "./server.ts";
import { type Chance, chanceOf, loop, settle, system } from "./shims.ts";

const SIGKILL = 9;
/** The end is waited for this long (ms, simulated): longer than any of our timeouts. */
const calm = 90_000;
/** Turns within that: more means that something spins. */
const mostTurns = 60_000;
/** Holders and clients, from 1 on; the server is not one of them. */
const processes = 7;
const exitStatus = 7;
const unlimited = -1;
/** Connections that are lost in one life: a client gives up after six in a row. */
const mostLosses = 4;

export interface Life {
  /** What happened, one line each. */
  story: string[];
  log: readonly string[];
  steps: number;
}

type Fault =
  | "server"
  | "holder"
  | "client"
  | "connection"
  | "link"
  | "freeze"
  | "disk"
  | "resize"
  | "viewer"
  | "leave"
  | "upgrade"
  | "clock";

export class World {
  readonly life: Life;
  readonly #chance: Chance;
  readonly #database: Database = { row: undefined, snapshot: undefined };
  #server: SimServer | undefined;
  readonly #people: Person[] = [];
  #frozen = new Map<number, number>();
  #holder = 0;
  #holderKilled = false;
  #diskFilled = false;
  #ended = false;
  #losses = 0;
  #failure: unknown;
  readonly #direct: boolean;
  readonly #short: number;
  readonly #capacity: number;
  #disk = unlimited;
  readonly #faults: Fault[];
  #going: Promise<void> | undefined;

  constructor(seed: number) {
    this.#chance = chanceOf(seed);
    loop.chance = chanceOf(seed + 77);
    loop.wall = 1_700_000_000_000;
    this.life = { story: [], log: [], steps: 0 };
    verdict.broken = undefined;
    lostWithHolder.holes = [];
    system.simReset(seed);
    const one = <T>(...of: T[]): T => of[this.#chance(of.length)] as T;
    this.#direct = this.#chance(4) !== 0;
    this.#short = one(0, 100, 500);
    this.#capacity = one(4096, 16384, 65536);
    const every: Fault[] = [
      "server",
      "holder",
      "client",
      "connection",
      "link",
      "freeze",
      "disk",
      "resize",
      "viewer",
      "leave",
      "upgrade",
      "clock",
    ];
    // a few kinds in one life: all of them would hide what one alone shows
    this.#faults = every.filter(() => this.#chance(3) === 0);
    this.#tune();
    this.#tell(`direct ${this.#direct}, short ${this.#short}, capacity ${this.#capacity}, faults ${this.#faults.join(" ")}`);
  }

  #tune(): void {
    system.simTune(this.#short, this.#capacity, this.#disk, loop.wall);
  }

  #tell(what: string): void {
    this.life.story.push(`${system.simNow()} ${what}`);
  }

  /** Lives it. Throws Broken where something does not hold. */
  async live(): Promise<void> {
    const stop = (reason: unknown) => {
      this.#failure ??= reason;
    };
    process.on("unhandledRejection", stop);
    process.on("uncaughtException", stop);
    try {
      await this.#begin();
      await this.#trouble();
      await this.#end();
    } finally {
      this.life.log = this.#server?.log ?? [];
      SimServer.die();
      await settle();
      process.off("unhandledRejection", stop);
      process.off("uncaughtException", stop);
    }
  }

  #startServer(): void {
    this.#server = new SimServer(this.#database, this.#direct, (error) => {
      this.#failure ??= error;
    });
    this.#going = undefined;
  }

  async #begin(): Promise<void> {
    const first = new Person(0);
    this.#people.push(first);
    first.start(["run", "--", "program"]);
    await this.#until(() => first.shown !== undefined, "the first screen");
  }

  /** Everybody does what they can until something is so. */
  async #until(what: () => boolean, name: string): Promise<void> {
    const end = system.simNow() + calm;
    for (let turn = 0; !what(); turn++) {
      holds(turn < mostTurns, () => `something spins while it waits for ${name}`);
      holds(system.simNow() < end, () => `waited in vain for ${name}`);
      await this.#turn();
    }
  }

  /** One turn of everybody; where nobody has anything to do, time goes on. */
  async #turn(): Promise<void> {
    this.life.steps++;
    let busy = this.#look();
    const runnable = system.simRunnable();
    for (let index = 1; index <= processes; index++) {
      if ((runnable & (1 << index)) === 0 || this.#isFrozen(index)) continue;
      system.simStep(index, 1000);
      busy = true;
    }
    if (await this.#serve()) busy = true;
    if (system.simProgramReads(4096) > 0) busy = true;
    this.#check();
    if (!busy) this.#wait();
  }

  #isFrozen(index: number): boolean {
    const until = this.#frozen.get(index);
    if (until === undefined) return false;
    if (system.simNow() < until) return true;
    this.#frozen.delete(index);
    return false;
  }

  /** Time goes on to the next moment at which somebody has something to do. */
  #wait(short = false): void {
    // nobody is slower than the time, but who stands still; what one does may be for another, whose turn was
    // before, and who asks again and again, as while a server starts, is not waited for
    for (let turn = 0, some = true; some && turn < processes; turn++) {
      some = false;
      for (let index = 1; index <= processes; index++) {
        if ((system.simRunnable() & (1 << index)) === 0 || this.#isFrozen(index)) continue;
        system.simStep(index, 1000);
        some = true;
      }
    }
    const now = system.simNow();
    const moments = [system.simNextDeadline(), serverDeadline(), ...this.#frozen.values()].filter((at) => at > now);
    const next = Math.min(...moments, now + 1000);
    const all = Math.max(1, next - now);
    system.simAdvance(short ? Math.min(all, 1 + this.#chance(60)) : all);
  }

  /** The server does one thing. */
  async #serve(): Promise<boolean> {
    if (system.simServerWanted() && this.#server === undefined) {
      this.#tell("a client starts a server");
      this.#startServer();
    }
    if (this.#server === undefined || this.#isFrozen(0)) return false;
    const work = serverWork();
    if (work.length === 0) return false;
    work[this.#chance(work.length)]?.();
    await settle();
    this.#throw();
    const { row } = this.#database;
    if (row?.holderPid) this.#holder = row.holderPid;
    return true;
  }

  #throw(): void {
    if (verdict.broken !== undefined) throw verdict.broken;
    if (this.#failure !== undefined) throw this.#failure;
  }

  #look(): boolean {
    let busy = false;
    for (const person of this.#people) {
      if (person.client === undefined) continue;
      const most = person.slow ? 1 + this.#chance(40) : 65536;
      const waits = person.slow && this.#chance(4) !== 0;
      // an end is seen at once: another process may have its place soon
      const status = system.simStatus(person.client.index);
      if (waits && status < 0) continue;
      if (person.look(most, person.slow ? 512 : 8192) > 0) busy = true;
      if (status < 0) continue;
      person.look(65536, 65536);
      person.client = undefined;
      person.status = status;
      // what was typed at one that had nothing yet to ask the next server for went with it
      if (person.said.includes("ended the connection")) person.mayLose = true;
      this.#tell(`the client of ${person.who} ended: ${status}, "${person.said.slice(-150)}"`);
    }
    return busy;
  }

  #check(): void {
    this.#throw();
    for (const person of this.#people) {
      if (person.status === undefined || this.#ended || person.leaves) continue;
      // killed holder, no server that has its terminal: the program has none any more
      if (this.#holderKilled && !system.simProgram().lives) continue;
      // its server was killed before it had said what is to be asked of the next one
      if (person.shown === undefined && person.said.includes("ended the connection")) {
        person.mayLose = true; // what was typed at it went with it
        this.#attach(person);
        continue;
      }
      throw new Broken(`the client of ${person.who} ended with ${person.status}: ${person.said.slice(-300)}`);
    }
    if (this.life.steps % 32 === 0) this.#checkKeys(false);
  }

  #checkKeys(whole: boolean): void {
    const heard = heardOf(system.simProgramHeard());
    for (const person of this.#people) checkHeard(person, heard[person.who] ?? [], whole);
  }

  async #trouble(): Promise<void> {
    const steps = 200 + this.#chance(1200);
    for (let step = 0; step < steps; step++) await this.#step();
  }

  async #step(): Promise<void> {
    this.life.steps++;
    const chance = this.#chance;
    const what = chance(100);
    if (what < 40) {
      const runnable = [1, 2, 3, 4, 5, 6, 7].filter((i) => (system.simRunnable() & (1 << i)) !== 0 && !this.#isFrozen(i));
      if (runnable.length > 0)
        system.simStep(runnable[chance(runnable.length)] as number, 1 + chance(chance(3) === 0 ? 200 : 12));
    } else if (what < 65) await this.#serve();
    else if (what < 73) system.simProgramWrites(1 + chance(chance(4) === 0 ? 4000 : 60));
    else if (what < 78) system.simProgramReads(1 + chance(400));
    else if (what < 84) this.#people[chance(this.#people.length)]?.type(chance);
    else if (what < 92) this.#look();
    else if (what < 97) this.#wait(this.#chance(8) !== 0);
    else if (chance(4) === 0) await this.#fault();
    this.#look();
    this.#check();
  }

  async #fault(): Promise<void> {
    const fault = this.#faults[this.#chance(Math.max(1, this.#faults.length))];
    const person = this.#people[this.#chance(this.#people.length)] as Person;
    if (fault === "server" || fault === "connection" || fault === "upgrade") if (++this.#losses > mostLosses) return;
    switch (fault) {
      case "server":
        return this.#killServer();
      case "holder":
        return this.#killHolder();
      case "client":
        if (person.client === undefined) return this.#attach(person);
        this.#tell(`kill of the client of ${person.who}`);
        system.simKill(person.client.pid, SIGKILL);
        person.client = undefined;
        person.mayLose = true;
        return;
      case "connection":
        return this.#reset();
      case "link":
        return this.#resetLink();
      case "freeze": {
        const index = this.#chance(8);
        if (index === this.#holderIndex) for (const each of this.#people) each.maySwap = true;
        this.#tell(`process ${index} stands still`);
        this.#frozen.set(index, system.simNow() + 1 + this.#chance(1500));
        return;
      }
      case "disk":
        this.#disk = this.#disk === unlimited ? this.#chance(3000) : unlimited;
        this.#diskFilled = true;
        this.#tell(`the disk has room for ${this.#disk}`);
        return this.#tune();
      case "resize":
        if (person.client === undefined) return;
        person.size = { cols: 40 + this.#chance(80), rows: 10 + this.#chance(40) };
        this.#tell(`the terminal of ${person.who} is ${person.size.cols}x${person.size.rows}`);
        return system.simResize(person.client.index, person.size.cols, person.size.rows);
      case "viewer":
        if (this.#people.length < people) {
          const newcomer = new Person(this.#people.length);
          this.#people.push(newcomer);
          newcomer.slow = this.#chance(2) === 0;
          if (this.#chance(2) === 0) newcomer.size = { cols: 60, rows: 20 };
          this.#attach(newcomer);
        } else person.slow = !person.slow;
        return;
      case "leave":
        if (person.client === undefined) return this.#attach(person);
        if (this.#server === undefined || person.leaves) return;
        this.#tell(`${person.who} leaves`);
        person.leaves = true;
        return person.leave();
      case "upgrade":
        if (this.#server === undefined || this.#going !== undefined || this.#server.session === undefined) return;
        this.#tell("the server makes way");
        this.#going = this.#server.handOver().then(() => {
          this.#server = undefined;
          SimServer.die();
          this.#startServer();
          this.#tell("the next server");
        });
        this.#going.catch((error) => {
          this.#failure ??= error;
        });
        return;
      case "clock":
        loop.wall += (this.#chance(2) === 0 ? 1 : -1) * this.#chance(7_200_000);
        this.#tell("the wall clock jumps");
        return this.#tune();
    }
  }

  #attach(person: Person): void {
    if (person.client !== undefined) return;
    person.leaves = false;
    this.#tell(`${person.who} attaches at ${person.size.cols}x${person.size.rows}`);
    person.start(["attach", "s"]);
  }

  /** At any moment, also between two effects of one turn of its event loop. */
  async #killServer(): Promise<void> {
    if (this.#server === undefined) return;
    const calls = this.#chance(3);
    this.#tell(`kill of the server, ${calls} calls later`);
    if (calls > 0) {
      system.simLightFuse(calls);
      for (let i = 0; i < 3 && system.simFuseLeft() > 0; i++) await this.#serve();
    }
    this.#server = undefined;
    this.#frozen.delete(0);
    SimServer.die();
    await settle();
    this.#failure = undefined;
  }

  /** The holder's place among the processes. */
  get #holderIndex(): number {
    return system.simIndex(this.#holder);
  }

  #killHolder(): void {
    const { lives } = system.simProgram();
    if (this.#holder === 0 || !lives) return;
    this.#tell(`kill of the holder ${this.#holder}`);
    if (system.simKill(this.#holder, SIGKILL) === 0) {
      this.#holderKilled = true;
      // its successor goes on where the log ends, or the last hole that was recorded
      const gaps = gapsOf((system.simFile("record") ?? Buffer.alloc(0)).toString("latin1"));
      lostWithHolder.holes.push(...gaps);
      const ends = gaps.map(({ offset, length }) => offset + length);
      system.simProgramLoses(Math.max(0, system.simFileLength("output.log"), ...ends));
      for (const person of this.#people) person.mayLose = true;
    }
  }

  /** A connection of the server's to a client is lost. */
  #reset(): void {
    const peers = [...loop.sockets].filter((socket) => socket.isPeer);
    const socket = peers[this.#chance(Math.max(1, peers.length))];
    if (socket === undefined || this.#server?.goes === true) return;
    this.#tell("a connection to a client is lost");
    system.simResetStream(socket._handle.fd);
  }

  /** The server's connection to the holder is lost; both live. */
  #resetLink(): void {
    const link = [...loop.sockets].find((socket) => !socket.isPeer);
    if (link === undefined || this.#server?.goes === true) return;
    this.#tell("the connection to the holder is lost");
    system.simResetStream(link._handle.fd);
  }

  async #end(): Promise<void> {
    this.#frozen.clear();
    this.#disk = unlimited;
    this.#tune();
    for (const person of this.#people) person.slow = false;
    this.#tell("no more faults");
    if (this.#server === undefined) this.#startServer();
    for (const person of this.#people) if (person.client === undefined && !person.leaves) this.#attach(person);
    const { lives } = system.simProgram();
    if (lives) system.simProgramWrites(300);
    await this.#rest(12_000);
    const program = system.simProgram();
    const { row } = this.#database;
    if (row?.state === "lost" || !program.lives) {
      holds(
        this.#holderKilled,
        () =>
          `the session is ${row?.state} (${row?.reason}) though its program ${program.lives ? "lives" : `ended with ${program.status}`} and its holder was never killed`,
      );
      return;
    }
    this.#checkPresent(program.written);
    this.#checkKeys(true);
    this.#ended = true;
    system.simProgramEnds(exitStatus << 8);
    await this.#rest(40_000);
    this.#checkEnd();
  }

  /** Everybody does what they can, for so long (ms, simulated). */
  async #rest(ms: number): Promise<void> {
    const end = system.simNow() + ms;
    for (let turn = 0; system.simNow() < end; turn++) {
      holds(turn < mostTurns, "something spins");
      await this.#turn();
    }
  }

  /** Every viewer ends at the present. */
  #checkPresent(written: number): void {
    const present = Math.floor(written / wide) * wide;
    for (const person of this.#people) {
      if (person.client === undefined) {
        holds(person.leaves, () => `${person.who} is not attached any more: ${person.said.slice(-300)}`);
        continue;
      }
      holds(
        person.shown === present,
        () => `the terminal of ${person.who} shows the output before ${person.shown} of ${present}`,
      );
    }
  }

  #checkEnd(): void {
    const { row } = this.#database;
    holds(row?.state === "exited", () => `the program has ended, and the session is ${row?.state}: ${row?.reason}`);
    if (!this.#holderKilled) holds(row?.waitStatus === exitStatus << 8, () => `the status is ${row?.waitStatus}`);
    for (const person of this.#people) {
      if (person.leaves) continue;
      const status = person.status;
      const right = status === exitStatus << 8 || (this.#holderKilled && status !== undefined);
      holds(right, () => `the client of ${person.who} ended with ${status}: ${person.said.slice(-300)}`);
    }
    this.#checkLog();
  }

  /** What is on disk is the output, but for what the record says is not there. */
  #checkLog(): void {
    const log = system.simFile("output.log") ?? Buffer.alloc(0);
    const record = (system.simFile("record") ?? Buffer.alloc(0)).toString("latin1");
    const gaps = gapsOf(record);
    const { written } = system.simProgram();
    holds(log.length === written, () => `the log has ${log.length} bytes of ${written}`);
    holds(gaps.length === 0 || this.#diskFilled, "there is a gap though the disk was never full");
    const bytes = Buffer.from(output(0, written));
    for (const { offset, length } of gaps) log.copy(bytes, offset, offset, offset + length);
    holds(log.equals(bytes), "the log is not what the program wrote");
    const end = this.#holderKilled ? /^exit (1792|-1) /m : /^exit 1792 /m;
    holds(end.test(record), () => `the record has no right end: ${record.replaceAll("\0", "")}`);
  }
}

/** The holes that a record tells. */
function gapsOf(record: string): { offset: number; length: number }[] {
  return [...record.matchAll(/^gap (\d+) (\d+)$/gm)].map((m) => ({ offset: Number(m[1]), length: Number(m[2]) }));
}
