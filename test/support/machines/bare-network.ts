// A network of a test's own, as a compute node's may be: it reaches nothing but one address of this machine.
// It is gone with the process that keeps it, and that with the test.
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";

/** Why there can be none here; false: there can. */
export function noBareNetwork(): string | false {
  if (process.platform !== "linux" || process.geteuid?.() !== 0) return "only root can make a network";
  const made = spawnSync("unshare", ["--net", "true"]).status === 0 && spawnSync("ip", ["-V"]).status === 0;
  return made ? false : "no network can be made here (Debian: apt-get install iproute2)";
}

/** Runs there: passes what comes to a port on to a socket, which no network bounds. */
const relay = `const net = require("node:net");
const [, port, file] = process.argv;
net.createServer((from) => {
  const to = net.connect(file);
  for (const one of [from, to]) one.on("error", () => { from.destroy(); to.destroy(); });
  from.pipe(to).pipe(from);
}).listen(Number(port), "127.0.0.1", () => console.log("up"));
process.stdin.resume().on("end", () => process.exit());`;

export class BareNetwork {
  /** This machine, as it is reached from there. */
  readonly outside: string;
  readonly #keeper: ChildProcess;
  readonly #relays: { server: net.Server; child: ChildProcess }[] = [];

  private constructor(keeper: ChildProcess, outside: string) {
    this.#keeper = keeper;
    this.outside = outside;
  }

  static async up(): Promise<BareNetwork> {
    // it ends when its standard input does
    const keeper = spawn("unshare", ["--net", "sh", "-c", "echo up; exec cat >/dev/null"], { stdio: ["pipe", "pipe", "ignore"] });
    await new Promise((resolve) => keeper.stdout?.once("data", resolve));
    const pid = String(keeper.pid);
    // 198.18.0.0/15 is for tests of networks (RFC 2544): nobody's machine is there
    const [a, b] = [Math.floor(Math.random() * 256), Math.floor(Math.random() * 64) * 4];
    const [outside, inside] = [`198.18.${a}.${b + 1}`, `198.18.${a}.${b + 2}`];
    const ip = (...words: string[]) => execFileSync("ip", words);
    const there = (...words: string[]) => execFileSync("nsenter", ["--target", pid, "--net", "ip", ...words]);
    const name = `fs${pid}`;
    ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", pid);
    ip("address", "add", `${outside}/30`, "dev", name);
    ip("link", "set", name, "up");
    there("link", "set", "lo", "up");
    there("address", "add", `${inside}/30`, "dev", "eth0");
    there("link", "set", "eth0", "up");
    return new BareNetwork(keeper, outside);
  }

  /** The words before a command that is to run there. */
  get enter(): readonly string[] {
    return ["nsenter", "--target", String(this.#keeper.pid), "--net"];
  }

  /**
   * Lets it reach this port of this machine's 127.0.0.1 as its own, as a node reaches its batch system.
   * @param file a socket's path.
   */
  async lead(port: number, file: string): Promise<void> {
    const server = net.createServer((from) => {
      const to = net.connect(port, "127.0.0.1");
      for (const one of [from, to])
        one.on("error", () => {
          from.destroy();
          to.destroy();
        });
      from.pipe(to).pipe(from);
    });
    await new Promise<void>((resolve) => server.listen(file, resolve));
    const [program, ...words] = [...this.enter, process.execPath, "-e", relay, String(port), file];
    const child = spawn(program as string, words, { stdio: ["pipe", "pipe", "ignore"] });
    this.#relays.push({ server, child });
    await new Promise((resolve) => child.stdout.once("data", resolve));
  }

  /** What tests started there has to be gone. */
  async down(): Promise<void> {
    for (const { server, child } of this.#relays) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.stdin?.end();
      await ended;
      await new Promise((resolve) => server.close(resolve));
    }
    const ended = new Promise((resolve) => this.#keeper.once("exit", resolve));
    this.#keeper.stdin?.end();
    await ended;
  }

  /** Whether its end on this machine is gone. */
  get gone(): boolean {
    return !fs.existsSync(`/sys/class/net/fs${this.#keeper.pid}`);
  }
}
