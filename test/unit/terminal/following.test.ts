// A screen that reads its holder itself: every byte at its offset, sizes at their places, questions answered
// once, another connection from where it is, and what is sent on.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { connectUnix } from "../../../src/platform/native.ts";
import { Screen } from "../../../src/terminal/model/screen.ts";
import { Following, type FollowingEffects } from "../../../src/terminal/worker/following.ts";
import { RemoteScreen } from "../../../src/terminal/worker/remote-screen.ts";
import { lookEvery } from "../../../src/terminal/worker/screen-cursor.ts";
import { ScreenReport } from "../../../src/terminal/worker/screen-report.ts";
import { type FollowEvents, type Place, Screens, type Source } from "../../../src/terminal/worker/screens.ts";
import { mostStreamed } from "../../../src/terminal/worker/sent-stream.ts";
import { program } from "../../support/compile.ts";
import { until } from "../../support/events.ts";
import { Held } from "../../support/holder/held.ts";
import { addon } from "../../support/paths.ts";
import { screenWorker, standing, standingWorker } from "../../support/terminal/screen-worker.ts";

const worker = screenWorker();

const quiet = { answer: () => {}, title: () => {}, modes: () => {} };

/** A program under a real holder, and a screen that follows it. */
async function following(command: string[], work: (scene: Scene) => Promise<void>, source: Partial<Source> = {}): Promise<void> {
  const held = await Held.launch(command, { subscribe: null });
  const screens = new Screens(worker(), () => {}, addon);
  try {
    await work(new Scene(held, screens, source));
  } finally {
    await screens.dispose();
    await held.dispose();
  }
}

class Scene {
  readonly held: Held;
  readonly source: Source;
  readonly told: string[] = [];
  place: Place | undefined;
  sent: { offset: number; bytes: Buffer }[] = [];
  readonly handle;

  constructor(held: Held, screens: Screens, source: Partial<Source>) {
    this.held = held;
    const [socket, log] = ["sock", "output.log"].map((name) => path.join(held.folder, name)) as [string, string];
    this.source = { socket, log, version: held.link.version, from: 0, until: 0, sizes: [], ...source };
    const follow: FollowEvents = {
      at: (place) => {
        this.place = place;
      },
      sized: (cols, rows) => this.told.push(`sized ${cols}x${rows}`),
      hole: ({ offset, length }) => this.told.push(`hole ${offset} ${length}`),
      exit: ({ status }) => this.told.push(`exit ${status}`),
      cut: () => this.told.push("cut"),
      output: (offset, bytes) => this.sent.push({ offset, bytes }),
      missed: () => this.told.push("missed"),
      waits: () => {},
    };
    const answer = (bytes: Buffer) => this.told.push(`answer ${bytes.toString("latin1").slice(1)}`);
    const lost = () => ({ cols: 80, rows: 24, offset: 0, source: { ...this.source, until: this.place?.taken ?? 0 } });
    const events = { answer, title: () => {}, modes: () => {}, lost, follow };
    this.handle = screens.open("a", { cols: 80, rows: 24, scrollback: 500, offset: 0 }, events);
    this.handle.follow(this.source);
  }

  async shows(text: string): Promise<void> {
    await until(async () => {
      await this.handle.current();
      return (await this.handle.text()).lines.join("\n").includes(text);
    }, `the screen to show ${text}`);
  }
}

test("it stands where one stands that was fed the log, and hears of the end behind the last byte", async () => {
  await following([program("flood"), "60000"], async (scene) => {
    await until(() => scene.told.includes("exit 0"), "the end");
    await scene.handle.current();
    const log = fs.readFileSync(scene.source.log);
    const pure = new Screen({ cols: 80, rows: 24, scrollback: 500 });
    pure.feed(log);
    const [snapshot, expected] = [await scene.handle.snapshot(500), pure.snapshot(500)];
    assert.equal(snapshot.offset, log.length);
    assert.ok(snapshot.first.equals(expected.first) && snapshot.history.equals(expected.history));
    pure.dispose();
    await scene.held.end();
  });
});

test("a size is given behind the output that was drawn for the one before it, and a question is answered once", async () => {
  const script = "printf '\\033[6n'; stty -echo; read -r x; printf two; read -r x";
  await following(["/bin/sh", "-c", script], async (scene) => {
    await until(() => scene.told.some((told) => told.startsWith("answer")), "the answer");
    scene.handle.sizing(100, 30, false);
    scene.held.link.resize(100, 30);
    await until(() => scene.told.includes("sized 100x30"), "the size");
    scene.held.link.input(Buffer.from("go\n"));
    await scene.shows("two");
    assert.equal((await scene.handle.snapshot(0)).cols, 100);
    // what an earlier server has heard was answered
    scene.handle.follow({ ...scene.source, until: (scene.place as Place).received });
    await scene.handle.current();
    assert.equal(scene.told.filter((told) => told.startsWith("answer")).length, 1, `${scene.told}`);
  });
});

test("a size that the stream tells before it is known to come keeps no flood from being skimmed", async () => {
  const script = 'stty -echo; read -r x; "$1" 300000; read -r x';
  const held = await Held.launch(["/bin/sh", "-c", script, "sh", program("flood")], { subscribe: null });
  const [socket, log] = ["sock", "output.log"].map((name) => path.join(held.folder, name)) as [string, string];
  let waiting = 0;
  let sized = false;
  let skims = false;
  const effects: FollowingEffects = {
    key: 1,
    report: new ScreenReport(),
    connect: connectUnix,
    post: ({ is }) => {
      sized ||= is === "sized";
    },
    output: (_, bytes) => {
      waiting += bytes.length;
    },
    resize: () => {},
    fetch: async (_, from) => {
      skims = true;
      return from;
    },
    taken: () => 0,
    watched: () => true,
    skipped: () => {},
  };
  const following = new Following(effects);
  try {
    following.follow({ socket, log, version: held.link.version, from: 0, until: 0, sizes: [] });
    held.link.resize(100, 30);
    await until(() => sized, "the size");
    following.sizing(100, 30, false);
    held.link.input(Buffer.from("go\n"));
    // the screen takes nothing until the log is far ahead of it
    await until(() => fs.statSync(log).size > 3 * lookEvery, "the flood");
    await until(() => {
      following.took(waiting);
      waiting = 0;
      following.drain();
      return skims;
    }, "it to be skimmed");
  } finally {
    following.close();
    await held.dispose();
  }
});

test("a snapshot at the present has all that the log had when it was asked for", async () => {
  await following(["/bin/sh", "-c", "printf one; read -r x; printf two; read -r x"], async (scene) => {
    await scene.shows("one");
    // what the log has from here on does not come to the screen
    scene.handle.follow({ ...scene.source, socket: path.join(scene.held.folder, "no socket") });
    await until(() => scene.told.includes("cut"), "word of it");
    scene.held.link.input(Buffer.from("go\n"));
    await until(() => fs.readFileSync(scene.source.log, "latin1").includes("two"), "the output");
    const { size } = fs.statSync(scene.source.log);
    const asked = scene.handle.snapshot(0, undefined, true);
    assert.ok(!(await scene.handle.text()).lines.join("\n").includes("two"), "the screen is behind when it is asked");
    scene.handle.follow(scene.source);
    assert.equal((await asked).offset, size);
  });
});

test("what was said before `until` is drawn, and not answered", async () => {
  const held = await Held.shell("stty -echo; printf 'one\\033[6n'; read -r x; printf 'two\\033[5n'; read -r x", {
    subscribe: null,
  });
  const screens = new Screens(worker(), () => {}, addon);
  try {
    const log = path.join(held.folder, "output.log");
    await until(() => fs.readFileSync(log, "latin1").includes("\x1b[6n"), "the first question");
    const scene = new Scene(held, screens, { until: fs.statSync(log).size });
    await scene.shows("one");
    held.link.input(Buffer.from("go\n"));
    await scene.shows("onetwo");
    await until(() => scene.told.some((told) => told.startsWith("answer")), "the answer to the second question");
    assert.deepEqual(
      scene.told.filter((told) => told.startsWith("answer")),
      ["answer [0n"],
    );
  } finally {
    await screens.dispose();
    await held.dispose();
  }
});

test("it goes on with another connection from where it is, and without one that is not to be had", async () => {
  await following(["/bin/sh", "-c", "printf one; read -r x; printf two; read -r x"], async (scene) => {
    await scene.shows("one");
    scene.handle.follow({ ...scene.source, socket: path.join(scene.held.folder, "no socket") });
    await until(() => scene.told.includes("cut"), "word of it");
    scene.held.link.input(Buffer.from("\n"));
    scene.handle.follow(scene.source);
    await scene.shows("two");
    assert.equal((await scene.handle.snapshot(0)).offset, fs.statSync(scene.source.log).size);
  });
});

test("what it takes is sent on, and told what is missing where nobody takes that", async () => {
  await following(["/bin/sh", "-c", `read -r x; "$1" 60000 200; read -r x`, "sh", program("footer")], async (scene) => {
    scene.handle.stream(true);
    scene.held.link.input(Buffer.from("go\n"));
    await until(() => scene.sent.length > 0, "output");
    const first = scene.sent[0] as { offset: number; bytes: Buffer };
    assert.ok(fs.readFileSync(scene.source.log).subarray(first.offset).subarray(0, first.bytes.length).equals(first.bytes));
    await until(() => scene.told.includes("missed"), "word of what is missing");
    const total = scene.sent.reduce((sum, { bytes }) => sum + bytes.length, 0);
    assert.ok(total <= mostStreamed, `${total}`);
  });
});

test("the size that holds where it begins is given at once, whatever order they come in", () => {
  const given: number[] = [];
  const effects = {
    connect: () => {
      throw new Error("nobody is there");
    },
    resize: (cols: number) => given.push(cols),
    post: () => {},
  };
  const sizes = [70, 90, 80].map((cols) => ({ offset: cols, cols, rows: 24 }));
  const source: Source = { socket: "", log: "", version: 2, from: 85, until: 85, sizes };
  const following = new Following(effects as unknown as FollowingEffects);
  following.follow(source);
  following.close();
  assert.deepEqual(given, [80]);
});

test("a screen whose worker is gone lags behind nothing", () => {
  const follow = { at: () => {}, waits: () => {}, missed: () => {} } as unknown as FollowEvents;
  for (const loss of ["wait", "revive", "abandon"] as const) {
    const line = { post: () => {}, ask: async () => undefined, closed: () => {} };
    const events = { answer: () => {}, title: () => {}, modes: () => {}, follow };
    const screen = new RemoteScreen("a", 1, { cols: 80, rows: 24, scrollback: 0, offset: 0 }, events, line);
    const place = { received: 100, taken: 0, current: true, skims: false };
    screen.followed({ is: "at", key: 1, place, grew: false, told: undefined });
    assert.equal(screen.lag, 100);
    if (loss === "revive") screen.revive(true);
    else screen[loss]();
    assert.equal(screen.lag, 0, loss);
  }
});

test("a screen whose thread stands in another one's turn follows from another thread: what it is asked is answered once", async () => {
  const { file, goOn } = standingWorker(worker());
  const held = await Held.shell("stty -echo; printf 'one\\033[6n'; read -r x; printf 'two\\033[5n'; read -r x", {
    subscribe: null,
  });
  const other = new Screens(file, () => {}, addon);
  const screens = new Screens(
    file,
    () => {},
    addon,
    () => other,
  );
  try {
    const eater = screens.open("eater", { cols: 80, rows: 24, scrollback: 500, offset: 0 }, quiet);
    const scene = new Scene(held, screens, {});
    await until(() => scene.told.some((told) => told.startsWith("answer")), "the answer to the first question");
    eater.feed(Buffer.from(standing));
    await scene.shows("one");
    held.link.input(Buffer.from("go\n"));
    await scene.shows("onetwo");
    await until(() => scene.told.some((told) => told === "answer [0n"), "the answer to the second question");
    goOn();
    await eater.text();
    const answers = scene.told.filter((told) => told.startsWith("answer"));
    assert.deepEqual(answers.slice(1), ["answer [0n"], `${scene.told}`);
  } finally {
    await screens.dispose();
    await other.dispose();
    await held.dispose();
  }
});

test("what was asked of a screen whose thread died, or stands, is answered once it has what came since it was stored", async () => {
  const deadly = path.join(path.dirname(worker()), "deadly-asked.cjs");
  // dies of the first text that it is asked for
  fs.writeFileSync(
    deadly,
    `const fs = require("node:fs");
     const died = ${JSON.stringify(`${deadly}.died`)};
     require("node:worker_threads").parentPort.on("message", (m) => {
       if (m.do !== "text" || fs.existsSync(died)) return;
       fs.writeFileSync(died, "");
       process.exit(7);
     });
     require(${JSON.stringify(worker())});`,
  );
  for (const loss of ["dies", "stands"] as const) {
    const { file, goOn } = standingWorker(worker());
    const held = await Held.launch([program("flood"), "60000"], { subscribe: null });
    const other = new Screens(worker(), () => {}, addon);
    const screens = new Screens(
      loss === "dies" ? deadly : file,
      () => {},
      addon,
      () => (loss === "dies" ? undefined : other),
    );
    try {
      const eater = screens.open("eater", { cols: 80, rows: 24, scrollback: 500, offset: 0 }, quiet);
      const scene = new Scene(held, screens, {});
      await until(() => scene.told.includes("exit 0"), "the end");
      await scene.handle.current();
      if (loss === "stands") eater.feed(Buffer.from(standing));
      const log = fs.readFileSync(scene.source.log);
      const pure = new Screen({ cols: 80, rows: 24, scrollback: 500 });
      pure.feed(log);
      const asked = [scene.handle.text(), scene.handle.snapshot(0), scene.handle.encode()] as const;
      const [{ lines }, snapshot, stored] = await Promise.all(asked);
      assert.deepEqual(lines, pure.text().lines, loss);
      assert.deepEqual([snapshot.offset, stored.offset], [log.length, log.length], loss);
      pure.dispose();
      goOn();
      await held.end();
    } finally {
      await screens.dispose();
      await other.dispose();
      await held.dispose();
    }
  }
});
