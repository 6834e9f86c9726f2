// The channels of [notify], whole: the built program, Debian's nginx and msmtp, a mail server on loopback;
// servers of ours killed in between.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../support/events.ts";
import { freePort } from "../support/free-port.ts";
import { TestHome } from "../support/home.ts";
import { NginxReceiver, noNginx } from "../support/machines/nginx-receiver.ts";
import { certificateIn, MailReceiver, noCertificates } from "../support/machines/receivers.ts";
import { notBuilt, trainer } from "../support/paths.ts";
import { configure, killServer, secretFile } from "./notify-home.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

const secret = "hunter2-of-the-test";
const noMailer =
  spawnSync("msmtp", ["--version"]).status === 0 ? false : "there is no msmtp here (Debian: apt-get install msmtp)";

describe("webhooks, to Debian's nginx", { skip: noCertificates || noNginx }, () => {
  const home = new TestHome({ HOOK_TOKEN: secret });
  let web: NginxReceiver;
  before(async () => {
    const { file } = certificateIn(home.work);
    const port = await freePort();
    fs.mkdirSync(path.join(home.work, "web"));
    web = new NginxReceiver(path.join(home.work, "web"));
    await web.start({ file, key: path.join(home.work, "key.pem") }, port);
    configure(
      home,
      `[notify.hook]
webhook_file = "${secretFile(home, "address", `https://localhost:${port}/${secret}`)}"
token_env = "HOOK_TOKEN"
ca_file = "${file}"
at_most_every = "never"
`,
    );
  });
  after(async () => {
    await web?.stop();
    await home.dispose();
  });
  interface Told {
    id: string;
    title: string;
    text: string;
    urgent: boolean;
    events: { kind: string }[];
  }
  const told = (id: string) => web.answered().filter(({ body }) => body.includes(`"id":"${id}"`));
  const statuses = (id: string) => told(id).map(({ status }) => status);
  /** nginx writes its log after the answer: what it has answered is there a moment later. */
  async function untilStatuses(id: string, wanted: number[]): Promise<void> {
    await until(
      () => statuses(id).length >= wanted.length,
      () => `nginx to note ${wanted} for ${id}: ${statuses(id)}`,
    );
    assert.deepEqual(statuses(id), wanted);
  }
  const message = (answered: { body: string } | undefined) => JSON.parse(answered?.body ?? "{}") as Told;

  test("a failure is told over https with what one wants on a phone; the list has it, and nobody has the secret", async () => {
    const id = await home.start(["/bin/sh", "-c", "exit 3"], ["--name", "night"]);
    await until(() => told(id).length > 0, "the message");
    const [answered] = told(id);
    const body = message(answered);
    assert.deepEqual([body.title, body.urgent, body.events[0]?.kind], ["night: failed", true, "failed"]);
    assert.match(body.text, /^ended with status 3\non .*: falcon show night$/);
    assert.equal(answered?.authorization, `Bearer ${secret}`);
    await until(async () => / sent {5}night failed/.test(await home.ok(["notify", "--list"])), "the list to have it");
    const json = await home.ok(["notify", "--json"]);
    const [channel] = (JSON.parse(json) as { channels: { name: string; kind: string; notices: { state: string }[] }[] }).channels;
    assert.deepEqual([channel?.name, channel?.kind, channel?.notices.map(({ state }) => state)], ["hook", "webhook", ["sent"]]);
    const kept = fs.readFileSync(path.join(home.folder, "server.log"), "utf8") + json + (await home.ok(["notify"]));
    assert.ok(!kept.includes(secret), kept);
  });

  test("one that is refused waits with its reason, and goes when the far side takes it; none is lost", async () => {
    web.behave("refuses");
    const id = await home.start(["/bin/sh", "-c", "exit 4"], ["--name", "later"]);
    await until(() => told(id).length > 0, "the first attempt");
    const waits = () => home.ok(["notify", "--list"]);
    await until(async () => / waits {4}later failed: once in vain \(it answered 500\), next /.test(await waits()), "the reason");
    await killServer(home);
    web.behave("takes");
    await home.sessions();
    await until(async () => / sent {5}later failed/.test(await waits()), "it to go out");
    await untilStatuses(id, [500, 204]);
  });

  test("one that is dropped may have been taken: it is the same message when it goes again, with servers killed meanwhile", async () => {
    web.behave("drops");
    const id = await home.start(["/bin/sh", "-c", "exit 6"], ["--name", "dropped"]);
    // dropped before it was read: the header alone names it
    const first = await until(() => web.answered().find(({ status }) => status === 444), "the first attempt");
    const waits = () => home.ok(["notify", "--list"]);
    await until(async () => / waits {4}dropped failed: once in vain \(sent, but /.test(await waits()), "the reason");
    await killServer(home);
    web.behave("takes");
    await home.sessions();
    await until(async () => / sent {5}dropped failed/.test(await waits()), "it to go out");
    await untilStatuses(id, [204]);
    assert.equal(told(id)[0]?.key, first.key);
  });

  test("a server that is killed while the far side is slow: the next one sends the same message; what was taken is not sent again", async () => {
    web.behave("slow");
    const id = await home.start(["/bin/sh", "-c", "exit 5"], ["--name", "cut"]);
    await until(() => web.slowOnes === 1, "the attempt");
    // nobody waits for the far side
    assert.ok((await home.sessions()).some((row) => row.id === id));
    await killServer(home);
    await untilStatuses(id, [499]);
    web.behave("takes");
    await home.sessions();
    await until(async () => / sent {5}cut failed/.test(await home.ok(["notify"])), "it to go out");
    await untilStatuses(id, [499, 204]);
    assert.equal(new Set(told(id).flatMap((one) => [one.key, message(one).id])).size, 1);
    // a slow yes is a yes
    web.behave("slow");
    const slow = await home.start(["/bin/sh", "-c", "exit 7"], ["--name", "slow"]);
    await until(() => web.slowOnes === 2, "the attempt");
    web.answerSlow();
    await until(async () => / sent {5}slow failed/.test(await home.ok(["notify"])), "it to be noted");
    web.behave("takes");
    await untilStatuses(slow, [204]);
    const before = web.answered().length;
    await killServer(home);
    await home.sessions();
    // what comes later is told later
    const last = await home.start(["/bin/sh", "-c", "exit 0"], ["--name", "last"]);
    await until(() => told(last).length > 0, "the next one");
    assert.deepEqual([web.answered().length, statuses(slow)], [before + 1, [204]]);
  });

  test("--test: by the file as it is now, each channel with its outcome", async () => {
    const received = web.answered().length;
    assert.match(await home.ok(["notify", "--test"]), /^hook: sent$/);
    await until(() => web.answered().length === received + 1, "it to be written down");
    assert.match(message(web.answered().at(-1)).text, /^This is a test of falcon-sessions on /);
    fs.appendFileSync(
      path.join(home.work, ".config/falcon-sessions/config.toml"),
      '\n[notify.wrong]\nwebhook_file = "~/nothing"\n',
    );
    const { code, stdout, stderr } = await home.run(["notify", "--test"]);
    assert.equal(code, 1);
    assert.match(stdout, /^wrong: not sent: .*nothing cannot be read \(it is not there\)$/m);
    assert.match(stdout, /^hook: sent$/m);
    assert.match(stderr, /has read an earlier configuration: 'falcon server upgrade'/);
    await until(() => web.answered().length === received + 2, "it to be written down");
    fs.writeFileSync(path.join(home.work, "nothing"), `https://localhost/${secret}`, { mode: 0o644 });
    assert.match((await home.run(["notify", "--test", "wrong"])).stdout, /can be read by others: chmod 600 it/);
    const unknown = await home.run(["notify", "--test", "phnoe"]);
    assert.deepEqual([unknown.code, unknown.stderr], [2, "falcon: no channel is called phnoe; there are hook, wrong\n"]);
    assert.equal((await home.run(["notify", "--test", "--json"])).code, 2);
  });
});

describe("e-mail by Debian's msmtp, and a command", { skip: noMailer }, () => {
  const home = new TestHome();
  const mail = new MailReceiver();
  before(async () => {
    await mail.listen();
    secretFile(home, ".msmtprc", `account default\nhost 127.0.0.1\nport ${mail.port}\nfrom falcon@example.org`);
    const script = `printf '%s\\n%s' "$FALCON_MESSAGE_TITLE" "$FALCON_MESSAGE_TEXT" >${home.work}/told.part; mv ${home.work}/told.part ${home.work}/told`;
    configure(
      home,
      `[notify.mail]
email = ["me@example.org", "you@example.org"]
mailer = ["msmtp"]
events = ["ended", "failed"]
[notify.script]
command = ${JSON.stringify(script)}
events = ["ended"]
`,
    );
  });
  after(async () => {
    await home.dispose();
    await mail.close();
  });

  test("the end of a run: a mail with its losses as a picture, and the command with its words", async () => {
    await home.ok(["launch", "--falcon", trainer, "-d", "--name", "night", "-o", "night", "samples=64", "epochs=6", "rate=50"]);
    const [{ to, data } = { to: [], data: "" }] = await until(() => mail.mails.length > 0 && mail.mails, "the mail");
    assert.deepEqual(to, ["me@example.org", "you@example.org"]);
    assert.match(data, /^Subject: night: ended\r$/m);
    assert.match(data, /^Auto-Submitted: auto-generated\r$/m);
    const parts = [...data.matchAll(/Content-Transfer-Encoding: base64\r\n\r\n([\s\S]*?)\r\n\r\n--/g)].map((match) =>
      Buffer.from(match[1] ?? "", "base64"),
    );
    assert.match(parts[0]?.toString("utf8") ?? "", /^completed.*\n(.*\n)?on .*: falcon show night\n$/);
    assert.deepEqual(parts[1]?.subarray(0, 8), Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]));
    const told = await until(
      () => fs.existsSync(path.join(home.work, "told")) && fs.readFileSync(path.join(home.work, "told"), "utf8"),
      "the command",
    );
    assert.match(told, /^night: ended\ncompleted/);
  });

  test("a mail server that refuses: told in the list, and the mail waits", async () => {
    mail.refuses = true;
    assert.match(
      (await home.run(["notify", "--test", "mail"])).stdout,
      /^mail: not sent: msmtp ended with status \d+: msmtp: .*\n$/,
    );
    mail.refuses = false;
    assert.equal(await home.ok(["notify", "--test", "mail"]), "mail: sent");
  });
});

test("without a channel the command says where one is written", async () => {
  const home = new TestHome();
  try {
    const { code, stderr } = await home.run(["notify"]);
    assert.equal(code, 2);
    assert.match(stderr, /^falcon: there is no channel: write \[notify\.NAME\] in .*config\.toml/);
    assert.deepEqual(JSON.parse(await home.ok(["notify", "--json"])), { channels: [] }, "a program gets an object all the same");
    assert.equal((await home.run(["notify", "phone", "--json"])).code, 2);
  } finally {
    await home.dispose();
  }
});
