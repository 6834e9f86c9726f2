// In which settings a command differs from its config.yml.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { startedWith } from "../../../../src/trainers/falcon/surroundings.ts";

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "fs-started-"));
after(() => fs.rmSync(directory, { recursive: true }));
fs.writeFileSync(
  path.join(directory, "config.yml"),
  "graph:\n  theta:\n    estimator: {lr: 0.01, max_epochs: 300}\n  x: {parents: [theta]}\n",
);

const overrides = (...settings: string[]) =>
  startedWith({
    kind: "launch",
    command: ["falcon", "launch", ...settings],
    directory,
    environment: {},
    runDirectory: null,
    created: Date.now(),
    ended: null,
    facts: {},
  }).overrides;

test("a setting that the file has already is none; of several of one key the last counts", () => {
  assert.deepEqual(
    overrides("graph.theta.estimator.lr=1e-2", "graph.theta.estimator.max_epochs=9", "graph.theta.estimator.max_epochs=5"),
    [{ key: "graph.theta.estimator.max_epochs", value: "5", config: "300" }],
  );
});

test("of a map that is merged into the file's only what differs is told", () => {
  assert.deepEqual(overrides("graph.theta={estimator: {lr: 0.5, max_epochs: 300, gamma: 2}}"), [
    { key: "graph.theta.estimator.lr", value: "0.5", config: "0.01" },
    { key: "graph.theta.estimator.gamma", value: "2", config: null },
  ]);
});

test("what stands in a map's place has the whole map before it, and a value that is no YAML stands for itself", () => {
  const [graph] = overrides("graph=null");
  assert.equal(graph?.value, "null");
  assert.match(graph?.config ?? "", /"max_epochs":300/);
  assert.deepEqual(overrides("graph.x.parents=[a"), [{ key: "graph.x.parents", value: "[a", config: '["theta"]' }]);
  assert.deepEqual(overrides("new.key=1"), [{ key: "new.key", value: "1", config: null }]);
});
