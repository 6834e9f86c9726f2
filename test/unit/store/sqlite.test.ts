// An installation whose SQLite cannot be loaded, as after another Node: that is told, and costs nothing.
import assert from "node:assert/strict";
import fs from "node:fs";
import Module from "node:module";
import path from "node:path";
import { test } from "node:test";
import { SessionStore } from "../../../src/store/session-store.ts";

test("the database of a server that finds no SQLite stays where it is", (t) => {
  const folder = fs.mkdtempSync("/tmp/fs-store-");
  try {
    const file = path.join(folder, "state.db");
    fs.writeFileSync(file, "what an earlier server stored");
    const events: string[] = [];
    const modules = Module as unknown as { _load(name: string, ...more: unknown[]): unknown };
    const load = modules._load;
    t.mock.method(modules, "_load", (name: string, ...more: unknown[]) => {
      // as its package loads its binary, with the first database
      if (/better.sqlite3[^/]*\.node$/.test(name))
        throw Object.assign(new Error("compiled for another Node"), { code: "ERR_DLOPEN_FAILED" });
      return load(name, ...more);
    });
    assert.throws(() => SessionStore.open(file, (event) => void events.push(event)), {
      name: "Failure",
      message: /SQLite cannot be loaded .*compiled for another Node/,
    });
    assert.deepEqual([fs.readdirSync(folder), events], [["state.db"], []]);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
