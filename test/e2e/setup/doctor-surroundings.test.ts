// `falcon doctor` where the machine itself is the condition: an old kernel, a network home, cleaners, a full
// disk, no terminfo, a login that ends its processes. Each is made for real, in a mount namespace of its own,
// for one server that is stopped in it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { before, describe, test } from "node:test";
import { program } from "../../support/compile.ts";
import { TestHome } from "../../support/home.ts";
import * as built from "../../support/paths.ts";

before(() => assert.deepEqual(built.notBuilt(), [], "npm run build comes first"));

const root = process.getuid?.() === 0;
/**
 * What gives a command mounts of its own: also to a user, where the system lets one be root in a namespace.
 */
const namespace = ["unshare", ...(root ? [] : ["--user", "--map-root-user"]), "--mount"];
const noNamespace =
  process.platform === "linux" && spawnSync(namespace[0] as string, [...namespace.slice(1), "true"]).status === 0
    ? false
    : "needs mounts of its own (root, or user namespaces)";

interface Found {
  id: string;
  severity: string;
  what: string;
  remedy: string;
}

/**
 * Asks the doctor of a fresh home, by a server that was started there, and stops it. `prepare` is a piece of
 * shell that makes the condition ($H: the
 * home, $W: a folder for files); it runs in the same namespace.
 */
async function ask(
  prepare: string,
  { env = {}, first = namespace }: { env?: Record<string, string | undefined>; first?: string[] } = {},
): Promise<{ code: number; findings: Found[] }> {
  const home = new TestHome();
  try {
    const script = `set -e; ${prepare}
"$0" doctor --json && code=0 || code=$?
"$0" server stop >&2
exit $code`;
    const [file, ...args] = [...first, "/bin/sh", "-c", script, built.falcon];
    const result = await home.run(args, { file: file as string, env: { H: home.folder, W: home.work, ...env } });
    assert.notEqual(result.stdout, "", result.stderr);
    const answer = JSON.parse(result.stdout) as { problems: number; conditions: { findings: Found[] }[] };
    assert.equal(result.code, answer.problems > 0 ? 1 : 0, result.stderr);
    return { code: result.code, findings: answer.conditions.flatMap(({ findings }) => findings) };
  } finally {
    await home.dispose();
  }
}

async function finds(id: string, severity: string, what: RegExp, remedy: RegExp, asked: ReturnType<typeof ask>): Promise<void> {
  const { findings } = await asked;
  const found = findings.find((finding) => finding.id === id);
  assert.ok(found, `${id} among ${findings.map((finding) => finding.id).join(", ")}`);
  assert.equal(found.severity, severity);
  assert.match(found.what, what);
  assert.match(found.remedy, remedy);
}

const noOldKernel =
  process.platform === "linux" && spawnSync("setarch", ["--uname-2.6", "true"]).status === 0
    ? false
    : "needs setarch, which makes the kernel call itself 2.6";

test("an old kernel", { skip: noOldKernel }, () =>
  finds(
    "old-kernel",
    "warning",
    /the kernel 2\.6\.\S+ is older than 4\.18/,
    /newer system/,
    ask("", { first: ["setarch", "--uname-2.6"] }),
  ),
);

describe("in mounts of its own", { skip: noNamespace }, () => {
  test("a cleaner of /tmp, in which the sessions and Ray's files are", async () => {
    const rule =
      "mount -t tmpfs tmpfs /run; mkdir /run/tmpfiles.d; echo 'q /tmp 1777 root root 10d' > /run/tmpfiles.d/tmp-test.conf";
    const asked = ask(rule);
    await finds(
      "cleaned-folder",
      "problem",
      /lies in \/tmp, from which files older than 10d .*tmp-test\.conf/,
      /FALCON_SESSIONS_HOME/,
      asked,
    );
    await finds("cleaned-ray-folder", "warning", /Ray keeps files .*\/tmp\/ray/, /RAY_TMPDIR/, asked);
    const spared = await ask(`${rule}; echo "x $H" > /run/tmpfiles.d/ours.conf`);
    assert.ok(!spared.findings.some(({ id }) => id === "cleaned-folder"), "what is spared is no problem");
  });

  test("a disk that is nearly full", () =>
    finds(
      "disk-full",
      "problem",
      /the disk of the sessions .* is nearly full: \d+ MiB of 64 MiB left/,
      /./,
      ask('mount -t tmpfs -o mode=0700,size=64m tmpfs "$H"'),
    ));

  test("a disk without room for more files", () =>
    finds(
      "disk-full",
      "problem",
      /has room for \d+ more files only/,
      /./,
      // with room enough in bytes, where the machine has it: only the files are few
      ask(`mount -t tmpfs -o mode=0700,size=40g,nr_inodes=2000 tmpfs "$H"; mkdir -m 700 "$H/f"; umask 077
        i=0; while [ $i -lt 1982 ]; do : > "$H/f/$i"; i=$((i+1)); done`),
    ));

  test("a machine that knows no xterm-256color", () => {
    const folders = ["/etc/terminfo", "/lib/terminfo", "/usr/share/terminfo", "/usr/share/lib/terminfo", "/usr/lib/terminfo"];
    const hide = folders.map((folder) => `if [ -d ${folder} ]; then mount -t tmpfs tmpfs ${folder}; fi`).join("; ");
    return finds("session-terminal-unknown", "problem", /knows no xterm-256color/, /ncurses-base/, ask(hide));
  });

  const noFuse = (() => {
    try {
      fs.accessSync("/dev/fuse", fs.constants.W_OK | fs.constants.R_OK);
      return false;
    } catch {
      return "needs /dev/fuse";
    }
  })();

  test("a home on a network file system: the sessions are kept on the machine, and that is told", { skip: noFuse }, async () => {
    const served = `mount -t tmpfs -o mode=1777 tmpfs /var/tmp; mkdir "$W/net"
      mkfifo "$W/ready"; "${program("fuse-folder")}" "$W/net" > "$W/ready" & served=$!; read said < "$W/ready"
      trap 'kill $served' EXIT; export HOME="$W/net"; cd /`;
    await finds(
      "network-home",
      "warning",
      new RegExp(`your home is on a network file system.*/var/tmp/falcon-sessions-0/${os.hostname()}`),
      /log in to this same machine/,
      ask(served, { env: { FALCON_SESSIONS_HOME: undefined } }),
    );
  });

  const hierarchies = ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"].filter((folder) =>
    fs.existsSync(path.join(folder, "cgroup.procs")),
  );
  const noGroups =
    root && hierarchies.length > 0 && hierarchies.every((folder) => isWritable(folder)) && !fs.existsSync("/run/systemd/system")
      ? false
      : "needs root and control groups that no systemd has";

  test("a login that ends its processes, and no manager to move to; told at the start once, with what helps", {
    skip: noGroups,
  }, async () => {
    const group = `session-falcon${process.pid}.scope`;
    const folders = hierarchies.map((folder) => path.join(folder, group));
    const login = `mount -t tmpfs tmpfs /run; mkdir -p /run/systemd/logind.conf.d
      printf '[Login]\\nKillUserProcesses=yes\\nKillExcludeUsers=\\n' > /run/systemd/logind.conf.d/test.conf
      ${folders.map((folder) => `mkdir -p ${folder}; echo $$ > ${folder}/cgroup.procs`).join("; ")}
      "$0" run -- /bin/true 2> "$W/first"; "$0" run -- /bin/true 2> "$W/second"
      grep -q "logging out of this machine will end your sessions" "$W/first"
      if grep -q "logging out" "$W/second"; then echo "told twice" >&2; exit 9; fi`;
    try {
      await finds("log-out", "problem", /KillUserProcesses is on/, /loginctl enable-linger/, ask(login));
    } finally {
      for (const folder of folders) if (fs.existsSync(folder)) fs.rmdirSync(folder);
    }
  });
});

test("a file in the sessions' folder that is somebody else's", { skip: root ? false : "only root can give files away" }, () =>
  finds(
    "folder-modes",
    "problem",
    /other users can reach .*strange \(of user 65534\)/,
    /find out who made it/,
    ask('mkdir -m 700 "$H/s"; echo > "$H/s/strange"; chmod 600 "$H/s/strange"; chown 65534 "$H/s/strange"', { first: ["env"] }),
  ),
);

function isWritable(folder: string): boolean {
  try {
    fs.accessSync(folder, fs.constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
