// A job on a node without a network: real Slurm, a network that reaches nothing but the host that it was
// submitted from, and there Debian's tinyproxy and a real sshd. What is sent goes directly where that leads
// there, else through the proxy, else through ssh, else it waits for the user's next command.
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { readIfThere, until, untilFile } from "../support/events.ts";
import { freePort } from "../support/free-port.ts";
import type { TestHome } from "../support/home.ts";
import { tool } from "../support/installs/foreign.ts";
import { BareNetwork, noBareNetwork } from "../support/machines/bare-network.ts";
import { type Answered, NginxReceiver, noNginx } from "../support/machines/nginx-receiver.ts";
import { certificateIn, noCertificates } from "../support/machines/receivers.ts";
import { noSlurm } from "../support/machines/slurm.ts";
import { SlurmNodes } from "../support/machines/slurm-nodes.ts";
import { falcon } from "../support/paths.ts";
import { configure, secretFile } from "./notify-home.ts";

const secret = "hunter2-of-the-test";
const sshd = tool("sshd");
const missing = [
  sshd === undefined && "there is no sshd here (Debian: apt-get install openssh-server)",
  spawnSync("tinyproxy", ["-v"]).status !== 0 && "there is no tinyproxy here (Debian: apt-get install tinyproxy)",
];
const skip = noSlurm() || noBareNetwork() || noNginx || noCertificates || missing.find((why) => why !== false) || false;

describe("a compute node without a network", { skip }, () => {
  // each node is a machine of its own, and shares with this one what lies in a home on a network
  const nodes = new SlurmNodes();
  let home: TestHome;
  let network: BareNetwork;
  let outside: NginxReceiver;
  let inside: NginxReceiver;
  let port = 0;
  let certificate: { file: string; key: string };
  const running = new Map<string, ChildProcess>();
  const at = (name: string) => path.join(home.work, name);
  const notices = () => path.join(home.folder, "falcon-sessions", "notices");

  /** Starts one of the host's services; `stop` ends it. */
  function service(name: string, file: string, words: string[]): void {
    running.set(name, spawn(file, words, { stdio: "ignore" }));
  }
  async function stop(name: string): Promise<void> {
    const child = running.get(name);
    running.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await ended;
  }

  before(async () => {
    await nodes.up({ HOOK_TOKEN: secret });
    home = nodes.home;
    network = await BareNetwork.up();
    const controller = /^SlurmctldPort=(\d+)$/m.exec(fs.readFileSync(nodes.cluster.env.SLURM_CONF as string, "utf8"))?.[1];
    await network.lead(Number(controller), at("controller.sock"));
    port = await freePort();
    const made = certificateIn(home.work);
    certificate = { file: made.file, key: at("key.pem") };
    for (const name of ["outside", "inside", "sshd"]) fs.mkdirSync(at(name), { mode: 0o700 });
    outside = new NginxReceiver(at("outside"));
    await outside.start(certificate, port);
    inside = new NginxReceiver(at("inside"));
    await inside.start(certificate, port, network.enter);
    await startProxy();
    await startSshd();
    configure(
      home,
      `ssh = ["ssh", "-F", "${at("ssh_config")}"]
[notify.hook]
webhook_file = "${secretFile(home, "address", `https://localhost:${port}/${secret}`)}"
token_env = "HOOK_TOKEN"
ca_file = "${certificate.file}"
events = ["failed"]
at_most_every = "never"
`,
    );
  });
  after(async () => {
    try {
      // first the jobs, then what they reach, then where they ran
      await nodes.cluster?.cancelAll();
      for (const name of [...running.keys()]) await stop(name);
      await inside?.stop();
      await outside?.stop();
    } finally {
      try {
        await nodes.down();
      } finally {
        await network?.down();
      }
    }
    await until(() => network?.gone ?? true, "the network to be gone");
  });

  let proxyPort = 0;
  async function startProxy(): Promise<void> {
    proxyPort = await freePort(network.outside);
    fs.writeFileSync(
      at("tinyproxy.conf"),
      `Port ${proxyPort}\nListen ${network.outside}\nTimeout 60\nLogLevel Info\nLogFile "${at("tinyproxy.log")}"\nMaxClients 10\nConnectPort ${port}\n`,
    );
    service("tinyproxy", "tinyproxy", ["-d", "-c", at("tinyproxy.conf")]);
    await untilFile(at("tinyproxy.log"), (text) => text.includes("Accepting connections"));
  }

  async function startSshd(): Promise<void> {
    const key = (name: string) => execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", at(name)]);
    key("sshd/host");
    key("sshd/user");
    fs.copyFileSync(at("sshd/user.pub"), at("sshd/authorized"));
    const sshPort = await freePort(network.outside);
    fs.writeFileSync(
      at("sshd/config"),
      `ListenAddress ${network.outside}:${sshPort}\nHostKey ${at("sshd/host")}\nPidFile ${at("sshd/pid")}\nAuthorizedKeysFile ${at("sshd/authorized")}
PermitRootLogin prohibit-password\nPasswordAuthentication no\nUsePAM no\nStrictModes no\n`,
    );
    const [type, base64] = fs.readFileSync(at("sshd/host.pub"), "utf8").split(" ");
    fs.writeFileSync(at("sshd/known"), `[${network.outside}]:${sshPort} ${type} ${base64}\n`);
    // as a user has it for the host that jobs are submitted from
    fs.writeFileSync(
      at("ssh_config"),
      `Host ${os.hostname()}\nHostName ${network.outside}\nPort ${sshPort}\nUser root\nIdentityFile ${at("sshd/user")}\nUserKnownHostsFile ${at("sshd/known")}\n`,
    );
    const own = `mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd && exec ${sshd} -D -f ${at("sshd/config")} -E ${at("sshd/log")}`;
    service("sshd", "unshare", ["--mount", "sh", "-c", own]);
    await untilFile(at("sshd/log"), (text) => text.includes("Server listening"));
  }

  const names = (web: NginxReceiver) => web.answered().map(({ body }) => /"name":"(\w+)"/.exec(body)?.[1]);
  const untilTold = (web: NginxReceiver, name: string) =>
    until(
      () => web.answered().find(({ body }: Answered) => body.includes(`"name":"${name}"`)),
      () => `${name} to be told${nodes.cluster.output("job")}${logOfJob()}`,
      60_000,
    );
  const logOfJob = () =>
    nodes.cluster.nodes
      .flatMap((node) => {
        const jobs = path.join(home.folder, "falcon-sessions", node, "j");
        return fs.existsSync(jobs) ? fs.readdirSync(jobs).map((job) => readIfThere(path.join(jobs, job, "server.log"))) : [];
      })
      .join("\n");
  const connects = () => (readIfThere(at("tinyproxy.log")) ?? "").match(/CONNECT localhost:/g)?.length ?? 0;
  const logins = () => (readIfThere(at("sshd/log")) ?? "").match(/Accepted publickey/g)?.length ?? 0;

  test("directly, then the proxy, then ssh, then it waits in the shared home for a command elsewhere, which says that it is late", async () => {
    const step = ["direct", "proxy", "ssh", "waits"].map(
      (name) => `until [ -e ${at(`gate-${name}`)} ]; do sleep 0.1; done; ${falcon} run --name ${name} -- /bin/sh -c 'exit 3'`,
    );
    fs.writeFileSync(at("step.sh"), `${step.join("\n")}\nsleep 300\n`);
    await nodes.cluster.submit("job", [`${network.enter.join(" ")} bash ${at("step.sh")}`], [], {
      ...home.env,
      HTTPS_PROXY: `http://${network.outside}:${proxyPort}`,
    });
    const fail = (name: string) => fs.writeFileSync(at(`gate-${name}`), "");

    fail("direct");
    const first = await untilTold(inside, "direct");
    assert.deepEqual([first.url, first.authorization, first.status], [`/${secret}`, `Bearer ${secret}`, 204]);
    assert.deepEqual([connects(), logins()], [0, 0]);
    await inside.stop();

    fail("proxy");
    await untilTold(outside, "proxy");
    assert.deepEqual([connects(), logins()], [1, 0]);
    assert.ok(!readIfThere(at("tinyproxy.log"))?.includes(secret), "the proxy sees no secret");
    await stop("tinyproxy");

    fail("ssh");
    const third = await untilTold(outside, "ssh");
    assert.equal(third.authorization, `Bearer ${secret}`);
    assert.equal(logins(), 1);
    await stop("sshd");

    fail("waits");
    const [file] = await until(
      () => {
        const found = fs.existsSync(notices()) ? fs.readdirSync(notices()).filter((name) => name.endsWith(".json")) : [];
        return found.length > 0 && found;
      },
      () => `the notice to be left${logOfJob()}`,
      60_000,
    );
    const text = fs.readFileSync(path.join(notices(), file as string), "utf8");
    assert.ok(!/https?:|webhook|command|hunter2/.test(text), text);
    const fields = Object.keys(JSON.parse(text) as object).sort();
    assert.deepEqual(fields, ["channel", "created", "event", "facts", "format", "session"]);
    assert.deepEqual(names(outside), ["proxy", "ssh"]);

    // the user's next command, on the host that has a network
    await home.ok(["sessions"]);
    const last = await untilTold(outside, "waits");
    const { text: words } = JSON.parse(last.body) as { text: string };
    assert.match(words, /^ended with status 3\non [ab]\d+: falcon show waits\nlate: it happened at \d{4}-/);
    await until(() => fs.readdirSync(notices()).length === 0, "the notice to be cleared");
    await until(async () => / sent {5}waits failed/.test(await home.ok(["notify", "--list"])), "the list to have it");
    assert.deepEqual([names(inside), names(outside)], [["direct"], ["proxy", "ssh", "waits"]], "each once");
  });
});
