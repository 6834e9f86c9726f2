// The threat model of docs/design/security.md, line by line, on the built program: other users, viewers that
// only look, programs that misbehave, secrets.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { program } from "../../support/compile.ts";
import { readIfThere, until } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import * as built from "../../support/paths.ts";
import type { UserTerminal } from "../../support/terminal/terminal.ts";

before(() => assert.deepEqual(built.notBuilt(), [], "npm run build comes first"));

/** A user that owns nothing here. */
const stranger = 65534;
const canBeStranger =
  process.getuid?.() === 0 && spawnSync("setpriv", ["--reuid", String(stranger), "--clear-groups", "true"]).status === 0;

/** Runs a command as another user. */
function asStranger(command: string[], env: Record<string, string> = {}) {
  return spawnSync("setpriv", ["--reuid", String(stranger), "--regid", String(stranger), "--clear-groups", ...command], {
    encoding: "utf8",
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: "/nonexistent", ...env },
    timeout: 20_000,
  });
}

/** How many look at a session. */
async function viewers(home: TestHome, id: string): Promise<number> {
  const row = (await home.sessions()).find((session) => session.id === id);
  return (row?.viewers as unknown[] | undefined)?.length ?? 0;
}

/**
 * Connects, sends a little, and says how it went: an error's code, or what came back until the other side
 * closed.
 */
const knock = `
const socket = require("net").connect(process.argv[1]);
const got = [];
socket.on("connect", () => socket.write(Buffer.from(process.argv[2], "hex")));
socket.on("data", (chunk) => got.push(chunk));
socket.on("error", (error) => { console.log(error.code); process.exit(); });
socket.on("close", () => { console.log("closed after " + Buffer.concat(got).length + " bytes"); process.exit(); });
setTimeout(() => { console.log("open after " + Buffer.concat(got).length + " bytes"); process.exit(); }, 5000);
`;
/** SUBSCRIBE from 0, of the holder's protocol. */
const subscribe = "08000000020000000000000000";
/** HELLO of the client's protocol, with a version and a name. */
const hello = `0e00000001010000000000${Buffer.from("9\0falcon").toString("hex")}`;

describe("other users", { skip: canBeStranger ? false : "only root can become another user" }, () => {
  const home = new TestHome();
  let id: string;
  before(async () => {
    id = await home.start(["/bin/sh", "-c", "echo output; exec cat"]);
  });
  after(() => home.dispose());
  const sockets = () => [path.join(home.folder, "server.sock"), path.join(home.folder, "s", id, "sock")];

  test("reach no socket, and read nothing: the folder is closed to them", () => {
    fs.chmodSync(path.dirname(home.folder), 0o755);
    for (const socket of sockets()) {
      assert.match(asStranger([process.execPath, "-e", knock, socket, hello]).stdout, /EACCES/);
    }
    assert.notEqual(asStranger(["ls", home.folder]).status, 0);
    assert.notEqual(asStranger(["cat", path.join(home.folder, "s", id, "output.log")]).status, 0);
  });

  test("get not a byte from either socket, should the folder ever be open: the peer's user is checked", async () => {
    const opened = [home.folder, path.join(home.folder, "s"), path.join(home.folder, "s", id)];
    try {
      for (const folder of opened) fs.chmodSync(folder, 0o755);
      for (const socket of sockets()) fs.chmodSync(socket, 0o666);
      assert.match(
        asStranger([process.execPath, "-e", knock, sockets()[0] as string, hello]).stdout,
        /closed after 0 bytes|ECONNRESET|EPIPE/,
      );
      assert.match(
        asStranger([process.execPath, "-e", knock, sockets()[1] as string, subscribe]).stdout,
        /closed after 0 bytes|ECONNRESET|EPIPE/,
      );
    } finally {
      for (const folder of opened) fs.chmodSync(folder, 0o700);
      for (const socket of sockets()) fs.chmodSync(socket, 0o600);
    }
    await until(() => home.serverLog().includes("listener.refused"), "the refusal in the log");
    assert.equal((await home.sessions())[0]?.state, "running");
  });

  test("cannot make our client talk to a socket of theirs", () => {
    const base = fs.mkdtempSync("/tmp/fs-");
    try {
      fs.chmodSync(base, 0o1777);
      const theirs = path.join(base, "h");
      assert.equal(asStranger(["mkdir", "-m", "700", theirs]).status, 0);
      const refused = spawnSync(built.falcon, ["sessions"], {
        env: { ...home.env, FALCON_SESSIONS_HOME: theirs },
        encoding: "utf8",
      });
      assert.equal(refused.status, 125);
      assert.match(refused.stderr, /belongs to another user/);
    } finally {
      fs.rmSync(base, { recursive: true, force: true });
    }
  });

  test("cannot send us through a folder that they could replace, nor through a link", () => {
    const base = fs.mkdtempSync("/tmp/fs-");
    try {
      fs.mkdirSync(path.join(base, "open"));
      fs.chmodSync(path.join(base, "open"), 0o777);
      const run = (folder: string) =>
        spawnSync(built.falcon, ["sessions"], { env: { ...home.env, FALCON_SESSIONS_HOME: folder }, encoding: "utf8" });
      assert.match(run(path.join(base, "open", "h")).stderr, /can be written by others/);
      fs.mkdirSync(path.join(base, "real"), { mode: 0o700 });
      fs.symlinkSync(path.join(base, "real"), path.join(base, "link"));
      assert.match(run(path.join(base, "link")).stderr, /symbolic link/);
    } finally {
      fs.rmSync(base, { recursive: true, force: true });
    }
  });
});

describe("everything that is made is the owner's alone", () => {
  for (const umask of ["000", "077"]) {
    test(`with umask ${umask}`, async () => {
      const home = new TestHome();
      try {
        const result = await home.run(["-c", `umask ${umask}; exec "$0" run -d -- /bin/cat`, built.falcon], { file: "/bin/sh" });
        assert.equal(result.code, 0, result.stderr);
        const open = fs
          .readdirSync(home.folder, { recursive: true, encoding: "utf8" })
          // what is written beside its place and renamed may be gone
          .flatMap((name) => {
            const stat = fs.lstatSync(path.join(home.folder, name), { throwIfNoEntry: false });
            return stat === undefined ? [] : [{ name, stat }];
          })
          .filter(({ stat }) => !stat.isSymbolicLink() && (stat.mode & 0o077) !== 0);
        assert.deepEqual(
          open.map(({ name, stat }) => `${name} ${stat.mode.toString(8)}`),
          [],
        );
        // the program has the caller's own umask all the same
        const told = await home.run(["-c", `umask ${umask}; exec "$0" run -- /bin/sh -c umask`, built.falcon], {
          file: "/bin/sh",
        });
        assert.equal(told.stdout.trim(), `0${umask}`);
      } finally {
        await home.dispose();
      }
    });
  }
});

describe("secrets", () => {
  const home = new TestHome();
  after(() => home.dispose());
  const secret = "hunter2-very-secret-value-0123456789";

  test("of the environment are in no argv, no log, no table and no JSON; show --env alone prints it, keys hidden", async () => {
    const id = await home.start(["/bin/cat"], [], { env: { RUN_TOKEN: secret, PLAIN_SETTING: "seen by all" } });
    const everything = [
      readIfThere(path.join(home.folder, "server.log")) ?? "",
      readIfThere(path.join(home.folder, "server.err")) ?? "",
      await home.ok(["sessions", "--all"]),
      await home.ok(["sessions", "--all", "--json"]),
      await home.ok(["show", id]),
      await home.ok(["show", id, "--json"]),
      await home.ok(["show", id, "--env"]),
      await home.ok(["show", id, "--env", "--json"]),
      await home.ok(["server", "status", "--json"]),
      (await home.run(["doctor", "--json"], { env: { RUN_TOKEN: secret } })).stdout,
      ...home.processes().map(({ argv }) => argv.join(" ")),
    ];
    for (const text of everything) assert.ok(!text.includes(secret), text.slice(0, 300));
    assert.match(everything[6] as string, /^PLAIN_SETTING=seen by all$/m);
    assert.match(everything[6] as string, new RegExp(`^RUN_TOKEN=\\(hidden, ${secret.length} characters\\)$`, "m"));
    assert.ok(!(everything[4] as string).includes("PLAIN_SETTING"), "nothing else prints the environment");
    assert.equal(JSON.parse(everything[7] as string).FALCON_SESSION, id);
  });

  test("are on disk in files for the owner alone", () => {
    const holding = fs
      .readdirSync(home.folder, { recursive: true, encoding: "utf8" })
      .map((name) => path.join(home.folder, name))
      // what is written beside its place and renamed may be gone
      .filter((file) => fs.lstatSync(file, { throwIfNoEntry: false })?.isFile() && readIfThere(file)?.includes(secret));
    assert.ok(holding.length > 0, "it is stored, for relaunch");
    for (const file of holding) {
      assert.match(file, /session\.json$|state\.db(-wal)?$/);
      assert.equal(fs.statSync(file).mode & 0o777, 0o600, file);
    }
  });
});

describe("a read-only viewer", () => {
  const home = new TestHome();
  after(() => home.dispose());

  test("sends the program not one byte: keys, pastes, replies, signals, sizes", async () => {
    const id = await home.start([program("rawkeys"), "--no-signals"], ["--size", "80x24"]);
    const viewer = home.terminal(["attach", "--read-only", id]);
    await viewer.waitFor("keys please");
    viewer.type("abc\r\x03\x1a\x1b[A\x1b[200~pasted\x1b[201~\x1b[?1;2c\x1b]11;rgb:0000/0000/0000\x07\x04q");
    viewer.resize(60, 20);
    viewer.key("C-\\");
    assert.equal((await viewer.waitForExit()).code, 0);
    assert.equal((await home.sessions())[0]?.state, "running", "q would have ended it");
    const writer = home.terminal(["attach", id]);
    await writer.waitFor("keys please");
    writer.type("z");
    await writer.waitFor("<7a>");
    assert.equal(
      writer
        .text()
        .match(/<[0-9a-f]{2}>/g)
        ?.join(""),
      "<7a>",
      "the first byte that it ever got",
    );
    writer.type("q");
    await writer.waitForExit();
  });
});

describe("what a program may do to its viewers", () => {
  const home = new TestHome();
  after(() => home.dispose());
  const write = "\\033]52;c;aGVsbG8=\\007";
  const clipboard = Buffer.from("\x1b]52;c;aGVsbG8=");

  /** A session that writes the clipboard, keys and a title at each Enter, viewed. */
  async function viewed(env: Record<string, string> = {}): Promise<{ id: string; terminal: UserTerminal }> {
    const script = `printf 'ready\\n'; while read line; do printf '${write}\\033P1;1|17/6c73\\033\\\\\\033]0;a title of the program\\007done %s\\n' "$line"; done`;
    const id = await home.start(["/bin/sh", "-c", script], ["--size", "80x24"], { env });
    const terminal = home.terminal(["attach", id]);
    await terminal.waitFor("ready");
    terminal.type("one\r");
    await terminal.waitFor("done one");
    return { id, terminal };
  }

  test("the clipboard and the keys are blocked, the title is passed; live, replayed, and drawn for another size", async () => {
    const { id, terminal } = await viewed();
    assert.ok(!terminal.received.includes(clipboard));
    assert.ok(!terminal.received.includes("17/6c73"));
    assert.equal(terminal.title, "a title of the program");
    for (const size of [
      { cols: 80, rows: 24 },
      { cols: 60, rows: 20 },
    ]) {
      const other = home.terminal(["attach", "--read-only", id], size);
      await other.waitFor(/^done/m);
      terminal.type(`more at ${size.cols}\r`);
      await other.waitFor(`done more at ${size.cols}`);
      assert.ok(!other.received.includes(clipboard));
      assert.ok(!other.received.includes("17/6c73"));
      other.key("C-\\");
      await other.waitForExit();
    }
    terminal.key("C-\\");
    await terminal.waitForExit();
    await home.ok(["kill", id, "--signal", "KILL"]);
  });

  test("a terminal whose locale is not UTF-8 gets no byte that it could take for a control, and the screen in ASCII", async () => {
    // what is typed is said again, with letters whose bytes are C1 controls: Û is C3 9B
    const script = "printf 'Ûne │ barre ███▌\\n'; while read line; do printf 'Û → %s\\n' \"$line\"; done";
    const id = await home.start(["/bin/sh", "-c", script], ["--size", "80x24", "--name", "Û"]);
    const terminal = home.terminal(["attach", id], { env: { LC_ALL: "en_US.ISO-8859-1" } });
    await terminal.waitFor("Une | barre ####");
    terminal.type("typed\r");
    await terminal.waitFor("U > typed");
    const shown = terminal.received.subarray(terminal.received.indexOf("\x1b[22;0t"));
    assert.equal(shown.filter((byte) => byte >= 0x80).length, 0, shown.toString("latin1"));
    await home.ok(["kill", id, "--signal", "KILL"]);
  });

  test("by the configuration: a blocked title stays away from replays and frames, and the clipboard is asked about", async () => {
    const other = new TestHome();
    try {
      const config = path.join(other.work, ".config", "falcon-sessions");
      fs.mkdirSync(config, { recursive: true });
      fs.writeFileSync(path.join(config, "config.toml"), '[program_sequences]\nclipboard = "ask"\ntitle = "block"\n');
      const script = `printf 'ready\\n'; while read line; do printf '${write}\\033]0;secret title\\007done %s\\n' "$line"; done`;
      const id = await other.start(["/bin/sh", "-c", script], ["--size", "80x24"]);
      const terminal = other.terminal(["attach", id]);
      await terminal.waitFor("ready");
      terminal.type("one\r");
      await terminal.waitFor(/wants to write your clipboard\. Let it\? \[y\/N\]/);
      terminal.type("n");
      await terminal.waitFor(() => terminal.text().includes("done one") && !terminal.text().includes("[y/N]"));
      assert.ok(!terminal.received.includes(clipboard), "no");
      terminal.type("two\r");
      await terminal.waitFor(/\[y\/N\]/);
      terminal.type("y");
      await terminal.waitFor(() => terminal.received.includes(clipboard), "the clipboard to be written");
      const again = other.terminal(["attach", "--read-only", id], { cols: 70, rows: 20 });
      await again.waitFor("done two");
      for (const { received } of [terminal, again]) assert.ok(!received.includes("secret title"));
    } finally {
      await other.dispose();
    }
  });

  test("a question of the program is answered once, by its own screen, and never by a viewer or a replay", async () => {
    // asks what the terminal is, and shows as hexadecimal digits what comes back, until a second after the
    // last byte: the first may take its time
    const read = "{ dd bs=1 count=1 2>/dev/null; stty min 0 time 10; cat; } | od -An -tx1 -v | tr -d ' \\n'";
    const script = `stty raw -echo min 1 time 0; printf '\\033[c'; ${read}; printf ' answered\\r\\n'; stty min 1; exec cat`;
    const id = await home.start(["/bin/sh", "-c", script], ["--size", "80x24"]);
    const both = [home.terminal(["attach", id]), home.terminal(["attach", id])];
    for (const viewer of both) await viewer.waitFor(/answered/);
    const answers = (both[0] as UserTerminal).text().match(/1b5b3f[0-9a-f]*?63/g) ?? [];
    assert.equal(answers.length, 1, (both[0] as UserTerminal).text());
    for (const viewer of both) assert.ok(!viewer.received.includes("\x1b[c"), "the question goes to no viewer");
    await home.ok(["kill", id, "--signal", "KILL"]);
  });
});

describe("nested use", () => {
  const home = new TestHome();
  after(() => home.dispose());

  test("is told, and a session is never shown inside itself, not through another one either", async () => {
    const outer = await home.start(["/bin/cat"], ["--name", "outer"]);
    const inner = await home.start(["/bin/cat"], ["--name", "inner"]);
    const itself = home.terminal(["attach", outer], { env: { FALCON_SESSION: outer } });
    assert.equal((await itself.waitForExit()).code, 2);
    const inside = home.terminal(["attach", inner], { env: { FALCON_SESSION: outer } });
    await until(() => viewers(home, inner), "the viewer inside the outer session");
    const told = /this terminal is session \w+ \(outer\) already; Ctrl-\\ leaves that one/;
    await until(() => told.test(inside.received.toString()), "the notice that this is inside another session");
    const circle = home.terminal(["attach", outer], { env: { FALCON_SESSION: inner }, cols: 120 });
    assert.equal((await circle.waitForExit()).code, 2);
    assert.match(circle.text(), /cannot be attached inside itself/);
  });
});

describe("the SSH agent", () => {
  const home = new TestHome();
  const servers: net.Server[] = [];
  after(async () => {
    for (const server of servers) server.close();
    await home.dispose();
  });
  /** Something that listens where an agent would, and greets with its name. */
  async function agent(name: string): Promise<string> {
    const file = path.join(path.dirname(home.folder), name);
    const server = net.createServer((socket) => socket.end(name));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(file, resolve));
    return file;
  }

  test("of whoever attached last is the one that the program reaches", async () => {
    const [first, second] = [await agent("agent-1"), await agent("agent-2")];
    const ask = `process.stdin.on("data", () => require("net").connect(process.env.SSH_AUTH_SOCK).on("data", (d) => console.log("reached " + d)))`;
    const id = await home.start([process.execPath, "-e", ask], ["--size", "80x24"], { env: { SSH_AUTH_SOCK: first } });
    const one = home.terminal(["attach", id], { env: { SSH_AUTH_SOCK: first } });
    await until(() => viewers(home, id), "the first viewer");
    one.type("x\r");
    await one.waitFor("reached agent-1");
    const two = home.terminal(["attach", id], { env: { SSH_AUTH_SOCK: second } });
    await two.waitFor("reached agent-1");
    two.type("x\r");
    await two.waitFor("reached agent-2");
    const looking = home.terminal(["attach", "--read-only", id], { env: { SSH_AUTH_SOCK: first } });
    await looking.waitFor("reached agent-2");
    two.type("y\r");
    await two.waitFor(/reached agent-2[\s\S]*reached agent-2/);
  });
});
