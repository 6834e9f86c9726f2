// falcon share --to: one page in a folder, with all of a run in it, that needs no server and asks nobody.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import type { SharedRun } from "../../src/web/wire.ts";
import { until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { falcon, trainer } from "../support/paths.ts";
import { noBrowser, picture, TestBrowser, textOf } from "./web-home.ts";

describe("a shared page", () => {
  const home = new TestHome();
  let id = "";
  before(async () => {
    await home.ok([
      "launch",
      "-d",
      "--name",
      "<b>shared&amp;<!--",
      "--falcon",
      trainer,
      "-o",
      "run",
      "samples=256",
      // some seconds: of a shorter run nobody looked at what it uses
      "rate=100",
      "epochs=80",
    ]);
    id = (await home.sessions())[0]?.id ?? "";
    await home.ok(["wait", id], { limit: 180_000 });
  });
  after(() => home.dispose());

  test("a page in a folder has everything in it, and neither command line, environment nor paths of its own", async () => {
    const folder = path.join(home.work, "public");
    const said = await home.ok(["share", id, "--to", folder]);
    assert.match(said, /index\.html: \d+ KiB$/);
    assert.deepEqual(fs.readdirSync(folder), ["index.html"]);
    const page = fs.readFileSync(path.join(folder, "index.html"), "utf8");
    const [, json = ""] = /<script nonce="[^"]+" type="application\/json" id="run">(.*)<\/script>/.exec(page) ?? [];
    const shared = JSON.parse(json) as Record<string, unknown> & { row: Record<string, unknown> };
    assert.deepEqual(Object.keys(shared).sort(), [
      ...["beside", "lines", "metrics", "nodes", "recording", "row", "screen", "written"],
    ]);
    const { beside, metrics } = shared as unknown as SharedRun;
    assert.ok(beside?.usage.curves.some(({ label }) => label.startsWith("memory")));
    assert.deepEqual(beside?.metrics, Object.keys(metrics));
    assert.ok(metrics["val/loss"]?.[0]?.y.length, "a metric with its values");
    assert.equal(shared.row.host, "");
    assert.doesNotMatch(JSON.stringify(shared.row), /trainer\.cjs|\/tmp\//);
    assert.match(page, /Content-Security-Policy" content="default-src 'none'; script-src 'nonce-/);
    assert.equal(fs.statSync(path.join(folder, "index.html")).mode & 0o044, 0o044, "a web server may read it");
  });

  test("a browser shows it from the disk, with its curves and its recording, and asks nobody", { skip: noBrowser }, async () => {
    const folder = path.join(home.work, "seen");
    await home.ok(["share", id, "--to", folder]);
    const browser = await TestBrowser.start();
    try {
      const url = pathToFileURL(path.join(folder, "index.html")).href;
      const page = await browser.open(url, { viewport: { width: 390, height: 844 }, colorScheme: "dark" });
      await page.waitForSelector("canvas");
      assert.equal(await page.textContent("h1"), "<b>shared&amp;<!--");
      await page.waitForSelector(".screen .xterm-rows");
      // what is out of sight is not drawn
      await page.locator(".screen").scrollIntoViewIfNeeded();
      await until(
        async () => /falcon launch completed/.test((await page.textContent(".xterm-rows")) ?? ""),
        "the recording's last screen",
      );
      await page.locator(".timeline input").fill("0");
      await until(async () => !/completed/.test((await page.textContent(".xterm-rows")) ?? ""), "its beginning");
      await page.selectOption('select[aria-label="speed"]', "64");
      await page.getByRole("button", { name: "Play" }).click();
      await until(async () => /falcon launch completed/.test((await page.textContent(".xterm-rows")) ?? ""), "the end, played");
      const panels = () => page.$$eval(".panel h2", (all) => all.map((one) => one.textContent ?? ""));
      await until(async () => (await panels()).some((name) => /^used: memory \([GM]B\)$/.test(name)), "what it used");
      await page.selectOption("select[aria-label='another metric']", "val/loss");
      await until(async () => (await panels()).some((name) => name.endsWith(": val/loss")), "the metric's panel");
      await picture(page, "shared-phone-dark");
      assert.deepEqual(browser.errors, []);
      assert.deepEqual(
        browser.requests.filter((asked) => asked !== url && !asked.startsWith("data:") && !asked.startsWith("blob:")),
        [],
      );
    } finally {
      await browser.close();
    }
  });

  test("a long recording is drawn of the moment where a quick drag of its slider ended", { skip: noBrowser }, async () => {
    const folder = path.join(home.work, "long");
    await home.ok(["share", id, "--to", folder]);
    const file = path.join(folder, "index.html");
    // each second a megabyte that leaves only its number to be seen
    const seconds = 15;
    const filling = ".".repeat(1 << 20);
    const events = Array.from({ length: seconds }, (_, i) =>
      JSON.stringify([i + 1, "o", `${filling}\x1b[2J\x1b[Hsecond ${i + 1} `]),
    );
    const cast = [JSON.stringify({ version: 2, width: 80, height: 24 }), ...events].join("\n");
    const page = fs.readFileSync(file, "utf8");
    const recording = gzipSync(cast).toString("base64");
    fs.writeFileSync(file, page.replace(/"recording":"[^"]*"/, `"recording":"${recording}"`));
    const browser = await TestBrowser.start();
    try {
      const shown = await browser.open(pathToFileURL(file).href);
      await shown.locator(".screen").scrollIntoViewIfNeeded();
      await until(async () => /second 15$/m.test(await textOf(shown)), "its end");
      const slider = shown.locator(".timeline input");
      // in one go, as the events of a drag come
      await slider.evaluate((element) => {
        const input = element as unknown as { value: string; dispatchEvent(event: Event): void };
        for (let step = 990; step >= 500; step -= 10) {
          input.value = String(step);
          input.dispatchEvent(new Event("input"));
        }
      });
      await until(async () => /second 7$/m.test(await textOf(shown)), "the screen of that moment");
      assert.equal(await slider.inputValue(), "500");
      // onwards from there
      await slider.fill("800");
      await until(async () => /second 12$/m.test(await textOf(shown)), "a later moment");
      assert.deepEqual(browser.errors, []);
    } finally {
      await browser.close();
    }
  });

  test("while a run goes on the page is written anew, and once more at its end", async () => {
    const go = path.join(home.work, "go");
    const live = await home.start(["sh", "-c", `echo begun; while [ ! -e ${go} ]; do sleep 0.1; done; echo the end`]);
    const folder = path.join(home.work, "live");
    const child = spawn(falcon, ["share", live, "--to", folder, "--every", "5s"], {
      cwd: home.work,
      env: home.env,
      stdio: "ignore",
    });
    const gone = new Promise<number | null>((resolve) => child.on("close", resolve));
    const file = path.join(folder, "index.html");
    await until(() => fs.existsSync(file) && fs.readFileSync(file, "utf8").includes("begun"), "the first page");
    // open, so that its number is not used again
    const first = fs.openSync(file, "r");
    fs.writeFileSync(go, "");
    assert.equal(await gone, 0);
    assert.notEqual(fs.statSync(file).ino, fs.fstatSync(first).ino, "another file in its place, whole");
    fs.closeSync(first);
    assert.match(fs.readFileSync(file, "utf8"), /the end/);
  });

  test("a pause that is longer than any timer of Node's is a pause", async () => {
    const live = await home.start(["sh", "-c", "echo begun; sleep 1000"]);
    const folder = path.join(home.work, "seldom");
    const child = spawn(falcon, ["share", live, "--to", folder, "--every", "30d"], { cwd: home.work, env: home.env });
    let said = "";
    child.stderr.on("data", (bytes) => {
      said += bytes;
    });
    const gone = new Promise((resolve) => child.on("close", resolve));
    await once(child.stdout, "data");
    const first = fs.statSync(path.join(folder, "index.html")).ino;
    for (let i = 0; i < 5; i++) await home.sessions();
    assert.equal(fs.statSync(path.join(folder, "index.html")).ino, first);
    child.kill("SIGTERM");
    await gone;
    assert.equal(said, "");
    await home.ok(["kill", live]);
  });

  test("of a run that was removed meanwhile the page stays, and no other is waited for", async () => {
    const live = await home.start(["sh", "-c", "echo begun; sleep 1000"]);
    const folder = path.join(home.work, "removed");
    const child = spawn(falcon, ["share", live, "--to", folder, "--every", "5s"], { cwd: home.work, env: home.env });
    let said = "";
    child.stderr.on("data", (bytes) => {
      said += bytes;
    });
    const gone = new Promise<number | null>((resolve) => child.on("close", resolve));
    await once(child.stdout, "data");
    // it must not look between the run's end and its removal
    child.kill("SIGSTOP");
    await home.ok(["kill", live, "--signal", "KILL"]);
    await home.untilState(live, "exited");
    await home.ok(["remove", live]);
    child.kill("SIGCONT");
    assert.equal(await gone, 125);
    assert.match(said, /is not there any more: its page stays as it is\n$/);
    assert.ok(fs.existsSync(path.join(folder, "index.html")));
  });

  test("what cannot be shared is said in one sentence", async () => {
    fs.writeFileSync(path.join(home.work, "taken"), "");
    for (const [args, code, words] of [
      [["share", id, "--to", path.join(home.work, "taken", "x")], 125, /cannot be written to/],
      [["share", "nobody", "--to", "x"], 1, /nobody/],
      [["share"], 2, /say which session/],
      [["share", id], 2, /start 'falcon web' first/],
      [["share", id, "--to", "x", "--every", "1s"], 2, /at least 5 s/],
      [["share", "--revoke", "nothing"], 1, /no link is called nothing/],
    ] as const) {
      const result = await home.run([...args]);
      assert.equal(result.code, code, `${args.join(" ")}: ${result.stderr}`);
      assert.match(result.stderr, words);
    }
  });
});
