// The server is killed while it starts what was asked for: the next one is asked the same, and answers with
// the run that has begun, once.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { readIfThere, until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { notBuilt } from "../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

describe("a start whose server is killed", () => {
  const home = new TestHome();
  after(() => home.dispose());
  const begun = () => {
    const folder = path.join(home.folder, "s");
    return fs.readdirSync(folder).filter((id) => /^start /m.test(readIfThere(path.join(folder, id, "record")) ?? ""));
  };

  test("relaunch and run answer with the session that has begun, and status 0", async () => {
    const first = await home.start(["/bin/sh", "-c", "true"], ["--name", "again"]);
    await home.untilState(first, "exited");
    const again = ["relaunch", "-d", first];
    const fresh = ["run", "-d", "--", "/bin/cat"];
    for (const command of [again, fresh, again, fresh]) {
      await home.sessions();
      const server = home.serverPid() as number;
      const known = begun();
      const asked = home.run(command);
      const [id] = await until(() => {
        const found = begun().filter((each) => !known.includes(each));
        return found.length > 0 && found;
      }, "a program to begin");
      process.kill(server, "SIGKILL");
      const { code, stdout, stderr } = await asked;
      assert.deepEqual([code, [...new Set(stdout.trim().split("\n"))]], [0, [id]], stderr);
      assert.equal(begun().length, known.length + 1);
    }
  });
});
