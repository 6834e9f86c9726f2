// Keys that come in the midst of a flood, at each call of the system that the holder makes meanwhile: it runs
// on the simulated system, one call at a time, so that no order is left to chance.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import os from "node:os";
import path from "node:path";
import { before, describe, test } from "node:test";
import { encodeGo, encodeKeys, encodeSpeak, encodeSubscribe, HolderRole } from "../../../../src/protocol/holder.ts";
import { build, place } from "../../../simulation/build.ts";
import type { System } from "../../../simulation/shims.ts";

const cc = process.env.CC ?? "cc";
const skip = process.platform === "linux" && spawnSync(cc, ["--version"]).status === 0 ? false : `not Linux, or no ${cc}`;
/** What a socket and a terminal take. */
const room = 65_536;
const terminalRoom = 4096;
const key = "k";

describe("keys in the midst of a flood", { skip }, () => {
  let system: System;
  before(() => {
    assert.equal(build(), undefined);
    const loaded = { exports: {} as System };
    const { RTLD_NOW, RTLD_GLOBAL } = os.constants.dlopen;
    process.dlopen(loaded, path.join(place.folder, "sys.node"), RTLD_NOW | RTLD_GLOBAL);
    system = loaded.exports;
    system.simLoad(place.folder);
  });

  /** A holder that waits, a viewer that has read all so far, and where it types its connection for keys. */
  class Watched {
    readonly #holder: number;
    readonly #viewer: number;
    readonly #keys: number | undefined;

    constructor(typing: boolean) {
      system.simReset(1);
      system.simTune(0, room, -1, 0);
      const { index, fd } = system.simSpawnPty(["holder", "/sim/session", "--", "program"], 80, 24);
      this.#holder = index;
      this.#rest();
      const orders = { umask: 0o77, keep: 0, oomScoreAdj: 0, cols: 80, rows: 24, limits: [] };
      this.#connect(encodeGo(orders), [fd]);
      const viewer = encodeSpeak(2, HolderRole.viewer);
      this.#viewer = this.#connect(Buffer.concat([viewer, encodeSubscribe(0)]));
      this.#keys = typing ? this.#connect(viewer) : undefined;
      while (this.hears());
    }

    #connect(words: Buffer, descriptors: number[] = []): number {
      const fd = system.connectUnix("/sim/session/sock");
      system.sendFds(fd, words, descriptors);
      this.#rest();
      return fd;
    }

    /** Until the holder waits for somebody. */
    #rest(): void {
      while (system.simRunnable() & (1 << this.#holder)) this.step();
    }

    step(): void {
      system.simStep(this.#holder, 1);
    }

    type(): void {
      assert.ok(this.#keys !== undefined);
      system.sendFds(this.#keys, encodeKeys({ writer: 1n, number: 0, more: false }, Buffer.from(key)), []);
    }

    /** Whether something has come for the viewer. */
    hears(): boolean {
      return system.recvFds(this.#viewer, room) !== null;
    }

    /** Calls of the system until the viewer hears something. */
    callsUntilHeard(): number {
      let calls = 0;
      do {
        this.step();
        calls++;
      } while (!this.hears());
      return calls;
    }

    get stored(): number {
      return system.simFileLength("output.log");
    }
  }

  /** The program writes as much as its terminal takes: false where that is still full. */
  const floods = () => system.simProgramWrites(terminalRoom) > 0;

  const typed = () => {
    system.simProgramReads(terminalRoom);
    return system.simProgramHeard().toString();
  };

  test("one that comes before what was read is stored goes to the program before that is sent on", () => {
    const late: string[] = [];
    let calls = 0;
    for (; ; calls++) {
      const watched = new Watched(true);
      floods();
      do watched.step();
      while (!floods());
      for (let call = 0; call < calls; call++) {
        watched.step();
        floods();
      }
      if (watched.stored > 0) break;
      watched.type();
      watched.callsUntilHeard();
      if (typed() !== key) late.push(`${calls} calls behind the first reading`);
    }
    assert.ok(calls > 1, "nothing was read between the first reading and the log");
    assert.deepEqual(late, []);
  });

  test("of a little output nobody looks whether one came: it is on its way after as many calls as where nobody types", () => {
    const [typing, watching] = [true, false].map((types) => {
      const watched = new Watched(types);
      system.simProgramWrites(100);
      return watched.callsUntilHeard();
    });
    assert.equal(typing, watching);
  });
});
