// Log-out: systemd's settings read from real files, and when a log-out ends sessions.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, describe, test } from "node:test";
import { checkLogOut } from "../../../src/doctor/log-out.ts";
import { type LogOutSources, logOutFacts, placeOf } from "../../../src/platform/log-out.ts";

const base = fs.mkdtempSync("/tmp/fs-");
after(() => fs.rmSync(base, { recursive: true, force: true }));

/** A system as files: cgroup, lingering, logind.conf by folder. */
function system(facts: {
  cgroup?: string;
  linger?: boolean;
  files?: Record<string, string>;
  user?: string;
  manager?: boolean;
}): LogOutSources {
  const root = fs.mkdtempSync(path.join(base, "s-"));
  const write = (name: string, text: string) => {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), text);
  };
  write("cgroup", facts.cgroup ?? "0::/user.slice/user-1000.slice/session-4.scope\n");
  if (facts.linger) write("linger/ada", "");
  if (facts.manager) write("run/systemd/private", "");
  for (const [name, text] of Object.entries(facts.files ?? {})) write(name, text);
  return {
    cgroup: path.join(root, "cgroup"),
    lingerFolder: path.join(root, "linger"),
    runtimeFolder: path.join(root, "run"),
    configuration: [path.join(root, "usr"), path.join(root, "etc")],
    user: facts.user ?? "ada",
  };
}
const manager = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/vte-spawn.scope\n";
const kills = { "etc/logind.conf": "[Login]\nKillUserProcesses=yes\n" };

test("where a process is, with cgroup version 2 and 1", () => {
  assert.equal(placeOf(manager), "user-manager");
  assert.equal(placeOf("5:memory:/x\n1:name=systemd:/user.slice/user-7.slice/session-c2.scope\n"), "login");
  assert.equal(placeOf("0::/system.slice/slurmstepd.scope/job_7\n"), "elsewhere");
  assert.equal(placeOf(""), "elsewhere");
});

describe("a log-out ends sessions", () => {
  test("in a login, with KillUserProcesses: the remedy is the command", () => {
    const [finding, ...more] = checkLogOut(logOutFacts(system({ files: kills })));
    assert.deepEqual(more, []);
    assert.equal(finding?.severity, "problem");
    assert.match(finding?.what ?? "", /KillUserProcesses/);
    assert.match(finding?.remedy ?? "", /^loginctl enable-linger/);
  });

  test("below the user's manager without lingering", () => {
    const [finding] = checkLogOut(logOutFacts(system({ cgroup: manager })));
    assert.match(finding?.what ?? "", /lingering is off/);
    assert.deepEqual(checkLogOut(logOutFacts(system({ cgroup: manager, linger: true }))), []);
  });

  test("not in a login that leaves processes alone, nor outside of logins", () => {
    assert.deepEqual(checkLogOut(logOutFacts(system({ files: { "etc/logind.conf": "KillUserProcesses=no" } }))), []);
    assert.deepEqual(checkLogOut(logOutFacts(system({ cgroup: "0::/system.slice/cron.service\n", files: kills }))), []);
  });
});

describe("KillUserProcesses", () => {
  const of = (files: Record<string, string>, user?: string) =>
    logOutFacts(system({ files, ...(user === undefined ? {} : { user }) })).killsProcesses;

  test("the commented line of logind.conf tells the built-in default", () => {
    assert.equal(of({ "usr/logind.conf": "[Login]\n#KillUserProcesses=yes\n" }), true);
    assert.equal(of({ "usr/logind.conf": "[Login]\n#KillUserProcesses=no\n" }), false);
    assert.equal(of({}), undefined);
  });

  test("a drop-in goes before the file, a later folder's of the same name before an earlier one's", () => {
    const files = { ...kills, "usr/logind.conf.d/50.conf": "[Login]\nKillUserProcesses=no\n" };
    assert.equal(of(files), false);
    assert.equal(of({ ...files, "etc/logind.conf.d/50.conf": "[Login]\nKillUserProcesses=1\n" }), true);
    assert.equal(of({ ...kills, "etc/logind.conf.d/notes.txt": "KillUserProcesses=no" }), true);
  });

  test("spared users, and users that it is for", () => {
    assert.equal(of(kills, "root"), false, "root is spared by default");
    assert.equal(of({ "etc/logind.conf": "KillUserProcesses=yes\nKillExcludeUsers=ada bob" }), false);
    assert.equal(of({ "etc/logind.conf": "KillUserProcesses=yes\nKillOnlyUsers=bob" }), false);
    assert.equal(of({ "etc/logind.conf": "KillUserProcesses=yes\nKillOnlyUsers=ada" }), true);
  });

  test("the user's manager is found by its socket", () => {
    assert.equal(logOutFacts(system({})).manager, undefined);
    assert.match(logOutFacts(system({ manager: true })).manager ?? "", /systemd\/private$/);
  });
});
