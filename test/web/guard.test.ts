// The web process against those who must not get in, and against those who are in and behave badly. No
// browser is needed.
import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { parentOf } from "../../src/platform/processes.ts";
import { Access, mostGrants } from "../../src/web/access.ts";
import { patience, until, untilFile } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { PlainPage, request, startWeb, type Web } from "./web-home.ts";

const bearer = (token: string) => ({ "x-falcon-token": token });

describe("the web process", () => {
  const home = new TestHome();
  let web: Web;
  let id = "";
  let other = "";
  /** What a web page of that name would say. */
  const own = () => new URL(web.url).origin;

  before(async () => {
    id = await home.start(["sh", "-c", "echo first; stty -echo; cat"], ["--name", "one", "--size", "60x12"]);
    other = await home.start(["sh", "-c", "echo second; sleep 1000"], ["--name", "two", "--size", "60x12"]);
    web = await startWeb(home);
  });
  after(async () => {
    await web.end();
    await home.dispose();
  });

  const log = () => fs.readFileSync(path.join(home.folder, "server.log"), "utf8");
  const share = async (args: string[]) => {
    const link = await home.ok(["share", ...args]);
    return link.slice(link.indexOf("#t=") + 3);
  };

  test("the page itself needs no token, and says a policy without inline scripts, eval and frames", async () => {
    const { status, headers, body } = await request(web, "/");
    assert.equal(status, 200);
    const policy = String(headers["content-security-policy"]);
    assert.match(policy, /default-src 'none'.*script-src 'self';.*frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|\*|https?:/);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["cache-control"], "no-store");
    assert.equal(headers["x-frame-options"], "DENY");
    assert.equal(headers["referrer-policy"], "no-referrer");
    assert.equal(headers["set-cookie"], undefined);
    assert.doesNotMatch(body, /<script>|\son\w+=|https?:/);
  });

  test("nothing is told without a token, with a wrong one, or with one in a cookie or the address", async () => {
    for (const headers of [{}, bearer("A".repeat(32)), { cookie: `token=${web.token}` }]) {
      assert.equal((await request(web, `/api/facts/${id}`, { headers })).status, 401);
    }
    assert.equal((await request(web, `/api/facts/${id}?token=${web.token}`)).status, 401);
    assert.equal((await request(web, `/api/facts/${id}`, { headers: bearer(web.token) })).status, 200);
  });

  test("a name that is not this machine's own is refused: DNS rebinding", async () => {
    for (const host of ["evil.example", "localhost.evil.example:80", "127.0.0.1.evil.example", "localhost@evil.example", "x"]) {
      const { status } = await request(web, "/", { headers: { host } });
      assert.ok(status === 403 || status === 400, `${host}: ${status}`);
    }
    for (const host of ["localhost", "localhost:1234", "127.0.0.1:8765"])
      assert.equal((await request(web, "/", { headers: { host } })).status, 200, host);
    await until(() => /web\.refused why=host/.test(log()), "the refusal in server.log");
  });

  test("another site's page is refused: no POST, and no WebSocket", async () => {
    const headers = { ...bearer(web.token), origin: "https://evil.example" };
    assert.equal((await request(web, "/api/enter", { method: "POST", headers })).status, 403);
    assert.equal((await request(web, "/api/enter", { method: "POST", headers: bearer(web.token) })).status, 403, "no origin");
    const entered = await request(web, "/api/enter", {
      method: "POST",
      headers: { ...bearer(web.token), host: new URL(web.url).host, origin: own() },
    });
    assert.equal(entered.status, 200);
    for (const options of [
      { origin: "https://evil.example" },
      { origin: "null" },
      { host: "evil.example", origin: "http://evil.example" },
    ]) {
      const page = new PlainPage(web, options);
      await until(() => page.failed, "the refusal");
      assert.match(page.failed ?? "", /403/);
    }
    // another port of this machine is another origin, as every other forwarded application has
    const neighbour = new PlainPage(web, { origin: "http://127.0.0.1:1" });
    await until(() => neighbour.failed, "the refusal of another port");
  });

  test("a refused WebSocket that is reset ends nothing else", async () => {
    const { port } = new URL(web.url);
    const refused = [
      "GET /ws HTTP/1.1\r\nHost: evil.example",
      "GET /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1",
    ];
    for (const head of refused) {
      const socket = net.connect(Number(port), "127.0.0.1");
      await once(socket, "connect");
      socket.write(`${head}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
      await once(socket, "data");
      socket.resetAndDestroy();
      assert.equal((await request(web, "/")).status, 200, head);
    }
    assert.equal(web.process.exitCode, null);
  });

  test("a WebSocket says a token first, or is let go of", async () => {
    const silent = new PlainPage(web, { token: null });
    const wrong = new PlainPage(web, { token: "B".repeat(32) });
    const early = new PlainPage(web, { token: null });
    early.socket.on("open", () => early.say({ do: "runs" }));
    assert.equal((await wrong.end()).code, 1008);
    assert.equal((await early.end()).code, 1008);
    assert.equal((await silent.end()).code, 1008, "after five seconds");
    for (const page of [silent, wrong, early]) assert.equal(page.messages.length, 0);
  });

  test("no path of a request leads to a file, and no folder is listed", async () => {
    const paths = [
      "/../package.json",
      "/..%2f..%2fetc/passwd",
      "/%2e%2e/%2e%2e/etc/passwd",
      "//etc/passwd",
      "/web/",
      "/dist",
      "/index.html",
      "/page.js/../../web.cjs",
      "/api/",
      "/api/facts/..%2f..%2f",
      "/api/facts/--help",
      `/api/export/${id}/..%2fcast`,
      `/api/export/${id}/__proto__`,
      "http://evil.example/",
    ];
    for (const target of paths) {
      const { status, body } = await request(web, target, { headers: bearer(web.token) });
      assert.ok([404, 400].includes(status), `${target}: ${status}`);
      assert.ok(body.length < 100, target);
    }
  });

  test("every download is an attachment that is not sniffed", async () => {
    for (const format of ["svg", "html", "text"]) {
      const { status, headers } = await request(web, `/api/export/${id}/${format}`, { headers: bearer(web.token) });
      assert.equal(status, 200, format);
      assert.match(String(headers["content-disposition"]), new RegExp(`^attachment; filename="${id}\\.`));
      assert.equal(headers["x-content-type-options"], "nosniff");
      assert.match(String(headers["content-security-policy"]), /default-src 'none'/);
    }
  });

  test("a pattern that takes too long is told as that, and is no defect of ours", async () => {
    const long = await home.start(["sh", "-c", `echo ${"a".repeat(60)}; sleep 1000`]);
    await until(async () => (await home.ok(["logs", long])).includes("aaa"), "its line");
    const { body } = await request(web, `/api/lines/${long}?find=${encodeURIComponent("(a+)+x$")}`, {
      headers: bearer(web.token),
    });
    assert.match(body, /this pattern takes too long on some line; write it without/);
    assert.doesNotMatch(body, /"again"/);
    assert.doesNotMatch(log(), /command\.crashed/);
    await home.ok(["kill", long, "--signal", "KILL"]);
  });

  test("a download that another session server breaks off does not end as a whole one does", async () => {
    const said = path.join(home.work, "said");
    const long = await home.start(["sh", "-c", `seq 1 3000000; touch ${said}; sleep 1000`], ["--size", "60x12"]);
    await until(() => fs.existsSync(said), "all of it", 60_000);
    const { port } = new URL(web.url);
    const headers = { host: `127.0.0.1:${port || 80}`, ...bearer(web.token) };
    const asked = http.get({ ...web.place, path: `/api/export/${long}/text`, headers });
    const [response] = (await once(asked, "response")) as [http.IncomingMessage];
    assert.equal(response.statusCode, 200);
    // a browser on a slow way has taken some of it
    await once(response, "readable");
    const server = home.serverPid();
    const brokenOff = assert.rejects(once(response, "end"), /aborted/);
    await home.ok(["server", "upgrade"]);
    await home.nextServer(server);
    response.resume();
    await brokenOff;
    await home.ok(["kill", long, "--signal", "KILL"]);
  });

  test("messages that are too long, not understood or too many end their connection alone", async () => {
    const bystander = new PlainPage(web);
    await bystander.heard("welcome");
    const large = new PlainPage(web);
    await large.heard("welcome");
    large.socket.send("x".repeat(65_537));
    assert.equal((await large.end()).code, 1009);
    for (const text of ["{", "null", "[]", '{"do":"nothing"}', '{"do":"attach","id":"--help","cols":80,"rows":24}']) {
      const page = new PlainPage(web);
      await page.heard("welcome");
      page.socket.send(text);
      assert.equal((await page.end()).code, 1008, text);
    }
    const many = new PlainPage(web);
    await many.heard("welcome");
    for (let i = 0; i < 5_000; i++) many.say({ do: "ping" });
    assert.match((await many.end()).reason, /too many/);
    const huge = new PlainPage(web);
    await huge.heard("welcome");
    huge.say({ do: "attach", id, cols: 1e9, rows: -1, type: false, takeOver: false });
    assert.match((await huge.end()).reason, /size/);
    bystander.say({ do: "ping" });
    await bystander.heard("pong");
    assert.equal(bystander.closed, undefined);
    bystander.socket.close();
  });

  test("a browser that takes nothing is not read for, and the program is not slowed", async () => {
    const count = path.join(home.work, "count");
    const flood = await home.start([
      "sh",
      "-c",
      `i=0; while [ $i -lt 20000 ]; do echo "line $i of a flood that nobody reads ........................................"; i=$((i+1)); done; echo $i > ${count}; sleep 1000`,
    ]);
    const slow = new PlainPage(web);
    await slow.heard("welcome");
    slow.draws = false;
    slow.say({ do: "attach", id: flood, cols: 80, rows: 24, type: false, takeOver: false });
    await until(() => fs.existsSync(count), "the program to be through");
    const before = slow.bytes;
    assert.ok(before < 2 << 20, `${before} bytes were sent to who took none`);
    // it takes again, and sees the present
    slow.draws = true;
    slow.say({ do: "taken", n: 1, bytes: 1e9 });
    await until(() => slow.text.includes("line 19999 of"), "the present");
    slow.socket.close();
    await home.ok(["kill", flood]);
  });

  test("who looks cannot type: a read-only terminal, a link, and one that asks for the keys", async () => {
    const looks = new PlainPage(web);
    await looks.heard("welcome");
    looks.say({ do: "attach", id, cols: 60, rows: 12, type: false, takeOver: false });
    await until(() => looks.text.includes("first"), "the screen");
    looks.socket.send(Buffer.from("typed by who looks\n"));
    assert.match((await looks.end()).reason, /only looks/);
    const token = await share([id]);
    const link = new PlainPage(web, { token });
    assert.equal((await link.heard("welcome")).role, "link");
    link.say({ do: "attach", id, cols: 60, rows: 12, type: true, takeOver: true });
    assert.match((await link.end()).reason, /only looks/);
    const types = new PlainPage(web);
    await types.heard("welcome");
    types.say({ do: "attach", id, cols: 60, rows: 12, type: true, takeOver: false });
    await until(() => types.text.includes("first"), "the screen");
    types.socket.send(Buffer.from("typed by the owner\r"));
    await until(() => types.text.includes("typed by the owner"), "what was typed");
    assert.doesNotMatch(types.text, /who looks/);
    await until(() => /web\.typed .*session=/.test(log()), "the take-over in server.log");
    types.socket.close();
  });

  test("a link shows its run alone, without command, paths and environment", async () => {
    const token = await share([id, "--name", "for the group"]);
    const facts = await request(web, `/api/facts/${id}`, { headers: bearer(token) });
    assert.equal(facts.status, 200);
    assert.doesNotMatch(facts.body, /stty|\/tmp\/|PATH|directory|command/);
    for (const what of [`facts/${other}`, `lines/${other}`, `export/${other}/text`, `curves/${other}`, `span/${other}`])
      assert.equal((await request(web, `/api/${what}`, { headers: bearer(token) })).status, 404, what);
    for (const what of [`config/${id}`, `export/${id}/cast`, `export/${id}/html`, `export/${id}/svg`])
      assert.equal((await request(web, `/api/${what}`, { headers: bearer(token) })).status, 404, what);
    for (const message of [
      { do: "runs" },
      { do: "run", id: other },
      { do: "attach", id: other, cols: 80, rows: 24, type: false, takeOver: false },
      { do: "replay", id: other, cols: 80, rows: 24, at: 0, speed: 1 },
    ] as const) {
      const page = new PlainPage(web, { token });
      await page.heard("welcome");
      page.say(message);
      assert.match((await page.end()).reason, /another run|one run/, message.do);
      assert.equal(page.bytes, 0);
    }
    const page = new PlainPage(web, { token });
    await page.heard("welcome");
    page.say({ do: "run", id });
    const told = await page.heard("run");
    assert.equal(told.row?.id, id);
    assert.equal(told.row?.host, "");
    page.socket.close();
  });

  test("a link that asks for what is not there is told so without a path", async () => {
    const lost = await home.start(["sh", "-c", "echo third; sleep 1000"], ["--size", "60x12"]);
    const token = await share([lost]);
    // a holder that is asked for its socket meanwhile makes the folder again
    const program = (await home.sessions()).find(({ id }) => id === lost)?.pid as number;
    const holder = parentOf(program) as number;
    process.kill(holder, "SIGSTOP");
    fs.rmSync(path.join(home.folder, "s", lost), { recursive: true });
    const asked = ["lines/ID", "lines/ID?find=x", "curves/ID", "beside/ID", "span/ID", "export/ID/text", "export/ID/curve-csv"];
    let names = 0;
    for (const what of asked) {
      const target = `/api/${what.replace("ID", lost)}`;
      if ((await request(web, target, { headers: bearer(web.token) })).body.includes(home.folder)) names++;
      const { body } = await request(web, target, { headers: bearer(token) });
      assert.doesNotMatch(body, /\/tmp\/|director/, target);
    }
    assert.ok(names > 0, "none of these names a path to the owner either");
    const page = new PlainPage(web, { token });
    await page.heard("welcome");
    page.say({ do: "replay", id: lost, cols: 60, rows: 12, at: 0, speed: 1 });
    const closed = await until(
      () => page.messages.find((message) => message.is === "terminal" && message.state === "closed"),
      "the end of the terminal",
    );
    assert.doesNotMatch(JSON.stringify(closed), /\/tmp\/|director/);
    page.socket.close();
    process.kill(holder, "SIGCONT");
    await home.ok(["kill", lost, "--signal", "KILL"]);
  });

  test("a revoked link ends at once, for whoever looks through it too", async () => {
    const token = await share([id, "--name", "goes"]);
    const page = new PlainPage(web, { token });
    await page.heard("welcome");
    assert.match(await home.ok(["share", "--list"]), /goes/);
    await home.ok(["share", "--revoke", "goes"]);
    assert.match((await page.end()).reason, /not valid any more/);
    assert.equal((await request(web, `/api/facts/${id}`, { headers: bearer(token) })).status, 401);
    assert.doesNotMatch(await home.ok(["share", "--list"]), /goes/);
    assert.match(log(), /web\.unshared .*name=goes/);
  });

  test("a link that is over lets nobody in, and sends out who is in", async () => {
    // on a busy machine a link may be over before its page is let in
    const { token, page } = await until(async () => {
      const token = await share([id, "--for", "2s"]);
      const page = new PlainPage(web, { token });
      const welcomed = () => page.messages.some(({ is }) => is === "welcome");
      await until(() => welcomed() || page.closed, "an answer");
      return welcomed() && { token, page };
    }, "a page to be let in");
    assert.match((await page.end()).reason, /not valid any more/);
    assert.equal((await request(web, `/api/facts/${id}`, { headers: bearer(token) })).status, 401);
  });

  test("a link for one use is the first browser's; replayed, it lets nobody in", async () => {
    const token = await share([id, "--once"]);
    assert.equal((await request(web, `/api/facts/${id}`, { headers: bearer(token) })).status, 401, "it opens nothing by itself");
    const enter = () =>
      request(web, "/api/enter", { method: "POST", headers: { ...bearer(token), host: new URL(web.url).host, origin: own() } });
    const first = await enter();
    assert.equal(first.status, 200);
    const { token: exchanged } = JSON.parse(first.body) as { token: string };
    assert.notEqual(exchanged, token);
    assert.equal((await enter()).status, 401);
    const replayed = new PlainPage(web, { token });
    assert.equal((await replayed.end()).code, 1008);
    const page = new PlainPage(web, { token: exchanged });
    assert.equal((await page.heard("welcome")).role, "link");
    page.socket.close();
  });

  test("tokens have 192 bits, and are on disk as hashes that only the owner reads", async () => {
    assert.ok(Buffer.from(web.token, "base64url").length >= 16);
    const folder = path.join(home.folder, "web");
    assert.equal(fs.statSync(folder).mode & 0o077, 0);
    for (const name of fs.readdirSync(folder)) {
      assert.equal(fs.statSync(path.join(folder, name)).mode & 0o077, 0, name);
      assert.ok(!fs.readFileSync(path.join(folder, name), "utf8").includes(web.token), name);
    }
    assert.ok(!log().includes(web.token));
  });

  test("a half request and a thousand connections keep nobody else out for long", async () => {
    const { port } = new URL(web.url);
    const sockets = Array.from({ length: 600 }, () => {
      const socket = net.connect(Number(port), "127.0.0.1", () => socket.write("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "));
      socket.on("error", () => {});
      return socket;
    });
    // beyond the limit they are let go of; the others when their head does not come
    await until(
      () => sockets.filter((socket) => socket.destroyed || socket.readableEnded).length >= 80,
      "the connections beyond the limit to end",
    );
    for (const socket of sockets) socket.destroy();
    await until(async () => (await request(web, "/").catch(() => undefined))?.status === 200, "the page");
  });

  test("falcon web --forget lets nobody in any more, and wrong tokens are not tried for ever", async () => {
    const page = new PlainPage(web);
    await page.heard("welcome");
    await home.ok(["web", "--forget"]);
    assert.match((await page.end()).reason, /not valid any more/);
    let status = 0;
    for (let i = 0; i < 80 && status !== 429; i++)
      status = (await request(web, `/api/facts/${id}`, { headers: bearer("C".repeat(32)) })).status;
    assert.equal(status, 429);
  });
});

describe("where the web process listens", () => {
  const home = new TestHome();
  after(() => home.dispose());

  test("by default on a Unix socket that is the owner's alone; it prints the line for ssh, and a second one prints a link", async () => {
    const web = await startWeb(home, []);
    const socket = path.join(home.folder, "web.sock");
    assert.ok(web.said.includes(`-L 127.0.0.1:8765:${socket} `), web.said);
    assert.equal(fs.statSync(socket).mode & 0o077, 0);
    assert.equal((await request(web, "/")).status, 200);
    const second = await home.ok(["web"]);
    assert.match(second, /runs already/);
    const token = /#t=(\S+)/.exec(second)?.[1] ?? "";
    const page = new PlainPage(web, { token });
    assert.equal((await page.heard("welcome")).role, "owner");
    page.socket.close();
    await web.end("SIGKILL");
    // what was left is replaced
    const next = await startWeb(home, []);
    assert.equal((await request(next, "/")).status, 200);
    await next.end();
    assert.equal(fs.existsSync(socket), false);
  });

  const notRoot = process.getuid?.() !== 0 && "only root can become another user";
  test("a user without a name, as in a container, is told the line for ssh with the number", { skip: notRoot }, async () => {
    const nameless = 54_321;
    const theirs = new TestHome({}, { user: nameless });
    const web = await startWeb(theirs, []);
    assert.match(web.said, new RegExp(`ssh -N -L \\S+ ${nameless}@`));
    assert.equal((await request(web, "/")).status, 200);
    await web.end();
    assert.equal(web.process.exitCode, 0);
    await theirs.dispose();
  });

  test("--open leaves no file with the link, of a page that is ended at once and of one that runs already", async () => {
    const [programs, temporary] = ["programs", "temporary"].map((name) => path.join(home.work, name)) as [string, string];
    for (const folder of [programs, temporary]) fs.mkdirSync(folder);
    const opened = path.join(home.work, "opened");
    const opener = path.join(programs, "xdg-open");
    fs.writeFileSync(opener, `#!/bin/sh\ncat "$1" >> ${opened}\n`, { mode: 0o755 });
    const env = { TMPDIR: temporary, PATH: `${programs}:${home.env.PATH}` };
    const web = await startWeb(home, ["--listen", "0", "--open"], env);
    await untilFile(opened, (text) => text.includes(`url=${web.url}#t=`));
    fs.writeFileSync(opener, "#!/bin/sh\nexit 127\n");
    const second = await home.ok(["web", "--listen", "0", "--open"], { env });
    assert.match(second, /runs already/);
    assert.match(second, /There is no xdg-open here: open http/);
    await web.end();
    const left = () => fs.readdirSync(temporary);
    // a browser has half a minute to read it
    await until(
      () => left().length === 0,
      () => `the end of ${left().join(" ")}`,
      2 * patience,
    );
  });

  test("an address that others reach needs a certificate, and bad settings get one sentence", async () => {
    for (const [args, words] of [
      [["--listen", "0.0.0.0:8765"], /needs a certificate/],
      [["--listen", "[::]:0"], /needs a certificate/],
      [["--listen", "here"], /give unix, a port, or ADDRESS:PORT/],
      [["--listen", "99999"], /give unix, a port/],
      [["--open"], /opens no Unix socket/],
      [["--behind-proxy"], /--origin/],
      [["--origin", "ftp://x"], /scheme, host and port/],
      [["--base-path", "node"], /slash at both ends/],
      [["--tls-cert", "a"], /belong together/],
    ] as const) {
      const { code, stderr, stdout } = await home.run(["web", ...args]);
      assert.equal(code, 2, stdout);
      assert.match(stderr, words);
      assert.equal(stderr.trim().split("\n").length, 1, stderr);
    }
    const broken = await home.run(["web", "--listen", "127.0.0.1:0", "--tls-cert", "none.pem", "--tls-key", "none.pem"]);
    assert.equal(broken.code, 125);
    assert.match(broken.stderr, /none\.pem cannot be read/);
    const pem = path.join(home.work, "no.pem");
    fs.writeFileSync(pem, "no certificate");
    const none = await home.run(["web", "--listen", "127.0.0.1:0", "--tls-cert", pem, "--tls-key", pem]);
    assert.equal(none.code, 125);
    assert.match(none.stderr, /^falcon: \S+no\.pem and \S+no\.pem are no certificate and its key in PEM \(.*\)\n$/);
  });

  test("where there are as many tokens as there may be, it is said how to let go of them", async () => {
    const access = new Access(home.folder, Date.now);
    const wanted = { kind: "owner", name: "owner", session: null, life: 60_000, once: false } as const;
    while (access.list().length < mostGrants) access.grant(wanted);
    const { code, stderr } = await home.run(["web", "--listen", "0"]);
    assert.equal(code, 125);
    assert.match(stderr, /limit: revoke links \(falcon share --list\), or let go of all with 'falcon web --forget'\n$/);
  });
});
