// The link by which a session's program finds the agent of whoever attached last.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { agentLinkPath, aimAgentLink, hasAgentLink } from "../../../../src/session/life/agent-link.ts";

const base = fs.mkdtempSync("/tmp/fs-");
after(() => fs.rmSync(base, { recursive: true, force: true }));
function folder(name: string): string {
  const made = path.join(base, name);
  fs.mkdirSync(made);
  return made;
}
function agent(name: string): string {
  const file = path.join(base, name);
  fs.writeFileSync(file, "");
  return file;
}

test("the link is made, and aimed anew", () => {
  const session = folder("one");
  assert.ok(aimAgentLink(session, agent("first")));
  assert.equal(fs.readlinkSync(agentLinkPath(session)), path.join(base, "first"));
  assert.ok(aimAgentLink(session, agent("second")));
  assert.equal(fs.readlinkSync(agentLinkPath(session)), path.join(base, "second"));
  assert.ok(!aimAgentLink(session, path.join(base, "second")), "nothing to change");
  assert.deepEqual(fs.readdirSync(session), ["ssh-auth-sock"]);
});

test("an agent that is gone, none, or one that is no path leaves it as it is", () => {
  const session = folder("two");
  aimAgentLink(session, agent("third"));
  for (const value of [path.join(base, "gone"), undefined, "", "relative/path"]) assert.ok(!aimAgentLink(session, value));
  assert.equal(fs.readlinkSync(agentLinkPath(session)), path.join(base, "third"));
  assert.ok(!aimAgentLink(path.join(base, "no such folder"), path.join(base, "third")));
});

test("another session's link is followed to the agent; one's own never becomes a circle", () => {
  const [inner, outer] = [folder("inner"), folder("outer")];
  aimAgentLink(outer, agent("fourth"));
  assert.ok(aimAgentLink(inner, agentLinkPath(outer)));
  assert.equal(fs.readlinkSync(agentLinkPath(inner)), path.join(base, "fourth"));
  assert.ok(!aimAgentLink(inner, agentLinkPath(inner)));
  assert.equal(fs.realpathSync(agentLinkPath(inner)), path.join(base, "fourth"));
});

test("only a program that was started with an agent has one", () => {
  assert.ok(hasAgentLink({ SSH_AUTH_SOCK: "/s/x/ssh-auth-sock" }, "/s/x"));
  assert.ok(!hasAgentLink({ SSH_AUTH_SOCK: "/tmp/agent" }, "/s/x"));
  assert.ok(!hasAgentLink({}, "/s/x"));
});
