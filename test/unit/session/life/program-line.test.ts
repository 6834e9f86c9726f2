// What goes to a program while its holder was killed and has no successor yet, when the terminal is still
// ours, while its terminal is full, and while its holder stands still.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { ProgramLine } from "../../../../src/session/life/program-line.ts";
import type { Session } from "../../../../src/session/life/session.ts";
import { SessionHolder } from "../../../../src/session/life/session-holder.ts";
import { noteHit, orderAfterHit, orderBehind, stopGracefully } from "../../../../src/session/run/graceful-stop.ts";
import type { SessionRow } from "../../../../src/store/session-store.ts";
import { until } from "../../../support/events.ts";
import { endSession, holdersOf, orders, sessionFolder } from "../../../support/holder/held.ts";

/** What a graceful stop needs of a session of falcon with this line. */
function sessionWith(program: Pick<ProgramLine, keyof ProgramLine>, row: SessionRow): Session {
  return {
    ...{ row, live: true, program, trainer: { savesModel: true, stopOrder: "interrupt" }, audience: { tell: () => {} } },
    setFact: (name: string, value: unknown) => Object.assign(row.facts, { [name]: value }),
  } as unknown as Session;
}

function rowOf(): SessionRow {
  const row = { trainer: "falcon", state: "running", interrupts: 0, cols: 80, rows: 24, facts: {} };
  return { ...row, holderPid: null, programPid: null } as unknown as SessionRow;
}

function lineOf(row: SessionRow, holder: SessionHolder): ProgramLine {
  return new ProgramLine({
    ...{ row, holder, log: () => {}, clock: () => 0, live: () => true },
    ...{ save: () => {}, signalled: () => {}, resize: () => {} },
  });
}

test("a stop and what is typed while a killed holder has no successor reach the program, and a signal is no stop", async () => {
  const folder = sessionFolder();
  const row = rowOf();
  const told: string[] = [];
  let lost = () => {};
  const holder = new SessionHolder({
    ...{ id: "id", folder, row, keep: 0, events: { hello: () => {}, exit: () => {} }, wanted: () => true },
    log: (event) => {
      told.push(event);
      if (event === "session.holder-lost") lost();
    },
    linked: ({ holderPid, programPid }) => Object.assign(row, { holderPid, programPid }),
    again: () => told.push("again"),
    lost: () => told.push("lost"),
  });
  const line = lineOf(row, holder);
  const session = sessionWith(line, row);
  const said = () => fs.readFileSync(path.join(folder, "output.log"), "latin1");
  try {
    const script = "trap 'echo interrupted' INT; echo ready; while :; do read line && echo got $line; done";
    await holder.launch(orders(["/bin/sh", "-c", script]));
    await until(() => said().includes("ready"), "the program");
    const answers: unknown[] = [];
    lost = () => {
      answers.push(line.reached, line.interruptible, line.typable);
      row.facts.stopSignal = "SIGUSR1";
      answers.push(stopGracefully(session, { by: "stop", why: "" }, 0), row.facts.stop);
      delete row.facts.stopSignal;
      answers.push(stopGracefully(session, { by: "stop", why: "" }, 0), row.interrupts);
      line.input(Buffer.from("typed\n"));
    };
    process.kill(holdersOf(folder)[0] ?? assert.fail("no holder"), "SIGKILL");
    await until(() => told.includes("again") || told.includes("lost"), "the successor");
    assert.deepEqual(answers, [false, true, true, "unreached", undefined, "sent", 1]);
    await until(() => /interrupted[\s\S]*got typed/.test(said()), "what was sent");
  } finally {
    holder.close();
    await endSession(folder);
  }
});

test("a program that a signal to all of its job did not end, and whose holder does not answer, is asked the next time", () => {
  const row = rowOf();
  const sent: string[] = [];
  const program = {
    ...{ reached: false, interruptible: false, interrupted: false, noteSignal: () => {} },
    sendInterrupt: (by: string) => void sent.push(by),
  };
  const session = sessionWith(program as unknown as ProgramLine, row);
  noteHit(session, "SIGTERM", 1);
  assert.equal(orderAfterHit(session, false, 2), "unreached");
  assert.equal(orderBehind(session, "SIGTERM", 3), "unreached");
  program.interruptible = true;
  assert.equal(orderBehind(session, "SIGTERM", 4), "sent");
  assert.deepEqual(sent, ["batch"]);
});

test("a Ctrl+C that a holder which stands still has yet to type is one: no stop is added to it", async () => {
  const folder = sessionFolder();
  const row = rowOf();
  const holder = new SessionHolder({
    ...{ id: "id", folder, row, keep: 0, wanted: () => true },
    events: { hello: () => {}, exit: () => {}, interrupted: (total) => line.interruptsPassed(total) },
    ...{ log: () => {}, linked: () => {}, again: () => {}, lost: () => {} },
  });
  const line = lineOf(row, holder);
  const said = () => fs.readFileSync(path.join(folder, "output.log"), "latin1");
  try {
    await holder.launch(orders(["/bin/sh", "-c", "trap 'echo interrupted' INT; echo ready; while :; do sleep 0.1; done"]));
    await until(() => said().includes("ready"), "the program");
    const pid = holdersOf(folder)[0] ?? assert.fail("no holder");
    process.kill(pid, "SIGSTOP");
    try {
      assert.equal(line.interrupted, false);
      line.interruptOnce(Buffer.from("\x03"), { writer: 1n, number: 0 });
      assert.deepEqual([row.interrupts, line.interrupted], [0, true]);
      assert.equal(stopGracefully(sessionWith(line, row), { by: "deadline", why: "" }, 0), "already");
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await until(() => said().includes("interrupted") && row.interrupts > 0, "the interrupt");
    assert.deepEqual([row.interrupts, line.interrupted], [1, true]);
  } finally {
    holder.close();
    await endSession(folder);
  }
});

for (const { name, pasted } of [
  { name: "full of lines that it does not read", pasted: 5_000 },
  { name: "so full that input waits for it", pasted: 50_000 },
])
  test(`an order to stop reaches a program whose terminal is ${name}`, async () => {
    const folder = sessionFolder();
    const row = rowOf();
    const holder = new SessionHolder({
      ...{ id: "id", folder, row, keep: 0, events: { hello: () => {}, exit: () => {} }, wanted: () => true },
      ...{ log: () => {}, linked: () => {}, again: () => {}, lost: () => {} },
    });
    const line = lineOf(row, holder);
    const said = () => fs.readFileSync(path.join(folder, "output.log"), "latin1");
    try {
      const script = "stty -echo; trap 'echo interrupted' INT; echo ready; while :; do sleep 0.1; done";
      await holder.launch(orders(["/bin/sh", "-c", script]));
      await until(() => said().includes("ready"), "the program");
      line.input(Buffer.from(`${"x".repeat(49)}\n`.repeat(pasted / 50)));
      // what is more than a terminal takes (some 15 KB) is with the holder, and a part of it is never taken
      await until(() => holder.link?.waitingInput === 0 || pasted > 20_000, "the terminal to take it");
      assert.equal(stopGracefully(sessionWith(line, row), { by: "deadline", why: "" }, 0), "sent");
      await until(() => said().includes("interrupted"), "the order");
      assert.deepEqual([row.interrupts, row.facts.signals?.length], [1, 1]);
    } finally {
      holder.close();
      await endSession(folder);
    }
  });
