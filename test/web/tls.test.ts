// falcon web with a certificate: the page and its WebSocket over TLS, for who trusts it, and nothing for who
// speaks without.
import assert from "node:assert/strict";
import https from "node:https";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { WebSocket } from "ws";
import { TestHome } from "../support/home.ts";
import { certificateIn, noCertificates } from "../support/machines/receivers.ts";
import { startWeb, type Web } from "./web-home.ts";

describe("a page with a certificate", { skip: noCertificates }, () => {
  const home = new TestHome();
  const { cert, file } = certificateIn(home.work);
  let web: Web;
  before(async () => {
    web = await startWeb(home, ["--listen", "127.0.0.1:0", "--tls-cert", file, "--tls-key", path.join(home.work, "key.pem")]);
  });
  after(async () => {
    await web.end();
    await home.dispose();
  });

  const status = (ca: Buffer | undefined): Promise<number> =>
    new Promise((resolve, reject) => {
      const asked = https.get(web.url, { agent: false, ...(ca === undefined ? {} : { ca }) }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      });
      asked.on("error", reject);
    });

  test("it is served to who trusts the certificate, and its WebSocket as well", async () => {
    assert.match(web.url, /^https:\/\//);
    assert.equal(await status(cert), 200);
    await assert.rejects(status(undefined), /self-signed certificate/);
    const socket = new WebSocket(`${web.url.replace(/^https/, "wss")}ws`, { ca: cert, origin: new URL(web.url).origin });
    await new Promise<void>((resolve, reject) => {
      socket.on("open", () => socket.send(JSON.stringify({ do: "hello", token: web.token })));
      socket.on("message", (text) => {
        if (/"welcome"/.test(String(text))) resolve();
      });
      socket.on("error", reject);
      socket.on("close", () => reject(new Error("closed")));
    });
    socket.terminate();
  });

  test("without TLS there is no answer", async () => {
    await assert.rejects(fetch(web.url.replace(/^https/, "http")));
  });
});
