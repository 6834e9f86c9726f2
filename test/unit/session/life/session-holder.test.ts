// A session's connection to its holder, where another one takes its place.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { shutdownWriting } from "../../../../src/platform/native.ts";
import { processAlive } from "../../../../src/platform/processes.ts";
import { Session, type SessionEffects } from "../../../../src/session/life/session.ts";
import { SessionHolder } from "../../../../src/session/life/session-holder.ts";
import type { SessionRow } from "../../../../src/store/session-store.ts";
import { takeDescriptors } from "../../../support/descriptors.ts";
import { until } from "../../../support/events.ts";
import { endSession, holdersOf, orders, sessionFolder } from "../../../support/holder/held.ts";

/** A program under a holder, as its session has it; `told`: what the session heard. */
async function held(command: string[], work: (scene: Scene) => Promise<void>): Promise<void> {
  const scene = new Scene();
  try {
    await scene.launch(command);
    await work(scene);
  } finally {
    scene.holder.close();
    await endSession(scene.folder);
  }
}

class Scene {
  readonly folder = sessionFolder();
  readonly told: string[] = [];
  onLost: () => void = () => {};
  readonly row = {
    holderPid: null as number | null,
    programPid: null as number | null,
    state: "running" as const,
    cols: 80,
    rows: 24,
  };
  readonly holder = new SessionHolder({
    id: "id",
    folder: this.folder,
    row: this.row,
    keep: 0,
    log: (event) => {
      this.told.push(event);
      if (event === "session.holder-lost") this.onLost();
    },
    events: { hello: () => {}, exit: () => {} },
    wanted: () => true,
    linked: (link) => {
      this.told.push("linked");
      Object.assign(this.row, { holderPid: link.holderPid, programPid: link.programPid });
    },
    again: () => this.told.push("again"),
    lost: () => this.told.push("lost"),
  });

  async launch(command: string[]): Promise<void> {
    await this.holder.launch(orders(command));
  }

  said(): string {
    return fs.readFileSync(path.join(this.folder, "output.log"), "latin1");
  }
}

/** Our descriptors that are sockets, by what they lead to: numbers are used again. */
const sockets = () =>
  new Map(
    fs.readdirSync("/proc/self/fd").flatMap((fd): [string, number][] => {
      try {
        const place = fs.readlinkSync(`/proc/self/fd/${fd}`);
        return place.startsWith("socket:") ? [[place, Number(fd)]] : [];
      } catch {
        return []; // closed meanwhile
      }
    }),
  );

/** Loses the connection that came since. */
function loseSince(before: ReadonlyMap<string, number>): void {
  const [fd] = [...sockets()].filter(([place]) => !before.has(place)).map(([, each]) => each);
  assert.ok(fd !== undefined, "a connection");
  shutdownWriting(fd);
}

/** Does something while `room` descriptors are to be had; then there are more, and another try is due. */
async function withoutDescriptors(t: TestContext, work: () => Promise<void>, room = 0): Promise<void> {
  const giveBack = takeDescriptors(room);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  try {
    await work();
  } finally {
    giveBack();
    t.mock.timers.tick(5_000);
    t.mock.timers.reset();
  }
}

/** A paste: more than goes to the holder at once. */
const paste = Buffer.from(Array.from({ length: 700_000 }, (_, i) => 32 + ((i * 7 + (i >> 9)) % 90)));
/** Reads so many bytes once it is sent SIGUSR1, and tells their sum. */
const readsLate = (length: number) => {
  const waits = 'trap go=1 USR1; echo ready; while [ -z "$go" ]; do sleep 0.05; done';
  return ["/bin/sh", "-c", `stty raw -echo; ${waits}; head -c ${length} | md5sum`];
};
const md5 = (input: Buffer) => execFileSync("md5sum", { input }).toString().slice(0, 32);

test("a Ctrl+C behind a paste that has not gone to the holder yet drops nothing of it", async () => {
  const typed = Buffer.concat([paste, Buffer.from([3])]);
  await held(readsLate(typed.length), async (scene) => {
    const { link } = scene.holder;
    await until(() => scene.said().includes("ready"), "the program");
    link?.input(paste, { writer: 7n, number: 0 });
    link?.interrupt(typed.subarray(-1), { writer: 7n, number: paste.length });
    link?.signal(10, 1);
    await until(() => / {2}-/.test(scene.said()), "the sum");
    assert.ok(scene.said().includes(md5(typed)), "all that was typed, in order");
  });
});

test("where only the connection is lost, what was typed and had not gone yet goes on the next one, and nothing twice", async () => {
  const typed = paste;
  const before = sockets();
  await held(readsLate(typed.length), async (scene) => {
    const { holder } = scene;
    await until(() => scene.said().includes("ready"), "the program");
    holder.link?.input(typed.subarray(0, -1));
    loseSince(before);
    await until(() => scene.told.includes("again"), "the next connection");
    holder.link?.input(typed.subarray(-1));
    holder.link?.signal(10, 1);
    const sum = md5(typed);
    await until(() => scene.said().includes(sum), "all that was typed, once");
  });
});

test("what is typed without a connection is sent before a server goes; a holder that stands still is waited for", async () => {
  const before = sockets();
  await held(["/bin/sh", "-c", "stty raw -echo; echo ready; head -c 5; sleep 100"], async (scene) => {
    const { holder } = scene;
    const [pid] = holdersOf(scene.folder) as [number];
    await until(() => scene.said().includes("ready"), "the program");
    scene.onLost = () => void process.kill(pid, "SIGSTOP");
    loseSince(before);
    try {
      await until(() => scene.told.includes("session.holder-lost"), "the connection to be lost");
      holder.link?.input(Buffer.from("typed"));
      const left = holder.leave();
      process.kill(pid, "SIGCONT");
      await left;
      holder.close();
      await until(() => scene.said().includes("typed"), "what was typed");
    } finally {
      process.kill(pid, "SIGCONT");
    }
  });
});

test("a server that goes before it was told that the connection is lost sends what was typed, too", async () => {
  const before = sockets();
  await held(["/bin/sh", "-c", "stty raw -echo; echo ready; head -c 5; sleep 100"], async (scene) => {
    const { holder } = scene;
    await until(() => scene.said().includes("ready"), "the program");
    // of a child the end is waited for first
    const told = holder.link?.told;
    loseSince(before);
    await until(() => holder.link?.told !== told, "the connection to be lost");
    holder.link?.input(Buffer.from("typed"));
    await holder.leave();
    holder.close();
    await until(() => scene.said().includes("typed"), "what was typed");
  });
});

test("by what a holder was ended is known to a server that was busy meanwhile, too", async () => {
  const before = sockets();
  await held(["/bin/sleep", "100"], async ({ holder, folder, told }) => {
    const [pid] = holdersOf(folder) as [number];
    const open = holder.link?.told;
    loseSince(before);
    while (holder.link?.told === open) await new Promise((resolve) => setImmediate(resolve));
    // it is not heard of its end before it is waited for no longer
    process.kill(pid, "SIGKILL");
    execFileSync("sleep", ["0.5"]);
    await until(() => told.includes("again"), "the successor");
    assert.equal(holder.lossReason, "the holder was ended by SIGKILL");
  });
});

test("a session that is let go of while its holder is succeeded has no connection afterwards", async () => {
  await held(["/bin/sleep", "100"], async (scene) => {
    const [pid] = holdersOf(scene.folder) as [number];
    const closed = new Promise<void>((resolve) => {
      scene.onLost = async () => {
        // once the successor is started, and before it can say a word: nothing of that waits for the system
        for (let turn = 0; turn < 100; turn++) await undefined;
        scene.holder.close(true);
        resolve();
      };
    });
    process.kill(pid, "SIGKILL");
    // one that is still going has its log's lock, and none succeeds it yet
    while (processAlive(pid)) execFileSync("sleep", ["0.01"]);
    await closed;
    // the successor says hello, and hears that nobody wants it
    await until(
      () => holdersOf(scene.folder).length > 0,
      () => `the successor, after ${scene.told}`,
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.deepEqual([scene.told, scene.holder.link], [["linked", "session.holder-lost"], undefined]);
  });
});

test("a holder that is killed while no descriptor is to be had is succeeded as soon as one is", async (t) => {
  await held(["/bin/sleep", "100"], async (scene) => {
    const [pid] = holdersOf(scene.folder) as [number];
    await withoutDescriptors(t, async () => {
      process.kill(pid, "SIGKILL");
      await until(() => scene.told.some((event) => ["session.succession-failed", "lost"].includes(event)), "the attempt");
    });
    await until(() => scene.told.some((event) => ["again", "lost"].includes(event)), "the successor");
    assert.deepEqual([scene.told.includes("lost"), scene.told.at(-1)], [false, "again"]);
    assert.ok(holdersOf(scene.folder).length === 1 && !holdersOf(scene.folder).includes(pid));
  });
});

test("a killed holder whose log is locked for a moment more is succeeded a moment later", async (t) => {
  await held(["/bin/sleep", "100"], async (scene) => {
    const [pid] = holdersOf(scene.folder) as [number];
    const waited: number[] = [];
    const { setTimeout: after } = globalThis;
    t.mock.method(globalThis, "setTimeout", (done: () => void, ms: number) => {
      // others set timers meanwhile, too
      if (new Error().stack?.includes("#succeed")) waited.push(ms);
      return after(done, ms);
    });
    // it has the lock next; it ends with its stdin
    const keeper = spawn("flock", [path.join(scene.folder, "output.log"), "cat"], { stdio: ["pipe", "ignore", "inherit"] });
    const over = once(keeper, "close");
    await until(() => new RegExp(`-> FLOCK .* ${keeper.pid} `).test(fs.readFileSync("/proc/locks", "utf8")), "it to wait");
    process.kill(pid, "SIGKILL");
    // nothing is done here before: a successor could be quicker than who was woken
    const locked = new RegExp(`^\\d+: FLOCK .* ${keeper.pid} `, "m");
    const isLocked = () => locked.test(fs.readFileSync("/proc/locks", "utf8"));
    const moment = new Int32Array(new SharedArrayBuffer(4));
    for (let looks = 0; looks < 3000 && !isLocked(); looks++) Atomics.wait(moment, 0, 0, 10);
    assert.ok(isLocked(), "the keeper has the lock");
    await until(() => waited.length > 1, "the second attempt");
    keeper.stdin.end();
    await until(() => scene.told.includes("again"), "the successor");
    assert.deepEqual(waited.slice(0, 2), [100, 200]);
    await over;
  });
});

/** Adopts the session of a holder while `room` descriptors are to be had, and then that there are some. */
async function adoptedLate(t: TestContext, room: number): Promise<void> {
  const before = sockets();
  await held(["/bin/sleep", "100"], async ({ folder, holder, row: pids }) => {
    holder.close();
    // its descriptor would be there for the next one
    await until(() => [...sockets().keys()].every((place) => before.has(place)), "the connection to be closed");
    const told: string[] = [];
    const effects = {
      ...{ log: (event) => void told.push(event), clock: () => 0, steady: () => 0, boot: "" },
      ...{ save: () => {}, snapshot: () => undefined, changed: () => {}, conclude: async () => {}, over: () => {} },
    } as Partial<SessionEffects> as SessionEffects;
    const row = {
      ...{ id: "a", kind: "run", trainer: "none", interrupts: 0, facts: {}, started: 1 },
      ...pids,
    } as unknown as SessionRow;
    const session = new Session(row, folder, effects);
    // no screen is looked at here
    Object.assign(session.output, { beginFromStored: () => {}, follow: () => {} });
    await withoutDescriptors(
      t,
      async () => {
        await session.adopt();
        assert.deepEqual([row.state, told.includes("session.adopted")], ["running", false]);
      },
      room,
    );
    await until(() => told.includes("session.adopted"), "the adoption");
    assert.equal(row.state, "running");
    assert.notEqual(session.lineMode(), undefined, "it has the terminal");
    await session.leave();
  });
}

test("a session whose holder cannot be reached for want of a descriptor is adopted once there is one", (t) => adoptedLate(t, 0));

test("nor is one adopted without its terminal, where the last descriptor is the connection to its holder", (t) =>
  adoptedLate(t, 1));
