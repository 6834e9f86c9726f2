// The channel to another machine, both of its ends: what a far side that is hostile, noisy or late is not
// given.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { compile, program } from "../../support/compile.ts";
import { readIfThere, until } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import { emulated } from "../../support/installs/emulated.ts";
import { falcon, root } from "../../support/paths.ts";
import { ToldClock } from "../../support/told-clock.ts";

const home = new TestHome();
after(() => home.dispose());

/**
 * A far side that is a Node program: `frame(type, payload)` sends the client one, `take` hears what it sent.
 */
const farSide = `
const record = (type, payload) => { const head = Buffer.alloc(5); head.writeUInt32LE(payload.length, 0); head[4] = type; process.stdout.write(Buffer.concat([head, payload])); };
const frame = (type, payload = "") => { const head = Buffer.alloc(5); payload = Buffer.from(payload); head.writeUInt32LE(payload.length, 0); head[4] = type; record(1, Buffer.concat([head, payload])); };
const info = Buffer.alloc(8); info.writeUInt32LE(77, 0);
const hello = Buffer.from("\\x01\\0\\x01\\0\\0\\x009.9.9", "latin1");
`;

function through(script: string, env: Record<string, string> = {}) {
  const way = [process.execPath, "-e", farSide + script];
  return spawnSync(falcon, ["@channel", "far", String(way.length), ...way, "0", "@here", "attach", "abc"], {
    env: { PATH: process.env.PATH ?? "", HOME: home.folder, ...env },
    encoding: "utf8",
    timeout: 60_000,
  });
}

test("start-up files may print before the greeting; stdout, stderr and the status are the far server's", () => {
  const { status, stdout, stderr } = through(
    'process.stdout.write("Welcome!\\nno mail\\nfalcon-sessions bridge 1\\n"); record(5, info); frame(65, hello); frame(66, "out"); frame(67, "err"); frame(68, "\\x03");',
  );
  assert.deepEqual({ status, stdout, stderr }, { status: 3, stdout: "out", stderr: "err" });
});

test("a far side runs no program here, and passes no connection", () => {
  for (const attack of [
    'frame(69, "/bin/sh\\0sh\\0-c\\0echo run\\0")',
    'frame(77, Buffer.alloc(64)); frame(79, Buffer.alloc(64)); frame(69, "/bin/true\\0true\\0")',
  ]) {
    const { status, stdout, stderr } = through(
      `process.stdout.write("falcon-sessions bridge 1\\n"); record(5, info); frame(65, hello); ${attack};`,
    );
    assert.equal(status, 125);
    assert.equal(stdout, "");
    assert.match(stderr, /the session is not where it was/);
  }
});

test("it is told of the environment what the terminal and the language are, and nothing else", () => {
  const { stdout } = through(
    `process.stdout.write("falcon-sessions bridge 1\\n"); record(5, info); frame(65, hello);
     let heard = ""; process.stdin.on("data", (d) => { heard += d.toString("latin1"); if (heard.includes("abc") && heard.includes("TERM=")) setTimeout(() => { frame(66, heard.replace(/[^ -~]/g, " ")); frame(68, "\\0"); }, 200); });`,
    { TERM: "xterm", LANG: "C.UTF-8", WANDB_API_KEY: "secret", SSH_AUTH_SOCK: "/tmp/agent" },
  );
  assert.match(stdout, /TERM=xterm/);
  assert.match(stdout, /LANG=C\.UTF-8/);
  assert.doesNotMatch(stdout, /secret|WANDB|SSH_AUTH_SOCK|HOME=/);
});

test("what speaks another version, or no such thing, is one sentence of whoever ran it, and its status", () => {
  assert.equal(through('console.error("falcon: no such thing"); process.exit(127)').status, 127);
  const { status, stderr } = spawnSync(falcon, ["bridge", "99"], { env: home.env, encoding: "utf8" });
  assert.equal(status, 2);
  assert.match(stderr, /speaks version 1 of the channel between machines, and was asked for 99/);
});

const few = emulated && "the script that starts the emulator needs more descriptors than are left here";
test("where no descriptor or process can be had for the way, the client says so", { skip: few }, () => {
  const outcomes = new Set<number | null>();
  for (let limit = 8; limit <= 16; limit++) {
    const way = ["/bin/sh", "-c", "echo refused >&2; exit 7"];
    const words = [falcon, "@channel", "far", String(way.length), ...way, "0", "@here", "attach", "abc"];
    const { status, stderr } = spawnSync("/bin/sh", ["-c", `ulimit -n ${limit}; exec "$0" "$@"`, ...words], {
      env: { PATH: process.env.PATH ?? "", HOME: home.folder },
      encoding: "utf8",
      timeout: 60_000,
    });
    outcomes.add(status);
    if (status === 7) assert.equal(stderr, "refused\n", `${limit} descriptors`);
    else assert.match(stderr, /^falcon: no way to far could be tried: .*\n$/, `${limit} descriptors`);
  }
  assert.deepEqual([...outcomes], [125, 7], "there are limits that are too low, and one that is not");
});

test("Ctrl+C while a way is tried is the caller's own end, and no want of anything", async () => {
  const tried = path.join(home.work, "tried");
  for (let n = 0; n < 5; n++) {
    const way = ["/bin/sh", "-c", `echo >> ${tried}; exec sleep 100`];
    const terminal = home.terminal(["@channel", "far", String(way.length), ...way, "0", "@here", "attach", "abc"]);
    await until(() => readIfThere(tried)?.length === n + 1, "the way to be tried");
    terminal.key("C-c");
    assert.equal((await terminal.waitForExit()).code, 130);
    assert.doesNotMatch(terminal.text(), /no way/);
  }
});

test("a login is asked for only where the way that asks nobody was refused; what that had said is then not told", () => {
  const ways = (...scripts: string[]) =>
    spawnSync(
      falcon,
      [
        "@channel",
        "far",
        ...scripts.flatMap((script) => ["3", process.execPath, "-e", farSide + script]),
        "0",
        "@here",
        "show",
        "abc",
      ],
      { env: { PATH: process.env.PATH ?? "", HOME: home.folder }, encoding: "utf8", timeout: 60_000 },
    );
  const works = (word: string) =>
    `console.error("asked"); process.stdout.write("falcon-sessions bridge 1\\n"); record(5, info); frame(65, hello); frame(66, "${word}"); frame(68, "\\0");`;
  const fails = (line: string, status = 255) => `console.error(${JSON.stringify(line)}); process.exitCode = ${status};`;
  const denied = fails("me@far: Permission denied (publickey,password).");

  const asked = ways(denied, works("second"));
  assert.deepEqual([asked.status, asked.stdout, asked.stderr], [0, "second", "asked\n"]);
  const unasked = ways(works("first"), works("second"));
  assert.deepEqual([unasked.status, unasked.stdout, unasked.stderr], [0, "first", "asked\n"]);
  const twice = ways(denied, denied);
  assert.deepEqual([twice.status, twice.stdout, twice.stderr.split("\n").length], [255, "", 2]);
  // neither a network nor a program of the far side is mended by a login
  for (const [line, status] of [
    ["ssh: connect to host far port 22: Connection refused", 255],
    ["falcon: far has no falcon-sessions: Permission denied", 127],
  ] as const) {
    const said = ways(fails(line, status), works("second"));
    assert.deepEqual([said.status, said.stdout, said.stderr], [status, "", `${line}\n`]);
  }
});

test("the answer to the question about what was typed meanwhile, and what is typed behind it in one read", async () => {
  // the first way greets and is gone; the last one greets when it is told to, and hears what is typed
  const again = path.join(home.work, "again");
  const heard = path.join(home.work, "heard");
  const script = (rest: string) =>
    `const fs = require("fs"); const begin = () => { process.stdout.write("falcon-sessions bridge 1\\n"); record(5, info); frame(65, hello); frame(70, "\\x02"); frame(72, "attach\\0abc\\0"); ${rest} };`;
  const ways = [
    `${farSide}${script('frame(66, "here"); setTimeout(() => process.exit(255), 100);')} console.error("Connection reset"); begin();`,
    'console.error("nobody wants a login"); process.exit(1)',
    `${farSide}${script('frame(81, Buffer.alloc(16)); frame(75, "\\x1c"); frame(66, "again");')}
     process.stdin.on("data", (d) => fs.appendFileSync(${JSON.stringify(heard)}, d));
     const look = () => (fs.existsSync(${JSON.stringify(again)}) ? begin() : setTimeout(look, 10)); look();`,
  ];
  const words = ways.flatMap((way) => ["3", process.execPath, "-e", way]);
  const clock = new ToldClock(home.work);
  const terminal = home.terminal(["@channel", "far", ...words, "0", "@here", "attach", "abc"], { env: clock.env });
  const says = (text: string) =>
    until(async () => {
      await clock.pass(50);
      return terminal.received.includes(text);
    }, text);
  await terminal.waitFor("here");
  await says("nothing is heard from far");
  // what was typed is late three seconds after the client has read it: it is seen to have, and sleeps again
  const slave = fs.readlinkSync(`/proc/${terminal.pid}/fd/0`);
  const unread = () => Number(execFileSync(program("unread"), [slave]));
  process.kill(terminal.pid, "SIGSTOP");
  const early = "early, and more than is shown";
  terminal.type(early);
  await until(() => unread() === early.length, "what is typed");
  process.kill(terminal.pid, "SIGCONT");
  await until(() => unread() === 0 && / S /.test(readIfThere(`/proc/${terminal.pid}/stat`) ?? ""), "it to be read");
  await clock.pass(4_000);
  fs.writeFileSync(again, "");
  await says("(early, and more than…)? y/n");
  terminal.type("nafter\r");
  await until(() => readIfThere(heard)?.includes("after"), "what is typed behind the answer");
  assert.doesNotMatch(readIfThere(heard) ?? "", /early|nafter/);
  terminal.kill("SIGKILL");
});

const record = (length: number) => {
  const bytes = Buffer.alloc(5 + length, 1);
  bytes.writeUInt32LE(length, 0);
  return bytes;
};

/** The relay by itself, in C. */
function compileRelay(): string {
  const native = path.join(root, "native");
  return compile(path.join(root, "test/support/programs/full-relay.c"), home.work, ["-D_GNU_SOURCE", `-I${native}`]);
}

test("all that the carrier brought is passed on: its last records behind what is taken, and when it hears no more", () => {
  const file = path.join(home.work, "carried");
  const records = [...Array.from({ length: 32 }, () => record(32 << 10)), record(10), record(10)];
  fs.writeFileSync(file, Buffer.concat([Buffer.from("falcon-sessions bridge 1\n"), ...records]));
  for (const more of [[], ["deaf"]])
    assert.equal(execFileSync(compileRelay(), [file, ...more], { encoding: "utf8" }), `${(1 << 20) + 20}\n`, more.join());
});

test("all that a server of the far side said is passed on, though it has gone and the network takes it slowly", () => {
  const file = path.join(home.work, "typed");
  for (const typed of [Buffer.alloc(0), record(8 + 1)]) {
    fs.writeFileSync(file, typed);
    const missing = execFileSync(compileRelay(), [file, "far"], { encoding: "utf8", timeout: 30_000 });
    assert.equal(missing, "0\n", `${typed.length} bytes came meanwhile`);
  }
});

test("a side that asks without end and takes no answer does not have the other keep them", () => {
  const file = path.join(home.work, "asked");
  const asks = Buffer.alloc(1 << 20, Buffer.from([0, 0, 0, 0, 3]));
  for (const far of [[], ["far"]]) {
    fs.writeFileSync(file, far.length > 0 ? asks : Buffer.concat([Buffer.from("falcon-sessions bridge 1\n"), asks]));
    const largest = Number(execFileSync(compileRelay(), [file, "mute", ...far], { encoding: "utf8" }));
    assert.ok(largest < 256 << 10, `${largest} bytes are kept for ${far.join() || "the client's side"}`);
  }
});

test("bridge: what was under way for too long is not passed on, and the channel ends", async () => {
  const bridge = spawn(falcon, ["bridge", "1", "-"], { env: home.env, stdio: ["pipe", "pipe", "inherit"] });
  const record = (type: number, time: number, payload: Buffer) => {
    const head = Buffer.alloc(13);
    head.writeUInt32LE(8 + payload.length, 0);
    head[4] = type;
    head.writeBigUInt64LE(BigInt(time), 5);
    bridge.stdin.write(Buffer.concat([head, payload]));
  };
  let heard = "";
  bridge.stdout.on("data", (data: Buffer) => {
    heard += data.toString("latin1");
  });
  const ended = new Promise<number | null>((resolve) => bridge.on("exit", resolve));
  record(3, 1_000_000, Buffer.alloc(0));
  await until(() => heard.includes("\0\0\0\0\x04"), "the answer to the clock's question");
  // sent six seconds before the other one, by the client's clock, and arriving behind it
  record(1, 1_000_000 - 6_000, Buffer.from("late"));
  assert.equal(await ended, 0);
});
