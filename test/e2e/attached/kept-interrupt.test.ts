// A Ctrl+C that a client keeps, since it has not heard that the holder has it, is sent to the next server: it
// is one interrupt all the same.
import assert from "node:assert/strict";
import net from "node:net";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { resumeAttach } from "../../../src/commands/attach/attach-terminal.ts";
import { ClientFrame, ServerFrame } from "../../../src/protocol/client.ts";
import { encodeFrame, FrameReader } from "../../../src/protocol/frame.ts";
import { encodeKeys, encodeSpeak, FromHolder, HolderRole } from "../../../src/protocol/holder.ts";
import { readIfThere, stopped, until } from "../../support/events.ts";
import { encodeInputAt, requestOf } from "../../support/holder/client-codec.ts";
import { holdersOf } from "../../support/holder/held.ts";
import { Cursor } from "../../support/holder/holder-cursor.ts";
import { TestHome } from "../../support/home.ts";
import { notBuilt } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

const interrupt = Buffer.from("\x03");
const terminal = { stdin: true, stdout: true, stderr: true, cols: 80, rows: 24, filter: 0 };

describe("an interrupt that is sent to the next server", () => {
  const home = new TestHome();
  after(() => home.dispose());

  /** A program that notes its interrupts and lines, and its holder. */
  async function begun(name: string) {
    const file = path.join(home.work, name);
    const script = `trap 'echo int >> ${file}' INT; echo ready > ${file}; while :; do read x && echo "<$x>" >> ${file}; done`;
    const id = await home.start(["sh", "-c", script], ["--name", name]);
    const folder = path.join(home.folder, "s", id);
    const got = () => readIfThere(file) ?? "";
    await until(() => got().includes("ready"), "the program");
    const [holder] = holdersOf(folder);
    assert.ok(holder !== undefined);
    return { id, folder, got, holder };
  }

  /** A client that comes back after a lost server, and keeps this. */
  function back(id: string, token: string, kept: Buffer) {
    const frames: number[] = [];
    const socket = net.connect(path.join(home.folder, "server.sock"));
    const type = (bytes: Buffer, answer: boolean) => socket.write(encodeInputAt({ bytes, at: 0, answer }));
    const reader = new FrameReader(1 << 20, (frame) => {
      // the first one asks where what is sent begins
      if (frame === ServerFrame.inputTaken && !frames.includes(frame)) {
        socket.write(encodeFrame(ClientFrame.inputFrom, Buffer.alloc(8)));
        type(kept, true);
      }
      frames.push(frame);
    });
    socket.on("data", (bytes) => reader.feed(bytes));
    socket.write(requestOf([resumeAttach, id], { environment: { TERM: "xterm" }, directory: home.work, token, terminal }));
    return { socket, frames, type };
  }

  for (const [what, had] of [
    ["and that the holder has is not typed again, nor counted, though the holder says so late", true],
    ["and that the holder lacks is typed and counted", false],
  ] as const)
    test(what, async () => {
      const { id, folder, got, holder } = await begun(had ? "had" : "lacked");
      const token = `00000000000000000${had ? 1 : 2}00000000000000`;
      const writer = Buffer.from(token, "hex").readBigUInt64LE(8);
      if (had) {
        const keys = encodeKeys({ writer, number: 0, more: false, interrupt: true }, interrupt);
        const earlier = Cursor.connect(folder, { say: [encodeSpeak(2, HolderRole.viewer), keys] });
        await earlier.nextOf(FromHolder.taken);
        earlier.close();
      }
      process.kill(holder, "SIGSTOP");
      await until(() => stopped(holder), "the holder to stand still");
      const client = back(id, token, interrupt);
      await until(() => client.frames.includes(ServerFrame.taken), "the server to have it");
      process.kill(holder, "SIGCONT");
      // a shell that is interrupted on its way to `read` notes that behind the next line
      client.type(Buffer.from("end\n"), false);
      await until(() => got().includes("<end>"), "what is typed next");
      assert.deepEqual(got().match(/int/g), ["int"]);
      await until(async () => (await home.sessions()).find((each) => each.id === id)?.interrupts === 1, "one interrupt, counted");
      client.socket.destroy();
    });
});
