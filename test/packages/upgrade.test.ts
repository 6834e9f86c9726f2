// From every released version to this one while sessions run, and back: nothing that runs notices.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, describe, test } from "node:test";
import { alive } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { Installation } from "../support/installs/installation.ts";
import { builtTree, lacking, released } from "../support/installs/released.ts";
import { root } from "../support/paths.ts";

function command(cwd: string, file: string, ...args: string[]): string {
  const done = spawnSync(file, args, { cwd, encoding: "utf8", maxBuffer: 64 << 20 });
  assert.equal(done.status, 0, `${file} ${args.join(" ")}: ${done.error ?? ""}${done.stdout}${done.stderr}`);
  return done.stdout;
}

/** Why a clone of this repository cannot be at that commit. */
function notInClone(commit: string): string | false {
  return spawnSync("git", ["merge-base", "--is-ancestor", commit, "HEAD"], { cwd: root }).status === 0
    ? false
    : `this clone's history does not reach back to ${commit}`;
}

for (const { version, commit } of released)
  describe(`from ${version} (${commit.slice(0, 7)})`, { skip: lacking(commit) ?? false }, () => {
    const home = new TestHome();
    const folder = path.join(path.dirname(home.folder), "environments");
    after(() => home.dispose());

    /** The released program where a person has it. */
    const old = (name: string) => {
      const place = path.join(folder, name);
      fs.cpSync(builtTree(commit), place, {
        recursive: true,
        verbatimSymlinks: true,
        filter: (file) => !/node_modules$/.test(file),
      });
      fs.symlinkSync(path.join(builtTree(commit), "node_modules"), path.join(place, "node_modules"));
      return path.join(place, "native/build/Release/falcon");
    };
    const echo = ["sh", "-c", "echo begun; while read -r x; do echo got $x; done"];
    const serverOf = () => fs.readFileSync(`/proc/${home.serverPid()}/cmdline`, "utf8");

    /** Types into the session through a viewer of this program. */
    const answers = async (file: string, id: string, word: string) => {
      const viewer = home.terminal(["attach", id], { file });
      await viewer.waitFor("begun");
      viewer.type(`${word}\r`);
      await viewer.waitFor(`got ${word}`);
      viewer.key("C-\\");
      assert.equal((await viewer.waitForExit()).code, 0);
    };

    test("beside it, as npm and pip install: a newer client brings its server, which serves the old client too; and back", async () => {
      const before = old("beside");
      const id = await home.start(echo, [], { file: before });
      const { pid } = await home.untilState(id, "running");
      const now = new Installation(path.join(folder, "new"));
      now.setVersion("0.9.9");
      assert.match(await home.ok(["sessions"], { file: now.falcon }), new RegExp(id));
      assert.match(serverOf(), new RegExp(`${folder}/new/`));
      await answers(now.falcon, id, "once");
      await answers(before, id, "twice"); // the old client is served by the new server
      assert.ok(alive(pid as number));
      // and back
      const next = await home.start(echo, [], { file: now.falcon });
      await home.ok(["server", "stop"], { file: now.falcon });
      assert.match(await home.ok(["sessions"], { file: before }), new RegExp(id));
      assert.match(serverOf(), new RegExp(`${folder}/beside/`));
      await answers(before, id, "thrice");
      await answers(before, next, "here");
      await home.ok(["server", "stop"], { file: before });
      await answers(now.falcon, next, "again");
      assert.ok(alive(pid as number));
    });

    test("in its place, as `git pull && npm ci`: the folder is replaced under the running server", async () => {
      await home.run(["server", "stop"]);
      const before = old("place");
      const id = await home.start(echo, [], { file: before });
      const { pid } = await home.untilState(id, "running");
      assert.match(serverOf(), new RegExp(`${folder}/place/`));
      // its screens' worker runs: that version tried no worker again that could not start while the folder
      // was being replaced
      await answers(before, id, "before");
      fs.rmSync(path.join(folder, "place"), { recursive: true });
      const now = new Installation(path.join(folder, "place"));
      assert.match(await home.ok(["sessions"], { file: now.falcon }), new RegExp(id));
      const next = await home.start(echo, [], { file: now.falcon });
      await answers(now.falcon, next, "new");
      await home.ok(["server", "upgrade"], { file: now.falcon });
      await answers(now.falcon, id, "old");
      await answers(now.falcon, next, "newer");
      assert.ok(alive(pid as number));
    });

    test("by `git pull && npm ci` in a clone whose origin moved, and back", { skip: notInClone(commit) }, async () => {
      await home.run(["server", "stop"]);
      const origin = path.join(folder, "origin.git");
      const place = path.join(folder, "clone");
      const file = path.join(place, "native/build/Release/falcon");
      command(root, "git", "clone", "--quiet", "--bare", "--shared", root, origin);
      const move = (to: string) => command(origin, "git", "update-ref", "refs/heads/main", to);
      move(commit);
      command(folder, "git", "clone", "--quiet", "--branch", "main", origin, place);
      const built = () => {
        for (const name of ["node_modules", "dist", "native/build"]) {
          fs.rmSync(path.join(place, name), { recursive: true, force: true });
          fs.cpSync(path.join(builtTree(commit), name), path.join(place, name), { recursive: true, verbatimSymlinks: true });
        }
      };
      built(); // what its `npm ci` made when the tree came into the cache
      const id = await home.start(echo, [], { file });
      const { pid } = await home.untilState(id, "running");
      assert.match(serverOf(), new RegExp(`${folder}/clone/`));
      await answers(file, id, "before");
      move(command(root, "git", "rev-parse", "HEAD").trim());
      command(place, "git", "pull", "--quiet");
      // the database for an old Node, which is compiled for minutes where it is not there
      const older = path.join("older-node", "node_modules");
      if (fs.existsSync(path.join(root, older)))
        fs.cpSync(path.join(root, older), path.join(place, older), { recursive: true, verbatimSymlinks: true });
      command(place, "npm", "ci");
      await answers(file, id, "pulled");
      const next = await home.start(echo, [], { file });
      await home.ok(["server", "upgrade"], { file });
      await answers(file, id, "upgraded");
      await answers(file, next, "new");
      // and back; `npm ci` would compile for minutes what the cache has
      await home.ok(["server", "stop"], { file });
      command(place, "git", "reset", "--quiet", "--hard", commit);
      if (process.env.FALCON_TEST_LONG === "1") command(place, "npm", "ci");
      else built();
      await answers(file, id, "downgraded");
      await answers(file, next, "as well");
      assert.ok(alive(pid as number));
      await home.run(["server", "stop"], { file });
    });

    test("by npm install -g of the package, and back by that of the old folder", async () => {
      await home.run(["server", "stop"]);
      old("global");
      const prefix = path.join(folder, "prefix");
      const file = path.join(prefix, "bin/falcon");
      const npm = (...args: string[]) => {
        const done = spawnSync("npm", args, { cwd: root, encoding: "utf8", maxBuffer: 64 << 20 });
        assert.equal(done.status, 0, `npm ${args.join(" ")}: ${done.stdout}${done.stderr}`);
        return done.stdout;
      };
      const install = (what: string) => npm("install", "-g", "--prefix", prefix, "--install-links=false", what);
      const packed = path.join(root, "build", /build\/(\S+\.tgz)/.exec(npm("run", "--silent", "build:npm"))?.[1] as string);
      install(path.join(folder, "global"));
      const id = await home.start(echo, [], { file });
      const { pid } = await home.untilState(id, "running");
      assert.match(serverOf(), new RegExp(`${folder}/global/`));
      await answers(file, id, "before");
      install(packed);
      await answers(file, id, "upgraded");
      await home.ok(["server", "upgrade"], { file });
      assert.match(serverOf(), new RegExp(`${prefix}/lib/`));
      await answers(file, id, "served");
      // and back
      await home.ok(["server", "stop"], { file });
      install(path.join(folder, "global"));
      await answers(file, id, "downgraded");
      assert.match(serverOf(), new RegExp(`${folder}/global/`));
      assert.ok(alive(pid as number));
    });
  });
