// --behind-proxy as Open OnDemand's portal has it: a real Apache with its rules of /node, /secure-node and
// /secure-rnode (ood-portal.conf), which take Authorization away. Its own Lua where FALCON_ONDEMAND names a
// folder of mod_ood_proxy, else the same in a few lines.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../support/events.ts";
import { freePort } from "../support/free-port.ts";
import { TestHome } from "../support/home.ts";
import { tool } from "../support/installs/foreign.ts";
import { certificateIn, noCertificates } from "../support/machines/receivers.ts";
import { noBrowser, startWeb, TestBrowser, type Web } from "./web-home.ts";

const apache = tool("apache2", "httpd");
const modules = "/usr/lib/apache2/modules";
const skip =
  apache === undefined || !fs.existsSync(modules)
    ? "there is no Apache here (Debian: apt-get install apache2-bin)"
    : noBrowser || noCertificates;

/** The portal's session: mod_auth_openidc has one in a cookie, too. */
const login = { name: "portal", value: "in", domain: "localhost", path: "/" };
const loggedIn = {
  cookies: [{ ...login, expires: -1, httpOnly: true, secure: false, sameSite: "Lax" as const }],
  origins: [],
};

/** What set_reverse_proxy of mod_ood_proxy does with a request. */
const handler = `function node_proxy_handler(r)
  local secure = r.subprocess_env['OOD_SECURE_UPSTREAM'] == '1'
  local plain = r.headers_in['Upgrade'] and 'ws' or 'http'
  r.handler = 'proxy:' .. plain .. (secure and 's' or '') .. '://' .. r.subprocess_env['MATCH_HOST'] .. ':' .. r.subprocess_env['MATCH_PORT']
  r.filename = r.subprocess_env['MATCH_URI'] or r.uri
  return apache2.DECLINED
end
`;

/** A portal's configuration, on this port. */
function portal(folder: string, port: number): string {
  const lua = process.env.FALCON_ONDEMAND;
  const place = (name: string, secure: boolean, relative: boolean) => `
  <LocationMatch "^/${name}/(?<host>[\\w.-]+)/(?<port>\\d+)${relative ? "(?<uri>/.*|)" : ""}">
    ${secure ? "SetEnv OOD_SECURE_UPSTREAM 1" : ""}
    Require expr "%{HTTP_COOKIE} =~ /portal=in/"
    RequestHeader unset Authorization
    Header edit Location "^([^/]+//[^/]+)|(?=/)|^([\\./]{1,}(?<!/))" "/${name}/%{MATCH_HOST}e/%{MATCH_PORT}e"
    Header edit* Set-Cookie ";\\s*(?i)Domain[^;]*" ""
    LuaHookFixups node_proxy.lua node_proxy_handler
  </LocationMatch>`;
  const loaded = ["mpm_event", "authz_core", "env", "headers", "lua"];
  return `${[...loaded, "proxy", "proxy_http", "proxy_wstunnel", "socache_shmcb", "ssl"]
    .map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`)
    .join("\n")}
ServerRoot ${folder}
ServerName localhost
Listen 127.0.0.1:${port}
PidFile ${folder}/pid
DefaultRuntimeDir ${folder}
Mutex file:${folder}
ErrorLog ${folder}/error.log
SSLProxyEngine On
SSLProxyVerify none
SSLProxyCheckPeerName off
SSLProxyCheckPeerCN off
LuaRoot ${lua === undefined ? folder : path.join(lua, "lib")}
SetEnv OOD_USER_MAP_MATCH .*
SetEnv OOD_USER_ENV PORTAL_USER
SetEnv PORTAL_USER me
${place("node", false, false)}${place("secure-node", true, false)}${place("secure-rnode", true, true)}
`;
}

describe("behind Open OnDemand's portal", { skip }, () => {
  const home = new TestHome();
  const folder = path.join(home.work, "portal");
  let origin = "";
  let id = "";
  let stop = async () => {};

  before(async () => {
    fs.mkdirSync(folder);
    const port = await freePort();
    origin = `http://localhost:${port}`;
    fs.writeFileSync(path.join(folder, "node_proxy.lua"), handler);
    fs.writeFileSync(path.join(folder, "apache.conf"), portal(folder, port));
    // its workers are another user's where it is started by root
    for (const one of [path.dirname(home.work), home.work, folder]) fs.chmodSync(one, 0o755);
    id = await home.start(["sh", "-c", "echo behind; stty -echo; cat"], ["--size", "60x12"]);
    const child = spawn(apache as string, ["-DFOREGROUND", "-f", path.join(folder, "apache.conf")], { stdio: "ignore" });
    stop = async () => {
      if (child.kill("SIGTERM")) await once(child, "exit");
    };
    await until(
      () =>
        fetch(origin).then(
          () => true,
          () => false,
        ),
      "Apache",
    );
  });
  after(async () => {
    await stop();
    await home.dispose();
  });

  for (const [name, secure] of [
    ["node", false],
    ["secure-node", true],
    ["secure-rnode", true],
  ] as const) {
    test(`below /${name} the page is whole, live and read-only`, async () => {
      const port = await freePort();
      const base = `/${name}/localhost/${port}/`;
      const { file } = certificateIn(home.work);
      const tls = secure ? ["--tls-cert", file, "--tls-key", path.join(home.work, "key.pem")] : [];
      const options = ["--listen", `127.0.0.1:${port}`, ...tls, "--behind-proxy", "--origin", origin, "--base-path", base];
      const web: Web = await startWeb(home, options);
      const browser = await TestBrowser.start();
      try {
        assert.equal((await fetch(`${origin}${base}`)).status, 403, "the portal's own login");
        const page = await browser.open(`${origin}${base}#t=${web.token}`, { storageState: loggedIn });
        await page.waitForSelector("html[data-connection=connected]");
        const go = (hash: string) =>
          page.evaluate((to) => {
            location.hash = to;
          }, hash);
        await go(`#/run/${id}/terminal`);
        await until(async () => /behind/.test((await page.textContent(".xterm-rows").catch(() => "")) ?? ""), "the terminal");
        assert.equal(await page.getByRole("button", { name: "Type", exact: true }).isVisible(), false);
        // what is asked by requests: their token is in no header that the portal takes away
        await go(`#/run/${id}/log`);
        await until(async () => /behind/.test((await page.textContent(".view.log").catch(() => "")) ?? ""), "the log");
        assert.deepEqual(browser.errors, []);
      } finally {
        await browser.close();
        await web.end();
      }
    });
  }
});
