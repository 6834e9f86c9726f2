// Options of falcon web and falcon share: what they mean, and what is refused in one sentence.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Failure } from "../../../src/base/failure.ts";
import { leastEvery, longestLife, timeOf } from "../../../src/commands/web/share.ts";
import { settingsOf } from "../../../src/commands/web/web.ts";
import { headersFor, refusal } from "../../../src/web/server/guard.ts";

describe("falcon web's settings", () => {
  test("by default a Unix socket, no certificate, nothing before the path", () => {
    assert.deepEqual(settingsOf({}, "/"), {
      listen: null,
      tls: null,
      open: false,
      behindProxy: false,
      origin: null,
      base: "/",
      names: [],
    });
  });

  test("a port is one of 127.0.0.1; an address that others reach has a certificate and is a name of the page", () => {
    assert.deepEqual(settingsOf({ listen: "8765" }, "/").listen, { host: "127.0.0.1", port: 8765, name: "127.0.0.1" });
    assert.deepEqual(settingsOf({ listen: "[::1]:0" }, "/").listen, { host: "::1", port: 0, name: "[::1]" });
    assert.throws(() => settingsOf({ listen: "10.0.0.1:80" }, "/"), /needs a certificate/);
    const served = settingsOf({ listen: "node7:80", tlsCert: "c", tlsKey: "k", origin: "https://portal.example" }, "/x");
    assert.deepEqual(served.tls, { cert: "/x/c", key: "/x/k" });
    assert.deepEqual(served.names, ["portal.example", "node7"]);
  });

  test("a life or a pause is a time within its bounds", () => {
    assert.equal(timeOf("--for", "2d", 0, longestLife), 2 * 86_400_000);
    assert.throws(() => timeOf("--for", "2y", 0, longestLife), Failure);
    assert.throws(() => timeOf("--every", "1s", leastEvery, longestLife), /at least 5 s/);
    assert.throws(() => timeOf("--every", "soon", leastEvery, longestLife), /give a time/);
  });
});

describe("what is let in", () => {
  const options = { names: ["portal.example"], origin: null, secure: false };

  test("this machine's own names with any port, and the name that was given", () => {
    for (const host of ["localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]:9", "portal.example:443"])
      assert.equal(refusal({ host, origin: `http://${host}` }, true, options), undefined, host);
    for (const host of [
      "evil.example",
      "localhost.",
      "127.0.0.1.nip.io",
      "127.0.0.2",
      "a@localhost",
      "localhost:x",
      " localhost",
    ])
      assert.equal(refusal({ host }, false, options), "host", host);
    assert.equal(refusal({}, false, options), "host");
  });

  test("the page's own origin alone, where one is demanded", () => {
    const host = "127.0.0.1:80";
    assert.equal(refusal({ host }, false, options), undefined);
    assert.equal(refusal({ host }, true, options), "origin");
    for (const origin of ["null", "http://127.0.0.1:81", "https://127.0.0.1:80", "http://localhost:80", "file://"])
      assert.equal(refusal({ host, origin }, true, options), "origin", origin);
    assert.equal(refusal({ host, origin: `http://${host}`, "sec-fetch-site": "cross-site" }, true, options), "origin");
    const proxied = { ...options, origin: "https://portal.example" };
    assert.equal(refusal({ host, origin: "https://portal.example" }, true, proxied), undefined);
    assert.equal(refusal({ host, origin: `http://${host}` }, true, proxied), "origin");
  });

  test("each answer's policy has its own nonce and nothing unsafe", () => {
    const policy = headersFor("n0nce")["content-security-policy"] ?? "";
    assert.match(policy, /style-src 'self' 'nonce-n0nce';/);
    assert.doesNotMatch(policy, /unsafe|script-src[^;]*nonce/);
  });
});
