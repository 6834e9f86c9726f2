// The page in a real browser: what one sees, types, and what happens when something is lost.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { trainer } from "../support/paths.ts";
import { untilSame } from "./same-screen.ts";
import { axeScript, noBrowser, picture, startWeb, TestBrowser, textOf, type Web } from "./web-home.ts";

const desktop = { viewport: { width: 1280, height: 860 } };
const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

describe("the page in a browser", { skip: noBrowser }, () => {
  const home = new TestHome();
  let web: Web;
  let browser: TestBrowser;
  let run = "";
  const paint =
    "printf '\\033[1;31mred\\033[0m \\033[48;2;10;90;40mgreen\\033[0m \\342\\226\\210\\344\\275\\240\\345\\245\\275 wide\\n'";

  before(async () => {
    web = await startWeb(home);
    browser = await TestBrowser.start();
    await home.ok([
      "launch",
      "-d",
      "--name",
      "night",
      "--falcon",
      trainer,
      "-o",
      "night",
      "samples=256",
      "rate=300",
      "epochs=4000",
    ]);
    run = (await home.sessions())[0]?.id ?? "";
  });
  after(async () => {
    await browser.close();
    await web.end();
    await home.dispose();
  });

  /** In a place of its own, at once at what is wanted. */
  const open = async (where = "", options: Parameters<TestBrowser["open"]>[1] = desktop, token = web.token) => {
    const page = await browser.open(`${web.url}#t=${token}`, options);
    await page.waitForSelector("html[data-connection=connected]");
    if (where !== "")
      await page.evaluate((hash) => {
        location.hash = hash;
      }, where);
    return page;
  };

  test("a launch is in the list, live, and its curve grows", async () => {
    const page = await open();
    await page.waitForSelector(`a[href="#/run/${run}"]`);
    // a figure for a person (docs/design/performance.md): machines differ, so that nothing is asserted
    const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
    console.log(`# first paint after ${Math.round(paint ?? Number.NaN)} ms`);
    await page.fill("input[type=search]", "nothing of that name");
    await page.waitForFunction(() => document.querySelectorAll(".run").length === 0);
    await page.fill("input[type=search]", "night");
    await page.click(".run .name");
    const epochs = () => page.getAttribute(".plot", "data-epochs").then(Number);
    await page.waitForSelector(".plot[data-epochs]");
    const first = await epochs();
    await until(async () => (await epochs()) >= first + 2, "two more epochs on the page");
    assert.equal(await page.evaluate(() => location.href.includes("t=")), false, "the token is out of the address");
    assert.equal((await page.context().cookies()).length, 0);
    await page.context().close();
  });

  test("beside the losses: what the run used, any other metric, and what happened", async () => {
    await home.ok([
      "launch",
      "-d",
      "--name",
      "beside",
      "--falcon",
      trainer,
      "-o",
      "beside",
      "samples=256",
      // some seconds: of a shorter run nobody looked at what it uses
      "epochs=80",
      "rate=100",
    ]);
    // its eighty epochs are calculations: on a machine with other work they take a minute
    await home.ok(["wait", "beside"], { limit: 240_000 });
    const id = (await home.sessions()).find(({ name }) => name === "beside")?.id ?? "";
    const page = await open(`#/run/${id}/curves`);
    const panels = () => page.$$eval(".panel h2", (all) => all.map((one) => one.textContent ?? ""));
    await until(async () => (await panels()).some((name) => /^used: memory \([GM]B\)$/.test(name)), "the panel of its memory");
    await page.selectOption("select[aria-label='another metric']", "val/loss");
    await until(async () => (await panels()).some((name) => name.endsWith(": val/loss")), "the metric's panel");
    const label = await page.getAttribute(".panel:last-child .plot", "aria-label");
    assert.match(label ?? "", /^val\/loss of \w+ by epoch, the last one -?[\d.]+$/);
    await page.selectOption("select[aria-label='another metric']", "");
    await until(async () => !(await panels()).some((name) => name.endsWith(": val/loss")), "the panel to go");
    await page.context().close();
  });

  test("the terminal is the session's screen, cell by cell, while it draws, on a phone too", async () => {
    const id = await home.start(
      ["sh", "-c", `${paint}; i=0; while [ $i -lt 30 ]; do ${paint}; i=$((i+1)); done; printf '\\033[5;10Hhere'; sleep 1000`],
      ["--size", "70x16"],
    );
    for (const size of [desktop, phone]) {
      const page = await open(`#/run/${id}/terminal`, size);
      await page.waitForSelector(".screen[data-drawn]");
      await untilSame(home, page, id, 70, 16);
      assert.ok(
        await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth + 1),
        "nothing is wider than the window",
      );
      await page.context().close();
    }
    await home.ok(["kill", id]);
  });

  test("what is typed goes to the program with the same key rules: j, then Ctrl-\\ leaves, a launch's d too", async () => {
    const id = await home.start(
      ["sh", "-c", 'stty -icanon -echo; while :; do k=$(dd bs=1 count=1 2>/dev/null); echo "key=$k"; done'],
      ["--size", "70x16"],
    );
    const page = await open(`#/run/${id}/terminal`);
    await page.waitForSelector(".screen[data-drawn]");
    await page.keyboard.type("x");
    await page.getByRole("button", { name: "Type" }).click();
    await page.waitForSelector(".screen.typing");
    await page.keyboard.type("j");
    await until(async () => (await textOf(page)).includes("key=j"), "the key at the program");
    assert.doesNotMatch(await textOf(page), /key=x/, "what was typed before went nowhere");
    await page.keyboard.press("Control+\\");
    await page.waitForSelector(".screen:not(.typing)");
    assert.equal((await home.sessions()).find((row) => row.id === id)?.state, "running");
    await page.evaluate((hash) => {
      location.hash = hash;
    }, `#/run/${run}/terminal`);
    await page.waitForSelector(".screen[data-drawn]");
    await page.getByRole("button", { name: "Type" }).click();
    await page.waitForSelector(".screen.typing");
    await page.keyboard.type("d");
    await page.waitForSelector(".screen:not(.typing)");
    assert.equal((await home.sessions()).find((row) => row.id === run)?.state, "running");
    await page.context().close();
    await home.ok(["kill", id]);
  });

  test("a key right behind Only look goes nowhere, and the page goes on", async () => {
    const id = await home.start(["sh", "-c", "stty -echo; cat"], ["--size", "70x16"]);
    const page = await open(`#/run/${id}/terminal`);
    await page.getByRole("button", { name: "Type" }).click();
    await page.waitForSelector(".screen.typing");
    await page.getByRole("button", { name: "Only look" }).evaluate((button) => {
      (button as HTMLElement).click();
      // before the server has answered; the page's terminal is this page's own (widgets/screen.ts)
      const screen = document.querySelector(".screen") as unknown as { terminal: { input(text: string): void } };
      screen.terminal.input("x");
    });
    await page.waitForSelector(".screen:not(.typing)");
    await page.waitForSelector(".state:text('you look')");
    await page.context().close();
    await home.ok(["kill", id]);
  });

  test("a second Ctrl+C asks, also with the key of a phone: no is no, yes ends the run", async () => {
    // hang_at: from then on the graceful stop is noted and nothing follows
    const words = ["--falcon", trainer, "-o", "hung", "samples=256", "rate=8", "hang_at=1"];
    await home.ok(["launch", "-d", "--name", "hung", ...words]);
    const row = async () => (await home.sessions()).find(({ name }) => name === "hung");
    const id = (await row())?.id ?? "";
    const page = await open(`#/run/${id}/terminal`, phone);
    await until(async () => (await textOf(page)).includes("Training started"), "the training");
    await page.getByRole("button", { name: "Type" }).click();
    await page.waitForSelector(".screen.typing");
    await page.keyboard.press("Control+c");
    await until(async () => (await textOf(page)).includes("Stopping gracefully"), "the first one at the program");
    const asked = async () => /second Ctrl\+C.*\[y\/N\]/s.test(await textOf(page));
    await page.getByRole("button", { name: "Ctrl+C" }).click();
    await until(asked, "the question");
    await picture(page, "phone-second-interrupt");
    await page.keyboard.type("n");
    await until(async () => !(await asked()), "the question to go");
    assert.deepEqual([(await row())?.state, (await row())?.interrupts], ["running", 1]);
    await page.getByRole("button", { name: "Ctrl+C" }).click();
    await until(asked, "the question again");
    await page.keyboard.type("y");
    await home.untilState(id, "exited");
    assert.equal((await row())?.interrupts, 2);
    await page.context().close();
  });

  test("a second browser takes over, and the first one looks again", async () => {
    const id = await home.start(["sh", "-c", "stty -echo; cat"], ["--size", "70x16"]);
    const [first, second] = [await open(`#/run/${id}/terminal`), await open(`#/run/${id}/terminal`)];
    await first.getByRole("button", { name: "Type" }).click();
    await first.waitForSelector(".screen.typing");
    await first.keyboard.type("from the first\n");
    await until(async () => (await textOf(second)).includes("from the first"), "the words on the other page");
    await second.getByRole("button", { name: "Take over" }).click();
    await second.waitForSelector(".screen.typing");
    await first.waitForSelector(".screen:not(.typing)");
    await second.keyboard.type("from the second\n");
    await until(async () => (await textOf(first)).includes("from the second"), "the words on the first page");
    await first.context().close();
    await second.context().close();
    await home.ok(["kill", id]);
  });

  test("kill -9 of the session server, of the web process, and a network that is cut: the page comes back by itself", async () => {
    const id = await home.start(["sh", "-c", "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.1; done"], ["--size", "70x16"]);
    const page = await open(`#/run/${id}/terminal`);
    await page.waitForSelector(".screen[data-drawn]");
    const last = async () => Number(/line (\d+)\s*$/.exec(await textOf(page))?.[1] ?? 0);
    const goesOn = async (what: string) => {
      const before = await last();
      await until(async () => (await last()) > before + 5, `the terminal to go on ${what}`);
      const lines = (await textOf(page))
        .split("\n")
        .flatMap((line) => /^line (\d+)$/.exec(line)?.[1] ?? [])
        .map(Number);
      assert.ok(
        lines.every((n, i) => i === 0 || n === (lines[i - 1] as number) + 1),
        `${what}: ${lines.join(" ")}`,
      );
    };
    await goesOn("at first");
    process.kill(home.serverPid() as number, "SIGKILL");
    await goesOn("after the session server was killed");
    await page.context().setOffline(true);
    await page.evaluate(() =>
      (globalThis as unknown as { dispatchEvent(event: Event): void }).dispatchEvent(new Event("offline")),
    );
    await page.context().setOffline(false);
    await goesOn("after the network was cut");
    const { port } = new URL(web.url);
    await web.end("SIGKILL");
    await page.waitForSelector("html[data-connection=connecting]");
    web = await startWeb(home, ["--listen", port]);
    await page.waitForSelector("html[data-connection=connected]");
    await goesOn("after the web process was killed");
    await page.context().close();
    await home.ok(["kill", id]);
  });

  test("hostile names, titles, lines and links are text", async () => {
    const hostile = [
      "<img src=x onerror=window.hit=1>",
      "</script><script>window.hit=1</script>",
      "\"'><svg onload=window.hit=1>",
      "javascript:window.hit=1",
      "{{constructor.constructor('window.hit=1')()}}",
    ];
    const say = hostile.map(
      (text) =>
        `printf '%s\\n' ${JSON.stringify(text).replaceAll("$", "\\$").replaceAll("`", "\\`").replace(/^"|"$/g, "'").replaceAll('\\"', '"').replaceAll("''", "'")}`,
    );
    assert.ok(say.length > 0);
    const file = path.join(home.work, "hostile");
    fs.writeFileSync(
      file,
      `${hostile.join("\n")}\n\x1b]0;<img src=x onerror=window.hit=1>\x07\x1b]8;;javascript:window.hit=1\x07click\x1b]8;;\x07\n\x1b]52;c;aGl0\x07done\n`,
    );
    const id = await home.start(["sh", "-c", `cat ${file}; sleep 1000`], ["--name", hostile[0] as string, "--size", "70x16"]);
    const page = await open();
    await page.waitForSelector(`a[href="#/run/${id}"]`);
    assert.equal(await page.textContent(`a[href="#/run/${id}"]`), hostile[0]);
    for (const tab of ["terminal", "log", "history", "about"]) {
      await page.evaluate((hash) => {
        location.hash = hash;
      }, `#/run/${id}/${tab}`);
      await page.waitForSelector(`.view.${tab} > *`);
      if (tab === "log")
        await until(async () => (await page.textContent(".lines"))?.includes("constructor.constructor"), "the lines");
      if (tab === "terminal") {
        await until(async () => (await textOf(page)).includes("done"), "the lines on screen");
        const link = await page.locator(".screen").boundingBox();
        assert.ok(link !== null);
      }
    }
    assert.equal(await page.evaluate(() => (globalThis as { hit?: number }).hit), undefined);
    assert.equal(await page.evaluate(() => document.title), `${hostile[0]} · falcon`);
    assert.equal(await page.evaluate(() => document.querySelectorAll("main img, main script").length), 0);
    assert.equal(page.context().pages().length, 1);
    await page.context().close();
    await home.ok(["kill", id]);
  });

  test("the log is searched, and a hit leads to its line and to the screen of its moment", async () => {
    const id = await home.start(
      ["sh", "-c", "for i in $(seq 1 900); do echo row $i; done; sleep 1; echo the needle; sleep 1000"],
      ["--size", "70x16"],
    );
    await until(() => fs.readFileSync(path.join(home.folder, "s", id, "output.log"), "utf8").includes("needle"), "the output");
    const page = await open(`#/run/${id}/log`);
    await page.fill(".view.log input[type=search]", "row 45\\b");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".found li");
    assert.match((await page.textContent(".found li")) ?? "", /45.*row 45/);
    // a search is given up for a later one
    await page.route(/find=slow/, () => {});
    const asked = page.waitForRequest(/find=slow/);
    const gaveUp = page.waitForEvent("requestfailed", (request) => /find=slow/.test(request.url()));
    for (const pattern of ["slow", "row 45\\b"]) {
      await page.fill(".view.log input[type=search]", pattern);
      await page.keyboard.press("Enter");
      if (pattern === "slow") await asked;
    }
    assert.match((await gaveUp).url(), /find=slow/);
    await page.waitForSelector(".found li");
    await page.click(".found .hit");
    await page.waitForSelector(".line.marked");
    assert.match((await page.textContent(".line.marked")) ?? "", /row 45$/);
    await page.getByRole("button", { name: "Latest" }).click();
    await page.locator(".line", { hasText: "the needle" }).locator(".n").click();
    await page.waitForSelector(".view.history");
    await until(async () => /row 900/.test(await textOf(page)), "the screen of that moment");
    await page.context().close();
    await home.ok(["kill", id]);
  });

  test("the history plays from any moment", async () => {
    const id = await home.start(["sh", "-c", "for i in 1 2 3 4 5 6; do echo second $i; sleep 0.5; done"], ["--size", "70x16"]);
    await home.untilState(id, "exited");
    const page = await open(`#/run/${id}/history`);
    await page.waitForSelector(".mark");
    await page.locator(".timeline input").fill("500");
    await until(async () => /second 3/.test(await textOf(page)) && !/second 6/.test(await textOf(page)), "half of it");
    await page.selectOption(".view.history select", "4");
    await page.getByRole("button", { name: "Play" }).click();
    await until(async () => /second 6/.test(await textOf(page)), "the rest, played");
    await page.context().close();
  });

  test("a history that plays goes on from its moment after kill -9 of the session server", async () => {
    const id = await home.start(["sh", "-c", "for i in $(seq 60); do echo tick $i; sleep 0.25; done"], ["--size", "70x16"]);
    await home.ok(["wait", id], { limit: 120_000 });
    await home.untilState(id, "exited");
    const page = await open(`#/run/${id}/history`);
    await page.waitForSelector(".mark");
    const last = async () => Number(/tick (\d+)\s*$/.exec(await textOf(page))?.[1] ?? Number.NaN);
    await page.selectOption(".view.history select", "1");
    await page.getByRole("button", { name: "Play" }).click();
    const before = await until(async () => {
      const tick = await last();
      return tick >= 20 && tick;
    }, "a third of it, played");
    process.kill(home.serverPid() as number, "SIGKILL");
    const seen: number[] = [];
    await until(async () => seen.push(await last()) > 0 && (seen.at(-1) as number) >= before + 8, "what comes behind it");
    // its last second may be shown again, but nothing from its beginning
    const early = seen.filter((tick) => tick < before - 4);
    assert.deepEqual(early, []);
    await page.context().close();
  });

  test("runs are compared, downloads are files, and nothing is asked of anybody else", async () => {
    await home.ok([
      "launch",
      "-d",
      "--name",
      "short",
      "--falcon",
      trainer,
      "-o",
      "short",
      "samples=256",
      "rate=2000",
      "epochs=6",
    ]);
    const page = await open();
    await page.waitForSelector(".run:nth-child(2)");
    for (const name of ["night", "short"]) await page.getByRole("checkbox", { name: new RegExp(`compare ${name} `) }).check();
    await page.getByRole("link", { name: "Compare 2" }).click();
    await page.waitForSelector(".panel canvas");
    await page.evaluate((hash) => {
      location.hash = hash;
    }, `#/run/${run}/about`);
    const file = page.waitForEvent("download");
    await page.getByRole("button", { name: "losses, CSV" }).click();
    const text = fs.readFileSync(await (await file).path(), "utf8");
    assert.match(text, /^node,epoch,training_loss/);
    const { origin } = new URL(web.url);
    const outside = browser.requests.filter(
      (url) => !url.startsWith(origin) && !url.startsWith("data:") && !url.startsWith("blob:"),
    );
    assert.deepEqual(outside, []);
    assert.ok(browser.requests.length > 10);
    await page.context().close();
  });

  test("curves that could not be had are asked for again once the connection is back", async () => {
    const [ended = ""] = (await home.sessions()).flatMap(({ id, name }) => (name === "short" ? [id] : []));
    await home.untilState(ended, "exited");
    const page = await open();
    let cut = true;
    await page.route(/api\/curves\//, (route) => (cut ? route.abort() : route.continue()));
    await page.evaluate((hash) => {
      location.hash = hash;
    }, `#/run/${ended}/curves`);
    await page.waitForSelector(".note:text('there is no connection')");
    const { port } = new URL(web.url);
    await web.end("SIGKILL");
    await page.waitForSelector("html[data-connection=connecting]");
    cut = false;
    web = await startWeb(home, ["--listen", port]);
    await page.waitForSelector(".panel canvas");
    await page.context().close();
  });

  for (const [device, size] of [
    ["phone", phone],
    ["desktop", desktop],
  ] as const)
    for (const colorScheme of ["light", "dark"] as const)
      test(`axe finds nothing on a ${device}, ${colorScheme}`, async () => {
        const page = await open("", { ...size, colorScheme });
        await page.waitForSelector(".run");
        for (const where of [
          "",
          `#/run/${run}/curves`,
          `#/run/${run}/terminal`,
          `#/run/${run}/log`,
          `#/run/${run}/history`,
          `#/run/${run}/about`,
          `#/compare/${run}`,
        ]) {
          if (where !== "")
            await page.evaluate((hash) => {
              location.hash = hash;
            }, where);
          await page.waitForTimeout(300);
          await picture(page, `${device}-${colorScheme}-${where.split("/").at(-1) || "runs"}`);
          // past the page's own policy, as a browser's extension is
          const axe = fs.readFileSync(axeScript, "utf8");
          const cdp = await page.context().newCDPSession(page);
          await cdp.send("Runtime.evaluate", { expression: axe });
          const { result } = await cdp.send("Runtime.evaluate", {
            expression:
              "axe.run(document, { resultTypes: ['violations'] }).then((r) => JSON.stringify(r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target.join(' ') + ' ' + n.failureSummary).slice(0, 2).join(' | '))))",
            awaitPromise: true,
            returnByValue: true,
          });
          assert.deepEqual(JSON.parse(result.value as string), [], where);
          await cdp.detach();
        }
        await page.context().close();
      });

  test("nothing went wrong in any page", () => {
    assert.deepEqual(browser.errors, []);
  });
});
