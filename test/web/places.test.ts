// Sessions that another server has: those of a batch job on this host, whose page is one like any other, and
// those of other machines, which are listed.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../support/events.ts";
import { stepManager } from "../support/fake-job.ts";
import { TestHome } from "../support/home.ts";
import { falcon } from "../support/paths.ts";
import { PlainPage, request, startWeb, type Web } from "./web-home.ts";

describe("sessions of other servers", { skip: process.platform !== "linux" && "jobs are known by /proc" }, () => {
  const home = new TestHome();
  let web: Web;
  let endJob = () => {};
  before(async () => {
    await home.start(["/bin/sh", "-c", "exec sleep 1000"], ["--name", "here"]);
    const script = `${falcon} run -d --name inside -- /bin/sh -c 'stty -echo; echo from the job; exec cat'\nexec sleep 1000`;
    const job = spawn(stepManager(home), ["-c", script], {
      cwd: home.work,
      env: { ...home.env, SLURM_JOB_ID: "77" },
      stdio: "ignore",
    });
    endJob = () => void job.kill("SIGKILL");
    // what a machine that shares the home tells of itself
    const sessions = [
      { id: "far001", name: "far", kind: "run", state: "running", outcome: null, created: Date.now(), started: Date.now() },
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
    fs.mkdirSync(path.join(home.folder, "roster"), { mode: 0o700 });
    fs.writeFileSync(path.join(home.folder, "roster", `${"0".repeat(16)}.json`), JSON.stringify(roster), { mode: 0o600 });
    web = await startWeb(home);
  });
  after(async () => {
    await web.end();
    endJob();
    await until(() => !fs.existsSync(path.join(home.folder, "j", "s77", "server.sock")), "the job's end");
    await home.dispose();
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
    const ask = async (what: string) => {
      const reply = await request(web, `/api/${what}`, { headers: { authorization: `Bearer ${web.token}` } });
      return JSON.parse(reply.body) as Record<string, unknown>;
    };
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

  test("one of another machine says where its page is", async () => {
    const page = new PlainPage(web);
    await page.heard("welcome");
    page.say({ do: "attach", id: "far001", cols: 80, rows: 24, type: false, takeOver: false });
    const closed = await until(
      () => page.messages.find((message) => message.is === "terminal" && message.state === "closed"),
      "the terminal to close",
    );
    assert.match((closed as { why: string }).why, /on another machine: start 'falcon web' there/);
    page.socket.close();
  });
});
