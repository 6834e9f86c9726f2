// An installation whose SQLite cannot be loaded, as after another Node: that is told, and costs nothing.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { SessionStore } from "../../../src/store/session-store.ts";

test("the database of a server that finds no SQLite stays where it is", (t) => {
  const folder = fs.mkdtempSync("/tmp/fs-store-");
  try {
    const file = path.join(folder, "state.db");
    fs.writeFileSync(file, "what an earlier server stored");
    const events: string[] = [];
    const { dlopen } = process;
    t.mock.method(process, "dlopen", (module: object, binary: string, ...more: []) => {
      if (/sqlite3.*\.node$/.test(binary))
        throw Object.assign(new Error("compiled for another Node"), { code: "ERR_DLOPEN_FAILED" });
      return dlopen(module, binary, ...more);
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
