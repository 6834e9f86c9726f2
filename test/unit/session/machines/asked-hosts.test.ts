// Machines that are asked: when they are, what of their answer is taken, and that a refused login is
// not repeated.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { type Answer, AskedHosts, type AskedHostsEffects, readAnswer } from "../../../../src/session/machines/asked-hosts.ts";
import { type RefusedLogin, RefusedLogins } from "../../../../src/store/refused-logins.ts";

const session = (id: string) => ({
  ...{ id, name: "night", kind: "run", state: "running", outcome: null, created: 1, started: 2, ended: null },
  ...{ directory: "/project", runDirectory: null, viewers: 0, text: "12/300" },
});
const line = (host: string, id: string, more: object = {}) =>
  JSON.stringify({
    format: 1,
    host,
    job: null,
    version: "1",
    contract: 1,
    written: 5,
    every: 60,
    sessions: [session(id)],
    ...more,
  });
const well = (stdout: string): Answer => ({ status: 0, stdout, stderr: "" });

/** Machines whose answers the test gives, and a clock that it moves. */
function asked(...names: string[]) {
  const state = { now: 1_000_000, questions: 0, answer: well(line("gate", "x1")) as Answer | Error };
  const refused = new Map<string, RefusedLogin>();
  const effects: AskedHostsEffects = {
    refused,
    clock: () => state.now,
    steady: () => state.now,
    ask: async () => {
      state.questions++;
      if (state.answer instanceof Error) throw state.answer;
      return state.answer;
    },
  };
  return { hosts: new AskedHosts(names, effects), state, next: () => new AskedHosts(names, effects) };
}

test("an answer serves ten seconds; who is not to ask is told the last one; a machine that says nothing is left alone for a minute", async () => {
  const { hosts, state } = asked("gate");
  assert.deepEqual((await hosts.sessions()).sessions, [], "nobody was asked");
  await Promise.all([hosts.sessions({}), hosts.sessions({})]);
  assert.equal(state.questions, 1, "two that come together ask once");
  state.now += 9_000;
  assert.equal((await hosts.sessions({})).sessions[0]?.id, "x1");
  assert.equal(state.questions, 1);
  state.now += 2_000;
  state.answer = { status: null, stdout: "", stderr: "" };
  const { sessions, problems } = await hosts.sessions({});
  assert.deepEqual([sessions.length, sessions[0]?.unheard, problems], [1, null, ["gate did not answer in time"]]);
  state.now += 59_000;
  await hosts.sessions({});
  assert.equal(state.questions, 2);
  state.now += 90_000;
  assert.equal((await hosts.sessions({})).sessions[0]?.unheard, 160_000 - 0, "not heard of, instead of a guess");
  assert.equal(state.questions, 3);
});

test("a refused login is not tried again by itself, but by another agent, or when a person has had it asked", async () => {
  const { hosts, state } = asked("gate");
  state.answer = { status: 255, stdout: "", stderr: "banner\ngate: Permission denied (publickey,password).\r\n" };
  for (let i = 0; i < 5; i++) {
    const { problems } = await hosts.sessions({ SSH_AUTH_SOCK: "/agent" });
    assert.match(
      problems.join(),
      /^gate lets nobody in without asking \(gate: Permission denied \(publickey,password\)\.\): 'ssh gate' shows/,
    );
    state.now += 3_600_000;
  }
  assert.equal(state.questions, 1);
  await hosts.sessions({ SSH_AUTH_SOCK: "/another" });
  assert.equal(state.questions, 2);
  assert.equal(typeof hosts.take("gate", well(line("gate", "x1")), {}), "object");
  state.now += 20_000;
  state.answer = well(line("gate", "x2"));
  assert.equal((await hosts.sessions({ SSH_AUTH_SOCK: "/another" })).sessions[0]?.id, "x2");
});

test("a login that the doctor was refused, or an earlier server, is not tried again by itself either", async () => {
  const { hosts, state, next } = asked("gate");
  state.answer = { status: 255, stdout: "", stderr: "gate: Permission denied (publickey).\n" };
  const environment = { SSH_AUTH_SOCK: "/agent" };
  assert.match(String(hosts.take("gate", state.answer, environment)), /lets nobody in/);
  state.now += 3_600_000;
  assert.match((await hosts.sessions(environment)).problems.join(), /lets nobody in/);
  const later = next();
  assert.match((await later.sessions(environment)).problems.join(), /lets nobody in/);
  assert.equal(state.questions, 0);
  state.answer = well(line("gate", "x1"));
  later.take("gate", state.answer, environment);
  assert.deepEqual((await next().sessions(environment)).problems, []);
  assert.equal(state.questions, 1);
});

test("refused logins are there again from their file, whatever else is in it", (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "fs-refused-"));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const file = path.join(folder, "refused-logins");
  const refused = { agent: "", problem: "no" };
  new RefusedLogins(file).set("gate", refused);
  assert.deepEqual(new RefusedLogins(file).get("gate"), refused);
  new RefusedLogins(file).delete("gate");
  assert.equal(new RefusedLogins(file).get("gate"), undefined);
  for (const text of ["", "[", "null", '{"gate":null,"desk":{"agent":1}}']) {
    fs.writeFileSync(file, text);
    assert.equal(new RefusedLogins(file).get("gate"), undefined);
  }
  new RefusedLogins(path.join(folder, "none", "refused-logins")).set("gate", refused);
});

test("what a network does is no refused login", async () => {
  for (const stderr of ["ssh: connect to host gate port 22: Connection refused", "ssh: Could not resolve hostname gate: x"]) {
    const { hosts, state } = asked("gate");
    state.answer = { status: 255, stdout: "", stderr };
    assert.match((await hosts.sessions({})).problems.join(), /^gate cannot be reached: ssh: /);
    state.now += 61_000;
    await hosts.sessions({});
    assert.equal(state.questions, 2);
  }
});

test("the asked machine is called as the user calls it, those behind it as they call themselves", async () => {
  const { hosts, state } = asked("work");
  state.answer = well(`Welcome!\n${line("gate-0.internal", "x1")}\n${line("node1", "y1", { age: 200_000 })}\n`);
  const { sessions } = await hosts.sessions({});
  assert.deepEqual(
    sessions.map(({ id, host, via, behind, unheard }) => [id, host, via, behind, unheard]),
    [
      ["x1", "work", "work", false, null],
      ["y1", "node1", "work", true, 200_000],
    ],
  );
});

test("hostile answers: what is no roster is passed over, and nothing else is read from the rest", () => {
  assert.equal(readAnswer(""), undefined);
  assert.equal(readAnswer("{}\n[1]\nfalcon: no\n"), undefined);
  assert.equal(readAnswer(line("-oProxyCommand=x", "x1")), undefined);
  assert.equal(readAnswer(" ".repeat(1 << 20)), undefined);
  assert.equal(readAnswer(line("gate", "x1", { more: "x".repeat(300 << 10) })), undefined);
  const answer = readAnswer(
    `${line("gate", "../../x", { age: "soon", facts: { sees: "yes" } })}\n${line("b", "x2", { age: -5 })}\n`,
  );
  assert.deepEqual([answer?.own.sessions, answer?.sees, answer?.behind[0]?.age], [[], undefined, 0]);
  assert.equal(readAnswer(`${line("gate", "x1")}\n`.repeat(2000))?.behind.length, 500);
});

test("a machine that could not be asked for want of memory is told so, and asked again when it is due", async () => {
  const { hosts, state } = asked("gate");
  state.answer = new Error("spawn ENOMEM");
  assert.match((await hosts.sessions({})).problems.join(), /^gate could not be asked: .*ENOMEM$/);
  state.answer = well(line("gate", "x1"));
  state.now += 60_001;
  assert.equal((await hosts.sessions({})).sessions[0]?.id, "x1");
  assert.equal(state.questions, 2);
});
