// The configuration file: what each key does, and that every mistake is told by file, line and key while the
// rest still applies.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { longestTimer } from "../../../src/base/clock.ts";
import { defaultConfig } from "../../../src/base/config/config.ts";
import { configPath, loadConfig, longestConfig, parseConfig } from "../../../src/base/config/config-file.ts";
import { defaultKeymap } from "../../../src/base/keymap.ts";

function withFile(text: string, check: (file: string) => void): void {
  const folder = fs.mkdtempSync("/tmp/fs-config-");
  try {
    const file = path.join(folder, "config.toml");
    fs.writeFileSync(file, text, { mode: 0o600 });
    check(file);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

test("every key sets its field", () => {
  const { config, problems } = parseConfig(
    `
detach_key = "q"
prefix = "C-a"
history = 200
scrollback = 300
retention = "256 MB"
retention_age = "2w"
on_event = ["notify-send", "falcon"]
direct_output = false
notify = false
size_policy = "fixed"
save_before = "5m"
archive = "/shared/a/"
roster = "/shared/r/"
ssh = ["ssh", "-J", "gate"]
server_idle = "1h30m"
reach.node1 = ["ssh", "node1.cluster"]
hosts.list = ["desk"]
[program_sequences]
clipboard = "ask"
title = "block"
notification = "block"
colours = "block"
links = "block"
images = "pass"
keys = "pass"
window = "pass"
`,
    "f",
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(config, {
    detachKey: "q",
    prefix: 1,
    history: 200,
    scrollback: 300,
    retention: 256e6,
    retentionAge: 14 * 86_400_000,
    onEvent: ["notify-send", "falcon"],
    reach: { node1: ["ssh", "node1.cluster"] },
    hosts: ["desk"],
    directOutput: false,
    notify: false,
    channels: [],
    sizePolicy: "fixed",
    saveBefore: 300_000,
    archive: "/shared/a/",
    roster: "/shared/r/",
    ssh: ["ssh", "-J", "gate"],
    serverIdle: 5_400_000,
    keymap: defaultKeymap,
    programSequences: {
      clipboard: "ask",
      title: "block",
      notification: "block",
      colours: "block",
      links: "block",
      images: "pass",
      keys: "pass",
      window: "pass",
    },
  });
});

test("a server that is to wait longer than a timer lasts waits as long as one lasts, not a millisecond", () => {
  const { config, problems } = parseConfig('server_idle = "30d"\n', "/c/config.toml");
  assert.deepEqual([config.serverIdle, problems], [longestTimer, []]);
});

test("other ways to say the same", () => {
  const said = (text: string) => {
    const { config, problems } = parseConfig(text, "f");
    assert.deepEqual(problems, [], text);
    return config;
  };
  assert.equal(said('on_event = "echo $FALCON_SESSION"').onEvent?.join(" "), "/bin/sh -c echo $FALCON_SESSION");
  assert.equal(said("detach_key = false").detachKey, null);
  assert.equal(said("prefix = false").prefix, null);
  for (const text of ["C-]", "c-]", "Ctrl-]", "ctrl+]", "^]"]) assert.equal(said(`prefix = '${text}'`).prefix, 0x1d);
  assert.equal(said("prefix = 'C-\\'").prefix, 0x1c);
  assert.equal(said("prefix = 'C-@'").prefix, 0);
  assert.equal(said('save_before = "auto"').saveBefore, null);
  assert.equal(said('retention = "all"').retention, 0);
  assert.equal(said("retention = 5_000_000").retention, 5e6);
  assert.equal(said('retention = "2 GiB"').retention, 2 ** 31);
  assert.equal(said('retention_age = "never"').retentionAge, 0);
  assert.equal(said('program_sequences.title = "block"').programSequences.title, "block");
  assert.equal(said('program_sequences = { title = "block" }').programSequences.title, "block");
  assert.equal(said("scrollback = 10").history, 10);
  assert.deepEqual(said("\uFEFF# nothing\r\n"), defaultConfig);
});

test("an unusable value is told with file, line, key, and everything else applies", () => {
  const cases: [string, RegExp][] = [
    ["detach_key = 'dd'", /one printable ASCII character/],
    ["detach_key = ' '", /one printable/],
    ["detach_key = 'é'", /one printable/],
    ["prefix = 'C-c'", /not Ctrl-C, Backspace, Tab, Enter or Esc, not "C-c"/],
    ["prefix = 'C-['", /not Ctrl-C/],
    ["prefix = 'x'", /a control key/],
    ["prefix = 'C-é'", /a control key/],
    ["history = -1", /whole number from 0 to 1000000, not -1/],
    ["history = 1.5", /whole number/],
    ["history = nan", /whole number/],
    ["scrollback = '10'", /whole number/],
    ["retention = 'some'", /a size of at least "1 MiB"/],
    ["retention = 1", /a size of at least/],
    ["retention_age = '30'", /a time of at least a second/],
    ["retention_age = 30", /a time of at least a second/],
    ["retention_age = 2026-01-01", /a time of at least a second/],
    ["on_event = []", /a program with its arguments/],
    ["on_event = [1]", /a program with its arguments/],
    ["notify = 'yes'", /true or false/],
    ["size_policy = 'smallest'", /"last" or "fixed", not "smallest"/],
    ["archive = 'here'", /an absolute path/],
    ["roster = 'here'", /an absolute path/],
    ["ssh = 'ssh -J gate'", /a program with its arguments/],
    ["save_before = 5", /a time of at least a second, such as "5m", or "auto"/],
    ["server_idle = 'never'", /a time of at least a second/],
    ["program_sequences.title = 'ask'", /"pass" or "block"/],
    ["program_sequences = 'pass'", /is not a setting/],
  ];
  for (const [line, sentence] of cases) {
    const { config, problems } = parseConfig(
      `# comment\nhistory${line.startsWith("history") ? "_" : ""} = 7\n${line}\n`,
      "/c/config.toml",
    );
    const mine = problems.filter((problem) => problem.includes("line 3"));
    assert.equal(mine.length, 1, line);
    assert.ok(mine[0]?.startsWith(`/c/config.toml, line 3: ${/^[\w.]+/.exec(line)?.[0]} `), mine[0]);
    assert.match(mine[0] ?? "", sentence);
    if (!line.startsWith("history")) assert.deepEqual(config, { ...defaultConfig, history: 7 }, "the rest still applies");
  }
});

test("a NUL cannot get into the command", () => {
  const { config, problems } = parseConfig('on_event = "a\\u0000b"', "f");
  assert.equal(config.onEvent, null);
  assert.match(problems[0] ?? "", /^f, line 1: on_event must be a program/);
});

test("an unknown key gets the likely one, or the list", () => {
  const told = (text: string) => parseConfig(text, "f").problems;
  assert.match(
    told("detach-key = 'x'")[0] ?? "",
    /^f, line 1: detach-key is not a setting \(did you mean detach_key\?\); it is ignored$/,
  );
  assert.match(told("histroy = 1")[0] ?? "", /did you mean history\?/);
  assert.match(
    told("[program_sequences]\nclipbord = 'pass'")[0] ?? "",
    /^f, line 2: program_sequences\.clipbord .*did you mean program_sequences\.clipboard\?/,
  );
  assert.match(told("colour_scheme_of_everything = 1")[0] ?? "", /there are detach_key, prefix, /);
  assert.match(told("\n\n[window]\nx = 1\ny = 2")[0] ?? "", /^f, line 3: window is not a setting/);
  assert.equal(told("[window]\nx = 1\ny = 2").length, 1);
});

test("a wrong line is told and left out; the lines around it count", () => {
  const { config, problems } = parseConfig(
    'history = 7\nprefix = "C-a\nscrollback = 70\nnotify == false\nsize_policy = "fixed"\n',
    "f",
  );
  assert.equal(config.history, 7);
  assert.equal(config.scrollback, 70);
  assert.equal(config.sizePolicy, "fixed");
  assert.equal(config.prefix, defaultConfig.prefix);
  assert.equal(config.notify, defaultConfig.notify);
  assert.deepEqual(
    problems.map((p) => /^f, line (\d+): (\w+) this line is not TOML \(.+\); it is ignored$/.exec(p)?.slice(1)),
    [
      ["2", "prefix"],
      ["4", "notify"],
    ],
  );
});

test("a key given twice: the second is told, the first counts", () => {
  const { config, problems } = parseConfig("history = 7\nhistory = 8\n", "f");
  assert.equal(config.history, 7);
  assert.match(problems[0] ?? "", /^f, line 2: history /);
});

test("no way to detach is refused, less history than asked is told", () => {
  const off = parseConfig("detach_key = false\nprefix = false\n", "f");
  assert.equal(off.config.prefix, 0x1c);
  assert.match(off.problems[0] ?? "", /^f, line 2: prefix cannot be off/);
  const long = parseConfig("history = 900\nscrollback = 10\n", "f");
  assert.equal(long.config.history, 10);
  assert.match(long.problems[0] ?? "", /^f, line 1: history is 900 lines, more than the 10/);
});

test("the file's place follows XDG_CONFIG_HOME and HOME", () => {
  assert.equal(configPath({ XDG_CONFIG_HOME: "/x", HOME: "/h" }), "/x/falcon-sessions/config.toml");
  assert.equal(configPath({ XDG_CONFIG_HOME: "relative", HOME: "/h" }), "/h/.config/falcon-sessions/config.toml");
  assert.equal(configPath({ HOME: "/h" }), "/h/.config/falcon-sessions/config.toml");
  assert.match(configPath({}), /^\/.*falcon-sessions\/config\.toml$/);
});

test("files that are none", () => {
  assert.deepEqual(loadConfig("/nonexistent/config.toml"), { config: defaultConfig, problems: [] });
  assert.match(loadConfig("/").problems[0] ?? "", /^\/: it is not a plain file; all settings have their defaults$/);
  withFile("x".repeat(longestConfig + 1), (file) =>
    assert.match(loadConfig(file).problems[0] ?? "", /more than the \d+ that are read/),
  );
  withFile("", (file) => {
    fs.rmSync(file);
    assert.equal(spawnSync("mkfifo", [file]).status, 0);
    assert.match(loadConfig(file).problems[0] ?? "", /not a plain file/);
  });
  withFile("history = 5", (file) => {
    fs.chmodSync(file, 0);
    const { config, problems } = loadConfig(file);
    if (process.getuid?.() === 0) assert.equal(config.history, 5);
    else assert.match(problems[0] ?? "", /cannot be read \(EACCES\)/);
  });
});

test("a command in a file that everyone can write is not run", () => {
  withFile('ssh = ["/tmp/x"]\n', (file) => {
    fs.chmodSync(file, 0o646);
    assert.deepEqual(loadConfig(file).config.ssh, ["ssh"]);
    assert.match(loadConfig(file).problems[0] ?? "", /line 1: ssh is not used, because the file can be written by everyone/);
  });
  withFile('history = 5\non_event = "touch /tmp/x"\n', (file) => {
    fs.chmodSync(file, 0o646);
    const { config, problems } = loadConfig(file);
    assert.equal(config.onEvent, null);
    assert.equal(config.history, 5);
    assert.match(problems[0] ?? "", /line 2: on_event is not used, because the file can be written by everyone/);
    fs.chmodSync(file, 0o600);
    assert.notEqual(loadConfig(file).config.onEvent, null);
    if (process.getuid?.() === 0) {
      fs.chownSync(file, 12345, 12345);
      assert.match(loadConfig(file).problems[0] ?? "", /belongs to another user/);
    }
  });
});

test("docs/guide/configuration.md shows every key with its default", () => {
  const page = fs.readFileSync(path.join(import.meta.dirname, "../../../docs/guide/configuration.md"), "utf8");
  const example = /```toml\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
  const { config, problems } = parseConfig(example, "docs");
  assert.deepEqual(problems, []);
  assert.deepEqual(config, defaultConfig);
  const count = example.split("\n").filter((line) => /^#? ?\w+ = /.test(line)).length;
  assert.equal(
    count,
    Object.keys(defaultConfig).length -
      2 +
      Object.keys(defaultConfig.programSequences).length +
      Object.values(defaultKeymap).flat().length,
    "one line a key",
  );
});

test("whatever stands in the file: no exception, and a good first line still counts", () => {
  const token = fc.oneof(
    fc.constantFrom(
      "history",
      "prefix",
      "=",
      "[",
      "]",
      "[[",
      '"',
      "'''",
      '"""',
      "\\",
      "{",
      "}",
      ",",
      "\n",
      "\r\n",
      "#",
      "true",
      "1",
      ".",
      "-",
      "inf",
      "1979-05-27",
      "\0",
      "program_sequences",
    ),
    fc.string({ maxLength: 6 }),
  );
  fc.assert(
    fc.property(fc.array(token, { maxLength: 60 }), (tokens) => {
      const { config, problems } = parseConfig(`notify = false\n${tokens.join("")}`, "f");
      for (const problem of problems) assert.doesNotMatch(problem, /\n/);
      if (!problems.some((p) => p.includes("too many"))) assert.equal(config.notify, false);
    }),
    { numRuns: 3000, seed: 9 },
  );
});

test("reach: a machine's name has a strict pattern, and its way is a program with arguments", () => {
  const good = parseConfig('[reach]\nnode1 = ["ssh", "-J", "gate", "node1"]\n', "config.toml");
  assert.deepEqual(good.problems, []);
  assert.deepEqual(good.config.reach, { node1: ["ssh", "-J", "gate", "node1"] });
  const bad = parseConfig('[reach]\n"-x" = ["a"]\nnode1 = "ssh"\n', "config.toml");
  assert.equal(bad.problems.length, 2, bad.problems.join("\n"));
  assert.deepEqual(bad.config.reach, {});
});

test("hosts: names of machines as ssh knows them, each once, and nothing else", () => {
  const good = parseConfig('[hosts]\nlist = ["desk", "cluster.example.org", "desk"]\n', "config.toml");
  assert.deepEqual(good.problems, []);
  assert.deepEqual(good.config.hosts, ["desk", "cluster.example.org"]);
  for (const list of [
    '["-oProxyCommand=x"]',
    '["a b"]',
    '"desk"',
    "[1]",
    JSON.stringify(Array.from({ length: 21 }, (_, n) => `h${n}`)),
  ]) {
    const bad = parseConfig(`[hosts]\nlist = ${list}\n`, "config.toml");
    assert.match(bad.problems.join("\n"), /^config\.toml, line 2: hosts\.list must be at most 20 names of machines/, list);
    assert.deepEqual(bad.config.hosts, []);
  }
});
