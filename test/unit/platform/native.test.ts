// The addon's calls, each with its errors by code.
import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { spawn } from "node-pty";
import {
  claimHome,
  close,
  connectUnix,
  dup,
  firstData,
  lineMode,
  onNetwork,
  openFolder,
  peerCredentials,
  punchHole,
  recvFds,
  sendFds,
  setCloexec,
  setWindowSize,
  tryLock,
  unlinkAt,
  writeSome,
} from "../../../src/platform/native.ts";
import { packageRoot } from "../../../src/platform/native-files.ts";
import { root } from "../../support/paths.ts";

let folder: string;
before(() => {
  folder = fs.mkdtempSync("/tmp/fs-");
});
after(() => fs.rmSync(folder, { recursive: true }));

const coded = (code: string) => (error: unknown) => error instanceof Error && (error as NodeJS.ErrnoException).code === code;
const cloexec = (fd: number): boolean =>
  (Number.parseInt(/flags:\s+(\d+)/.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? "0", 8) & 0o2000000) !== 0;

/**
 * A listener in this process, with the accepted connection's descriptor replaced by what the test reads and
 * writes itself.
 */
async function pair(): Promise<{ client: number; server: net.Socket; stop(): void }> {
  const file = path.join(folder, "pair");
  const listener = net.createServer();
  await new Promise<void>((resolve) => listener.listen(file, resolve));
  const accepted = new Promise<net.Socket>((resolve) => listener.once("connection", resolve));
  const client = connectUnix(file);
  const server = await accepted;
  return {
    client,
    server,
    stop() {
      server.destroy();
      listener.close();
      close(client);
    },
  };
}

test("the root is the folder of package.json", () => {
  assert.equal(packageRoot, root);
});

test("dup is another descriptor of the same file, close-on-exec; close ends it", () => {
  const fd = fs.openSync(path.join(folder, "a"), "w+");
  const copy = dup(fd);
  assert.notEqual(copy, fd);
  assert.ok(cloexec(copy));
  fs.writeSync(fd, "same");
  assert.equal(fs.fstatSync(copy).size, 4);
  fs.closeSync(fd);
  assert.equal(fs.fstatSync(copy).size, 4);
  close(copy);
  assert.throws(() => fs.fstatSync(copy), coded("EBADF"));
  assert.throws(() => close(copy), coded("EBADF"));
  assert.throws(() => dup(copy), coded("EBADF"));
  assert.throws(() => setCloexec(copy), coded("EBADF"));
});

test("unlinkAt removes no folder that has something in it, and nothing as what it is not, and says which", () => {
  fs.mkdirSync(path.join(folder, "full/inner"), { recursive: true });
  const above = openFolder(folder);
  try {
    assert.throws(() => unlinkAt(above, "full", true), coded("ENOTEMPTY"));
    assert.throws(() => unlinkAt(above, "full", false), coded(process.platform === "linux" ? "EISDIR" : "EPERM"));
    fs.rmdirSync(path.join(folder, "full/inner"));
    unlinkAt(above, "full", true);
    assert.ok(!fs.existsSync(path.join(folder, "full")));
  } finally {
    close(above);
  }
});

test("setCloexec sets the flag", () => {
  const terminal = spawn("/bin/true", [], {});
  const { fd } = terminal as unknown as { fd: number };
  assert.ok(!cloexec(fd), "node-pty leaves it open: if this fails, it has mended that");
  setCloexec(fd);
  assert.ok(cloexec(fd));
  return new Promise<void>((resolve) => terminal.onExit(() => resolve()));
});

test("connectUnix says why it could not", () => {
  assert.throws(() => connectUnix(path.join(folder, "none")), coded("ENOENT"));
  fs.writeFileSync(path.join(folder, "file"), "");
  assert.throws(() => connectUnix(path.join(folder, "file")), coded("ECONNREFUSED"));
  assert.throws(() => connectUnix(`/tmp/${"x".repeat(120)}`), coded("ENAMETOOLONG"));
  assert.throws(() => connectUnix("/tmp/a\0b"), coded("EINVAL"));
  assert.throws(() => connectUnix(undefined as unknown as string), TypeError);
});

test("a connection knows the other side, and descriptors travel over it", async () => {
  const { client, server, stop } = await pair();
  try {
    assert.deepEqual(peerCredentials(client), { uid: process.geteuid?.(), pid: process.pid });
    assert.equal(recvFds(client, 10), null);
    await new Promise<void>((resolve) => server.write("hello", () => resolve()));
    assert.equal(recvFds(client, 3)?.data.toString(), "hel");
    assert.deepEqual(recvFds(client, 30), { data: Buffer.from("lo"), fds: [] });
    server.end();
    await new Promise((resolve) => server.once("finish", resolve));
    assert.equal(recvFds(client, 30)?.data.length, 0);
  } finally {
    stop();
  }
});

test("sent descriptors arrive close-on-exec, and name the same file", async () => {
  // both ends of one connection in this process: the accepted one's number is found by what it is connected
  // to
  const { client, server, stop } = await pair();
  const accepted = (server as unknown as { _handle: { fd: number } })._handle.fd;
  try {
    server.pause();
    const file = path.join(folder, "travels");
    const fd = fs.openSync(file, "w+");
    assert.equal(sendFds(client, Buffer.from("ab"), [fd, fd]), 2);
    fs.closeSync(fd);
    const received = recvFds(accepted, 100);
    assert.equal(received?.data.toString(), "ab");
    assert.equal(received?.fds.length, 2);
    for (const got of received?.fds ?? []) {
      assert.ok(cloexec(got));
      assert.equal(fs.fstatSync(got).ino, fs.statSync(file).ino);
      close(got);
    }
    assert.throws(() => sendFds(client, Buffer.from("x"), new Array(17).fill(0)), TypeError);
    assert.throws(() => sendFds(client, Buffer.from("x"), [9999]), coded("EBADF"));
  } finally {
    stop();
  }
});

test("tryLock: one holder, -1 for the next, free again after close", () => {
  const file = path.join(folder, "lock");
  const lock = tryLock(file);
  assert.ok(lock >= 0);
  assert.ok(cloexec(lock));
  assert.equal(tryLock(file), -1);
  close(lock);
  const again = tryLock(file);
  assert.ok(again >= 0);
  close(again);
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  assert.throws(() => tryLock(path.join(folder, "no/such")), coded("ENOENT"));
  fs.symlinkSync(file, path.join(folder, "link"));
  assert.throws(() => tryLock(path.join(folder, "link")), coded("ELOOP"));
});

test("punchHole frees blocks and moves nothing", () => {
  const fd = fs.openSync(path.join(folder, "holes"), "w+");
  fs.writeSync(fd, Buffer.alloc(1 << 20, 1));
  const before = fs.fstatSync(fd).blocks;
  if (punchHole(fd, 0, 1 << 19)) {
    assert.ok(fs.fstatSync(fd).blocks < before);
    const read = Buffer.alloc(2);
    fs.readSync(fd, read, 0, 2, (1 << 19) - 1);
    assert.deepEqual([...read], [0, 1]);
  }
  assert.equal(fs.fstatSync(fd).size, 1 << 20);
  fs.closeSync(fd);
  assert.throws(() => punchHole(fd, 0, 4096), coded("EBADF"));
});

test("firstData passes over holes, and ends at the file's end", () => {
  const file = path.join(folder, "sparse");
  const fd = fs.openSync(file, "w+");
  fs.writeSync(fd, "data", 1 << 20);
  fs.ftruncateSync(fd, 3 << 20);
  assert.deepEqual(
    [0, (1 << 20) + 2, 2 << 20].map((from) => firstData(fd, from)),
    [1 << 20, (1 << 20) + 2, 3 << 20],
  );
  fs.closeSync(fd);
});

test("onNetwork: /proc is on none", () => {
  assert.equal(onNetwork("/proc"), false);
  assert.throws(() => onNetwork(path.join(folder, "no/such")), coded("ENOENT"));
});

test("lineMode follows what the program sets; setWindowSize reaches it", async () => {
  // it says that it is there before it is asked: until then the terminal may not be its own; and it stays
  // until everything was read
  const script = "echo there; read a; stty -echo -icanon -isig intr ^X; echo set; read b; stty size; read c";
  const terminal = spawn("/bin/sh", ["-c", script], { cols: 80, rows: 24 });
  const ended = new Promise<void>((resolve) => terminal.onExit(() => resolve()));
  try {
    const { fd } = terminal as unknown as { fd: number };
    let text = "";
    let look = () => {};
    terminal.onData((data) => {
      text += data;
      look();
    });
    const said = (what: RegExp) =>
      new Promise<void>((resolve) => {
        look = () => what.test(text) && resolve();
        look();
      });
    await said(/there/);
    assert.deepEqual(lineMode(fd), { canonical: true, isig: true, vintr: 3 });
    assert.equal(writeSome(fd, Buffer.from("xx\n"), 1), 2);
    await said(/set/);
    const mode = lineMode(fd);
    assert.deepEqual([mode.canonical, mode.isig, mode.vintr], [false, false, 24]);
    setWindowSize(fd, 101, 37);
    writeSome(fd, Buffer.from("\n"), 0);
    await said(/37 101/);
    assert.throws(() => setWindowSize(fd, 0, 10), TypeError);
    assert.throws(() => setWindowSize(fd, 70000, 10), TypeError);
  } finally {
    terminal.kill("SIGKILL");
    await ended;
  }
});

test("writeSome: all, some, and 0 when it would block", async () => {
  const terminal = spawn("/bin/sh", ["-c", "stty raw -echo; echo ok; read a"], {});
  const { fd } = terminal as unknown as { fd: number };
  await new Promise<void>((resolve) => terminal.onData((data) => data.includes("ok") && resolve()));
  const big = Buffer.alloc(1 << 20, 0x61);
  let at = 0;
  for (;;) {
    const written = writeSome(fd, big, at);
    if (written === 0) break;
    at += written;
  }
  assert.ok(at > 0 && at < big.length, `${at}`);
  assert.equal(writeSome(fd, big, big.length), 0);
  assert.throws(() => writeSome(fd, big, big.length + 1), TypeError);
  assert.throws(() => writeSome(fd, "text" as unknown as Uint8Array, 0), TypeError);
  const ended = new Promise<void>((resolve) => terminal.onExit(() => resolve()));
  terminal.kill("SIGKILL");
  await ended;
});

test("a home that is this machine's already is not written to when it is claimed again; another's file gives way", () => {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), "fs-"));
  try {
    const file = path.join(home, "machine");
    assert.equal(claimHome(home), true);
    const [first, said] = [fs.statSync(file), fs.readFileSync(file, "utf8")];
    assert.equal(claimHome(home), true);
    assert.equal(fs.statSync(file).ino, first.ino);
    assert.equal(fs.statSync(file).mtimeMs, first.mtimeMs);
    fs.writeFileSync(file, said.replace(/^boot .*/m, "boot another"));
    assert.equal(claimHome(home), true);
    assert.equal(fs.readFileSync(file, "utf8"), said);
  } finally {
    fs.rmSync(home, { recursive: true });
  }
});
