// Connections that do not say who they are: how many there may be, and who goes.
import assert from "node:assert/strict";
import net from "node:net";
import path from "node:path";
import { describe, mock, test } from "node:test";
import { Handshakes, longestHandshake, mostHandshakes } from "../../../src/server/clients/handshakes.ts";
import { until } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import { falcon } from "../../support/paths.ts";

const strangers = (count: number, gone: number[]) =>
  Array.from({ length: count }, (_, n) => ({ fd: 20 + n, end: () => void gone.push(n) }));

describe("who has not said who it is", () => {
  test("goes after five seconds, and one that has does not", () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      const gone: number[] = [];
      const handshakes = new Handshakes(1024, () => {});
      const [one, two] = strangers(2, gone);
      assert.ok(one && two);
      handshakes.began(one);
      handshakes.began(two);
      handshakes.finished(two);
      // in two steps, as the clock goes: the second begins after what was there was read
      mock.timers.tick(longestHandshake - 1);
      assert.deepEqual(gone, []);
      mock.timers.tick(longestHandshake);
      assert.deepEqual(gone, [0]);
      assert.equal(handshakes.count, 0);
    } finally {
      mock.timers.reset();
    }
  });

  test("is the first to go where there are too many, oldest first", () => {
    const gone: number[] = [];
    const handshakes = new Handshakes(20_000, () => {});
    for (const stranger of strangers(mostHandshakes + 3, gone)) handshakes.began(stranger);
    assert.deepEqual(gone, [0, 1, 2]);
    assert.equal(handshakes.count, mostHandshakes);
    handshakes.dispose();
  });

  test("goes where the descriptors get scarce, so that a reserve is left", () => {
    const gone: number[] = [];
    const handshakes = new Handshakes(256, () => {});
    for (const stranger of strangers(8, gone)) handshakes.began({ ...stranger, fd: stranger.fd + 200 });
    assert.ok(gone.length > 0 && handshakes.count < 8);
    handshakes.dispose();
  });
});

test("400 that say nothing at a server of 256 descriptors: everybody else is served at once", async () => {
  const home = new TestHome();
  const sockets: net.Socket[] = [];
  try {
    const few = (args: string[]) => home.run(["-c", 'ulimit -n 256; exec "$0" "$@"', falcon, ...args], { file: "/bin/bash" });
    const started = await few(["run", "-d", "--", "/bin/cat"]);
    assert.equal(started.code, 0, started.stderr);
    let open = 0;
    for (let n = 0; n < 400; n++) {
      const socket = net.connect(path.join(home.folder, "server.sock"));
      socket.on("error", () => {});
      socket.on("connect", () => {
        open++;
      });
      sockets.push(socket);
    }
    await until(() => open >= 200, "the strangers to be there");
    for (let n = 0; n < 3; n++) {
      const { code, stdout, stderr } = await few(["sessions", "--json"]);
      assert.equal(code, 0, stderr);
      assert.match(stdout, new RegExp(started.stdout.trim()));
    }
    assert.match(home.serverLog(), /peer\.handshake-failed/);
  } finally {
    for (const socket of sockets) socket.destroy();
    await home.dispose();
  }
});
