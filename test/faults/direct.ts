// Faults of the direct ways: server, client or holder are killed while a session changes hands, leaps, gets
// another size or loses the head of its log; clients and servers of different rules and versions meet. Keys
// come once and in order, and every viewer is at the present in the end.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { OutputLog } from "../../src/store/output-log.ts";
import { program } from "../support/compile.ts";
import { alive, until } from "../support/events.ts";
import { killNow, TestHome } from "../support/home.ts";
import type { UserTerminal } from "../support/terminal/terminal.ts";
import { installation, killsPerViewer } from "./kills.ts";
import { folderOf, holderPid, killServer, screenLines } from "./product.ts";
import { type Fault, moment, randomOf } from "./report.ts";

const seed = Number(process.env.FALCON_FAULTS_SEED ?? Date.now() % 1_000_000);
const random = randomOf(seed);

const victims = ["server", "client", "holder"] as const;
type Victim = (typeof victims)[number];

/**
 * What keys are made of: alone, in sequences, beyond ASCII, an interrupt, and a read that is longer than what
 * goes to the holder at once.
 */
const kinds = ["a", "é", "\x1b[A", "\x1bOP", "\x03", "\t", "日本", "x".repeat(300)];

/** Bytes a second of a terminal that a flood has to leap for. */
const slow = 1 << 20;

/**
 * A session that floods in bursts and writes to a file what it reads, with a viewer who types and a slow one
 * who looks.
 */
class World {
  readonly home: TestHome;
  readonly id: string;
  viewer!: UserTerminal;
  slow!: UserTerminal;
  typed = "";
  #count = 0;

  static async begin(retention?: string): Promise<World> {
    const home = new TestHome();
    if (retention !== undefined) {
      const folder = path.join(home.work, ".config/falcon-sessions");
      fs.mkdirSync(folder, { recursive: true });
      fs.writeFileSync(path.join(folder, "config.toml"), `retention = "${retention}"\n`, { mode: 0o600 });
    }
    const floods = `while [ ! -e stop ]; do ${program("flood")} 6000 79; sleep 0.02; done; echo the end`;
    const script = `stty raw -echo opost onlcr; echo ready; (${floods}) & exec cat > keys`;
    const world = new World(home, await home.start(["/bin/sh", "-c", script]));
    await world.attach();
    return world;
  }

  private constructor(home: TestHome, id: string) {
    this.home = home;
    this.id = id;
  }

  async attach(): Promise<void> {
    this.slow = this.home.terminal(["attach", this.id, "--read-only"], { cols: 80, rows: 24, rate: slow });
    this.viewer = this.home.terminal(["attach", this.id], { cols: 80, rows: 24 });
    await this.viewer.waitFor(/line \d/);
    await until(() => !this.viewer.lineDiscipline().line, "a raw terminal");
  }

  /** Both viewers leave, and others come. */
  async attachAnew(): Promise<void> {
    for (const terminal of [this.viewer, this.slow]) {
      terminal.key("C-\\", "d");
      await terminal.waitForExit();
    }
    await this.attach();
  }

  type(keys: number): void {
    for (let i = 0; i < keys; i++) {
      const text = `${this.#count}${kinds[this.#count % kinds.length]}`;
      this.#count++;
      this.typed += text;
      this.viewer.type(text);
    }
  }

  got(): string {
    return fs.readFileSync(path.join(this.home.work, "keys"), "utf8");
  }

  /** Ends the flood; every viewer shows its end, and nothing else. */
  async settle(): Promise<void> {
    fs.writeFileSync(path.join(this.home.work, "stop"), "");
    for (const terminal of [this.viewer, this.slow]) {
      await terminal.waitFor("the end", "the present", 60_000);
      const shown = screenLines(terminal);
      assert.equal(shown.at(-1), "the end");
      assert.equal(shown.at(-2), "flood ends");
    }
  }
}

type Moment = (world: World, round: number) => Promise<void>;

const moments: Record<string, Moment> = {
  "a hand-over": async (world) => {
    void world.home.run(["server", "upgrade"]).catch(() => {});
    await moment(random() * 150);
  },
  "a leap": async () => moment(random() * 150),
  "a resize": async (world, round) => {
    world.viewer.resize(80 + (round % 2), 24);
    world.slow.resize(80 + (round % 2), 24);
    await moment(random() * 30);
  },
};

/**
 * Kills it, and waits for what comes in its place.
 * @param awake so many viewers can come to the next server: one that is stopped does not.
 */
async function kill(world: World, victim: Victim, awake = 2): Promise<void> {
  const { home, id } = world;
  if (victim === "server") {
    const attached = () => home.logged("viewer.attached").length;
    // the next server may have both viewers before the kill is seen to be done
    const before = attached();
    await killServer(home);
    // the output does not wait for the next server: the next kill does, or it would be of one that has not
    // begun
    const told = () => [world.viewer, world.slow].map((terminal) => `${terminal.ended?.code}: ${terminal.text().slice(-300)}`);
    const what = () => `${awake} viewers to be the next server's; ${told()}${home.serverLog()}`;
    await until(() => world.viewer.ended !== undefined || attached() >= before + awake, what, 60_000);
  } else if (victim === "client") {
    for (const terminal of [world.viewer, world.slow]) {
      terminal.kill("SIGKILL");
      await terminal.waitForExit();
    }
    await world.attach();
  } else {
    const holder = holderPid(home, id);
    if (holder === undefined) return;
    killNow(holder);
    await until(() => !alive(holder), "the killed holder to be gone");
    await until(
      async () => holderPid(home, id) !== undefined || (await home.sessions())[0]?.state === "lost",
      () => `a successor${home.serverLog()}`,
    );
  }
}

async function killsDuring(name: string, victim: Victim, rounds: number, keys: number): Promise<number> {
  const world = await World.begin();
  try {
    for (let round = 0; round < rounds; round++) {
      if (victim === "server" && round > 0 && round % (killsPerViewer - 2) === 0) await world.attachAnew();
      world.type(keys);
      await moments[name]?.(world, round);
      await kill(world, victim);
      const { ended } = world.viewer;
      if (victim === "holder" && ended) break;
      const said = world.viewer.received.toString().split("falcon: ").slice(-3);
      assert.equal(ended, undefined, `${ended?.code}: ${said.map((part) => part.slice(0, 200))}${world.home.serverLog()}`);
      world.type(keys);
    }
    // between two servers nobody but the holder has the terminal: then the run is lost with it, and says so
    const [row] = await world.home.sessions();
    if (victim === "holder" && name === "a hand-over" && row?.state === "lost") {
      assert.match(await world.home.ok(["show", world.id]), /holder/);
      return world.typed.length - world.got().length;
    }
    await until(
      () => world.got().endsWith(world.typed.slice(-keys)),
      () => `the last keys; ${world.typed.slice(-60)}; came ${world.got().slice(-60)}${world.home.serverLog()}`,
      60_000,
    );
    await world.settle();
    if (victim === "server") assert.equal(world.got(), world.typed);
    else assertInOrder(world.got(), world.typed);
    return world.typed.length - world.got().length;
  } finally {
    await world.home.dispose();
  }
}

/** What came is what was typed, without what a killed client or holder had. */
function assertInOrder(got: string, typed: string): void {
  let at = 0;
  for (let i = 0; i < typed.length && at < got.length; i++) if (typed[i] === got[at]) at++;
  assert.equal(at, got.length, `out of order or twice: …${got.slice(Math.max(0, at - 40), at + 40)}`);
}

export const directKills: readonly Fault[] = victims.flatMap((victim) =>
  Object.keys(moments).map((during) => ({
    name: `direct: kill -9 of the ${victim} during ${during}`,
    async run({ short, keys: wanted }) {
      const rounds = short ? 2 : 50;
      const keys = wanted === undefined ? (short ? 40 : 120) : Math.ceil(wanted / (2 * rounds));
      const lost = await killsDuring(during, victim, rounds, keys);
      return `${rounds} kills, ${2 * rounds * keys} keys in order and none twice, ${lost} characters lost, every viewer at the present (seed ${seed})`;
    },
  })),
);

/** Bytes of the log's head that are compressed and freed before a cursor that stands still goes on. */
const freed = 4 << 20;

export const freedHead: Fault = {
  name: "direct: the log's head is compressed under a viewer that stands still, and server, client or holder is killed then",
  async run({ short }) {
    const rounds = short ? 1 : 17;
    let bytes = 0;
    for (const victim of victims)
      for (let round = 0; round < rounds; round++) {
        const world = await World.begin("8MB");
        try {
          const { home, id, viewer } = world;
          await until(() => home.logged("viewer.direct-granted").length > 1, "both viewers to read the output themselves");
          const pid = viewer.pid;
          process.kill(pid, "SIGSTOP");
          const from = OutputLog.open(folderOf(home, id)).end;
          await until(
            () => {
              const log = OutputLog.open(folderOf(home, id));
              const base = log.rawBase;
              log.close();
              return base > from + freed;
            },
            "the head to be compressed",
            60_000,
          );
          await kill(world, victim, 1);
          if (victim !== "client") process.kill(pid, "SIGCONT");
          await world.settle();
          for (const terminal of [world.viewer, world.slow]) {
            assert.ok(!terminal.received.includes(0), "no byte of a range that is gone");
            bytes += terminal.received.length;
          }
        } finally {
          await world.home.dispose();
        }
      }
    return `${3 * rounds} times: no byte of what is gone among ${bytes}, every viewer at the present`;
  },
};

/** A viewer in a session that echoes, at a client of this installation's or another's. */
async function viewerOf(home: TestHome, client: string | undefined): Promise<UserTerminal> {
  const script = "stty -icanon -echo; echo ready; exec cat";
  const words = ["run", "--", "/bin/sh", "-c", script];
  const terminal = home.terminal(words, { cols: 80, rows: 24, ...(client === undefined ? {} : { file: client }) });
  await terminal.waitFor("ready");
  await until(() => !terminal.lineDiscipline().line, "a raw terminal");
  return terminal;
}

async function typeThrough(terminal: UserTerminal, text: string): Promise<void> {
  terminal.type(text);
  await terminal.waitFor(() => terminal.lines().join("").includes(text), text);
}

export const strangers: Fault = {
  name: "direct: clients and servers whose rules differ, upgrade and downgrade",
  async run({ short }) {
    const rounds = short ? 1 : 50;
    const home = new TestHome();
    try {
      const other = installation(path.join(home.work, "other"), { version: "99.0.0", rules: 2 });
      const sameVersion = installation(path.join(home.work, "rules"), { rules: 2 });
      for (let round = 0; round < rounds; round++) {
        // the server is of this installation; a client by other rules is sent what it has filtered
        await killServer(home);
        await home.sessions();
        const directs = home.logged("viewer.direct-granted").length;
        const old = await viewerOf(home, sameVersion);
        await typeThrough(old, "by old rules");
        assert.equal(home.logged("viewer.direct-granted").length, directs, "an old filter is no boundary");
        const viewer = await viewerOf(home, undefined);
        await until(() => home.logged("viewer.direct-granted").length > directs, "the direct way");
        // a server of a later version and of other rules takes over, then one of ours
        await home.ok(["server", "upgrade"], { file: other });
        await typeThrough(viewer, "up");
        await typeThrough(old, "up");
        await killServer(home);
        await home.sessions();
        await typeThrough(viewer, "down");
        await typeThrough(old, "down");
        for (const terminal of [old, viewer]) {
          terminal.key("C-\\", "d");
          await terminal.waitForExit();
        }
      }
      return `a client of other rules is served and never direct; ${rounds} upgrades and downgrades, every key shown`;
    } finally {
      await home.dispose();
    }
  },
};
