// The time by which old sessions are deleted, over starts of servers whose clocks are right, wrong, or set
// while they run.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { KnownTime } from "../../../src/store/known-time.ts";

const day = 86_400_000;
const hour = 3_600_000;
const today = Date.UTC(2026, 10, 27);

/** A machine: what it has been up, and its clock. */
class Machine {
  boot = "a";
  up = 10_000;
  wall = today;
  readonly file: string;
  latest: number | undefined;
  #running: KnownTime | undefined;
  constructor(file: string) {
    this.file = file;
  }
  pass(ms: number): this {
    this.up += ms;
    this.wall += ms;
    return this;
  }
  /** It was off for so long, and its clock counted that. */
  off(ms: number): this {
    this.#running?.keep();
    this.#running = undefined;
    this.boot += "a";
    this.up = 10_000;
    this.wall += ms;
    return this;
  }
  /** A server starts; the one before has ended in this moment. */
  start(): KnownTime {
    const { boot, file, latest } = this;
    this.#running?.keep();
    this.#running = new KnownTime({ wall: () => this.wall, up: () => this.up, boot, latest, file });
    return this.#running;
  }
}

describe("known time", () => {
  let folder: string;
  let machine: Machine;
  beforeEach(() => {
    folder = fs.mkdtempSync("/tmp/fs-");
    machine = new Machine(path.join(folder, "clock"));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  test("is the clock's where nothing is known from before, and passes as the machine is up", () => {
    const time = machine.start();
    assert.equal(time.now(), today);
    machine.pass(40 * day);
    assert.equal(time.now(), today + 40 * day);
  });

  test("does not jump with the clock, either way, and goes on when it is set right", () => {
    const time = machine.start();
    machine.wall += 100 * day;
    assert.equal(time.now(), today);
    machine.pass(hour);
    assert.equal(time.now(), today + hour);
    machine.wall -= 200 * day;
    assert.equal(time.now(), today + hour - 100 * day);
    machine.wall += 100 * day;
    assert.equal(time.now(), today + hour);
  });

  test("a start after a long time waits for another one that agrees", () => {
    machine.start();
    machine.off(100 * day);
    assert.equal(machine.start().now(), today);
    machine.pass(hour / 2);
    assert.equal(machine.start().now() - today, hour / 2, "the same clock half an hour later is no witness");
    machine.pass(hour);
    assert.equal(machine.start().now(), machine.wall);
    machine.off(day);
    assert.equal(machine.start().now(), machine.wall - day, "of the new day only what was reached before");
    machine.off(0);
    assert.equal(machine.start().now(), machine.wall);
  });

  test("a wrong start that a right one follows leaves nothing behind", () => {
    machine.start();
    machine.off(100 * day);
    machine.start();
    machine.off(-100 * day + hour);
    assert.equal(machine.start().now(), today);
    machine.off(100 * day);
    assert.equal(machine.start().now(), today + hour, "two wrong starts with a right one between them do not agree");
  });

  test("a clock that is set while a server runs does not stand in what the next one reads", () => {
    machine.start();
    machine.wall += 100 * day;
    machine.pass(2 * hour);
    const time = machine.start();
    assert.equal(time.now(), today + 2 * hour);
  });

  test("of a home from before, nothing is later than what its sessions know", () => {
    machine.latest = today - 3 * day;
    machine.wall = today + 100 * day;
    assert.equal(machine.start().now(), today - 3 * day);
  });

  test("a file that is broken, or cannot be written, deletes nothing", () => {
    machine.latest = today;
    for (const text of ["", "[", "{}", '[{"boot":1}]', "[null]"]) {
      fs.writeFileSync(machine.file, text);
      machine.wall = today + 100 * day;
      const { boot, up, wall, latest, file } = machine;
      const time = new KnownTime({ wall: () => wall, up: () => up, boot, latest, file });
      assert.equal(time.now(), today, text);
    }
    fs.rmSync(folder, { recursive: true });
    assert.equal(machine.start().now(), today);
  });
});
