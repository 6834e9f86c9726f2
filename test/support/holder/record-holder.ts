// Records a conversation with the holder that is built now:
//     node --import tsx test/support/holder/record-holder.ts > test/fixtures/holder-v1/conversation.json
// The committed one is never made again: it stands for binaries that run somewhere.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { close, connectUnix, recvFds, sendFds } from "../../../src/platform/native.ts";
import { FrameReader } from "../../../src/protocol/frame.ts";
import {
  encodeFd,
  encodeInput,
  encodeRelease,
  encodeSignal,
  encodeSubscribe,
  encodeWindowSize,
  FromHolder,
  fromHolderLimit,
  SignalTarget,
} from "../../../src/protocol/holder.ts";
import { until } from "../events.ts";
import { root } from "../paths.ts";
import { Held } from "./held.ts";
import { encodeKeep } from "./holder-cursor.ts";
import type { RecordedFrame, Recording } from "./recorded-holder.ts";

const held = await Held.shell(
  "stty -echo; trap 'stty size' WINCH; trap 'echo got usr1' USR1; echo first; read a; echo second $a; while [ ! -e /tmp/never ]; do read b && break; done; exit 7",
);
await held.heard.until("first");
const socket = connectUnix(`${held.folder}/sock`);
const frames: RecordedFrame[] = [];
let output = "";
const types: number[] = [];
const reader = new FrameReader(fromHolderLimit, (type, payload) => {
  const header = Buffer.alloc(5);
  header.writeUInt32LE(payload.length);
  header[4] = type;
  frames.push({ from: "holder", bytes: Buffer.concat([header, payload]).toString("hex") });
  types.push(type);
  if (type === FromHolder.data) output += payload.toString("latin1", 8);
});
const send = (bytes: Buffer) => {
  frames.push({ from: "server", bytes: bytes.toString("hex") });
  sendFds(socket, bytes, []);
};
const hear = (what: string, condition: () => boolean) =>
  until(() => {
    for (let got = recvFds(socket, 1); got !== null && got.data.length > 0; got = recvFds(socket, 1)) {
      reader.feed(got.data);
      for (const fd of got.fds) close(fd);
    }
    return condition();
  }, what);

send(encodeFd());
await hear("FD", () => types.includes(FromHolder.fd));
send(encodeSubscribe(0));
await hear("the first line", () => output.includes("first"));
send(encodeKeep(256_000_000));
send(encodeInput(Buffer.from("key\n")));
await hear("the second line", () => output.includes("second key") && types.includes(FromHolder.typed));
send(encodeWindowSize(101, 33));
await hear("the size", () => output.includes("33 101"));
send(encodeSignal(10, SignalTarget.program));
await hear("the signal", () => output.includes("got usr1"));
held.link.input(Buffer.from("\n"));
await hear("the end", () => types.includes(FromHolder.exit));
send(encodeRelease());
await held.heard.gone;
close(socket);
const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root }).toString().trim();
const files = Object.fromEntries(
  ["output.log", "times", "record"].map((name) => [name, fs.readFileSync(`${held.folder}/${name}`).toString("base64")]),
);
const recording: Recording = {
  about: `the holder of commit ${commit}, protocol 1, recorded ${new Date().toISOString()}`,
  frames,
  files,
};
process.stdout.write(`${JSON.stringify(recording, null, 1)}\n`);
await held.dispose();
