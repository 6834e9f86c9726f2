// Scopes below the user's manager: when processes move, what systemd is asked for, and what the user is told.
// `busctl` is a fake on PATH.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import type { LogOutFacts } from "../../../src/platform/log-out.ts";
import { logOutEnds, logOutNotice, realBusctl, Scopes, shouldMove } from "../../../src/server/scope.ts";
import { until } from "../../support/events.ts";

const base = fs.mkdtempSync("/tmp/fs-");
after(() => fs.rmSync(base, { recursive: true, force: true }));

const facts = (changes: Partial<LogOutFacts> = {}): LogOutFacts => ({
  place: "user-manager",
  lingering: true,
  killsProcesses: false,
  manager: "/run/user/1/systemd/private",
  ...changes,
});
const inManager = "0::/user.slice/user-1.slice/user@1.service/app.slice/vte.scope\n";

/**
 * A busctl that writes down each call, one word a line, at once (two of them may run side by side), and
 * answers as `answer` (a piece of shell) does.
 */
function fakeBusctl(answer = "exit 0") {
  const folder = fs.mkdtempSync(path.join(base, "b-"));
  const calls = path.join(folder, "calls");
  fs.writeFileSync(calls, "");
  fs.writeFileSync(path.join(folder, "busctl"), `#!/bin/sh\nprintf '%s\\n' "$@" --- >> ${calls}\n${answer}\n`, { mode: 0o755 });
  return {
    busctl: realBusctl({ PATH: `${folder}:/usr/bin:/bin` }),
    calls: () =>
      fs
        .readFileSync(calls, "utf8")
        .split("---\n")
        .slice(0, -1)
        .map((call) => call.trimEnd().split("\n")),
  };
}

function scopes(
  bus: Pick<ReturnType<typeof fakeBusctl>, "busctl">,
  at: Partial<LogOutFacts> = {},
  groups: Record<number, string> = {},
) {
  const logged: string[] = [];
  return {
    logged,
    scopes: new Scopes({
      busctl: bus.busctl,
      facts: () => facts(at),
      log: (event, about) => logged.push(`${event} ${JSON.stringify(about)}`),
      cgroupOf: (pid) => groups[pid] ?? inManager,
      below: (pid) => (pid === 20 ? [21, 22] : []),
    }),
  };
}

test("where to move: below the manager always, out of a login unless that would be worse, never out of anything else", () => {
  assert.ok(shouldMove(facts()));
  assert.ok(shouldMove(facts({ place: "login", lingering: true })));
  assert.ok(shouldMove(facts({ place: "login", lingering: false, killsProcesses: true })));
  assert.ok(!shouldMove(facts({ place: "login", lingering: false, killsProcesses: false })));
  assert.ok(!shouldMove(facts({ place: "elsewhere" })));
  assert.ok(!shouldMove(facts({ manager: undefined })));
});

test("when a log-out ends sessions all the same", () => {
  assert.ok(!logOutEnds(facts()));
  assert.ok(logOutEnds(facts({ lingering: false })));
  assert.ok(logOutEnds(facts({ place: "login", lingering: false, killsProcesses: true })));
  assert.ok(!logOutEnds(facts({ place: "login", lingering: false, killsProcesses: false })));
  assert.ok(logOutEnds(facts({ place: "login", lingering: true, killsProcesses: true, manager: undefined })));
});

test("the server and a session with its processes get a scope each, once", async () => {
  const bus = fakeBusctl();
  const { scopes: made, logged } = scopes(bus);
  made.enterServer(10);
  made.enterSession("abc234", 20);
  made.enterSession("abc234", 20);
  await until(() => logged.length === 2, "two scopes");
  made.dispose();
  const [server, session] = bus.calls().sort((a, b) => (a.join(" ").includes("server-10") ? -1 : b ? 1 : 0));
  const head = ["--user", "--quiet", "call", "org.freedesktop.systemd1", "/org/freedesktop/systemd1"];
  assert.deepEqual(server, [
    ...head,
    ...["org.freedesktop.systemd1.Manager", "StartTransientUnit", "ssa(sv)a(sa(sv))"],
    ...["falcon-sessions-server-10.scope", "fail", "4"],
    ...["PIDs", "au", "1", "10"],
    ...["Description", "s", "falcon-sessions: session server"],
    ...["CollectMode", "s", "inactive-or-failed"],
    ...["OOMPolicy", "s", "continue", "0"],
  ]);
  assert.ok(
    session?.join(" ").includes("falcon-sessions-abc234.scope fail 4 PIDs au 3 20 21 22 Description"),
    session?.join(" "),
  );
  assert.equal(bus.calls().length, 2);
});

test("what was started meanwhile is fetched; what an earlier server put into its scope stays there", async () => {
  const bus = fakeBusctl();
  const moved = "0::/user.slice/user-1.slice/user@1.service/app.slice/falcon-sessions-abc234.scope\n";
  const groups: Record<number, string> = {};
  const { scopes: made, logged } = scopes(bus, {}, groups);
  made.enterSession("abc234", 20);
  await until(() => logged.length === 1, "the scope");
  Object.assign(groups, { 20: moved, 21: moved });
  await until(() => bus.calls().length === 2, "the second look");
  assert.deepEqual(bus.calls()[1]?.slice(-6), ["AttachProcessesToUnit", "ssau", "falcon-sessions-abc234.scope", "", "1", "22"]);

  const later = fakeBusctl();
  const adopted = scopes(later, {}, { 20: moved, 21: moved, 22: moved });
  adopted.scopes.enterSession("abc234", 20);
  adopted.scopes.enterServer(10);
  await until(() => adopted.logged.length === 1, "the server's scope");
  assert.equal(later.calls().length, 1, "only the server moved");
});

test("a systemd before 253 knows no OOMPolicy of scopes: asked again without it", async () => {
  const bus = fakeBusctl(
    'case "$*" in *OOMPolicy*) echo "Call failed: Cannot set property OOMPolicy, or unknown property." >&2; exit 1;; esac',
  );
  const { scopes: made, logged } = scopes(bus);
  made.enterServer(10);
  await until(() => logged.length === 1, "the answer");
  assert.match(logged[0] ?? "", /^scope\.entered/);
  assert.equal(bus.calls().length, 2);
  assert.ok(!bus.calls()[1]?.includes("OOMPolicy"));
});

test("a manager that refuses, and no busctl at all, are logged and nothing more", async () => {
  const refusing = scopes(fakeBusctl("echo 'Access denied' >&2; exit 1"));
  refusing.scopes.enterServer(10);
  await until(() => refusing.logged.length === 1, "the refusal");
  assert.match(refusing.logged[0] ?? "", /scope\.failed .*Access denied/);
  assert.match(await realBusctl({ PATH: "/nowhere" })(["--user"]), /busctl.*No such file/);
});

const staying: readonly [name: string, at: Partial<LogOutFacts>, told: RegExp | undefined][] = [
  [
    "outside of logins (a service, a container, a batch job)",
    { place: "elsewhere", killsProcesses: true, lingering: false },
    undefined,
  ],
  [
    "in a login that leaves processes alone, without lingering",
    { place: "login", killsProcesses: false, lingering: false },
    undefined,
  ],
  [
    "without a manager, where a log-out ends them",
    { place: "login", killsProcesses: true, lingering: false, manager: undefined },
    /enable-linger/,
  ],
  [
    "without a manager although lingering is on",
    { place: "login", killsProcesses: true, lingering: true, manager: undefined },
    /KillUserProcesses is on .*'falcon doctor'/,
  ],
  [
    "without a manager, where nothing ends them",
    { place: "login", killsProcesses: false, lingering: false, manager: undefined },
    undefined,
  ],
];
for (const [name, at, told] of staying) {
  test(`nothing moves ${name}; ${told === undefined ? "there is nothing to tell" : "that is told once"}`, async () => {
    const asked: (readonly string[])[] = [];
    const busctl = async (args: readonly string[]) => {
      asked.push(args);
      return "";
    };
    const { scopes: made, logged } = scopes({ busctl }, at);
    made.enterServer(10);
    await made.enterSession("abc234", 20);
    made.dispose();
    assert.deepEqual(asked, []);
    assert.deepEqual(logged, []);
    const home = fs.mkdtempSync(path.join(base, "h-"));
    const first = logOutNotice(home, facts(at));
    if (told === undefined) assert.equal(first, undefined);
    else assert.match(first ?? "", told);
    assert.equal(logOutNotice(home, facts(at)), undefined);
  });
}

test("the user is told once, with the command", () => {
  const home = fs.mkdtempSync(path.join(base, "h-"));
  assert.equal(logOutNotice(home, facts()), undefined);
  assert.match(logOutNotice(home, facts({ lingering: false })) ?? "", /loginctl enable-linger/);
  assert.equal(logOutNotice(home, facts({ lingering: false })), undefined);
  assert.equal(logOutNotice(path.join(home, "gone"), facts({ lingering: false })), undefined);
});
