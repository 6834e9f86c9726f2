// Fifty browsers on one session that floods: the program is never slowed, and at the end each sees the
// present.
import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { after, describe, test } from "node:test";
import { readIfThere, until, untilFile } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { PlainPage, request, startWeb } from "./web-home.ts";

const browsers = 50;
/** As many lines as are written before and while they look. */
const lines = 60_000;

/** ms that it took, as the program itself says. */
const flood = (file: string, go: string) =>
  `while [ ! -e ${go} ]; do sleep 0.05; done; a=$(date +%s%N); seq -f 'line %.0f of a flood that fifty browsers look at ..........................' ${lines}; b=$(date +%s%N); echo $(( (b - a) / 1000000 )) > ${file}.new; mv ${file}.new ${file}; echo the present; sleep 1000`;

describe("a crowd", () => {
  const home = new TestHome();
  after(() => home.dispose());

  test("a key through the page and back", async () => {
    const id = await home.start(["/bin/sh", "-c", "stty raw -echo; echo ready; exec cat"], ["--size", "80x24"]);
    const web = await startWeb(home);
    const page = new PlainPage(web);
    await page.heard("welcome");
    page.say({ do: "attach", id, cols: 80, rows: 24, type: true, takeOver: false });
    await until(() => page.text.includes("ready"), "the terminal");
    const closed = once(page.socket, "close").then(() => assert.fail("the page's connection was closed"));
    closed.catch(() => {});
    const took: number[] = [];
    const keys = Array.from({ length: 60 }, (_, i) => String.fromCharCode(0x61 + (i % 26)));
    for (const key of keys) {
      const seen = page.text.length;
      const began = performance.now();
      const echoed = new Promise<void>((resolve) => {
        const heard = () => {
          if (!page.text.slice(seen).includes(key)) return;
          page.socket.off("message", heard);
          resolve();
        };
        page.socket.on("message", heard);
      });
      page.socket.send(Buffer.from(key));
      await Promise.race([echoed, closed]);
      took.push(performance.now() - began);
    }
    assert.ok(page.text.endsWith(keys.join("")), "each key once, in its order");
    took.sort((a, b) => a - b);
    console.log(
      `# a key through the page: median ${(took[30] as number).toFixed(1)} ms, the slowest of 60 ${(took[59] as number).toFixed(1)} ms`,
    );
    page.socket.close();
    await web.end();
    await home.ok(["kill", id, "--signal", "KILL"]);
  });

  test("fifty browsers on one flooding session, one of which takes nothing", async () => {
    const alone = { file: path.join(home.work, "alone"), go: path.join(home.work, "go-alone") };
    const crowd = { file: path.join(home.work, "crowd"), go: path.join(home.work, "go-crowd") };
    // by itself, for comparison
    await home.start(["sh", "-c", flood(alone.file, alone.go)], ["--size", "80x24"]);
    fs.writeFileSync(alone.go, "");
    await untilFile(alone.file);
    const id = await home.start(["sh", "-c", flood(crowd.file, crowd.go)], ["--size", "80x24"]);
    const web = await startWeb(home);
    const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readIfThere(`/proc/${web.process.pid}/status`) ?? "")?.[1] ?? 0) / 1024;
    const before = memory();
    const pages = Array.from({ length: browsers }, () => new PlainPage(web));
    for (const page of pages) {
      await page.heard("welcome");
      page.say({ do: "attach", id, cols: 80, rows: 24, type: false, takeOver: false });
    }
    await until(() => pages.every((page) => page.messages.some((message) => message.is === "terminal")), "all terminals");
    const watching = memory();
    (pages[0] as PlainPage).draws = false;
    fs.writeFileSync(crowd.go, "");
    await untilFile(crowd.file, undefined, 60_000);
    const took = [alone, crowd].map(({ file }) => Number(fs.readFileSync(file, "utf8")));
    const flooded = memory();
    // the page answers meanwhile
    assert.equal((await request(web, "/")).status, 200);
    (pages[0] as PlainPage).draws = true;
    (pages[0] as PlainPage).say({ do: "taken", n: 1, bytes: 1e9 });
    await until(() => pages.every((page) => page.text.includes("the present")), "the present in every browser", 60_000);
    assert.ok(pages.every((page) => page.closed === undefined));
    const sent = pages.reduce((sum, page) => sum + page.bytes, 0);
    console.log(
      `# ${browsers} browsers: the program took ${took[1]} ms (alone ${took[0]} ms), ${(sent / browsers / 1024).toFixed(0)} KiB to each; ` +
        `web process ${before.toFixed(0)} MiB, with them ${watching.toFixed(0)}, flooded ${flooded.toFixed(0)}: ${((watching - before) / browsers).toFixed(2)} MiB each`,
    );
    // a program that waited for a browser that takes nothing would never have been through; the processors
    // are shared
    assert.ok(sent < browsers * 40 * 2 ** 20);
    for (const page of pages) page.socket.close();
    await web.end();
  });
});
