// The wait of `falcon wait --until`: a session's end counts after the last look at what it did.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ShownRun } from "../../../../src/presentation/shown-run.ts";
import { parseUntil } from "../../../../src/session/events/until.ts";
import { untilHeld } from "../../../../src/session/events/until-held.ts";
import type { Session } from "../../../../src/session/life/session.ts";

const run = (epoch: number) => ({ nodes: [{ name: "z", epoch, nonFinite: [] }] }) as unknown as ShownRun;

/** A session that the test ends, and what is read of its run when the test says so. */
function fake() {
  const listeners = new Set<() => void>();
  let read!: (run: ShownRun) => void;
  const session = {
    live: true,
    whenOver: (givenUp: AbortSignal) =>
      new Promise<void>((resolve) => {
        listeners.add(resolve);
        givenUp.addEventListener("abort", () => listeners.delete(resolve));
      }),
  };
  const last = new Promise<ShownRun>((resolve) => (read = resolve));
  return {
    session: session as unknown as Session,
    last,
    listeners,
    read,
    end() {
      session.live = false;
      for (const end of listeners) end();
    },
  };
}

type Look = (session: Session, run: ShownRun) => void;

/** @param series answers a look at the run's own metrics. */
function waiting(fakes: ReturnType<typeof fake>[], condition: string, series = async () => []) {
  let look!: Look;
  let through = false;
  const held = untilHeld(
    {
      tick: {
        watch: (looker: Look) => {
          look = looker;
          return () => {};
        },
      },
      progress: {
        of: async (session: Session) => (fakes.find((one) => one.session === session) as ReturnType<typeof fake>).last,
        series,
      },
    },
    fakes.map(({ session }) => session),
    parseUntil(condition),
  );
  void held.all.then(() => {
    through = true;
  });
  return { held, look: (session: Session, run: ShownRun) => look(session, run), isThrough: () => through };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("another session's look does not end the wait before the end of this one was looked at", async () => {
  const [first, second] = [fake(), fake()];
  const { held, look, isThrough } = waiting([first, second], "epoch >= 10");
  first.end();
  look(second.session, run(10));
  await settled();
  assert.deepEqual([isThrough(), held.isOpen(first.session), held.has(second.session)], [false, true, true]);
  first.read(run(12));
  await held.all;
  assert.ok(held.has(first.session), "its last epochs fulfilled it");
});

test("a look that was begun before the end decides nothing", async () => {
  const one = fake();
  let answer!: (series: []) => void;
  const { held, look, isThrough } = waiting([one], "epoch >= 10 or val/nll < 0", () => new Promise((done) => (answer = done)));
  look(one.session, run(3));
  const early = answer;
  one.end();
  early([]);
  await settled();
  assert.equal(isThrough(), false);
  one.read(run(10));
  await settled();
  answer([]);
  await held.all;
  assert.ok(held.has(one.session));
});

test("one that ends before it is so ends the wait, and is told from those that fulfilled it", async () => {
  const one = fake();
  const { held } = waiting([one], "epoch >= 10");
  one.end();
  one.read(run(9));
  await held.all;
  assert.deepEqual([held.has(one.session), held.isOpen(one.session)], [false, false]);
});

test("of no sessions nothing is waited for", async () => {
  await waiting([], "nan").held.all;
});

test("who waits no longer is forgotten, though the session goes on", () => {
  const one = fake();
  const { held } = waiting([one], "epoch >= 10");
  assert.equal(one.listeners.size, 1);
  held.stop();
  assert.equal(one.listeners.size, 0);
});
