// The terminal on the page beside the session's own, cell by cell: recordings are played into sessions, a
// browser comes at a random place in each, and sees it to its end.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import { corpusFolder, ownFolder, type Recording, randomNumbers, recordings } from "../replay/corpus.ts";
import { until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { untilSame } from "./same-screen.ts";
import { noBrowser, startWeb, TestBrowser, type Web } from "./web-home.ts";

/** Of the corpus so many are looked at, others with another WEB_SEED. */
const most = 60;
const seed = process.env.WEB_SEED ?? "1";
const random = randomNumbers(seed);

const own = recordings(ownFolder);
const corpus = recordings(corpusFolder)
  // a session has two rows and columns at least
  .filter(({ data, cols, rows }) => data.length > 1 && cols > 1 && rows > 1)
  .map((recording) => ({ recording, order: random() }))
  .sort((a, b) => a.order - b.order)
  .slice(0, most)
  .map(({ recording }) => recording);
const noCorpus = corpus.length === 0 && `there is no corpus beside the project (FALCON_CORPUS names one)`;

describe("recordings on the page", { skip: noBrowser }, () => {
  const home = new TestHome();
  let web: Web;
  let browser: TestBrowser;
  let page: Page;
  before(async () => {
    web = await startWeb(home);
    browser = await TestBrowser.start();
    page = await browser.open(`${web.url}#t=${web.token}`, { viewport: { width: 1280, height: 860 } });
    await page.waitForSelector("html[data-connection=connected]");
  });
  after(async () => {
    await browser.close();
    await web.end();
    await home.dispose();
  });

  async function look({ name, cols, rows, data }: Recording, n: number): Promise<void> {
    const cut = 1 + Math.floor(random() * (data.length - 1));
    const [file, go] = [path.join(home.work, `recording-${n}`), path.join(home.work, `go-${n}`)];
    fs.writeFileSync(file, data);
    // a raw terminal changes no byte, and echoes no answer
    const play = `stty raw -echo; head -c ${cut} ${file}; until [ -e ${go} ]; do sleep 0.05; done; tail -c +${cut + 1} ${file}; exec sleep 1000`;
    const id = await home.start(["/bin/sh", "-c", play], ["--size", `${cols}x${rows}`]);
    const log = path.join(home.folder, "s", id, "output.log");
    const written = (bytes: number) =>
      until(
        () => fs.statSync(log).size === bytes,
        () => `${bytes} bytes of ${name} in ${log}`,
      );
    await written(cut);
    await page.evaluate((hash) => {
      location.hash = hash;
    }, `#/run/${id}/terminal`);
    const about = `${name} at ${cut} of ${data.length} (WEB_SEED=${seed})`;
    await untilSame(home, page, id, cols, rows, about);
    fs.writeFileSync(go, "");
    await written(data.length);
    await untilSame(home, page, id, cols, rows, `${about}, at its end`);
    await home.ok(["kill", id, "--signal", "KILL"]);
  }

  for (const [what, chosen, skip] of [
    ["the project's own", own, false],
    [`${most} of the corpus`, corpus, noCorpus],
  ] as const)
    test(`${what}: each cell as the session's own screen has it, at a random place and at the end`, { skip }, async () => {
      for (const [n, recording] of chosen.entries()) await look(recording, n + (chosen === own ? 0 : own.length));
      assert.deepEqual(browser.errors, []);
    });
});
