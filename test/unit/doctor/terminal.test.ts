// TERM and the locale.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { checkLocale, checkTerminal, isKnownTerminal, readsUtf8, terminalFacts } from "../../../src/doctor/terminal.ts";

const base = fs.mkdtempSync("/tmp/fs-");
after(() => fs.rmSync(base, { recursive: true, force: true }));
const database = path.join(base, "terminfo");
fs.mkdirSync(path.join(database, "x"), { recursive: true });
fs.mkdirSync(path.join(database, "73"));
fs.writeFileSync(path.join(database, "x", "xterm-256color"), "");
fs.writeFileSync(path.join(database, "73", "screen"), "");

const ids = (environment: Record<string, string>, onTerminal = true, folders = [database]) =>
  checkTerminal(terminalFacts({ environment, directory: "/", limits: [], onTerminal, version: "1.0.0" }, folders)).map(
    (f) => `${f.severity} ${f.id}`,
  );

test("a terminal is known by letter, by number, and in the user's own databases", () => {
  assert.ok(isKnownTerminal("xterm-256color", {}, [database]));
  assert.ok(isKnownTerminal("screen", {}, [database]));
  assert.ok(isKnownTerminal("screen", { TERMINFO: database }, []));
  assert.ok(isKnownTerminal("screen", { TERMINFO_DIRS: `/nowhere:${database}` }, []));
  assert.ok(!isKnownTerminal("../x/xterm-256color", {}, [database]));
  assert.ok(!isKnownTerminal("", {}, [database]));
});

test("TERM unset, dumb or unknown on a terminal; without one it does not matter", () => {
  assert.deepEqual(ids({ TERM: "xterm-256color" }), []);
  assert.deepEqual(ids({}), ["warning terminal-unknown"]);
  assert.deepEqual(ids({ TERM: "dumb" }), ["warning terminal-unknown"]);
  assert.deepEqual(ids({ TERM: "alacritty-x" }), ["warning terminal-unknown"]);
  assert.deepEqual(ids({}, false), []);
});

test("a machine that does not know the sessions' own terminal", () => {
  assert.deepEqual(ids({ TERM: "screen", TERMINFO: path.join(base, "nowhere") }, true, []), [
    "warning terminal-unknown",
    "problem session-terminal-unknown",
  ]);
});

test("locales: LC_ALL goes before LC_CTYPE, and that before LANG", () => {
  const findings = (environment: Record<string, string>) => checkLocale(environment).length;
  assert.equal(findings({ LANG: "de_DE.UTF-8" }), 0);
  assert.equal(findings({ LANG: "C.utf8" }), 0);
  assert.equal(findings({ LC_CTYPE: "UTF-8" }), 0);
  assert.equal(findings({ LANG: "de_DE.UTF-8@euro" }), 0);
  assert.equal(findings({ LANG: "C" }), 1);
  assert.equal(findings({}), 1);
  assert.equal(findings({ LANG: "de_DE.UTF-8", LC_ALL: "POSIX" }), 1);
  assert.equal(findings({ LANG: "de_DE.ISO-8859-15", LC_CTYPE: "en_US.UTF-8" }), 0);
});

test("a terminal reads UTF-8 unless its locale is of another encoding", () => {
  for (const locale of ["", "C", "POSIX", "C.UTF-8", "de_DE.utf8@euro"]) assert.ok(readsUtf8({ LC_ALL: locale }), locale);
  assert.ok(readsUtf8({}));
  for (const locale of ["de_DE", "de_DE.ISO-8859-15", "ru_RU.KOI8-R"]) assert.ok(!readsUtf8({ LANG: locale }), locale);
  assert.ok(!readsUtf8({ LANG: "C.UTF-8", LC_CTYPE: "de_DE@euro" }));
});
