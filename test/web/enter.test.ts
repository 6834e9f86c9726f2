// How the page lets itself in, without a browser: what it says, and what it forgets, by the answers it gets.
import assert from "node:assert/strict";
import { test } from "node:test";
import { enter, NotLetIn } from "../../src/web/page/server.ts";

test("a token is forgotten where it is wrong, and kept where the address is", async (t) => {
  const kept = new Map([["falcon-token", "A".repeat(32)]]);
  const location = { hash: "", pathname: "/", search: "" };
  const browser = {
    location,
    history: {
      replaceState: () => {
        location.hash = "";
      },
    },
    sessionStorage: {
      getItem: (name: string) => kept.get(name) ?? null,
      setItem: (name: string, value: string) => kept.set(name, value),
      removeItem: (name: string) => kept.delete(name),
    },
  };
  for (const [name, value] of Object.entries(browser)) Object.defineProperty(globalThis, name, { value, configurable: true });
  t.after(() => {
    for (const name of Object.keys(browser)) Reflect.deleteProperty(globalThis, name);
  });
  let status = 0;
  t.mock.method(globalThis, "fetch", async () => new Response("", { status }));
  const refused = (words: RegExp) =>
    assert.rejects(enter(), (error) => error instanceof NotLetIn && words.test(error.message), String(status));
  for (status of [403, 404]) {
    await refused(/not the address that 'falcon web' was told/);
    assert.equal(kept.size, 1);
  }
  // a link that was just opened is one too, and after a minute's wait
  for (const [code, words] of [
    [404, /not the address/],
    [429, /wait a minute/],
  ] as const) {
    status = code;
    location.hash = `#t=${"B".repeat(32)}`;
    await refused(words);
    assert.deepEqual([location.hash, kept.get("falcon-token")], ["", "B".repeat(32)]);
    kept.clear();
  }
  kept.set("falcon-token", "A".repeat(32));
  status = 401;
  await refused(/not valid/);
  assert.equal(kept.size, 0);
});
