// Sessions that another server has: those of a batch job on this host, whose page is one like any other, and
// those of other machines, which are asked there.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { stepManager } from "../support/machines/fake-job.ts";
import { falcon } from "../support/paths.ts";
import { PlainPage, request, startWeb, type Web } from "./web-home.ts";

describe("sessions of other servers", { skip: process.platform !== "linux" && "jobs are known by /proc" }, () => {
  const home = new TestHome();
  const there = new TestHome();
  /** The way to that machine, in place of ssh. */
  const way = path.join(home.work, "way");
  let far: { id: string };
  let web: Web;
  const ask = async (what: string) => {
    const reply = await request(web, `/api/${what}`, { headers: { "x-falcon-token": web.token } });
    return JSON.parse(reply.body) as Record<string, unknown>;
  };
  let endJob = () => {};
  before(async () => {
    const script = `${falcon} run -d --name inside -- /bin/sh -c 'stty -echo; echo from the job; exec cat'\nexec sleep 1000`;
    const job = spawn(stepManager(home), ["-c", script], {
      cwd: home.work,
      env: { ...home.env, SLURM_JOB_ID: "77" },
      stdio: "ignore",
    });
    endJob = () => void job.kill("SIGKILL");
    const id = await there.start(["/bin/sh", "-c", "stty -echo; echo from far away; exec cat"], ["--name", "far"]);
    far = { id };
    const bin = path.join(there.work, "bin");
    fs.mkdirSync(bin);
    fs.symlinkSync(falcon, path.join(bin, "falcon-sessions"));
    fs.writeFileSync(
      way,
      `#!/bin/sh\nPATH=${bin}:$PATH FALCON_SESSIONS_HOME=${there.folder} XDG_CONFIG_HOME=${there.work} exec sh -c "$1"\n`,
      { mode: 0o700 },
    );
    const settings = path.join(home.work, ".config", "falcon-sessions");
    fs.mkdirSync(settings, { recursive: true });
    fs.writeFileSync(path.join(settings, "config.toml"), `[reach]\nnode9 = ["${way}"]\n`);
    await home.start(["/bin/sh", "-c", "exec sleep 1000"], ["--name", "here"]);
    // what a machine that shares the home tells of itself
    const sessions = [
      { id, name: "far", kind: "run", state: "running", outcome: null, created: Date.now(), started: Date.now() },
    ].map((one) => ({ ...one, ended: null, directory: "/", runDirectory: null, viewers: 0, text: "epoch 3 of 9" }));
    const roster = {
      format: 1,
      host: "node9",
      job: null,
      version: "0.1.0",
      contract: 1,
      written: Date.now(),
      every: 60,
      sessions,
    };
    fs.mkdirSync(path.join(home.folder, "roster"), { mode: 0o700, recursive: true });
    fs.writeFileSync(path.join(home.folder, "roster", `${"0".repeat(16)}.json`), JSON.stringify(roster), { mode: 0o600 });
    web = await startWeb(home);
  });
  after(async () => {
    await web.end();
    endJob();
    await until(() => !fs.existsSync(path.join(home.folder, "j", "s77", "server.sock")), "the job's end");
    await home.dispose();
    await there.dispose();
  });

  test("the list has them all, each with its host and job", async () => {
    const page = new PlainPage(web);
    await page.heard("welcome");
    page.say({ do: "runs" });
    const listed = async () =>
      (await page.heard("runs")).rows.map(
        ({ name, host, job, live }) => `${name} ${host === "node9" ? host : "own"} ${job} ${live}`,
      );
    await until(async () => (await listed()).length === 3, "three");
    assert.deepEqual((await listed()).sort(), ["far node9 null true", "here own null true", "inside own s77 true"]);
    page.socket.close();
  });

  test("a job's session: facts, lines, history, its terminal and what is typed", async () => {
    const row = await until(async () => (await home.sessions()).find(({ name }) => name === "inside"), "the job's session");
    assert.equal(((await ask(`facts/${row.id}`)) as { row: { name: string } }).row.name, "inside");
    await until(async () => JSON.stringify(await ask(`lines/${row.id}?count=10`)).includes("from the job"), "its lines");
    assert.equal(typeof (await ask(`span/${row.id}`)).begins, "number");
    const page = new PlainPage(web);
    await page.heard("welcome");
    page.say({ do: "attach", id: row.id, cols: 80, rows: 24, type: true, takeOver: false });
    await until(() => page.text.includes("from the job"), "its screen");
    page.socket.send(Buffer.from("typed on the page\n"));
    await until(() => page.text.includes("typed on the page"), "the keys at the program");
    page.socket.close();
  });

  test("one of another machine is asked there: facts, lines, its terminal, a recording and what is typed", async () => {
    assert.equal(((await ask(`facts/${far.id}`)) as { facts: { directory: string } }).facts.directory, there.work);
    await until(async () => JSON.stringify(await ask(`lines/${far.id}?count=10`)).includes("from far away"), "its lines");
    assert.equal(typeof (await ask(`span/${far.id}`)).begins, "number");
    const page = new PlainPage(web);
    await page.heard("welcome");
    page.say({ do: "attach", id: far.id, cols: 80, rows: 24, type: true, takeOver: false });
    await until(() => page.text.includes("from far away"), "its screen");
    page.socket.send(Buffer.from("typed on the page\n"));
    await until(() => page.text.includes("typed on the page"), "the keys at the program");
    page.say({ do: "size", cols: 60, rows: 20 });
    await until(async () => (await there.sessions())[0]?.cols === 60, "its size");
    page.say({ do: "leave" });
    await until(
      async () => ((await there.sessions())[0]?.viewers as unknown[] | undefined)?.length === 0,
      "the viewer to be gone",
    );
    const before = page.text.length;
    page.say({ do: "replay", id: far.id, cols: 80, rows: 24, at: 0, speed: 64 });
    await until(() => page.text.slice(before).includes("from far away"), "its recording");
    page.socket.close();
  });

  test("one whose machine cannot be reached says why", async () => {
    fs.chmodSync(way, 0o600);
    const page = new PlainPage(web);
    await page.heard("welcome");
    page.say({ do: "attach", id: far.id, cols: 80, rows: 24, type: false, takeOver: false });
    const closed = await until(
      () => page.messages.find((message) => message.is === "terminal" && message.state === "closed"),
      "the terminal to close",
    );
    assert.match((closed as { why: string }).why, /ermission denied/);
    page.socket.close();
    const reply = await request(web, `/api/lines/${far.id}`, { headers: { "x-falcon-token": web.token } });
    assert.match(reply.body, /"none":".*ermission denied/);
  });
});
