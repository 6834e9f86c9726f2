// Sending to web servers that refuse, are silent, drop, redirect, want to be left alone, cannot be trusted or
// reached, and the ways around: real ones on loopback.
import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { direct, proxyOf, type Route, routesOf } from "../../../src/notify/routes.ts";
import { mailElsewhere } from "../../../src/notify/send.ts";
import { webSend } from "../../../src/notify/web-send.ts";
import type { WebRequest } from "../../../src/notify/webhook-request.ts";
import { certificateIn, noCertificates, ProxyServer, WebReceiver } from "../../support/machines/receivers.ts";

const secret = "hunter2";
const request = (port: number, scheme = "http"): WebRequest => ({
  method: "POST",
  url: new URL(`${scheme}://localhost:${port}/hook/${secret}?key=${secret}`),
  headers: { authorization: `Bearer ${secret}` },
  body: Buffer.from("words ä"),
});

describe("sending", { skip: noCertificates }, () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "fs-send-"));
  const certificate = certificateIn(folder);
  const web = new WebReceiver();
  const secure = new WebReceiver(certificate);
  const proxy = new ProxyServer(() => secure.port);
  before(async () => {
    await Promise.all([web.listen(), secure.listen(), proxy.listen()]);
  });
  after(async () => {
    await Promise.all([web.close(), secure.close(), proxy.close()]);
    fs.rmSync(folder, { recursive: true });
  });

  test("what is taken is sent once, whole", async () => {
    web.behaviour = 204;
    assert.deepEqual(await webSend(request(web.port), [direct], undefined), { taken: true, problem: "" });
    assert.deepEqual(
      web.received.map(({ method, url, headers, body }) => [method, url, headers.authorization, headers.host, body.toString()]),
      [["POST", `/hook/${secret}?key=${secret}`, `Bearer ${secret}`, `localhost:${web.port}`, "words ä"]],
    );
  });

  test("an answer that is no yes is told without the address, and is not sent again at once", async () => {
    for (const [behaviour, words] of [
      [500, /^it answered 500$/],
      [403, /^it answered 403: it does not let us in/],
      [{ status: 302, headers: { location: "http://169.254.169.254/" } }, /somewhere else now/],
      [{ status: 429, headers: { "retry-after": "65.1" } }, /too many messages/],
    ] as const) {
      web.behaviour = behaviour;
      web.received.length = 0;
      const attempt = await webSend(request(web.port), [direct, direct], undefined);
      assert.equal(attempt.taken, false);
      assert.match(attempt.problem, words);
      assert.ok(!attempt.problem.includes(secret));
      assert.equal(attempt.pause, typeof behaviour === "object" && behaviour.status === 429 ? 65_100 : undefined);
      assert.equal(web.received.length, 1);
    }
  });

  test("no answer to what was sent: nobody knows, and no other way is tried", async (t) => {
    // the limit holds for the connecting too: it is reached once the request is there
    t.mock.timers.enable({ apis: ["setTimeout"] });
    for (const behaviour of ["silent", "drop"] as const) {
      web.behaviour = behaviour;
      web.received.length = 0;
      const sending = webSend(request(web.port), [direct, direct], undefined, 10_000);
      while (web.received.length === 0) await new Promise((resolve) => setImmediate(resolve));
      if (behaviour === "silent") t.mock.timers.tick(10_000);
      const attempt = await sending;
      assert.deepEqual([attempt.taken, attempt.unsure, attempt.unreachable], [false, true, undefined]);
      assert.equal(web.received.length, 1);
    }
  });

  test("nobody there: unreachable, each way with its reason", async () => {
    const gone = await new WebReceiver().listen();
    const { port } = gone;
    await gone.close();
    const attempt = await webSend(
      request(port),
      [direct, { name: "through x", connect: () => Promise.reject(new Error(secret)) }],
      undefined,
    );
    assert.deepEqual(attempt, {
      taken: false,
      problem: "directly: it refuses connections; through x: the connection failed",
      unreachable: true,
    });
  });

  test("an ssh that fails after a while takes nobody with it", async () => {
    const ssh = ["/bin/sh", "-c", "head -c 1 >/dev/null; exit 255"];
    for (const scheme of ["http", "https"]) {
      const [way] = routesOf({ SLURM_SUBMIT_HOST: "login1" }, scheme === "https", "localhost", ssh).slice(1);
      const attempt = await webSend(request(9, scheme), [way as Route], undefined);
      assert.deepEqual(
        attempt,
        { taken: false, problem: "through login1: ssh ended with status 255", unreachable: true },
        scheme,
      );
    }
  });

  test("through ssh, whatever its last words: an answer that came is the answer", async () => {
    const script = `const [host, port] = process.argv[process.argv.indexOf("-W") + 1].split(":");
      const onward = require("node:net").connect(Number(port), "127.0.0.1");
      process.stdin.pipe(onward).pipe(process.stdout);
      onward.on("close", () => (process.exitCode = 255));`;
    for (const [scheme, receiver] of Object.entries({ http: web, https: secure })) {
      receiver.behaviour = 204;
      receiver.received.length = 0;
      const [way] = routesOf({ SLURM_SUBMIT_HOST: "login1" }, true, "localhost", [process.execPath, "-e", script, "--"]).slice(1);
      const attempt = await webSend(request(receiver.port, scheme), [way as Route], certificate.cert.toString());
      assert.deepEqual(attempt, { taken: true, problem: "" }, scheme);
      assert.deepEqual(
        receiver.received.splice(0).map(({ body }) => body.toString()),
        ["words ä"],
      );
    }
  });

  test("one that answers with bytes without end holds nobody up", async () => {
    const flood = net.createServer((socket) => {
      socket.on("error", () => {});
      socket.write("HTTP/1.1 200 OK\r\nx: ");
      const timer = setInterval(() => socket.write("y".repeat(10_000)), 1);
      socket.on("close", () => clearInterval(timer));
    });
    await new Promise<void>((resolve) => flood.listen(0, "127.0.0.1", resolve));
    const attempt = await webSend(request((flood.address() as net.AddressInfo).port), [direct], undefined, 10_000);
    assert.deepEqual([attempt.taken, attempt.unsure, attempt.problem], [false, true, "sent, but HPE_HEADER_OVERFLOW"]);
    await new Promise((resolve) => flood.close(resolve));
  });

  test("https: an authority of one's own is trusted when it is named, and nobody else", async () => {
    assert.match((await webSend(request(secure.port, "https"), [direct], undefined)).problem, /certificate cannot be trusted/);
    assert.equal(secure.received.length, 0);
    const taken = await webSend(request(secure.port, "https"), [direct], certificate.cert.toString());
    assert.deepEqual(taken, { taken: true, problem: "" });
    const other: WebRequest = { ...request(secure.port, "https"), url: new URL(`https://wrong.localhost:${secure.port}/`) };
    const here: Route = { name: "here", connect: (_, port) => direct.connect("127.0.0.1", port) };
    assert.match((await webSend(other, [here], certificate.cert.toString())).problem, /ALTNAME/);
  });

  test("through a proxy, which sees neither address nor secret; one that refuses is told", async () => {
    const nowhere: Route = {
      name: "directly",
      connect: () => Promise.reject(Object.assign(new Error(), { code: "ENETUNREACH" })),
    };
    const environment = { HTTPS_PROXY: `http://user:pass@127.0.0.1:${proxy.port}` };
    const ways = () => [nowhere, ...routesOf(environment, true, "localhost", ["ssh"]).slice(1)];
    secure.received.length = 0;
    const attempt = await webSend(request(secure.port, "https"), ways(), certificate.cert.toString());
    assert.deepEqual(attempt, { taken: true, problem: "" });
    assert.equal(secure.received.length, 1);
    assert.deepEqual(proxy.asked, [
      { target: `localhost:${secure.port}`, login: `Basic ${Buffer.from("user:pass").toString("base64")}` },
    ]);
    proxy.refuses = true;
    const refused = await webSend(request(secure.port, "https"), ways(), undefined);
    assert.match(refused.problem, /^directly: there is no network; through the proxy 127\.0\.0\.1:\d+: the proxy answered 403$/);
    assert.equal(refused.unreachable, true);
  });
});

test("which proxy, by the variables that curl knows", () => {
  const of = (environment: Record<string, string>, host = "a.example.org") => proxyOf(environment, true, host)?.host;
  assert.equal(of({}), undefined);
  assert.equal(of({ HTTPS_PROXY: "http://p:3128" }), "p:3128");
  assert.equal(of({ https_proxy: "q:3128", HTTPS_PROXY: "http://p:3128" }), "q:3128");
  assert.equal(of({ HTTPS_PROXY: "http://p:3128", NO_PROXY: "localhost, .example.org" }), undefined);
  assert.equal(of({ HTTPS_PROXY: "http://p:3128", no_proxy: "*" }), undefined);
  assert.equal(of({ HTTPS_PROXY: "socks5://p:1" }), undefined);
  const names = (environment: Record<string, string>) => routesOf(environment, true, "h", ["ssh"]).map(({ name }) => name);
  assert.deepEqual(names({ SLURM_SUBMIT_HOST: "login1" }), ["directly", "through login1"]);
  assert.deepEqual(names({ SLURM_SUBMIT_HOST: "-oProxyCommand=x" }), ["directly"]);
});

test("a mailer elsewhere that nobody came to is unreachable, and one that refuses is not", async () => {
  const by = (script: string) =>
    mailElsewhere(Buffer.from("mail"), { PATH: "/usr/bin:/bin", SLURM_SUBMIT_HOST: "login1" }, ["/bin/sh", "-c", script, "ssh"]);
  for (const status of [126, 127, 255])
    assert.equal((await by(`cat >/dev/null; exit ${status}`))?.unreachable, true, String(status));
  const refused = await by("echo a mailer that knows of status 255 >&2; exit 67");
  assert.deepEqual(refused, {
    taken: false,
    problem: "/bin/sh ended with status 67: a mailer that knows of status 255",
  });
  assert.match((await by('echo "$@" >&2; exit 255'))?.problem ?? "", /BatchMode=yes .*ConnectTimeout=\d+ .*login1/);
  assert.equal(await mailElsewhere(Buffer.from(""), {}, ["ssh"]), undefined);
});
