// The output of a session that ended before this server: its screen is read from the log, and nobody waits
// for more.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { SessionOutput, type SessionOutputEffects } from "../../../../src/session/output/session-output.ts";
import type { Viewer } from "../../../../src/session/viewers/viewer.ts";
import { OutputLog } from "../../../../src/store/output-log.ts";
import type { OpenOptions, ScreenEvents, ScreenHandle, Screens } from "../../../../src/terminal/worker/screens.ts";
import { FakeHolder } from "../../../support/holder/session-folder.ts";
import { addon, notBuilt } from "../../../support/paths.ts";

/** A screen that shows all that it was fed. */
class Paper {
  fed = "";
  /** How often it was told to follow. */
  follows = 0;
  events: ScreenEvents | undefined;
  readonly lag = 0;
  feed(bytes: Uint8Array): void {
    this.fed += Buffer.from(bytes).toString();
  }
  resize(): void {}
  attend(): void {}
  unfollow(): void {}
  follow(): void {
    this.follows++;
  }
  stream(): void {}
  current(): Promise<void> {
    return Promise.resolve();
  }
  close(): void {}
  async encode() {
    return { offset: this.fed.length, cols: 80, rows: 24, replay: Buffer.alloc(0) };
  }
  async text() {
    return { lines: [this.fed] };
  }
}

/** An output that `paper` takes. */
const outputOf = (holder: FakeHolder, paper: Paper, live: boolean, other: Partial<SessionOutputEffects> = {}) =>
  new SessionOutput({
    id: "id",
    screens: {
      open: (_id: string, _options: OpenOptions, events: ScreenEvents) => {
        paper.events = events;
        return paper as unknown as ScreenHandle;
      },
    } as unknown as Screens,
    scrollback: 100,
    log: () => {},
    size: { cols: 80, rows: 24 },
    viewers: new Map(),
    outputLog: path.join(holder.folder, "output.log"),
    clock: () => 0,
    steady: () => 0,
    stored: () => undefined,
    store: () => {},
    openLog: () => OutputLog.open(holder.folder),
    live: () => live,
    answer: () => {},
    left: () => {},
    resizeTerminal: () => false,
    holderSocket: path.join(holder.folder, "sock"),
    gap: () => {},
    exit: () => {},
    renew: () => {},
    unread: () => {},
    openCursor: () => undefined,
    ...other,
  });

test("is shown whole, also where no server saw its end", { skip: notBuilt([addon]).length > 0 }, async () => {
  const folder = fs.mkdtempSync("/tmp/fs-");
  const holder = new FakeHolder(path.join(folder, "session"));
  try {
    holder.write("before the server was killed; ");
    holder.write("after it");
    holder.exit(0, 1);
    holder.close();
    const paper = new Paper();
    const output = outputOf(holder, paper, false);
    output.wasOver(5);
    let waited = 0;
    output.whenCurrent(() => waited++);
    assert.equal(waited, 1, "a viewer waits for nothing");
    assert.deepEqual((await output.text()).lines, ["before the server was killed; after it"]);
    assert.equal(output.offset, paper.fed.length);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
});

test("of an adopted session is not current before it stands at the present: who looks at its screen would wait for its end, which may wait for that look", () => {
  const folder = fs.mkdtempSync("/tmp/fs-");
  const holder = new FakeHolder(path.join(folder, "session"));
  try {
    const output = outputOf(holder, new Paper(), true);
    assert.equal(output.current, true);
    output.beginFromStored();
    assert.equal(output.current, false);
    output.finish();
    assert.equal(output.current, true);
  } finally {
    holder.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
});

/** A session's output in a folder of its own. */
async function settling(work: (holder: FakeHolder) => Promise<void>): Promise<void> {
  const folder = fs.mkdtempSync("/tmp/fs-");
  const holder = new FakeHolder(path.join(folder, "session"));
  try {
    await work(holder);
  } finally {
    holder.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

test("ends also where its screen stands still, which is not stored then as it stands", async (t) => {
  await settling(async (holder) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const stored: number[] = [];
    const paper = new Paper();
    // what is asked of it is answered where nothing more comes
    paper.current = () =>
      new Promise((resolve) => {
        paper.unfollow = resolve;
      });
    const output = outputOf(holder, paper, true, { store: ({ offset }) => void stored.push(offset) });
    output.begin();
    const settled = output.settle(14);
    await Promise.resolve();
    t.mock.timers.tick(60_000);
    await settled;
    output.finish();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(stored, []);
  });
});

test("ends for everybody where a viewer's terminal takes nothing, once its screen is stored", async (t) => {
  await settling(async (holder) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const stored: number[] = [];
    const deaf = { streams: false, settled: () => new Promise<void>(() => {}) } as unknown as Viewer;
    const effects = {
      viewers: new Map([[deaf, undefined]]),
      store: ({ offset }: { offset: number }) => void stored.push(offset),
    };
    const output = outputOf(holder, new Paper(), true, effects);
    output.begin();
    let settled = false;
    const done = output.settle(14).then(() => {
      settled = true;
    });
    await turn();
    assert.deepEqual([stored.length, settled], [1, false], "one that only lags has a moment");
    t.mock.timers.tick(5_000);
    await turn();
    assert.equal(settled, true);
    await done;
    output.finish();
  });
});

test("has the last write where the screen had not told of it yet", async () => {
  await settling(async (holder) => {
    const stored: number[] = [];
    const paper = new Paper();
    const output = outputOf(holder, paper, true, { store: ({ offset }) => void stored.push(offset) });
    output.begin();
    paper.feed(Buffer.from("the last write"));
    await output.settle(14);
    output.finish();
    assert.deepEqual([output.offset, stored], [14, [14]]);
  });
});

test("a screen whose worker died begins anew also where the session's folder was removed", async () => {
  await settling(async (holder) => {
    const paper = new Paper();
    const output = outputOf(holder, paper, true);
    output.begin();
    output.follow(2);
    fs.rmSync(holder.folder, { recursive: true });
    const revival = paper.events?.lost?.(false);
    assert.deepEqual([revival?.cols, revival?.rows, revival?.offset], [80, 24, 0]);
    output.finish();
  });
});

test("of an adopted session ends at once where no worker draws its screen: nobody waits for the present", async (t) => {
  await settling(async (holder) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const paper = new Paper();
    paper.current = () => Promise.reject(new Error("no worker"));
    paper.encode = () => Promise.reject(new Error("no worker"));
    const output = outputOf(holder, paper, true);
    output.beginFromStored();
    output.follow(2, 100);
    paper.events?.follow?.waits(true);
    assert.equal(output.current, false, "it stands before the present all the same");
    // no time passes
    await output.settle(100);
    output.finish();
  });
});

test("a connection that is cut is made again, ever later, with one line in the log until it says something", async (t) => {
  await settling(async (holder) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const paper = new Paper();
    let [lines, renewed] = [0, 0];
    const log = () => lines++;
    const output = outputOf(holder, paper, true, { log, renew: () => renewed++ });
    output.begin();
    output.follow(2);
    const cut = (pause: number) => {
      paper.events?.follow?.cut("refused");
      const before = paper.follows;
      t.mock.timers.tick(pause - 1);
      assert.equal(paper.follows, before, `not before ${pause} ms`);
      t.mock.timers.tick(1);
      assert.equal(paper.follows, before + 1, `after ${pause} ms`);
    };
    for (const pause of [300, 600, 1200, 2400, 4800, 5000, 5000]) cut(pause);
    assert.deepEqual([lines, renewed], [1, 7]);
    paper.events?.follow?.at({ received: 0, taken: 0, current: true, skims: false }, false);
    cut(300);
    assert.equal(lines, 2);
    output.finish();
  });
});

test("while no worker is to be had the log tells how far the output is", async () => {
  await settling(async (holder) => {
    const paper = new Paper();
    let asked = 0;
    const output = outputOf(holder, paper, true, { unread: () => asked++ });
    output.begin();
    paper.events?.follow?.waits(true);
    assert.deepEqual([asked, output.isUnread], [1, true]);
    holder.write("unread");
    output.look();
    assert.equal(output.offset, 6);
    paper.events?.follow?.waits(false);
    assert.equal(output.isUnread, false);
    output.finish();
  });
});
