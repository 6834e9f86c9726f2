// What the page asks of the server for a view: for which moment, when again, and how much at once.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import type { Beside, Span } from "../../src/web/wire.ts";
import { until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { noBrowser, request, startWeb, TestBrowser, textOf, type Web } from "./web-home.ts";

describe("what a view asks", { skip: noBrowser }, () => {
  const home = new TestHome();
  let web: Web;
  let browser: TestBrowser;

  before(async () => {
    // of a log that is longer than this, the beginning is let go of
    const config = path.join(home.work, ".config/falcon-sessions");
    fs.mkdirSync(config, { recursive: true });
    fs.writeFileSync(path.join(config, "config.toml"), 'retention = "4 MiB"\n');
    web = await startWeb(home);
    browser = await TestBrowser.start();
  });
  after(async () => {
    await browser.close();
    await web.end();
    await home.dispose();
  });

  const open = async (where = "") => {
    const page = await browser.open(`${web.url}#t=${web.token}`);
    await page.waitForSelector("html[data-connection=connected]");
    if (where !== "") await go(page, where);
    return page;
  };
  const go = (page: Page, where: string) =>
    page.evaluate((hash) => {
      location.hash = hash;
    }, where);

  /** A run that goes on until it is told to end. */
  const waiting = async () => {
    const file = path.join(home.work, `go${++files}`);
    const id = await home.start(["sh", "-c", `echo begun; while [ ! -e ${file} ]; do sleep 0.1; done; echo the last word`]);
    return { id, end: () => fs.writeFileSync(file, "") };
  };
  let files = 0;

  test("a moment of the history is that of its label where the first output came late", async () => {
    const id = await home.start(["sh", "-c", "sleep 3; for i in 1 2 3 4 5 6; do echo second $i; sleep 0.5; done"]);
    await home.untilState(id, "exited");
    const page = await open(`#/run/${id}/history`);
    await page.waitForSelector(".mark");
    await page.locator(".timeline input").fill("500");
    await until(async () => /second 3/.test(await textOf(page)) && !/second 6/.test(await textOf(page)), "half of it");
    await page.context().close();
  });

  test("the history of a log whose beginning was let go of begins with what is kept", async () => {
    const flood = "head -c 6000000 /dev/urandom | base64";
    const id = await home.start([
      "sh",
      "-c",
      `echo first; sleep 3; ${flood}; for i in 1 2 3 4; do echo second $i; sleep 0.5; done`,
    ]);
    const span = async () => {
      const { body } = await request(web, `/api/span/${id}`, { headers: { "x-falcon-token": web.token } });
      return JSON.parse(body) as Span;
    };
    await until(async () => {
      const { begins, marks } = await span();
      return begins > (marks.find(({ kind }) => kind === "started")?.at ?? begins) + 2_000;
    }, "its beginning to be let go of");
    await home.untilState(id, "exited");
    const page = await open(`#/run/${id}/history`);
    await until(async () => /[\w+/]{70}/.test(await textOf(page)), "the beginning of what is kept");
    await page.context().close();
  });

  test("the log has the last lines of a run that ended while the page was not looked at", async () => {
    const { id, end } = await waiting();
    const page = await open(`#/run/${id}/log`);
    await page.waitForSelector(".lines :text('begun')");
    const look = (state: string) =>
      page.evaluate((value) => {
        const { document } = globalThis as unknown as { document: object };
        Object.defineProperty(document, "visibilityState", { value, configurable: true });
      }, state);
    await look("hidden");
    end();
    await page.waitForSelector(".badge:text('completed')");
    await look("visible");
    await page.waitForSelector(".lines :text('the last word')");
    await page.waitForSelector(".state:not(:text('following'))");
    await page.context().close();
  });

  test("a log that is not answered is asked for once, and given up where its tab is left", async () => {
    const { id, end } = await waiting();
    const page = await (await browser.context()).newPage();
    await page.clock.install();
    await page.goto(`${web.url}#t=${web.token}`);
    await page.waitForSelector("html[data-connection=connected]");
    await page.route(/api\/lines\//, () => {});
    let asked = 0;
    page.on("request", (request) => {
      if (request.url().includes("api/lines/")) asked++;
    });
    await go(page, `#/run/${id}/log`);
    await until(() => asked > 0, "the first question");
    await page.clock.runFor(10_000);
    assert.equal(asked, 1);
    // a question about other lines is not kept waiting
    const gaveUp = page.waitForEvent("requestfailed");
    await page.getByRole("button", { name: "First" }).click();
    await gaveUp;
    await until(() => asked === 2, "the question for the first lines");
    const left = page.waitForEvent("requestfailed");
    await page.getByRole("tab", { name: "Curves" }).click();
    await left;
    await page.context().close();
    end();
  });

  for (const [tab, asked, there] of [
    ["history", /api\/span\//, ".mark"],
    ["about", /api\/facts\//, ".known dt"],
    ["log", /api\/lines\//, ".line"],
  ] as const)
    test(`what could not be had in one moment is asked for again: ${tab}`, async () => {
      const id = await home.start(["sh", "-c", "echo begun; sleep 0.2; echo ended"]);
      await home.untilState(id, "exited");
      const page = await open();
      let cut = true;
      await page.route(asked, (route) => (cut ? route.abort() : route.continue()));
      await go(page, `#/run/${id}/${tab}`);
      await page.waitForSelector(":text('there is no connection')");
      cut = false;
      await page.waitForSelector(there, { state: "attached" });
      await page.waitForSelector(":text('there is no connection')", { state: "detached" });
      await page.context().close();
    });

  test("what stands beside the losses is asked for again, and given up where its tab is left", async () => {
    const id = await home.start(["true"]);
    await home.untilState(id, "exited");
    const page = await open();
    await page.route(/api\/curves\//, (route) => route.fulfill({ json: { nodes: [] } }));
    const beside: Beside = { usage: { axis: "epoch", curves: [] }, events: [], metrics: ["accuracy"], chosen: [] };
    await page.route(/api\/beside\//, (route) => route.fulfill({ json: beside }));
    await page.route(/api\/beside\//, (route) => route.abort(), { times: 1 });
    await go(page, `#/run/${id}/curves`);
    const metrics = page.getByLabel("another metric");
    await metrics.waitFor();
    await page.route(/api\/beside\/.*metric=/, () => {});
    const asked = page.waitForRequest(/metric=accuracy/);
    await metrics.selectOption("accuracy");
    await asked;
    const left = page.waitForEvent("requestfailed", (request) => /metric=accuracy/.test(request.url()));
    await page.getByRole("tab", { name: "About" }).click();
    await left;
    await page.context().close();
  });

  test("a search of the log that could not be had is asked for again", async () => {
    const id = await home.start(["echo", "the needle"]);
    await home.untilState(id, "exited");
    const page = await open(`#/run/${id}/log`);
    let cut = true;
    await page.route(/find=needle/, (route) => (cut ? route.abort() : route.continue()));
    await page.fill(".view.log input[type=search]", "needle");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".hits :text('there is no connection')");
    cut = false;
    await page.waitForSelector(".found li");
    await page.context().close();
  });

  test("what cannot be had is asked for ever more seldom, and at once when the connection is there again", async () => {
    const id = await home.start(["true"]);
    await home.untilState(id, "exited");
    const page = await (await browser.context()).newPage();
    await page.clock.install();
    let cut = () => {};
    await page.routeWebSocket(/\/ws$/, (socket) => {
      const server = socket.connectToServer();
      // whether the connection is there is asked by the clock, which goes faster here than the server answers
      socket.onMessage((message) => (message === '{"do":"ping"}' ? socket.send('{"is":"pong"}') : server.send(message)));
      cut = () => void socket.close();
    });
    await page.goto(`${web.url}#t=${web.token}`);
    await page.waitForSelector("html[data-connection=connected]");
    let asked = 0;
    let failed = 0;
    await page.route(/api\/lines\//, (route) => {
      asked++;
      return route.abort();
    });
    page.on("requestfailed", () => failed++);
    await go(page, `#/run/${id}/log`);
    await page.waitForSelector(":text('there is no connection')");
    for (let second = 0; second < 64; second++) {
      await page.clock.runFor(1_000);
      await until(() => failed >= asked, "its failure");
    }
    // at once and after 1, 2, 4 … s: by now 7 times, and the real time that passed may add one
    assert.ok(asked <= 8, `asked ${asked} times`);
    const before = asked;
    cut();
    await until(() => asked > before, "the next question");
    await page.context().close();
  });

  test("the history of a run that goes on reaches up to now, and its end is marked when it comes", async () => {
    const { id, end } = await waiting();
    const page = await open(`#/run/${id}/history`);
    await page.waitForSelector(".mark.started");
    const slider = page.locator(".timeline input");
    const label = () => slider.getAttribute("aria-valuetext");
    await slider.fill("1000");
    const first = await label();
    await until(async () => {
      await slider.fill("0");
      await slider.fill("1000");
      return (await label()) !== first;
    }, "a later end");
    end();
    await page.waitForSelector(".mark.ended");
    await page.context().close();
  });

  test("the history of a run that ended meanwhile says the moment of the screen that is shown", async () => {
    const { id, end } = await waiting();
    const page = await open(`#/run/${id}/history`);
    await page.waitForSelector(".mark.started");
    const slider = page.locator(".timeline input");
    const answer = page.waitForResponse(/api\/span\//);
    await slider.fill("1000");
    await (await answer).finished();
    await until(async () => /begun/.test(await textOf(page)), "the screen of the last moment so far");
    end();
    await page.waitForSelector(".mark.ended");
    // nobody asked for the screen of the end
    assert.notEqual(await slider.inputValue(), "1000", "the moment is said to be the end");
    await page.context().close();
  });

  test("what is told about a run has its end when it comes", async () => {
    const { id, end } = await waiting();
    const page = await open(`#/run/${id}/about`);
    await page.waitForSelector(".known dt:text('started')");
    end();
    await page.waitForSelector(".known dt:text('ended')");
    await page.context().close();
  });

  test("a run that was missing from one list has its head again with the next one", async () => {
    const { id, end } = await waiting();
    const page = await (await browser.context()).newPage();
    let last = "";
    let tell = (_message: string) => {};
    await page.routeWebSocket(/\/ws$/, (socket) => {
      const server = socket.connectToServer();
      tell = (message) => socket.send(message);
      server.onMessage((message) => {
        if (String(message).startsWith('{"is":"run",')) last = String(message);
        socket.send(message);
      });
    });
    await page.goto(`${web.url}#t=${web.token}`);
    await page.waitForSelector("html[data-connection=connected]");
    await go(page, `#/run/${id}/curves`);
    await page.waitForSelector(".run-head .badge");
    tell('{"is":"run","row":null}');
    await page.waitForSelector(".run-head :text('There is no such run')");
    tell(last);
    await page.waitForSelector(".run-head .badge");
    await page.context().close();
    end();
  });

  test("a new link that is opened in the tab where the old one was refused lets in, and is out of the address", async () => {
    const page = await browser.open(`${web.url}#t=${"B".repeat(32)}`);
    await page.waitForSelector("h1:text('Not let in')");
    await page.goto(`${web.url}#t=${web.token}`);
    await page.waitForSelector("html[data-connection=connected]");
    assert.equal(new URL(page.url()).hash, "");
    // and where a page is open
    await page.goto(`${web.url}#t=${"B".repeat(32)}`);
    await page.waitForSelector("h1:text('Not let in')");
    assert.equal(new URL(page.url()).hash, "");
    await page.context().close();
  });

  test("nothing went wrong in any page", () => {
    assert.deepEqual(browser.errors, []);
  });
});
