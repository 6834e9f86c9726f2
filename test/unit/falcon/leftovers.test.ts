// Which processes are Ray's: command lines as the real one has them, and others that stay.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rayProcess, rayProcesses } from "../../../src/trainers/falcon/leftovers.ts";

const lib = "/venv/lib/python3.11/site-packages/ray";

/** Of Ray 2.60, as ps shows them while examples/gaussian runs. */
const ray: [string[], string][] = [
  [[`${lib}/core/src/ray/gcs/gcs_server`, "--log_dir=/tmp/ray/session_1/logs", "--config_list=eyJ"], "gcs_server"],
  [[`${lib}/core/src/ray/raylet/raylet`, "--raylet_socket_name=/tmp/ray/session_1/sockets/raylet"], "raylet"],
  [["/venv/bin/python3", "-u", `${lib}/_private/log_monitor.py`, "--session-dir=/tmp/ray/session_1"], "log_monitor"],
  [["/venv/bin/python3", "-u", `${lib}/autoscaler/_private/monitor.py`, "--logs-dir=/tmp/ray/session_1/logs"], "monitor"],
  [["/venv/bin/python3", `${lib}/dashboard/dashboard.py`, "--host=127.0.0.1", "--port=8265"], "dashboard"],
  [["/venv/bin/python3", "-u", `${lib}/dashboard/agent.py`, "--node-id=4726"], "agent"],
  [["/venv/bin/python3", "-u", `${lib}/_private/runtime_env/agent/main.py`, "--node-id=4726"], "ray"],
  [["/venv/bin/python3", `${lib}/_private/workers/default_worker.py`, "--node-ip-address=127.0.0.1"], "default_worker"],
  [["ray::NodeWrapper"], "worker ray::NodeWrapper"],
  [["ray::IDLE"], "worker ray::IDLE"],
  [["ray::NodeWrapper.train() extra"], "worker ray::NodeWrapper.train()"],
];

const others = [
  [],
  [""],
  ["/venv/bin/python3", "/venv/bin/falcon", "launch", "-o", "ray"],
  ["python3", "stray.py", "raylet"],
  ["tensorboard", "--logdir", "/home/u/ray/results"],
  ["vim", "ray.py"],
  ["/usr/bin/sleep", "1000"],
];

test("every process that Ray starts is known by its command line", () => {
  for (const [words, what] of ray) assert.equal(rayProcess(words), what, words.join(" "));
});

test("everything else is left alone", () => {
  for (const words of others) assert.equal(rayProcess(words), undefined, words.join(" "));
});

test("of many processes those of Ray; one that is gone meanwhile is none", () => {
  const lines = new Map([...ray.map(([words]) => words), ...others].map((words, i) => [100 + i, words]));
  const found = rayProcesses([...lines.keys(), 9999], (pid) => lines.get(pid) ?? []);
  assert.deepEqual(
    found,
    ray.map(([, what], i) => ({ pid: 100 + i, what })),
  );
  assert.deepEqual(rayProcesses([process.pid]), [], "this test is none");
});
