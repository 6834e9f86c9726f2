// --behind-proxy with the real jupyter-server-proxy: the page below /proxy/PORT/ of a Jupyter server,
// read-only. Skipped where it is not installed: FALCON_JUPYTER names an environment that has it.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../support/events.ts";
import { freePort } from "../support/free-port.ts";
import { TestHome } from "../support/home.ts";
import { noBrowser, PlainPage, picture, startWeb, TestBrowser, type Web } from "./web-home.ts";

const python = path.join(process.env.FALCON_JUPYTER ?? "/usr", "bin", "python3");
const installed = spawnSync(python, ["-c", "import jupyter_server_proxy"], { stdio: "ignore" }).status === 0;
const skip = installed
  ? noBrowser
  : "there is no jupyter-server-proxy here (pip install jupyter-server jupyter-server-proxy; FALCON_JUPYTER)";
/** What Jupyter itself asks for; the page has a token of its own. */
const secret = "jupyters-own";

describe("behind Jupyter", { skip }, () => {
  const home = new TestHome();
  let web: Web;
  let origin = "";
  let base = "";
  let id = "";
  let stop = async () => {};

  before(async () => {
    const [jupyter, own] = [await freePort(), await freePort()];
    origin = `http://localhost:${jupyter}`;
    base = `/user/me/proxy/${own}/`;
    id = await home.start(["sh", "-c", "echo behind; stty -echo; cat"], ["--size", "60x12"]);
    web = await startWeb(home, ["--listen", String(own), "--behind-proxy", "--origin", origin, "--base-path", base]);
    const options = [`--ServerApp.port=${jupyter}`, "--ServerApp.ip=127.0.0.1", "--ServerApp.base_url=/user/me/"];
    const child = spawn(
      python,
      ["-m", "jupyter_server", "--no-browser", "--allow-root", `--IdentityProvider.token=${secret}`, ...options],
      { env: { ...home.env, JUPYTER_RUNTIME_DIR: home.work }, cwd: home.work, stdio: "ignore" },
    );
    stop = async () => {
      if (child.kill("SIGTERM")) await once(child, "exit");
    };
    await until(
      () =>
        fetch(`${origin}/user/me/api`).then(
          ({ ok }) => ok,
          () => false,
        ),
      "Jupyter",
    );
  });
  after(async () => {
    await stop();
    // undefined where it could not be started
    await (web as Web | undefined)?.end();
    await home.dispose();
  });

  test("the page is whole, live and read-only for who is logged in there, and nobody else", async () => {
    const stranger = await fetch(`${origin}${base}`, { redirect: "manual" });
    assert.notEqual(stranger.status, 200);
    const browser = await TestBrowser.start();
    try {
      const page = await browser.open(`${origin}${base}?token=${secret}#t=${web.token}`);
      await page.waitForSelector("html[data-connection=connected]");
      assert.equal(page.url().includes(web.token), false);
      await page.evaluate((hash) => {
        location.hash = hash;
      }, `#/run/${id}/terminal`);
      await until(async () => /behind/.test((await page.textContent(".xterm-rows").catch(() => "")) ?? ""), "the terminal");
      await home.ok(["send", id, "--text", "grown"]);
      await home.ok(["send", id, "--", "Enter"]);
      await until(async () => /grown/.test((await page.textContent(".xterm-rows")) ?? ""), "what the program says meanwhile");
      assert.equal(await page.getByRole("button", { name: "Type", exact: true }).isVisible(), false);
      await picture(page, "jupyter");
      assert.deepEqual(browser.errors, []);
    } finally {
      await browser.close();
    }
  });

  test("what comes past Jupyter from another origin is refused", async () => {
    const other = new PlainPage(web, { host: new URL(origin).host, origin: "https://evil.example" });
    await until(() => other.failed, "the refusal");
  });
});
