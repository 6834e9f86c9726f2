"""Records test/fixtures/runs/rounds and rounds-resumed: python record_rounds.py SOURCE [NAME ...].

SOURCE holds falcon's round_trainer.py and state_io.py (cweniger/falcon, src/falcon/core) of a version that trains in rounds; the Python
that runs this has falcon 0.5.1 or later, whose logger writes the files. RoundTrainer trains a model that only has two numbers, one a
network group, and a buffer that only has counts. What it logs is its own; the driver's and the train actor's lines around it are those of
deployed_graph.py of the same version, which needs Ray.
"""

import importlib.util
import json
import os
import shutil
import sys
import time
import types

import numpy as np

SOURCE = sys.argv[1]
FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "runs")


def newest(name):
    """A module of the newest falcon in the place of the installed one's."""
    spec = importlib.util.spec_from_file_location(f"falcon.core.{name}", os.path.join(SOURCE, f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


import falcon.core.base_estimator as base_estimator  # noqa: E402
import falcon.core.logger as logging  # noqa: E402

# the newest one's name for a nested dict of arrays
if not hasattr(base_estimator, "StateTree"):
    base_estimator.StateTree = dict
newest("state_io")
RoundTrainer = newest("round_trainer").RoundTrainer


class Stub:
    """Two numbers that each go to the round's goal: what `falcon.core.base_estimator` asks of a model."""

    def __init__(self, scenario):
        self.scenario = scenario
        self.round_config = types.SimpleNamespace(**{
            "max_rounds": None, "patience_rounds": 10, "max_epochs": 100, "patience_epochs": 16, "val_every_epochs": 1,
            "batch_size": 128, "max_cache_samples": 0, "discard_samples": True, **scenario["estimator"],
        })
        self.values, self.round, self.history, self.built = {}, 0, {}, False

    def batch_keys(self):
        return ["z", "x"]

    def groups(self):
        return self.scenario["groups"]

    def init_from_batch(self, batch):
        return {"shape": np.array([len(batch)])}

    def build(self, init):
        self.built = True
        self.values = {name: 4.0 for name in self.groups()}

    def import_state(self, name, tree):
        self.values[name] = float(tree["value"])

    def export_state(self, name):
        return {"value": np.array(self.values[name])}

    def snapshot(self, name):
        return self.values[name]

    def restore(self, name, value):
        self.values[name] = value

    def on_round_start(self):
        pass

    def on_train_start(self, batches):
        self.round = self.trainer.round

    def on_round_end(self, promoted):
        return False

    def export_proposal(self, full):
        return None

    def load_legacy(self, folder):
        return None

    def discard_mask(self, batch):
        return batch._ids % 50 == 0

    def train_step(self, batch):
        goals = self.scenario["goals"]
        for name in self.values:
            goal = goals[name][min(self.round, len(goals[name])) - 1]
            self.values[name] += 0.04 * (goal - self.values[name])
        time.sleep(self.scenario["step"])
        stop = self.scenario.get("stop_at")
        if stop is not None and (self.trainer.round, self.trainer.round_epoch) == stop and self.trainer.total_steps > 0:
            self.trainer.request_stop()
        return self.metrics()

    def evaluate(self, batch):
        return self.metrics()

    def metrics(self):
        return {metric: self.values[name] for name, metric in self.groups().items()} | {"loss": next(iter(self.values.values()))}

    def on_validation_end(self, epoch, metrics):
        return {"lr": 0.01 * 0.5 ** (epoch // 8)}


class FlowMatching(Stub):
    """What falcon.estimators.FlowMatching (#131) tells beside its trainer: the same lines, metrics and names of losses, less its networks.

    The loss of training is that of flow matching, and no negative log likelihood: not comparable with the one of validation.
    """

    def on_train_start(self, batches):
        super().on_train_start(batches)
        logging.info(f"Whitener refit on {sum(map(len, batches))} samples | logdet conditional={-self.round:.3f} marginal={-self.round / 2:.3f}")
        logging.log({"whitener:logdet_conditional": -float(self.round), "whitener:logdet_marginal": -self.round / 2})

    def train_step(self, batch):
        super().train_step(batch)
        return {"loss": 1 + self.values["conditional"] / 10, "loss_aux": 1 + self.values["marginal"] / 10}

    def evaluate(self, batch):
        nll, nll_aux = self.values["conditional"], self.values["marginal"]
        return {"loss": nll, "nll": nll, "nll_aux": nll_aux, "fm": 1 + nll / 10, "fm_aux": 1 + nll_aux / 10}

    def on_validation_end(self, epoch, metrics):
        logging.log({"lr": 3e-4})
        return {"lr": 3e-4, "val_fm": metrics["fm"]}

    def on_round_end(self, promoted):
        m_out = 0.01 / (self.round + 1)
        contracts = promoted["conditional"]
        logging.info(
            f"[mint] leak=6.33e-05 thr={-self.round:.3f} (contour {-self.round:.3f}, floor 1.000)  V=0.25 V_ess=900/65536  R=0.5 R_ess=1200"
        )
        logging.info(
            f"[ladder] m_out={m_out:.3e} vs [5.733e-07, 2.700e-03] -> {'CONTRACT' if contracts else 'EXPAND'}   "
            f"I=r{self.round:03d}(V=0.25) O=prior(V=1) stack=1"
        )
        logging.log({"ladder:m_out": m_out, "ladder:action": 1 if contracts else -1, "ladder:V_inner": 0.25, "ladder:stack": 1})
        return True


class Batch:
    def __init__(self, ids):
        self._ids = ids

    def __len__(self):
        return len(self._ids)


class Cache:
    """A round's samples: more in each round."""

    dataset_manager = types.SimpleNamespace(deactivate=types.SimpleNamespace(remote=lambda ids: None))

    def __init__(self, buffer, part):
        self.buffer, self.part, self.count = buffer, part, 0

    def refresh(self):
        self.buffer["total_length"] += 256
        self.count = int(self.buffer["total_length"] * self.part)

    def iter_batches(self, size, shuffle=False, drop_last=False):
        ids = np.arange(self.count)
        for start in range(0, self.count - size + 1 if drop_last else self.count, size):
            yield Batch(ids[start : start + size])


class Buffer:
    def __init__(self, stats):
        self.stats = stats

    def cached_loader(self, keys, max_cache_samples):
        return Cache(self.stats, 0.8)

    def cached_val_loader(self, keys, max_cache_samples):
        return Cache(self.stats, 0.2)

    def get_stats(self):
        return self.stats


SCENARIOS = {
    "rounds": {
        "what": "a Flow in rounds without an end: 1, 2 and 4 accepted, of 3 the marginal group alone, then two rejected in a row",
        "target": "falcon.estimators.Flow",
        "groups": {"conditional": "loss", "marginal": "loss_aux"},
        "estimator": {"max_epochs": 14, "patience_epochs": 4, "patience_rounds": 2},
        "goals": {"conditional": [-2, -4, 6, -6, 6, 6], "marginal": [1, 0, -1, 6, 6, 6]},
        "launches": [{}],
        "step": 0.02,
    },
    "rounds-resumed": {
        "model": FlowMatching,
        "what": "FlowMatching with a validation each third epoch: stopped in the middle of round 3, resumed, ended by max_rounds",
        "target": "falcon.estimators.FlowMatching",
        "groups": {"conditional": "nll", "marginal": "nll_aux"},
        "estimator": {"max_rounds": 5, "max_epochs": 15, "patience_epochs": 6, "val_every_epochs": 3},
        "goals": {"conditional": [-2, -4, -5, -6, 6], "marginal": [1, 0, -1, 6, 6]},
        "launches": [{"stop_at": (3, 8)}, {}],
        "step": 0.02,
    },
}

# the metrics that tests read; the others are as these
KEPT = {"epoch", "round", "n_samples", "val/loss", "val/nll", "val/nll_aux", "val/loss_aux", "round/accepted", "round/conditional/candidate",
        "train/loss", "val/fm", "ladder/m_out", "whitener/logdet_conditional"}


def launch(scenario, run, stats):
    """What DeployedGraph.launch and TrainActor.train do, less Ray."""
    config = {"local": {"enabled": True, "dir": os.path.join(run, "graph"), "buffer_size": 100}}
    driver = logging.Logger("driver", config, capture_exceptions=False)
    sampler = logging.Logger("z", config, capture_exceptions=False)
    actor = logging.Logger("z/train", config, capture_exceptions=False)
    logging.set_logger(actor)
    node = os.path.join(run, "graph", "z")
    driver.info("Output: /project/run")
    stub = scenario.get("model", Stub)(scenario)
    trainer = stub.trainer = RoundTrainer(stub)
    if os.path.exists(os.path.join(node, "best_state.npz")):
        driver.info("Loading deployed graph from: /project/run/graph")
        trainer.load(node)
    else:
        driver.info("Generating 1024 initial samples...")
    driver.info("Initial samples ready (0 loaded, 1024 generated)")
    driver.info("")
    driver.info("Starting analysis.")
    driver.info("[z/train] Training started")
    actor.info("[z/train] Training started")
    trainer.run(Buffer(stats))
    stopped = trainer.stopped
    if stopped:
        driver.info("Graceful stop requested, finishing the current round's acceptance test...")
    for logger in (actor, driver):
        logger.info(f"[z/train] Training completed (loss: {trainer.best_val_loss:.4f})")
    trainer.save(node)
    driver.info("")
    driver.info("Analysis completed.")
    driver.info(f"falcon launch {'interrupted' if stopped else 'completed'}")
    for logger in (actor, sampler, driver):
        logger.shutdown()


def record(name, scenario):
    target = os.path.join(FIXTURES, name)
    shutil.rmtree(target, ignore_errors=True)
    run = os.path.join(target, "run")
    os.makedirs(run)
    estimator = {"_target_": scenario["target"], **scenario["estimator"]}
    with open(os.path.join(run, "config.yml"), "w", encoding="utf8") as file:
        file.write("logging:\n  local:\n    enabled: true\ngraph:\n  z:\n    evidence: [x]\n    simulator:\n      _target_: falcon.priors.Product\n")
        file.write("    estimator:\n" + "".join(f"      {key}: {value}\n" for key, value in estimator.items()))
        file.write("    ray:\n      num_train_gpus: 0\n  x:\n    parents: [z]\n    simulator:\n      _target_: simulator.Model\n")
    stats = {"total_length": 1024}
    terminal = sys.stdout
    with open(os.path.join(target, "output"), "w", encoding="utf8") as sys.stdout:
        for extra in scenario["launches"]:
            launch({**scenario, **extra}, run, stats)
    sys.stdout = terminal
    modified = {}
    for folder, _, files in os.walk(run):
        for file in files:
            full = os.path.join(folder, file)
            if "/metrics/" in full and os.path.relpath(folder, run).split("/metrics/")[1] not in KEPT:
                os.remove(full)
                continue
            modified[os.path.relpath(full, run)] = os.stat(full).st_mtime * 1000
            # as of the other runs: what is in a saved network is nobody's business here
            if file.endswith("_state.npz") or file == "training_history.npz":
                open(full, "w").close()
    recorded = {
        "falcon": "cweniger/falcon#127",
        "what": scenario["what"],
        "command": ["falcon", "launch", "-o", "run", "--no-interactive"],
        "cols": 100, "rows": 30, "status": 0, "signal": None,
        "copied": int(time.time() * 1000),
        "zone": round(-time.timezone / 60),
        "modified": modified,
    }
    with open(os.path.join(target, "recorded.json"), "w", encoding="utf8") as file:
        json.dump(recorded, file, indent=2)
        file.write("\n")
    print(name)


for name, scenario in SCENARIOS.items():
    if len(sys.argv) < 3 or name in sys.argv[2:]:
        record(name, scenario)
