// A trainer is added with its own file and one line of the registry: the commands then know it, and nothing
// else is changed.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { build } from "esbuild";
import { TestHome } from "../../support/home.ts";
import { Installation } from "../../support/installs/installation.ts";
import { notBuilt, root } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

/** The program's server and helper, with a trainer more. */
async function bundle(entry: string, outfile: string): Promise<void> {
  const registry = path.join(root, "src/trainers/registry.ts");
  const added = path.join(root, "test/support/counting-trainer.ts");
  await build({
    ...{ absWorkingDir: root, entryPoints: [entry], outfile, bundle: true, platform: "node", format: "cjs", target: "node20" },
    external: ["node-pty", "better-sqlite3", "@resvg/resvg-js", "*.node"],
    logLevel: "silent",
    define: { "import.meta.dirname": "__dirname", "import.meta.filename": "__filename", "import.meta.url": "bundleUrl" },
    banner: { js: 'const bundleUrl = require("node:url").pathToFileURL(__filename).href;' },
    plugins: [
      {
        name: "one trainer more",
        setup({ onLoad }) {
          onLoad({ filter: /trainers\/registry\.ts$/ }, () => {
            const text = fs.readFileSync(registry, "utf8");
            const contents = text.replace("[falcon, ", "[counting, falcon, ");
            assert.notEqual(contents, text);
            const line = `import { counting } from ${JSON.stringify(added)};\n`;
            return { contents: line + contents, loader: "ts" as const, resolveDir: path.dirname(registry) };
          });
        },
      },
    ],
  });
}

describe("a trainer more", () => {
  const home = new TestHome();
  after(() => home.dispose());

  test("list, watch, show, figure, logs, events, wait, stop and doctor know it", async () => {
    const installation = new Installation(path.join(path.dirname(home.folder), "with-counting"));
    await bundle("src/server/serve.ts", path.join(installation.folder, "dist/server-program.cjs"));
    await bundle("src/server/aside-helper.ts", path.join(installation.folder, "dist/aside-program.cjs"));
    const ours = { file: installation.falcon };
    const program = path.join(home.work, "count");
    // it goes on with every line that it is given, and ends gracefully at SIGUSR1
    fs.writeFileSync(
      program,
      `#!/bin/sh
trap 'echo counted; exit 0' USR1
for loss in 0.9 0.8 0.7; do echo $loss >> count.log; done
while :; do sleep 0.1; done
`,
      { mode: 0o755 },
    );
    const id = await home.ok(["run", "-d", "--", program], ours);
    await home.ok(["wait", id, "--until", "counter.epoch >= 3 and train_loss < 0.75"], ours);
    const rows = JSON.parse(await home.ok(["sessions", "--json"], ours)) as { trainer: string; kind: string }[];
    assert.deepEqual([rows[0]?.trainer, rows[0]?.kind], ["counting", "run"]);
    assert.match(await home.ok(["sessions"], ours), /3\/1000 · train loss 0\.7 /);
    assert.match(
      await home.ok(["show", id], ours),
      /counter {2}training · epoch 3\/1000 · train loss 0\.7[\s\S]*loss of counter/,
    );
    assert.equal(await home.ok(["logs", id, "--node", "counter"], ours), "0.9\n0.8\n0.7");
    assert.match(await home.ok(["export", id, "--format", "curve-csv"], ours), /\ncounter,3,0\.7,,$/);
    assert.match(await home.ok(["export", id, "--format", "curve-svg"], ours), /<polyline[\s\S]*counter|counter[\s\S]*<polyline/);
    const { conditions } = JSON.parse((await home.run(["doctor", "--json"], ours)).stdout) as {
      conditions: { name: string; findings: { id: string }[] }[];
    };
    assert.deepEqual(
      conditions.find(({ name }) => name === "what count needs")?.findings.map(({ id }) => id),
      ["no-fingers"],
    );
    const terminal = home.terminal(["sessions", "--watch"], ours);
    await terminal.waitFor("3/1000");
    terminal.type("q");
    await terminal.waitForExit();
    await home.ok(["stop", id], ours);
    assert.match(await home.ok(["sessions"], ours), /stopped/);
    assert.match(await home.ok(["logs", id], ours), /counted/, "by its own signal");
    assert.match(await home.ok(["events", id], ours), /phase +training[\s\S]* ended /);
  });
});
