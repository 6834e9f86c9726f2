// Faults of processes: the server is killed or stopped at any moment, a holder is killed, a launch or an end
// is cut in two.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
// @ts-expect-error: a script of the build, without types
import { nativeSources } from "../../scripts/native-sources.mjs";
import { processAlive } from "../../src/platform/processes.ts";
import { program } from "../support/compile.ts";
import { until, untilFile } from "../support/events.ts";
import { killNow, processesNaming, TestHome } from "../support/home.ts";
import { addon, holder, root } from "../support/paths.ts";
import {
  floodText,
  folderOf,
  holderPid,
  killServer,
  md5,
  onTerminal,
  recordedStatus,
  screenAfter,
  shownScreen,
  wholeOutput,
} from "./product.ts";
import { type Fault, moment, randomOf } from "./report.ts";

const seed = Number(process.env.FALCON_FAULTS_SEED ?? Date.now() % 1_000_000);
const random = randomOf(seed);

interface Kind {
  name: string;
  /** A shell script that writes `text(n)`, for `sessions` sessions at once. */
  script(sessions: number): { script: string; text: string; needsKey: boolean };
}

const kinds: readonly Kind[] = [
  {
    name: "flood",
    script(sessions) {
      const lines = Math.floor(1_200_000 / sessions);
      return { script: `${program("flood")} ${lines}`, text: floodText(lines), needsKey: false };
    },
  },
  {
    name: "slow",
    script() {
      const count = 600;
      return {
        script: `i=0; while [ $i -lt ${count} ]; do echo "slow line $i"; i=$((i+1)); sleep 0.003; done`,
        text: Array.from({ length: count }, (_, i) => `slow line ${i}\n`).join(""),
        needsKey: false,
      };
    },
  },
  {
    name: "idle",
    script() {
      return { script: "stty -echo; echo waiting; read key; echo got $key", text: "waiting\ngot key\n", needsKey: true };
    },
  },
];

/**
 * The kills of one home: so many sessions of one kind, the server killed at random moments, then everything
 * compared.
 */
async function killsUnder(kind: Kind, sessions: number, kills: number): Promise<{ bytes: number; killed: number }> {
  const home = new TestHome();
  try {
    const { script, text, needsKey } = kind.script(sessions);
    const ids: string[] = [];
    for (let i = 0; i < sessions; i++) ids.push(await home.start(["/bin/sh", "-c", `${script}; exit ${20 + i}`]));
    let killed = 0;
    for (let i = 0; i < kills; i++) {
      await moment(random() * 250);
      if (await killServer(home)) killed++;
      const listed = await home.sessions();
      assert.equal(listed.length, sessions, "every session is known to the next server");
    }
    if (needsKey) for (const id of ids) await home.ok(["send", id, "k", "e", "y", "Enter"]);
    const expected = onTerminal(text);
    let bytes = 0;
    for (const [i, id] of ids.entries()) {
      assert.equal((await home.run(["wait", id], { limit: 120_000 })).code, 20 + i, `status of ${id}${home.serverLog()}`);
      assert.equal(recordedStatus(home, id), (20 + i) << 8);
      const output = await wholeOutput(home, id);
      assert.equal(md5(output), md5(expected), `output of ${id}: ${output.length} bytes, ${expected.length} were written`);
      bytes += output.length;
      // 40 rows are shown: the last 64 KiB decide them
      assert.deepEqual(await shownScreen(home, id), await screenAfter(output.subarray(-65_536)), `screen of ${id}`);
    }
    assert.deepEqual(home.logged("session.skipped"), [], "no server skipped a byte");
    return { bytes, killed };
  } finally {
    await home.dispose();
  }
}

export const serverKills: Fault = {
  name: "kill -9 of the server under flood, slow and idle output, 1, 2 and 8 sessions",
  async run({ short }) {
    let killed = 0;
    let bytes = 0;
    for (const kind of kinds) {
      for (const sessions of [1, 2, 8]) {
        if (short && sessions === 2) continue;
        const done = await killsUnder(kind, sessions, short ? 2 : 6);
        killed += done.killed;
        bytes += done.bytes;
      }
    }
    return `${killed} kills, ${bytes} bytes written, 0 lost, all statuses known, every screen equals a full replay (seed ${seed})`;
  },
};

/**
 * A client gives up after six losses in a row, each within 10 s of its connection (docs/design/protocol.md):
 * so each viewer is put to five.
 */
export const killsPerViewer = 5;

export const viewerKills: Fault = {
  name: "kill -9 of the server with an attached viewer",
  async run({ short }) {
    const viewers = short ? 1 : 3;
    for (let viewer = 0; viewer < viewers; viewer++) await viewerThrough(killsPerViewer);
    return `${viewers * killsPerViewer} kills, the viewer went on each time, no line missing or torn, status 9 known`;
  },
};

async function viewerThrough(kills: number): Promise<void> {
  const home = new TestHome();
  try {
    const count = 1500;
    const terminal = home.terminal(
      [
        "run",
        "--",
        "/bin/sh",
        "-c",
        `i=0; while [ $i -lt ${count} ]; do echo "row $i"; i=$((i+1)); sleep 0.004; done; read key; exit 9`,
      ],
      { cols: 80, rows: 24 },
    );
    const last = () => Number(/^row (\d+)/.exec(terminal.lines().findLast((line) => /^row \d+/.test(line)) ?? "")?.[1] ?? -1);
    const attached = () => home.logged("viewer.attached").length;
    await terminal.waitFor(/row \d+/);
    for (let i = 0; i < kills; i++) {
      await moment(random() * 200);
      await killServer(home);
      const before = last();
      await terminal.waitFor(() => last() > before || last() === count - 1, "the viewer to go on after a kill");
      // the output does not wait for the next server: the next kill does, or it would be of one that has not
      // begun
      await until(() => attached() > i + 1, "the viewer to be the next server's");
    }
    await terminal.waitFor(`row ${count - 1}`);
    // the screen is the program's own, without a torn or missing line
    const lines = terminal.lines().filter((line) => line.startsWith("row"));
    assert.deepEqual(
      lines,
      Array.from({ length: lines.length }, (_, i) => `row ${count - lines.length + i}`),
    );
    terminal.key("Enter");
    assert.equal((await terminal.waitForExit()).code, 9);
  } finally {
    await home.dispose();
  }
}

export const exitKills: Fault = {
  name: "kill -9 of the server within 20 ms of ten exits",
  async run({ short }) {
    const rounds = short ? 4 : 20;
    let ends = 0;
    for (let round = 0; round < rounds; round++) {
      const home = new TestHome();
      try {
        const go = path.join(home.work, "go");
        const ids: string[] = [];
        for (let i = 0; i < 10; i++)
          ids.push(await home.start(["/bin/sh", "-c", `while [ ! -e ${go} ]; do sleep 0.004; done; echo bye; exit ${30 + i}`]));
        const pid = home.serverPid();
        const kill = moment(20 * random()).then(() => pid !== undefined && killNow(pid));
        await moment(20 * random());
        fs.writeFileSync(go, "");
        await kill;
        for (const [i, id] of ids.entries()) {
          assert.equal((await home.run(["wait", id], { limit: 60_000 })).code, 30 + i, `status of ${id}${home.serverLog()}`);
          ends++;
        }
      } finally {
        await home.dispose();
      }
    }
    return `${rounds} kills, ${ends} ends, all statuses known`;
  },
};

export const launchKills: Fault = {
  name: "kill -9 of the server in the launch window",
  async run({ short }) {
    const rounds = short ? 6 : 20;
    const together = 5;
    let asked = 0;
    let started = 0;
    const home = new TestHome();
    try {
      await home.sessions();
      for (let round = 0; round < rounds; round++) {
        const mark = `round-${round}-`;
        const launches = Array.from({ length: together }, (_, i) =>
          home.run(["run", "-d", "--", "/bin/sh", "-c", `echo ${mark}${i} >> ${home.work}/started; exec sleep 1000`]),
        );
        await moment(random() * 90);
        const pid = home.serverPid();
        if (pid !== undefined) killNow(pid);
        const answers = await Promise.all(launches);
        asked += together;
        const rows = await home.sessions();
        const answered = answers.filter(({ code }) => code === 0).map(({ stdout }) => stdout.trim());
        for (const id of answered) {
          const row = rows.find((each) => each.id === id);
          assert.equal(row?.state, "running", `session ${id} was promised${home.serverLog()}`);
        }
        for (const { code, stderr } of answers) if (code !== 0) assert.match(stderr, /falcon: /);
      }
      // every program that began has a holder and a session, and no request started two
      const rows = await home.sessions();
      const began = fs.readFileSync(`${home.work}/started`, "utf8").trim().split("\n");
      assert.equal(new Set(began).size, began.length, "no request was carried out twice");
      started = began.length;
      for (const { pid, argv } of processesNaming(home.folder)) {
        if (argv[0] !== "sleep") continue;
        const row = rows.find((each) => each.pid === pid);
        assert.equal(row?.state, "running", `program ${pid} runs without a session`);
        assert.ok(holderPid(home, row?.id ?? "") !== undefined, `program ${pid} runs without a holder`);
      }
      return `${rounds} kills, ${asked} launches asked for, ${started} programs began, each once, each with its holder and session`;
    } finally {
      await home.dispose();
    }
  },
};

export const holderKills: Fault = {
  name: "kill -9 of holders",
  async run({ short }) {
    const rounds = short ? 4 : 15;
    const lines = 300_000;
    const expected = onTerminal(floodText(lines)).length;
    let lost = 0;
    for (let round = 0; round < rounds; round++) {
      const home = new TestHome();
      try {
        const id = await home.start(["/bin/sh", "-c", `${program("flood")} ${lines}; read key; exit 3`]);
        await moment(random() * 150);
        const before = holderPid(home, id) ?? assert.fail("the session has no holder");
        killNow(before);
        const after = await until(
          () => {
            const pid = holderPid(home, id);
            return pid !== undefined && pid !== before ? pid : undefined;
          },
          () => `a successor of holder ${before}${home.serverLog()}`,
        );
        assert.notEqual(after, before);
        await until(async () => (await shownScreen(home, id)).some((line) => line === "flood ends"), "the program's last line");
        const [row] = await home.sessions();
        assert.equal(row?.state, "running");
        assert.match(await home.ok(["show", id]), /the holder was killed; a successor took over/);
        await home.ok(["send", id, "Enter"]);
        assert.equal((await home.run(["wait", id])).code, 125, "nobody can know the status");
        const log = await fs.promises.stat(path.join(folderOf(home, id), "output.log")).then(({ size }) => size);
        const gap = expected + 2 - log; // the echoed Enter
        assert.ok(gap >= 0 && gap <= 65_536, `${gap} bytes are missing`);
        lost += gap;
      } finally {
        await home.dispose();
      }
    }
    return `${rounds} kills, every session went on under a successor, ${lost} of ${rounds * expected} bytes lost (at most 65536 each), statuses unknown and said so`;
  },
};

export const bothKilled: Fault = {
  name: "kill -9 of the server and the holder together",
  async run() {
    const home = new TestHome();
    try {
      const id = await home.start(["/bin/sh", "-c", "echo last words; sleep 1000"]);
      await until(async () => (await shownScreen(home, id)).includes("last words"), "the program's words");
      const holding = holderPid(home, id) ?? assert.fail("no holder");
      const pid = (await home.sessions())[0]?.pid ?? 0;
      const server = home.serverPid() ?? assert.fail("no server");
      process.kill(server, "SIGSTOP");
      killNow(holding);
      killNow(server);
      await until(() => !processAlive(Number(pid)), "the program to be hung up on");
      const [row] = await home.sessions();
      assert.equal(row?.state, "lost");
      const shown = await home.ok(["show", id]);
      assert.match(shown, /holder/);
      assert.ok((await shownScreen(home, id)).includes("last words"), "its last screen stays readable");
      assert.match(await home.ok(["logs", id]), /last words/);
      const again = await home.ok(["relaunch", "-d", id]);
      assert.equal((await home.untilState(again, "running")).state, "running");
      return `the session is lost and says so (${/state\s+(.*)/.exec(shown)?.[1]}), log and last screen are whole, relaunch works`;
    } finally {
      await home.dispose();
    }
  },
};

export const upgrades: Fault = {
  name: "falcon server upgrade with sessions and viewers",
  async run({ short }) {
    const times = short ? 2 : 5;
    const home = new TestHome();
    try {
      const count = 1500;
      const script = `i=0; while [ $i -lt ${count} ]; do echo "row $i"; i=$((i+1)); sleep 0.004; done; read key; exit 9`;
      const viewer = home.terminal(["run", "--", "/bin/sh", "-c", script], { cols: 80, rows: 24 });
      const quiet = await home.start(["/bin/sh", "-c", "read key; exit 8"]);
      await viewer.waitFor(/row \d+/);
      for (let i = 0; i < times; i++) {
        const before = home.serverPid();
        await home.ok(["server", "upgrade"]);
        await home.nextServer(before);
        assert.deepEqual(
          (await home.sessions()).map(({ state }) => state),
          ["running", "running"],
        );
      }
      await viewer.waitFor(`row ${count - 1}`);
      const lines = viewer.lines().filter((line) => line.startsWith("row"));
      assert.deepEqual(
        lines,
        Array.from({ length: lines.length }, (_, i) => `row ${count - lines.length + i}`),
      );
      viewer.key("Enter");
      assert.equal((await viewer.waitForExit()).code, 9);
      await home.ok(["send", quiet, "Enter"]);
      assert.equal((await home.run(["wait", quiet])).code, 8);
      return `${times} upgrades: both sessions and the viewer went on each time, no line missing, statuses known`;
    } finally {
      await home.dispose();
    }
  },
};

export const newerClient: Fault = {
  name: "a newer client meets an older server",
  async run() {
    const home = new TestHome();
    try {
      const viewer = home.terminal(["run", "--", "/bin/sh", "-c", "echo ready; read key; echo got $key; read key; exit 9"]);
      await viewer.waitFor("ready");
      const newer = installation(path.join(home.work, "newer"), { version: "99.0.0" });
      const answer = await home.run(["server", "status", "--json"], { file: newer });
      assert.equal(answer.code, 0, answer.stderr + home.serverLog());
      assert.equal(JSON.parse(answer.stdout).version, "99.0.0", "the newer server answers");
      assert.deepEqual(
        (await home.sessions()).map(({ state }) => state),
        ["running"],
        "an older client is served by it",
      );
      viewer.type("on\r");
      await viewer.waitFor("got on");
      viewer.key("Enter");
      assert.equal((await viewer.waitForExit()).code, 9);
      return "the newer server took over; the session and the older client's viewer went on; status known";
    } finally {
      await home.dispose();
    }
  },
};

/**
 * A copy of this installation whose client and server say that they are of another version, or filter by
 * another version of the rules; answers its client.
 */
export function installation(folder: string, { version, rules }: { version?: string; rules?: number }): string {
  const bin = path.join(folder, "native/build/Release");
  fs.mkdirSync(bin, { recursive: true });
  fs.cpSync(path.join(root, "dist"), path.join(folder, "dist"), { recursive: true });
  fs.symlinkSync(fs.realpathSync(path.join(root, "node_modules")), path.join(folder, "node_modules"));
  fs.cpSync(path.join(root, "older-node"), path.join(folder, "older-node"), { recursive: true });
  const about = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"));
  const said = version ?? about.version;
  fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify({ ...about, version: said }));
  for (const file of [holder, addon]) fs.copyFileSync(file, path.join(bin, path.basename(file)));
  const gyp = fs.readFileSync(path.join(root, "native/binding.gyp"), "utf8");
  const listed =
    /'target_name': 'falcon',[^[]*'sources': \[([^\]]*)\]/.exec(gyp)?.[1] ?? assert.fail("the client's sources in binding.gyp");
  const sources = [...listed.matchAll(/'([\w./]+)'/g)].map(([, file]) => file as string);
  const source = path.join(folder, "native");
  for (const file of nativeSources(root) as string[]) fs.cpSync(path.join(root, "native", file), path.join(source, file));
  if (rules !== undefined) {
    replace(path.join(source, "filter/sequence_rules.h"), /SEQUENCE_RULES_VERSION = \d+/, `SEQUENCE_RULES_VERSION = ${rules}`);
    replace(path.join(folder, "dist/server-program.cjs"), /sequenceRulesVersion = \d+/, `sequenceRulesVersion = ${rules}`);
  }
  const compiler = process.env.CC ?? "cc";
  const flags = ["-std=gnu11", "-O1", "-D_GNU_SOURCE", `-I${source}`, `-DFALCON_VERSION="${said}"`];
  const target = ["-o", path.join(bin, "falcon")];
  execFileSync(compiler, [...flags, ...target, ...sources.map((file) => path.join(source, file))]);
  return path.join(bin, "falcon");
}

function replace(file: string, what: RegExp, by: string): void {
  const text = fs.readFileSync(file, "utf8");
  assert.match(text, what, file);
  fs.writeFileSync(file, text.replace(what, by));
}

export const unreachableHolder: Fault = {
  name: "the next server finds a holder stopped, or its socket deleted",
  async run() {
    const home = new TestHome();
    try {
      const id = await home.start(["/bin/sh", "-c", "echo ready; read key; echo got $key; exit 6"]);
      await until(async () => (await shownScreen(home, id)).includes("ready"), "the program's word");
      const holding = holderPid(home, id) ?? assert.fail("no holder");
      await killServer(home);
      fs.rmSync(path.join(folderOf(home, id), "sock"));
      assert.equal((await home.sessions())[0]?.state, "running", `a deleted socket ends no session${home.serverLog()}`);
      assert.equal(holderPid(home, id), holding);
      process.kill(holding, "SIGSTOP");
      await killServer(home);
      assert.equal((await home.sessions())[0]?.state, "running", `a holder that stands still is not given up${home.serverLog()}`);
      process.kill(holding, "SIGCONT");
      await until(() => home.logged("session.adopted").length >= 2, "the holder to be adopted when it goes on");
      await home.ok(["send", id, "Enter"]);
      assert.equal((await home.run(["wait", id])).code, 6);
      return "the socket is made again at once; a stopped holder's session stays, and is adopted when it goes on; status 6 known";
    } finally {
      await home.dispose();
    }
  },
};

export const stoppedServer: Fault = {
  name: "SIGSTOPped server",
  async run() {
    const home = new TestHome();
    try {
      const done = path.join(home.work, "done");
      const id = await home.start(["/bin/sh", "-c", `read key; ${program("flood")} 100000; date > ${done}; exit 4`]);
      await home.ok(["send", id, "Enter"]);
      const server = home.serverPid() ?? assert.fail("no server");
      process.kill(server, "SIGSTOP");
      await untilFile(done, (text) => text.length > 0);
      process.kill(server, "SIGCONT");
      assert.equal((await home.run(["wait", id])).code, 4);
      const output = await wholeOutput(home, id);
      assert.equal(md5(output), md5(Buffer.concat([onTerminal("\n"), onTerminal(floodText(100_000))])));
      return "the program wrote 6 MB and went on to its end while the server stood still; 0 bytes lost";
    } finally {
      await home.dispose();
    }
  },
};

export const bursts: Fault = {
  name: "20 KB of output followed at once by exit",
  async run({ short }) {
    const times = short ? 60 : 300;
    const burst = program("burst");
    const expected = md5(execBurst(burst));
    const home = new TestHome();
    try {
      for (let i = 0; i < times; ) {
        const some = Array.from({ length: Math.min(4, times - i) }, () => home.run(["run", "--", burst]));
        for (const { code, stdout, stderr } of await Promise.all(some)) {
          assert.equal(md5(Buffer.from(stdout)), expected, `${stdout.length} bytes; ${stderr}`);
          assert.equal(code, 3);
          i++;
        }
      }
      for (const row of (await home.sessions()).slice(-5))
        assert.equal((await wholeOutput(home, row.id)).length, 20_480 + 320, "the log too");
      return `${times} times, ${times * 20_480} bytes, 0 lost, status 3 each time`;
    } finally {
      await home.dispose();
    }
  },
};

function execBurst(burst: string): Buffer {
  try {
    return execFileSync(burst);
  } catch (error) {
    return (error as { stdout: Buffer }).stdout; // it ends with status 3
  }
}
