// --behind-proxy with a real nginx: below a path, with it and without it, read-only, and only for the
// proxy's origin.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../support/events.ts";
import { freePort } from "../support/free-port.ts";
import { TestHome } from "../support/home.ts";
import { tool } from "../support/installs/foreign.ts";
import { noBrowser, PlainPage, startWeb, TestBrowser, type Web } from "./web-home.ts";

const nginx = tool("nginx");
const skip = nginx === undefined ? "there is no nginx here (Debian: apt-get install nginx-light)" : noBrowser;
const base = "/node/compute7/8765/";

describe("behind a proxy", { skip }, () => {
  const home = new TestHome();
  let web: Web;
  let origin = "";
  let id = "";
  let stop = () => {};

  before(async () => {
    const port = await freePort();
    origin = `http://localhost:${port}`;
    const folder = path.join(home.work, "nginx");
    fs.mkdirSync(folder);
    const way = (to: string) => `proxy_pass http://unix:${path.join(home.folder, "web.sock")}:${to};
      proxy_http_version 1.1; proxy_set_header Host $host; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;`;
    fs.writeFileSync(
      path.join(folder, "nginx.conf"),
      `pid ${folder}/pid; error_log ${folder}/error.log; daemon off; worker_processes 1; ${process.geteuid?.() === 0 ? "user root;" : ""}
events {}
http {
  access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server {
    listen 127.0.0.1:${port};
    location ${base} { ${way(base)} }
    location /stripped/ { ${way("/")} }
  }
}
`,
    );
    id = await home.start(["sh", "-c", "echo behind; stty -echo; cat"], ["--size", "60x12"]);
    web = await startWeb(home, ["--behind-proxy", "--origin", origin, "--base-path", base]);
    const child = spawn(nginx as string, ["-c", path.join(folder, "nginx.conf"), "-p", folder], { stdio: "ignore" });
    stop = () => {
      spawnSync(nginx as string, ["-c", path.join(folder, "nginx.conf"), "-p", folder, "-s", "quit"], { stdio: "ignore" });
      child.kill("SIGTERM");
    };
    await until(
      () =>
        fetch(`${origin}${base}`).then(
          (response) => response.ok,
          () => false,
        ),
      "nginx",
    );
  });
  after(async () => {
    stop();
    await web.end();
    await home.dispose();
  });

  test("behind nginx the page is whole, live and read-only, with the path and without it", async () => {
    assert.equal(web.url, `${origin}${base}`);
    const browser = await TestBrowser.start();
    try {
      for (const place of [base, "/stripped/"]) {
        const page = await browser.open(`${origin}${place}#t=${web.token}`);
        await page.waitForSelector("html[data-connection=connected]");
        await page.evaluate((hash) => {
          location.hash = hash;
        }, `#/run/${id}/terminal`);
        await until(async () => /behind/.test((await page.textContent(".xterm-rows").catch(() => "")) ?? ""), "the terminal");
        assert.equal(await page.getByRole("button", { name: "Type", exact: true }).isVisible(), false);
        await page.context().close();
      }
      assert.deepEqual(browser.errors, []);
    } finally {
      await browser.close();
    }
  });

  test("nobody types there, and another origin is refused", async () => {
    const host = new URL(origin).host;
    const types = new PlainPage(web, { host, origin });
    assert.equal((await types.heard("welcome")).role, "reader");
    types.say({ do: "attach", id, cols: 60, rows: 12, type: true, takeOver: false });
    assert.match((await types.end()).reason, /only looks/);
    const other = new PlainPage(web, { host, origin: "https://evil.example" });
    await until(() => other.failed, "the refusal");
  });
});
