// The home directory on a real NFS server with caching: what machines tell each other arrives without
// locks, and what needs locks and sockets stays on each machine. Where this kernel has no NFS, one that has
// runs this file.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { slowness, until } from "../support/events.ts";
import { tool } from "../support/installs/foreign.ts";
import { Hosts, noHosts } from "../support/machines/hosts.ts";
import { noMachine, passInMachine } from "../support/machines/machine.ts";

const programs = ["rpc.nfsd", "rpc.mountd", "exportfs", "mount.nfs4"];
const lacking = programs.filter((program) => tool(program) === undefined);
const noPrograms = lacking.length > 0 && `not on PATH: ${lacking} (Debian and Ubuntu: apt-get install nfs-kernel-server)`;
const kernel = fs.readFileSync("/proc/filesystems", "utf8");
const hasNfs = /\tnfsd$/m.test(kernel) && /\tnfs4$/m.test(kernel);

test(
  "the home on NFS, under a kernel that has it",
  { skip: noHosts() || noPrograms || (hasNfs ? "this kernel has it" : noMachine()) },
  () => passInMachine("test/kernel/network-home.test.ts", { passing: 3, modules: ["nfsd", "nfsv4", "veth", "bridge"] }),
);

/** So long (s) a client of the server believes what it has seen. */
const cached = 6;
/** A file is written within 10 s, and seen when the cache forgets (ms). */
const longest = 60_000 * slowness;
/** Between two looks, which start programs (ms). */
const pause = 500;

interface Row {
  id: string;
  name: string;
  host: string;
  state: string;
}

describe("a home directory on NFS", { skip: noHosts() || noPrograms || (hasNfs ? false : "this kernel has no NFS") }, () => {
  let hosts: Hosts;
  const nodes = ["node1", "node2"];
  before(async () => {
    hosts = await Hosts.up("files", ...nodes);
    const shell = async (host: string, ...lines: string[]) => {
      const said = await hosts.command(host, ["sh", "-e", "-c", lines.join("\n")]);
      assert.equal(said.code, 0, `${host}: ${said.stdout}${said.stderr}`);
    };
    await shell(
      "files",
      "mount -t tmpfs state /var/lib/nfs",
      "mkdir /run/nfs; touch /var/lib/nfs/etab /var/lib/nfs/rmtab; mkdir -p /var/lib/nfs/v4recovery",
      "mount -t nfsd nfsd /proc/fs/nfsd",
      "exportfs -i -o rw,no_root_squash,insecure,no_subtree_check,fsid=0 '10.77.0.0/24:/root'",
      "rpc.mountd --no-udp --no-nfs-version 3 >/run/mountd.log 2>&1",
      "rpc.nfsd --no-udp --no-nfs-version 3 --grace-time 1 --lease-time 10 2",
    );
    for (const node of nodes)
      await shell(node, `mount -t nfs4 -o vers=4.2,nosharecache,actimeo=${cached} files:/ /root`, "test -d ~/.ssh");
  });
  after(() => hosts.down());

  const list = async (host: string) => JSON.parse(await hosts.ok(host, ["sessions", "--json"])) as Row[];
  const seenOn = (host: string, name: string, state: string) =>
    until(
      async () => {
        const found = (await list(host)).find((row) => row.name === name && row.state === state);
        if (found === undefined) await new Promise((resolve) => setTimeout(resolve, pause));
        return found;
      },
      () => `${host} to list ${name} as ${state}`,
      longest,
    );

  test("the homes are each machine's own, and the list is that of all", async () => {
    for (const node of nodes)
      await hosts.ok(node, ["run", "-d", "--name", `on-${node}`, "--", "/bin/sh", "-c", "echo from $(hostname); exec cat"]);
    assert.equal((await seenOn("node1", "on-node2", "running")).host, "node2");
    assert.equal((await seenOn("node2", "on-node1", "running")).host, "node1");
    const shared = path.join(hosts.folder, "root", ".local/state/falcon-sessions");
    assert.deepEqual(fs.readdirSync(shared), ["roster"], "no lock, no socket and no database on it");
    for (const node of nodes)
      assert.ok(fs.existsSync(path.join(hosts.folder, node, "vartmp", "falcon-sessions-0", node, "state.db")), node);
  });

  test("a session of the other machine is attached to, and its end is told", async () => {
    const terminal = hosts.terminal("node2", ["attach", "on-node1"]);
    await terminal.waitFor("from node1", undefined, longest);
    terminal.key("C-\\");
    assert.equal((await terminal.exit).code, 0);
    await hosts.ok("node1", ["kill", "on-node1"]);
    await seenOn("node2", "on-node1", "exited");
  });

  test("the file server is away: a machine's own sessions go on, are listed and attached to", async () => {
    await hosts.cable("node2", "down");
    const rows = await list("node2");
    assert.ok(
      rows.some((row) => row.name === "on-node2" && row.state === "running"),
      JSON.stringify(rows),
    );
    const terminal = hosts.terminal("node2", ["attach", "on-node2"]);
    await terminal.waitFor("from node2", undefined, longest);
    terminal.key("C-\\");
    assert.equal((await terminal.exit).code, 0);
    await hosts.cable("node2", "up");
    await seenOn("node2", "on-node1", "exited");
  });
});
