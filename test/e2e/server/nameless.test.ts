// A user without an entry in the user database, as containers have one that were started with a bare number.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { TestHome } from "../../support/home.ts";

const skip = process.getuid?.() !== 0 && "only root can become another user";

describe("a user without a name", { skip }, () => {
  const home = new TestHome({}, skip === false ? { user: 54_321 } : {});
  after(() => home.dispose());

  test("and without HOME has a session, what init writes for a shell, and a doctor", async () => {
    const env = { HOME: undefined, USER: undefined };
    assert.match(await home.ok(["run", "--", "echo", "hello"], { env }), /hello/);
    assert.match(await home.ok(["init", "bash"], { env }), /falcon/);
    const { stdout, stderr } = await home.run(["doctor"], { env });
    assert.doesNotMatch(stdout + stderr, /went wrong on our side/);
  });
});
