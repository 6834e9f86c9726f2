// Which session is meant: ids, names, prefixes of both, run directories; what may be guessed and what must be
// said.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../../../src/base/failure.ts";
import { type Choice, selectSession } from "../../../../src/session/life/select-session.ts";
import type { Session } from "../../../../src/session/life/session.ts";

interface Fact {
  id: string;
  name?: string;
  live?: boolean;
  directory?: string;
  runDirectory?: string;
  created?: number;
}

/** Sessions as far as choosing looks at them, oldest first. */
function table(...facts: Fact[]): Session[] {
  return facts.map(({ id, name = id, live = false, directory = "/here", runDirectory = null, created = 0 }, i) => {
    const at = created || i + 1;
    const row = { id, name, directory, runDirectory, created: at, started: at, ended: live ? null : at + 1, attached: null };
    return {
      id,
      live,
      row: { ...row, kind: "run", state: live ? "running" : "exited", facts: live ? {} : { outcome: { kind: "time-limit" } } },
    } as unknown as Session;
  });
}

const told: string[] = [];
const person: Choice = { tell: (sentence) => told.push(sentence), now: 3_600_000 };
const pick = (sessions: Session[], wanted: string | undefined, choice: Choice = {}) =>
  selectSession(sessions, wanted, "/here", choice).id;
const refusal = (sessions: Session[], wanted: string, choice: Choice = {}) => {
  try {
    selectSession(sessions, wanted, "/here", choice);
  } catch (error) {
    assert.ok(error instanceof Failure && error.status === 1);
    return error.message;
  }
  return assert.fail("nothing was refused");
};

test("a unique prefix of a name is enough, as of an id; the whole name goes before a prefix of another", () => {
  const sessions = table({ id: "abc123", name: "gaussian" }, { id: "xyz789", name: "gauss" }, { id: "qqq111", name: "blobs" });
  assert.equal(pick(sessions, "gaussi"), "abc123");
  assert.equal(pick(sessions, "gauss"), "xyz789");
  assert.equal(pick(sessions, "xy"), "xyz789");
  assert.equal(pick(sessions, "b"), "qqq111");
  assert.match(
    refusal(sessions, "gau"),
    /'gau' fits 2 sessions, say which one:\n {2}abc123 {2}gaussian {2}time limit {2}\S+.* ago {2}\/here/,
  );
});

test("a prefix of one's id and of another's name fits two", () => {
  const sessions = table({ id: "gau123", name: "blobs" }, { id: "xyz789", name: "gaussian" });
  assert.match(refusal(sessions, "gau"), /fits 2 sessions/);
  assert.equal(pick(sessions, "gauss"), "xyz789");
});

test("on a terminal, where no harm can be done, this directory's running one, then one that runs, then the newest is taken and told", () => {
  const here = { id: "here01", name: "run-a", live: true, directory: "/here" };
  const there = { id: "there1", name: "run-b", live: true, directory: "/there" };
  const ended = { id: "ended1", name: "run-c" };
  const newest = { id: "ended2", name: "run-d" };
  told.length = 0;
  assert.equal(pick(table(here, there), "run", person), "here01");
  assert.equal(pick(table(there, { ...here, live: false }), "run", person), "there1", "what runs goes before what ended here");
  assert.equal(pick(table(ended, newest), "run", person), "ended2");
  assert.equal(pick(table({ ...there, id: "t2" }, { ...here, id: "h2", created: 9 }), "run", person), "h2");
  assert.equal(told[0], "'run' fits 2 sessions; the one that runs here is taken: here01 (run-a)");
  assert.match(told[1] as string, /the newest is taken: ended2 \(run-d\)/);
  assert.match(refusal(table(here, there), "run"), /here01 {2}run-a {2}running {2}for /, "a script is told the candidates");
});

test("without a name: the newest of this directory where that is asked for, ended or not", () => {
  const sessions = table(
    { id: "old001", directory: "/here" },
    { id: "new001", directory: "/here" },
    { id: "live01", live: true, directory: "/there" },
  );
  assert.equal(pick(sessions, undefined, { newest: true }), "new001");
  assert.equal(pick(sessions, undefined), "live01");
  assert.equal(
    pick(table({ id: "live01", live: true, directory: "/there" }), undefined, { newest: true }),
    "live01",
    "none is of here",
  );
});
