// The client protocol (docs/design/protocol.md, version 1): every number is pinned here, every limit tried,
// every frame taken there and back.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { sequenceRulesVersion } from "../../../src/platform/stream-filter.ts";
import {
  ClientFrame,
  clientProtocol,
  DirectEnd,
  decodeDirectAt,
  decodeDirectEnded,
  decodeHello,
  decodeInputAt,
  decodeSignal,
  decodeSize,
  encodeDirect,
  encodeExec,
  encodeExit,
  encodeHello,
  encodeInputMode,
  encodeLeaveKeys,
  encodeResume,
  encodeResumeSame,
  encodeSignals,
  longestProcessors,
  longestRequest,
  mostEntries,
  mostFromClient,
  mostFromServer,
  mostLimits,
  type Request,
  RequestReader,
  ServerFrame,
  tokenLength,
} from "../../../src/protocol/client.ts";
import { encodeFrame, FrameReader, ProtocolError } from "../../../src/protocol/frame.ts";
import { decodeServerFrame, encodeInputAt, encodeRequest, encodeSignal, encodeSize } from "../../support/holder/client-codec.ts";
import { root } from "../../support/paths.ts";

const request: Request = {
  protocol: 1,
  version: "0.1.0",
  name: "falcon-sessions",
  pid: 4711,
  arguments: ["run", "--", "echo", "", "ünï"],
  environment: { PATH: "/bin", EMPTY: "", MANY: "a=b=c", __proto__x: "1" },
  directory: "/home/u",
  terminal: { stdin: true, stdout: false, stderr: true, cols: 80, rows: 24, filter: 1 },
  umask: 0o27,
  limits: [{ resource: 7, soft: 1024n, hard: 2n ** 64n - 1n }],
  scheduling: { niceness: -5, oomScoreAdj: 300, processors: "ff03" },
  sentBefore: 2,
  token: "000102030405060708090a0b0c0d0e0f",
};

const frames = (bytes: Buffer) => {
  const found: { type: number; payload: Buffer }[] = [];
  new FrameReader(mostFromClient, (type, payload) => found.push({ type, payload })).feed(bytes);
  return found;
};

/** What a reader makes of these frames. */
function read(...stream: Buffer[]): Request | undefined {
  const reader = new RequestReader();
  let done: Request | undefined;
  for (const { type, payload } of frames(Buffer.concat(stream))) done = reader.take(type, payload);
  return done;
}

const hello = encodeHello({ protocol: 1, pid: 1, version: "1", name: "falcon" });
const refused = (message: RegExp, ...stream: Buffer[]) =>
  assert.throws(
    () => read(...stream),
    (error) => error instanceof ProtocolError && message.test(error.message),
  );

test("words, variables and the directory keep bytes that are no UTF-8, in both directions", () => {
  const odd = { ...request, arguments: ["run", "Jos\udce9\udc80é"], environment: { "N\udcff": "v\udce9" }, directory: "/\udce9" };
  const bytes = encodeRequest(odd);
  assert.ok(bytes.includes(Buffer.from("Jos\xe9\x80\xc3\xa9", "latin1")));
  assert.deepEqual(read(bytes), odd);
  const exec = encodeExec("/bin/\udce9", ["a\udce9"]);
  assert.ok(exec.includes(Buffer.from("/bin/\xe9\0a\xe9\0", "latin1")));
  assert.deepEqual(decodeServerFrame(ServerFrame.exec, exec.subarray(5)), {
    frame: "exec",
    file: "/bin/\udce9",
    argv: ["a\udce9"],
  });
});

describe("the numbers", () => {
  test("of version 1", () => {
    assert.equal(clientProtocol, 1);
    assert.deepEqual(ClientFrame, {
      hello: 1,
      argument: 2,
      environment: 3,
      directory: 4,
      terminal: 5,
      limit: 6,
      token: 7,
      run: 8,
      scheduling: 9,
      input: 20,
      inputEnd: 21,
      size: 22,
      signal: 23,
      continued: 24,
      inputAt: 25,
      directAt: 26,
      directEnded: 27,
      inputFrom: 28,
    });
    assert.deepEqual(ServerFrame, {
      hello: 65,
      stdout: 66,
      stderr: 67,
      exit: 68,
      exec: 69,
      inputMode: 70,
      signals: 71,
      resume: 72,
      restore: 73,
      reconnect: 74,
      leaveKeys: 75,
      taken: 76,
      direct: 77,
      directEnd: 78,
      keysOpen: 79,
      keysClose: 80,
      inputTaken: 81,
      resumeSame: 82,
    });
    assert.deepEqual(
      { mostFromClient, mostFromServer, longestRequest, mostEntries, mostLimits, tokenLength },
      {
        mostFromClient: 1 << 20,
        mostFromServer: 1 << 20,
        longestRequest: 8 << 20,
        mostEntries: 65_536,
        mostLimits: 64,
        tokenLength: 16,
      },
    );
  });

  test("are the same in client.h", () => {
    const source = fs.readFileSync(path.join(root, "native/client/client.h"), "utf8");
    const number = (name: string) => {
      const found = new RegExp(`\\b${name} = ([^,]+),?`).exec(source)?.[1];
      return found === undefined
        ? undefined
        : found
            .split("<<")
            .map(Number)
            .reduce((value, shift) => value << shift);
    };
    const names = {
      TO_HELLO: ClientFrame.hello,
      TO_ARG: ClientFrame.argument,
      TO_ENV: ClientFrame.environment,
      TO_DIRECTORY: ClientFrame.directory,
      TO_TERMINAL: ClientFrame.terminal,
      TO_LIMIT: ClientFrame.limit,
      TO_TOKEN: ClientFrame.token,
      TO_RUN: ClientFrame.run,
      TO_INPUT: ClientFrame.input,
      TO_INPUT_END: ClientFrame.inputEnd,
      TO_SIZE: ClientFrame.size,
      TO_SIGNAL: ClientFrame.signal,
      TO_CONTINUED: ClientFrame.continued,
      TO_INPUT_AT: ClientFrame.inputAt,
      TO_DIRECT_AT: ClientFrame.directAt,
      TO_DIRECT_ENDED: ClientFrame.directEnded,
      TO_INPUT_FROM: ClientFrame.inputFrom,
      FROM_HELLO: ServerFrame.hello,
      FROM_STDOUT: ServerFrame.stdout,
      FROM_STDERR: ServerFrame.stderr,
      FROM_EXIT: ServerFrame.exit,
      FROM_EXEC: ServerFrame.exec,
      FROM_INPUT_MODE: ServerFrame.inputMode,
      FROM_SIGNALS: ServerFrame.signals,
      FROM_RESUME: ServerFrame.resume,
      FROM_RESTORE: ServerFrame.restore,
      FROM_RECONNECT: ServerFrame.reconnect,
      FROM_LEAVE_KEYS: ServerFrame.leaveKeys,
      FROM_TAKEN: ServerFrame.taken,
      FROM_DIRECT: ServerFrame.direct,
      FROM_DIRECT_END: ServerFrame.directEnd,
      FROM_KEYS_OPEN: ServerFrame.keysOpen,
      FROM_KEYS_CLOSE: ServerFrame.keysClose,
      FROM_INPUT_TAKEN: ServerFrame.inputTaken,
      FROM_RESUME_SAME: ServerFrame.resumeSame,
      PAYLOAD_LIMIT: mostFromServer,
    };
    for (const [name, value] of Object.entries(names)) assert.equal(number(name), value, name);
    assert.match(source, /enum \{ PROTOCOL = 1 \}/);
  });
});

describe("a request", () => {
  test("comes out as it went in, with every frame of its type", () => {
    assert.deepEqual(read(encodeRequest(request)), request);
    assert.deepEqual(
      frames(encodeRequest(request)).map(({ type }) => type),
      [1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4, 5, 6, 9, 7, 8],
    );
  });

  test("layouts of the frames with numbers", () => {
    const payload = (type: number) =>
      frames(encodeRequest(request))
        .find((frame) => frame.type === type)
        ?.payload.toString("hex");
    assert.equal(payload(1), `010067120000${Buffer.from("0.1.0\0falcon-sessions").toString("hex")}`);
    assert.equal(payload(5), "055000180017000100");
    assert.equal(payload(9), "fbff2c0102ff03");
    assert.equal(payload(6), "070000000004000000000000ffffffffffffffff");
    assert.equal(payload(7), request.token);
  });

  test("may say more than we know: unknown frames and longer payloads", () => {
    const longer = frames(encodeRequest(request)).flatMap(({ type, payload }) => [
      encodeFrame(type, payload, [5, 6, 7].includes(type) ? Buffer.from("more") : Buffer.alloc(0)),
      ...(type === 8 ? [] : [encodeFrame(200, Buffer.from("later"))]),
    ]);
    assert.deepEqual(read(...longer), request);
    // a mask of processors has no other end than its frame's
    const many = read(encodeRequest({ ...request, scheduling: { niceness: 0, oomScoreAdj: 0, processors: "ff".repeat(2000) } }));
    assert.equal(many?.scheduling?.processors, "ff".repeat(longestProcessors));
  });

  test("of two variables with one name keeps the first, and passes over what is none", () => {
    const variables = ["A=1", "A=2", "=C:=x", "novalue", "__proto__=kept"].map((entry) => encodeFrame(3, Buffer.from(entry)));
    const [first, ...rest] = frames(encodeRequest({ ...request, environment: {} })).map(({ type, payload }) =>
      encodeFrame(type, payload),
    );
    const environment = read(first as Buffer, ...variables, ...rest)?.environment ?? {};
    assert.deepEqual(Object.entries(environment).sort(), [
      ["=C:", "x"],
      ["A", "1"],
      ["__proto__", "kept"],
    ]);
  });

  test("begins with HELLO, has one, and is complete at RUN", () => {
    refused(/^the first frame is of type 2, not HELLO$/, encodeFrame(2, Buffer.from("x")));
    refused(/^a second HELLO$/, hello, hello);
    refused(/^RUN without DIRECTORY, TERMINAL and TOKEN before it$/, hello, encodeFrame(8));
  });

  test("has no frame that is too short", () => {
    refused(/^HELLO has 5 bytes, at least 6 are needed$/, encodeFrame(1, Buffer.alloc(5)));
    refused(/^TERMINAL has 6 bytes, at least 7 are needed$/, hello, encodeFrame(5, Buffer.alloc(6)));
    refused(/^LIMIT has 19 bytes, at least 20 are needed$/, hello, encodeFrame(6, Buffer.alloc(19)));
    refused(/^TOKEN has 15 bytes, at least 16 are needed$/, hello, encodeFrame(7, Buffer.alloc(15)));
  });

  test("has at most so many arguments, variables, limits and bytes", () => {
    const argument = encodeFrame(2, Buffer.from("x"));
    const full = new RequestReader();
    full.take(1, Buffer.alloc(6));
    for (let i = 0; i < mostEntries; i++) full.take(2, argument.subarray(5));
    assert.throws(() => full.take(2, argument.subarray(5)), /^ProtocolError: more than 65536 arguments$/);
    for (let i = 0; i < mostEntries; i++) full.take(3, Buffer.from(`V${i}=`));
    full.take(3, Buffer.from("V0=again"));
    assert.throws(() => full.take(3, Buffer.from("ONE=more")), /^ProtocolError: more than 65536 variables$/);
    for (let i = 0; i < mostLimits; i++) full.take(6, Buffer.alloc(20));
    assert.throws(() => full.take(6, Buffer.alloc(20)), /^ProtocolError: more than 64 resource limits$/);

    const long = new RequestReader();
    long.take(1, Buffer.alloc(6));
    for (let i = 0; i < 7; i++) long.take(2, Buffer.alloc(1 << 20));
    long.take(2, Buffer.alloc((1 << 20) - 6));
    assert.throws(() => long.take(99, Buffer.alloc(1)), /^ProtocolError: the request is longer than 8388608 bytes$/);
  });

  test("cannot be encoded with a NUL or a string that no frame takes", () => {
    assert.throws(() => encodeRequest({ ...request, arguments: ["a\0b"] }), ProtocolError);
    assert.throws(() => encodeRequest({ ...request, directory: "x".repeat(mostFromClient + 1) }), ProtocolError);
    encodeRequest({ ...request, directory: "x".repeat(mostFromClient) });
  });
});

describe("what comes behind it", () => {
  test("sizes and signals", () => {
    const payload = (bytes: Buffer) => frames(bytes)[0]?.payload ?? Buffer.alloc(0);
    assert.equal(encodeSize(80, 24).toString("hex"), "040000001650001800");
    assert.deepEqual(decodeSize(payload(encodeSize(80, 24))), { cols: 80, rows: 24 });
    assert.deepEqual(decodeSize(payload(encodeSize(1e6, 0))), { cols: 65_535, rows: 0 });
    assert.equal(encodeSignal(15).toString("hex"), "01000000170f");
    assert.equal(decodeSignal(payload(encodeSignal(15))), 15);
    const typed = encodeInputAt({ bytes: Buffer.from("d"), at: 0x1_0000_0002, answer: true });
    assert.equal(typed.toString("hex"), "0a00000019" + "0200000001000000" + "01" + "64");
    assert.deepEqual(decodeInputAt(payload(typed)), { bytes: Buffer.from("d"), at: 0x1_0000_0002, answer: true });
    assert.throws(() => decodeInputAt(Buffer.alloc(8)), ProtocolError);
    assert.throws(() => decodeSize(Buffer.alloc(3)), ProtocolError);
    assert.throws(() => decodeSignal(Buffer.alloc(0)), ProtocolError);
  });
});

describe("what a server says", () => {
  const taken = (bytes: Buffer) => {
    const [frame] = frames(bytes);
    return frame === undefined ? null : decodeServerFrame(frame.type, frame.payload);
  };

  test("comes out as it went in", () => {
    assert.deepEqual(taken(encodeHello({ protocol: 1, pid: 7, version: "1.2" })), {
      frame: "hello",
      hello: { protocol: 1, pid: 7, version: "1.2" },
    });
    assert.deepEqual(decodeHello(Buffer.from("0100070000002f", "hex")), { protocol: 1, pid: 7, version: "/" });
    for (const frame of ["stdout", "stderr", "restore"] as const)
      assert.deepEqual(taken(encodeFrame(ServerFrame[frame], Buffer.from("x"))), { frame, bytes: Buffer.from("x") });
    assert.deepEqual(taken(encodeExit(255)), { frame: "exit", status: 255 });
    assert.deepEqual(taken(encodeExec("/bin/sh", ["sh", "-c", ""])), { frame: "exec", file: "/bin/sh", argv: ["sh", "-c", ""] });
    assert.deepEqual(taken(encodeInputMode(2)), { frame: "inputMode", mode: 2 });
    assert.deepEqual(taken(encodeSignals(true)), { frame: "signals", on: true });
    assert.deepEqual(taken(encodeResume(["attach", "", "x"])), { frame: "resume", args: ["attach", "", "x"] });
    assert.deepEqual(taken(encodeResume([])), { frame: "resume", args: [] });
    assert.deepEqual(taken(encodeFrame(ServerFrame.reconnect)), { frame: "reconnect" });
    assert.deepEqual(taken(encodeLeaveKeys([0x1c, 0x64])), { frame: "leaveKeys", keys: [0x1c, 0x64] });
    assert.deepEqual(taken(encodeFrame(ServerFrame.taken)), { frame: "taken" });
    assert.equal(taken(encodeFrame(199, Buffer.from("later"))), null);
  });

  test("is refused where it is too short or not ended", () => {
    for (const type of [ServerFrame.exit, ServerFrame.inputMode, ServerFrame.signals])
      assert.throws(() => decodeServerFrame(type, Buffer.alloc(0)), ProtocolError);
    assert.throws(() => decodeServerFrame(ServerFrame.exec, Buffer.from("/bin/sh\0")), /names no program/);
    assert.throws(() => decodeServerFrame(ServerFrame.exec, Buffer.from("/bin/sh\0sh")), /does not end in NUL/);
    assert.throws(() => decodeServerFrame(ServerFrame.resume, Buffer.from("attach")), /does not end in NUL/);
  });

  test("cannot be encoded with a NUL or more than a frame takes", () => {
    assert.throws(() => encodeExec("a\0b", ["x"]), ProtocolError);
    assert.throws(() => encodeResume(["x".repeat(mostFromServer)]), ProtocolError);
    assert.equal(encodeResume(["x".repeat(mostFromServer - 1)]).length, mostFromServer + 5);
    assert.equal(encodeResumeSame(["x".repeat(mostFromServer - 1)]).length, mostFromServer + 5);
    assert.deepEqual(encodeResumeSame(["x".repeat(mostFromServer)]), encodeFrame(ServerFrame.resumeSame));
  });
});

test("the direct way: where it begins and by which rules, where it stands, why it ended", () => {
  const begin = encodeDirect({
    offset: 0x102,
    filter: 1,
    rules: Buffer.from([0, 1, 2, 1, 1, 0, 0, 1]),
    tail: Buffer.from("\x1b["),
  });
  assert.equal(begin.toString("hex"), `13000000${"4d"}${"0201000000000000"}${"01"}${"0001020101000001"}${"1b5b"}`);
  assert.deepEqual(decodeDirectAt(Buffer.from("020100000000000032", "hex")), { offset: 0x102, blocked: 50 });
  assert.deepEqual(decodeDirectEnded(Buffer.from("020100000000000003", "hex")), { offset: 0x102, why: DirectEnd.otherSize });
  assert.deepEqual(DirectEnd, { asTold: 0, sessionOver: 1, holderGone: 2, otherSize: 3, hole: 4 });
  assert.throws(() => decodeDirectAt(Buffer.alloc(8)), ProtocolError);
});

test("the server's version of the filter's rules is that of the table", () => {
  const source = fs.readFileSync(path.join(root, "native/filter/sequence_rules.h"), "utf8");
  assert.equal(Number(/SEQUENCE_RULES_VERSION = (\d+)/.exec(source)?.[1]), sequenceRulesVersion);
});
