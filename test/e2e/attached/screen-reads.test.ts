// The output for a screen goes past the server's main thread: the screens' thread reads the holder itself.
import assert from "node:assert/strict";
import fs from "node:fs";
import { after, before, test } from "node:test";
import { program } from "../../support/compile.ts";
import { readIfThere, until } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import { falcon, notBuilt } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt([falcon]), [], "npm run build comes first"));

const home = new TestHome();
after(() => home.dispose());

/** Bytes that one thread has read, from whatever it was; 0 where it has ended. */
function bytesRead(pid: number, thread: string): number {
  return Number(/^rchar: (\d+)/m.exec(readIfThere(`/proc/${pid}/task/${thread}/io`) ?? "")?.[1] ?? 0);
}

const skip = fs.existsSync("/proc/self/task") ? false : "no /proc tells what a thread has read";

test("under a flood that a viewer of another size looks at, the main thread reads a tenth of its bytes at most, for all that it does; the screen has all of it", {
  skip,
}, async () => {
  const lines = 30_000;
  // drawings, which no screen passes over in the log's file
  const drawings = `printf ready; read go; "$1" ${lines} 200 | sed 's/$/\\x1b[K\\x1b7\\x1b[30;1Hfooter\\x1b8/'; printf done; exec cat`;
  const id = await home.start(["/bin/sh", "-c", drawings, "sh", program("flood")], ["--size", "100x30"]);
  const viewer = home.terminal(["attach", "--read-only", id], { cols: 120, rows: 40 });
  await viewer.waitFor(/ready/);
  const server = home.serverPid() as number;
  const others = () => fs.readdirSync(`/proc/${server}/task`).filter((thread) => thread !== `${server}`);
  const readByOthers = () => others().reduce((sum, thread) => sum + bytesRead(server, thread), 0);
  const before = { main: bytesRead(server, `${server}`), others: readByOthers() };
  await home.ok(["send", id, "Enter"]);
  await viewer.waitFor(/done/, "the end of the flood", 60_000);
  await until(() => readByOthers() - before.others > lines * 200, "the screens' thread to have read the flood");
  const main = bytesRead(server, `${server}`) - before.main;
  assert.ok(main < (lines * 200) / 10, `the main thread read ${main} bytes`);
  viewer.key("C-\\", "d");
  await viewer.waitForExit();
});
