// A job that Slurm kills with messages on their way: the host's server takes them over. Until then Debian's
// nginx refuses one and is slow with the other.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until, untilGone } from "../support/events.ts";
import { freePort } from "../support/free-port.ts";
import { NginxReceiver, noNginx } from "../support/machines/nginx-receiver.ts";
import { certificateIn, noCertificates } from "../support/machines/receivers.ts";
import { noSlurm } from "../support/machines/slurm.ts";
import { slurmHost } from "../support/machines/slurm-host.ts";
import { configure, secretFile } from "./notify-home.ts";

describe("a job that is killed with messages on their way", { skip: noSlurm() || noNginx || noCertificates }, () => {
  const host = slurmHost();
  const webs: NginxReceiver[] = [];
  before(async () => {
    const { home } = host;
    const { file } = certificateIn(home.work);
    const tables: string[] = [];
    for (const name of ["refuses", "slow"] as const) {
      const folder = path.join(home.work, name);
      fs.mkdirSync(folder);
      const port = await freePort();
      const web = new NginxReceiver(folder);
      webs.push(web);
      await web.start({ file, key: path.join(home.work, "key.pem") }, port);
      web.behave(name);
      const address = secretFile(home, `address-${name}`, `https://localhost:${port}/hook`);
      tables.push(
        `[notify.${name}]\nwebhook_file = "${address}"\nca_file = "${file}"\nevents = ["failed"]\nat_most_every = "never"\n`,
      );
    }
    const told = `on_event = ["/bin/sh", "-c", "[ -e ${home.work}/open ] && echo $FALCON_EVENT $FALCON_SESSION_NAME >>${home.work}/told"]\n`;
    configure(home, told + tables.join(""));
  });
  after(async () => {
    for (const web of webs) await web.stop();
  });

  test("the host's server tells each, none is lost, and none is told twice", async () => {
    const { home, cluster } = host;
    const [refuses, slow] = webs as [NginxReceiver, NginxReceiver];
    const job = await cluster.submit(
      "killed",
      [host.runLine("kept", "exit 4"), host.runLine("second", "exit 5"), "sleep 300"],
      [],
      home.env,
    );
    const of = (web: NginxReceiver, name: string) => web.answered().filter(({ body }) => body.includes(`"name":"${name}"`));
    await until(
      () => of(refuses, "second").length > 0 && slow.slowOnes > 0,
      () => `the attempts${cluster.output("killed")}`,
    );
    const server = home
      .processes()
      .find(({ argv }) => argv.some((word) => word.endsWith("server.cjs")) && argv.includes(`s${job}`));
    assert.ok(server, "the job's own server");
    await cluster.run("scancel", ["--full", "--signal=KILL", String(job)]);
    await untilGone(server.pid);
    assert.ok(!fs.existsSync(path.join(home.work, "told")), "nobody was told yet");
    assert.ok(!fs.existsSync(path.join(home.folder, "notices")), "and nothing was left for other machines");

    for (const web of webs) web.behave("takes");
    fs.writeFileSync(path.join(home.work, "open"), "");
    const list = async () => (await home.sessions()) && (await home.ok(["notify", "--list"]));
    await until(
      async () => ((text) => (text.match(/ sent /g)?.length ?? 0) === 4 && !/ waits /.test(text))(await list()),
      () => `all to be told${home.serverLog()}`,
    );
    const keys = (status: number) =>
      slow
        .answered()
        .filter((one) => one.status === status)
        .map(({ key }) => key);
    const taken = ["kept", "second"].flatMap((name) => webs.map((web) => ({ name, web })));
    const times = () => taken.map(({ name, web }) => of(web, name).filter(({ status }) => status === 204).length);
    // nginx writes its log after the answer; two that wait may have gone as one message
    await until(
      () => times().every((count) => count > 0) && keys(499).length > 0,
      () => `nginx to note its answers: ${JSON.stringify(webs.map((web) => web.answered()))}`,
    );
    assert.deepEqual(times(), [1, 1, 1, 1]);
    // the one that may have been taken is the same message again
    assert.ok(keys(204).includes(keys(499)[0] as string), JSON.stringify(slow.answered()));
    // the user's own command, which failed until then, is told of the same
    const events = await until(
      () =>
        ((text) => text.match(/^failed /gm)?.length === 2 && text)(
          fs.existsSync(path.join(home.work, "told")) ? fs.readFileSync(path.join(home.work, "told"), "utf8") : "",
        ),
      () => `the command to be told${home.serverLog()}`,
    );
    assert.deepEqual(events.match(/^failed .*$/gm)?.sort(), ["failed kept", "failed second"]);
  });
});
