// Log-out with a real systemd user manager: server and sessions leave the login's scope for their own, and
// the user is told once.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { readIfThere, until } from "../../support/events.ts";
import { killNow, TestHome } from "../../support/home.ts";
import { tool } from "../../support/installs/foreign.ts";
import * as built from "../../support/paths.ts";

before(() => assert.deepEqual(built.notBuilt(), [], "npm run build comes first"));

const systemd = ["/lib/systemd/systemd", "/usr/lib/systemd/systemd"].find((file) => fs.existsSync(file));
const hierarchies = ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"].filter((folder) =>
  fs.existsSync(path.join(folder, "cgroup.procs")),
);

/** Why a manager of our own cannot be run here. */
function cannot(): string | false {
  if (process.platform !== "linux" || systemd === undefined) return "there is no systemd";
  if (process.getuid?.() !== 0) return "only root can make control groups";
  if (fs.existsSync("/run/systemd/system")) return "the machine's own systemd runs: its groups are not ours to change";
  const tools = ["dbus-daemon", "busctl", "unshare"].filter((name) => tool(name) === undefined);
  if (tools.length > 0) return `${tools.join(", ")} missing`;
  try {
    for (const hierarchy of hierarchies) fs.accessSync(hierarchy, fs.constants.W_OK);
  } catch {
    return "control groups are read-only here";
  }
  return hierarchies.length === 0 ? "there are no control groups" : false;
}

describe("below a user's manager", { skip: cannot() }, () => {
  const runtime = fs.mkdtempSync("/tmp/fs-");
  const bus = `unix:path=${runtime}/bus`;
  const slice = `falcon-test-${process.pid}`;
  const manager = `${slice}/user@0.service`;
  const login = `${manager}/app.slice/login.scope`;
  const home = new TestHome({ XDG_RUNTIME_DIR: runtime, DBUS_SESSION_BUS_ADDRESS: bus });
  const children: ChildProcess[] = [];

  /** Starts a program in a control group of every hierarchy. */
  const inGroup = (group: string, command: string) =>
    `${hierarchies.map((h) => `mkdir -p "${h}/${group}" && echo $$ > "${h}/${group}/cgroup.procs"`).join(" && ")} && ${command}`;

  before(async () => {
    children.push(spawn("dbus-daemon", ["--session", `--address=${bus}`, "--nofork", "--nopidfile"], { stdio: "ignore" }));
    await until(() => fs.existsSync(`${runtime}/bus`), "the bus");
    // a manager starts only where the system seems to be booted with systemd: it sees a /run/systemd of its
    // own
    const pretend = "mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/system";
    const script = `${pretend} && ${inGroup(`${manager}/init.scope`, `exec ${systemd} --user`)}`;
    children.push(
      spawn("unshare", ["--mount", "sh", "-c", script], {
        env: { PATH: process.env.PATH, HOME: home.work, XDG_RUNTIME_DIR: runtime, DBUS_SESSION_BUS_ADDRESS: bus },
        stdio: "ignore",
      }),
    );
    await until(() => fs.existsSync(`${runtime}/systemd/private`), "the user's manager", 20_000);
  });

  after(async () => {
    await home.dispose();
    for (const child of children.reverse()) {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await gone;
    }
    // the manager has services of its own (a second bus): whatever is left in its groups is ours
    for (const hierarchy of hierarchies) {
      await until(() => {
        const left = processesIn(path.join(hierarchy, slice));
        for (const pid of left) killNow(pid);
        return left.length === 0;
      }, "the manager's services to end");
      removeGroups(path.join(hierarchy, slice));
    }
    fs.rmSync(runtime, { recursive: true, force: true });
  });

  const fromLogin = (command: string) =>
    home.run(["-c", inGroup(login, `exec "$0" ${command}`), built.falcon], { file: "/bin/sh" });
  const groupOf = (pid: number) => readIfThere(`/proc/${pid}/cgroup`) ?? "";

  test("the server and each session are moved to scopes of their own, and lingering is told of once", async () => {
    const first = await fromLogin("run -d -- /bin/cat");
    const id = first.stdout.trim();
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stderr, /lingering is off: 'loginctl enable-linger' mends it/);
    const second = await fromLogin("run -d -- /bin/cat");
    assert.equal(second.stderr, "", "told once");
    const server = home.serverPid() as number;
    await until(() => groupOf(server).includes(`falcon-sessions-server-${server}.scope`), "the server's scope");
    const { pid } = (await home.sessions()).find((row) => row.id === id) as { pid: number };
    await until(() => groupOf(pid).includes(`falcon-sessions-${id}.scope`), "the session's scope");
    assert.ok(!groupOf(pid).includes("login.scope"));
  });

  test("doctor names it as a problem with the same command", async () => {
    const { stdout, code } = await fromLogin("doctor");
    assert.equal(code, 1);
    assert.match(stdout, /problem .*lingering is off/);
    assert.match(stdout, /mend: loginctl enable-linger/);
  });
});

function processesIn(folder: string): number[] {
  const own = (readIfThere(path.join(folder, "cgroup.procs")) ?? "").split("\n").filter(Boolean).map(Number);
  return [...own, ...subgroups(folder).flatMap(processesIn)];
}

function subgroups(folder: string): string[] {
  return fs
    .readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => path.join(folder, entry.name));
}

/** Removes control groups, innermost first; one that still has a process stays, and fails the test. */
function removeGroups(folder: string): void {
  for (const group of subgroups(folder)) removeGroups(group);
  fs.rmdirSync(folder);
}
