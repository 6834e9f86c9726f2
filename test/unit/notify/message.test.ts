// Messages: what a phone shows of one event and of many, and what each service makes of names that act there.
import assert from "node:assert/strict";
import { test } from "node:test";
import { mailText } from "../../../src/notify/mail.ts";
import { type Happened, leftFact, messageOf } from "../../../src/notify/message.ts";
import { webhookRequest } from "../../../src/notify/webhook-request.ts";

const at = Date.parse("2026-11-27T13:00:00Z");
const zone = { TZ: "Europe/Berlin" };

function event(kind: string, facts: Record<string, string> = {}, created = at): Happened {
  return {
    event: kind,
    session: "ab12",
    created,
    facts: {
      FALCON_SESSION_NAME: "night",
      FALCON_SESSION_HOST: "node1",
      FALCON_EVENT_SENTENCE: "theta: val loss NaN since epoch 40",
      FALCON_SESSION_SUMMARY: "40/300 · 2h 05m left",
      FALCON_SESSION_DIRECTORY: "/home/me/secret-project",
      ...facts,
    },
  };
}

test("one event: name, what happened, how far it is, where, and how to attach; no path", () => {
  const message = messageOf("id", [event("nan", { FALCON_EVENT_EPOCH: "40", FALCON_EVENT_NODE: "theta" })], at + 1000, zone);
  assert.equal(message.title, "night: nan");
  assert.equal(message.text, "theta: val loss NaN since epoch 40\n40/300 · 2h 05m left\non node1: falcon attach night");
  assert.equal(message.urgent, true);
  assert.deepEqual(
    [message.events[0]?.epoch, message.events[0]?.node, message.events[0]?.time],
    [40, "theta", "2026-11-27T13:00:00.000Z"],
  );
  assert.ok(!JSON.stringify(message).includes("secret-project"));
  assert.match(messageOf("id", [event("ended")], at, zone).text, /on node1: falcon show night$/);
  assert.match(messageOf("id", [event("nan", { FALCON_SESSION_NAME: "a b; rm" })], at, zone).text, /falcon attach ab12$/);
});

test("a late one says so, by the clock of the reader", () => {
  assert.match(messageOf("id", [event("nan")], at + 3 * 3_600_000, zone).text, /\nlate: it happened at 2026-11-27 14:00:00$/);
  assert.doesNotMatch(messageOf("id", [event("nan")], at + 1000, zone).text, /late/);
  // however short it lay where a machine without a way had left it
  assert.match(messageOf("id", [event("nan", { [leftFact]: "1" })], at + 1000, zone).text, /\nlate: it happened at 2026-/);
});

test("many are one message, which has a bounded number of lines", () => {
  const message = messageOf(
    "id",
    Array.from({ length: 60 }, () => event("failed")),
    at,
    zone,
  );
  assert.equal(message.title, "60 events of night");
  assert.equal(message.text.split("\n").length, 22);
  assert.match(message.text, /\nand 40 more\nfalcon sessions$/);
});

test("names that act: they are text in every shape", () => {
  const name = "<!channel> @all **b** [x](http://e) \x1b[31m\nBcc: a@b\r\n.\r\n=?UTF-8?Q?x?=";
  const message = messageOf(
    "id-1",
    [event("failed", { FALCON_SESSION_NAME: name, FALCON_EVENT_SENTENCE: "@everyone & <b>" })],
    at,
    zone,
  );
  const url = new URL("https://example.org/deep/topic");
  const body = (shape: Parameters<typeof webhookRequest>[0]) =>
    JSON.parse(webhookRequest(shape, url, message, "!r:e", undefined).body.toString("utf8"));
  assert.ok(!/[<>]/.test(body("slack").text) && body("slack").text.includes("&lt;!channel&gt;"));
  assert.ok(!/@(all|everyone)/.test(body("mattermost").text));
  assert.ok(body("mattermost").text.includes("\\*\\*b\\*\\*"));
  assert.deepEqual(body("discord").allowed_mentions, { parse: [] });
  assert.ok(body("discord").content.includes("\\*\\*b\\*\\*"));
  assert.deepEqual([body("matrix").msgtype, body("matrix")["m.mentions"]], ["m.text", {}]);
  assert.equal(
    webhookRequest("matrix", new URL("https://m.example"), message, "!r:e", undefined).url.href,
    "https://m.example/_matrix/client/v3/rooms/!r%3Ae/send/m.room.message/id-1",
  );
  assert.equal(body("ntfy").topic, "topic");
  assert.equal(webhookRequest("ntfy", url, message, null, undefined).url.href, "https://example.org/deep/");
  assert.equal(webhookRequest("json", url, message, null, undefined).headers["idempotency-key"], "id-1");
  for (const [header, value] of Object.entries(webhookRequest("ntfy", url, message, null, Buffer.from("PNG")).headers))
    assert.match(value, /^[\x20-\x7e]*$/, header);
  const form = webhookRequest("discord", url, message, null, Buffer.from("PNG")).body.toString("latin1");
  assert.match(
    form,
    /name="payload_json"\r\nContent-Type: application\/json\r\n\r\n\{.*\}\r\n--[\s\S]*filename="curve.png"[\s\S]*PNG\r\n--.*--\r\n$/,
  );
});

test("an e-mail has the headers that it is given and no other; text and picture come back whole", () => {
  const name = "nächtlich\r\nBcc: a@b.org\r\n\r\n.\r\nx";
  const message = messageOf("id-1", [event("failed", { FALCON_SESSION_NAME: name })], at, zone);
  const mail = mailText(message, ["me@example.org", "you@example.org"], "from@example.org", "node 1", undefined).toString(
    "latin1",
  );
  const [head = "", body = ""] = mail.split("\n\n");
  assert.match(mail, /^[\x20-\x7e\n]*$/);
  assert.deepEqual(
    head.split(/\n(?! )/).map((line) => line.split(":")[0]),
    [
      "From",
      "To",
      "Subject",
      "Date",
      "Message-ID",
      "Auto-Submitted",
      "MIME-Version",
      "Content-Type",
      "Content-Transfer-Encoding",
    ],
  );
  assert.ok(
    head.split("\n").every((line) => line.length <= 78),
    head,
  );
  assert.match(head, /\nMessage-ID: <id-1@node-1>\n/);
  assert.equal(Buffer.from(body, "base64").toString("utf8"), `${message.text}\n`);
  const words = [...head.matchAll(/=\?UTF-8\?B\?(.*?)\?=/g)].map((match) =>
    Buffer.from(match[1] ?? "", "base64").toString("utf8"),
  );
  assert.equal(words.join(""), message.title);
  const picture = Buffer.from(Array.from({ length: 300 }, (_, i) => i % 256));
  const whole = mailText(message, ["me@example.org"], null, "h", picture).toString("latin1");
  const part =
    /filename="curve.png"\nContent-Type: image\/png\nContent-Transfer-Encoding: base64\n\n([\s\S]*?)\n\n--/.exec(whole)?.[1] ??
    "";
  assert.deepEqual(Buffer.from(part, "base64"), picture);
});

test("what is too long for Discord is cut between characters, and not between one and what escapes it", () => {
  for (const last of ["😀", "*", "y"]) {
    const text = `${"x".repeat(1_998)}${last.repeat(9)}`;
    const message = { ...messageOf("id", [event("nan")], at, zone), title: "", text };
    const { body } = webhookRequest("discord", new URL("https://example.org/"), message, null, undefined);
    const { content } = JSON.parse(body.toString()) as { content: string };
    assert.equal(content, `\n${"x".repeat(1_998)}${last === "y" ? "y" : ""}`);
  }
});

test("what is too long for ntfy is cut between characters: the whole would be taken for a file", () => {
  const sentence = '"ü😀\\'.repeat(75);
  const events = Array.from({ length: 20 }, () => event("failed", { FALCON_EVENT_SENTENCE: sentence }));
  const message = messageOf("id", events, at, zone);
  const url = new URL("https://example.org/topic");
  const { body } = webhookRequest("ntfy", url, message, null, undefined);
  const told = (JSON.parse(body.toString()) as { message: string }).message;
  assert.ok(message.text.startsWith(told) && !/[\ud800-\udbff]$/.test(told));
  assert.ok(Buffer.byteLength(told) < 4096, `${Buffer.byteLength(told)} bytes`);
  assert.ok(body.length < 2 * 4096, `${body.length} bytes of JSON`);
  const beside = webhookRequest("ntfy", url, message, null, Buffer.from("PNG")).headers.message ?? "";
  const encoded = /^=\?UTF-8\?B\?(.*)\?=$/.exec(beside)?.[1] ?? "";
  assert.equal(Buffer.from(encoded, "base64").toString("utf8").replaceAll("\\n", "\n").replaceAll("\\ n", "\\n"), told);
});
