// Channels of [notify] in the configuration: what each key gives, and that a mistake is told without its
// value.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { loadConfig, parseConfig } from "../../../src/base/config/config-file.ts";

test("notify stays a boolean, and is `terminal` beside channels", () => {
  assert.deepEqual([parseConfig("notify = false", "f").config.notify, parseConfig("", "f").config.notify], [false, true]);
  const { config, problems } = parseConfig('[notify]\nterminal = false\n[notify.mail]\nemail = "me@example.org"\n', "f");
  assert.deepEqual(problems, []);
  assert.equal(config.notify, false);
  assert.deepEqual(config.channels, [
    {
      name: "mail",
      destination: { kind: "email", to: ["me@example.org"], from: null, mailer: null },
      events: ["ended", "failed", "nan", "stalled", "no-improvement", "gpu-idle", "memory-growth"],
      quiet: null,
      atMostEvery: 60_000,
      picture: true,
    },
  ]);
});

test("every key of a channel", () => {
  const { config, problems } = parseConfig(
    `[notify.phone]
webhook_file = "~/ntfy"
shape = "ntfy"
token_env = "NTFY_TOKEN"
ca_file = "/etc/own.pem"
events = ["failed", "phase"]
quiet = "22:00-07:30"
at_most_every = "5m"
picture = false
[notify.room]
webhook = "https://matrix.example.org"
shape = "matrix"
room = "!abc:example.org"
token_file = "/home/me/token"
[notify.script]
command = ["/bin/tell", "me"]
at_most_every = "never"
`,
    "f",
  );
  assert.deepEqual(problems, []);
  const [phone, room, script] = config.channels;
  assert.deepEqual(phone, {
    name: "phone",
    destination: {
      kind: "webhook",
      shape: "ntfy",
      address: { file: "~/ntfy" },
      token: { variable: "NTFY_TOKEN" },
      room: null,
      authority: "/etc/own.pem",
    },
    events: ["failed", "phase"],
    quiet: { from: 1320, to: 450 },
    atMostEvery: 300_000,
    picture: false,
  });
  assert.deepEqual(room?.destination, {
    kind: "webhook",
    shape: "matrix",
    address: "https://matrix.example.org",
    token: { file: "/home/me/token" },
    room: "!abc:example.org",
    authority: null,
  });
  assert.deepEqual([script?.destination, script?.atMostEvery], [{ kind: "command", command: ["/bin/tell", "me"] }, 0]);
});

test("a mistake is one sentence with file, line and key, and without the value, which may be a secret", () => {
  const cases: [string, RegExp][] = [
    ['webhook = "https://me:hunter2@example.org/x"', /a name, a password and a query, which are secrets/],
    ['webhook = "https://example.org/x?hunter2"', /which are secrets/],
    ['webhook = "https://hooks.slack.com/services/hunter2"\nshape = "slack"', /an address that is a secret.*webhook_file/],
    ['webhook = "ftp://hunter2"', /it must be an https address/],
    ['token = "hunter2"\nwebhook = "https://a.org"', /a key that is not known, token/],
    ['email = "hunter2 -oQ/tmp"', /it must be an address/],
    ['email = ["a@b.org\\nBcc: hunter2@c.org"]', /it must be an address/],
    ['email = "me"\ncommand = "hunter2"', /has command and email: give one of them/],
    ['webhook_file = "hunter2"', /an absolute path/],
    ['webhook_env = "hunter2="', /the name of a variable/],
    ['webhook = "https://a.org"\nshape = "hunter2"', /"json" or "slack"/],
    ['webhook = "https://a.org"\nshape = "matrix"', /needs room and token_file/],
    ['command = "x"\nevents = ["hunter2"]', /a list of kinds of events; there are ended, failed/],
    ['command = "x"\nquiet = "25:00-26:00"', /two times of a day/],
    ["# nothing", /has no destination/],
  ];
  for (const [lines, sentence] of cases) {
    const { config, problems } = parseConfig(`history = 7\n[notify.x]\n${lines}\n`, "/c/config.toml");
    assert.equal(problems.length, 1, lines);
    assert.match(problems[0] ?? "", /^\/c\/config\.toml, line 2: notify\.x .*; nothing is sent there$/, lines);
    assert.match(problems[0] ?? "", sentence);
    assert.ok(!(problems[0] ?? "").includes("hunter2"), problems[0]);
    assert.deepEqual([config.channels, config.history], [[], 7]);
  }
  assert.match(parseConfig('notify.phnoe = "x"', "f").problems[0] ?? "", /^f, line 1: notify\.phnoe is no channel/);
  const many = Array.from({ length: 17 }, (_, i) => `[notify.c${i}]\ncommand = "x"\n`).join("");
  assert.match(parseConfig(many, "f").problems.join(), /notify\.c16 is one channel more than the 16/);
  assert.equal(parseConfig(many, "f").config.channels.length, 16);
});

test("a file that others can write sends nothing anywhere", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "fs-channels-"));
  try {
    const file = path.join(folder, "config.toml");
    fs.writeFileSync(file, '[notify.x]\ncommand = "x"\n');
    fs.chmodSync(file, 0o646);
    const { config, problems } = loadConfig(file);
    assert.deepEqual(config.channels, []);
    assert.match(problems[0] ?? "", /notify is not used, because the file can be written by everyone/);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});
