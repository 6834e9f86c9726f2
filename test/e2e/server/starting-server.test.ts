// A server that begins: nobody is answered before it has looked for all that runs.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { until } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import { notBuilt } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

test("while a server still adopts, beside a holder that stands still, no client is served", async (t) => {
  const home = new TestHome();
  t.after(() => home.dispose());
  const ids = [await home.start(["/bin/cat"]), await home.start(["/bin/cat"])];
  const holder = home.processes().find(({ argv }) => argv[0]?.endsWith("holder") && argv[1]?.endsWith(`${ids[0]}`));
  process.kill(holder?.pid as number, "SIGSTOP");
  try {
    process.kill(home.serverPid() as number, "SIGKILL");
    const asked = ids.map(async () => {
      const rows = await home.sessions();
      return { rows, listened: home.logged("server.listened").length };
    });
    for (const { rows, listened } of await Promise.all(asked)) {
      assert.equal(listened, 2, "it is answered by a server that listens");
      assert.deepEqual(rows.map(({ id }) => id).sort(), [...ids].sort());
    }
    assert.deepEqual(home.logged("listener.path-lost"), []);
  } finally {
    process.kill(holder?.pid as number, "SIGCONT");
  }
  await until(() => home.logged("session.adopted").length === ids.length, "the other session to be adopted, too");
});
