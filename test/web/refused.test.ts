// Requests that the page refuses leave a trace in server.log, however many they are, and no more than that.
import assert from "node:assert/strict";
import http from "node:http";
import { after, before, describe, test } from "node:test";
import { until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { request, startWeb, type Web } from "./web-home.ts";

describe("requests that are refused", () => {
  const home = new TestHome();
  let web: Web;
  before(async () => {
    await home.start(["sleep", "1000"]);
    web = await startWeb(home);
  });
  after(async () => {
    await web.end();
    await home.dispose();
  });

  test("a flood of them is a few lines of server.log, whose counts are all of it", async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
    const flood = 2_000;
    const asked = Array.from({ length: flood }, () => request(web, "/", { agent, headers: { host: "evil.example" } }));
    for (const { status } of await Promise.all(asked)) assert.equal(status, 403);
    agent.destroy();
    const counts = () => home.logged("web.refused").map((line) => Number(/ times=(\d+) /.exec(line)?.[1] ?? 1));
    const all = () => counts().reduce((sum, count) => sum + count, 0);
    await until(() => all() >= flood, "all of them in server.log");
    assert.equal(all(), flood);
    assert.ok(counts().length <= 20, `${counts().length} lines`);
  });

  test("wrong tokens are noted, too", async () => {
    const headers = { "x-falcon-token": "A".repeat(32) };
    assert.equal((await request(web, "/api/facts/a1b2c3", { headers })).status, 401);
    await until(() => home.logged("web.refused why=token").length > 0, "the refusal in server.log");
  });
});
