// Cleaners of temporary folders: tmpfiles.d as it is written, and what it means for a folder.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { checkCleaners, cleanedFolders, cleanerOf } from "../../../src/doctor/cleaner.ts";

const base = fs.mkdtempSync("/tmp/fs-");
after(() => fs.rmSync(base, { recursive: true, force: true }));

function read(files: Record<string, string>, cron: string[] = []) {
  const root = fs.mkdtempSync(path.join(base, "c-"));
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), text);
  }
  return cleanedFolders({ tmpfiles: [path.join(root, "usr"), path.join(root, "etc")], cron });
}
const systemd = "# comment\nq /tmp 1777 root root 10d\nq /var/tmp 1777 root root 30d\nD /run/x 0755 root root -\n";

test("sessions in a cleaned folder are a problem, Ray's files a warning, each with its age and its source", () => {
  const cleaned = read({ "usr/tmp.conf": systemd });
  const findings = checkCleaners(cleaned, "/var/tmp/falcon-sessions-1000/host", "/tmp/ray");
  assert.deepEqual(
    findings.map((f) => `${f.severity} ${f.id}`),
    ["problem cleaned-folder", "warning cleaned-ray-folder"],
  );
  assert.match(findings[0]?.what ?? "", /older than 30d.*tmp\.conf/);
  assert.match(findings[1]?.what ?? "", /older than 10d/);
  assert.deepEqual(checkCleaners(cleaned, "/home/ada/.local/state/falcon-sessions/host", "/scratch/ray"), []);
});

test("an exclusion, a folder without an age and an overriding file spare", () => {
  const spared = read({ "usr/tmp.conf": systemd, "etc/ours.conf": "x /var/tmp/falcon-sessions-*\nx /tmp/ray\n" });
  assert.deepEqual(checkCleaners(spared, "/var/tmp/falcon-sessions-1000/host", "/tmp/ray"), []);
  assert.equal(cleanerOf("/var/tmp/other", spared)?.age, "30d");
  assert.deepEqual(read({ "usr/tmp.conf": "D /tmp 1777 root root -\n#q /var/tmp 1777 root root 30d\n" }), []);
  assert.deepEqual(read({ "usr/tmp.conf": systemd, "etc/tmp.conf": "# nothing\n" }), []);
});

test("cron's cleaners", () => {
  const program = path.join(base, "tmpreaper");
  fs.writeFileSync(program, "");
  assert.equal(cleanerOf("/tmp/ray", read({}, [program]))?.source, program);
  assert.deepEqual(read({}, [path.join(base, "not there")]), []);
});

test("a folder beside a cleaned one is not in it", () => {
  const cleaned = read({ "usr/tmp.conf": "e /tmp/a 0755 root root 1d\n" });
  assert.equal(cleanerOf("/tmp/ab", cleaned), undefined);
  assert.equal(cleanerOf("/tmp/a/b", cleaned)?.age, "1d");
});
