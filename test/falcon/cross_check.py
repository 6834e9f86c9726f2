"""What `falcon sessions --json` must say of a finished run, computed from its files with numpy alone: python cross_check.py RUN DIRECTORY.

RUN is the run directory as it was named, DIRECTORY the working directory of the run. Nothing of falcon-sessions is used here: losses,
learning rates, samples and epochs come from the arrays of the metrics, times and states from the logs, plans from config.yml.
"""

import glob
import json
import os
import re
import sys
import time
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import yaml

run = os.path.realpath(os.path.join(sys.argv[2], sys.argv[1]))
graph = os.path.join(run, "graph")


def seconds(line):
    """Local time of a log line, seconds since 1970."""
    return time.mktime(time.strptime(line[:19], "%Y-%m-%dT%H:%M:%S"))


def lines(node):
    with open(os.path.join(graph, node, "output.log"), encoding="utf8") as file:
        return file.read().splitlines()


def metric(node, name):
    """All entries of a metric in the order of their chunks."""
    files = sorted(glob.glob(os.path.join(graph, glob.escape(node), "metrics", name, "chunk_*.npz")))
    chunks = [np.load(file) for file in files]
    return {key: np.concatenate([chunk[key] for chunk in chunks]) for key in ("step", "value", "walltime")}


def logged(value):
    """A number as falcon's log has it: four digits."""
    return float(f"{value:.3e}")


def short(value):
    """Three significant digits, as falcon-sessions shows numbers: a tie such as -2.125 goes away from zero (ECMA-262, Number.prototype.toPrecision),
    where Python's own formats would take the even digit."""
    exact = Decimal(float(value))
    digits = exact.quantize(Decimal(1).scaleb(exact.adjusted() - 2), ROUND_HALF_UP) if exact else exact
    if value != 0 and (abs(value) < 0.001 or abs(value) >= 100_000):
        mantissa, exponent = f"{digits:.2e}".split("e")
        return f"{mantissa}e{int(exponent):+d}"
    # where digits were left out all three are said: -1.005 is "-1.00", and only -1 is "-1"
    if float(digits) != float(value) and digits.as_tuple().exponent < 0:
        return str(digits.quantize(Decimal(1).scaleb(digits.adjusted() - 2)))
    return f"{float(digits):g}"


def stretches(values, count):
    """Means of `count` equal stretches."""
    if len(values) <= count:
        return [float(v) for v in values]
    bounds = np.arange(count + 1) * len(values) // count
    return [float(np.mean(values[a:b])) for a, b in zip(bounds[:-1], bounds[1:])]


def usual(times):
    """The rhythm of signs of life: median of the last 30 gaps (the upper one of two), or their mean where the median is 0."""
    gaps = np.diff(times)[-30:]
    if len(gaps) < 3:
        return None
    median = float(np.sort(gaps)[len(gaps) // 2])
    return median if median > 0 else float(np.mean(gaps))


def idle(name):
    keys = "epoch epochs epochsBefore fraction loss validationLoss bestValidationLoss epochsSinceBest samples steps learningRate"
    keys += " epochsPerMinute longestEpoch timeLeft rhythm error patience"
    return {"name": name, "status": "idle", "trend": [], "nonFinite": [], "lastNonFinite": [], "unit": "epoch", "round": None, "stalled": False, **{key: None for key in keys.split()}}


def trained(name, estimator):
    # falcon 0.4 has the numbers of its loop in a group of their own
    estimator = {**estimator, **estimator.get("loop", {})}
    log = lines(name)
    epochs = metric(name, "epoch")
    validation = metric(name, "val/loss")["value"]
    training = metric(name, "train/loss")
    count = len(epochs["value"])
    assert len(validation) == count, "one validation loss an epoch"
    # an epoch's steps are those that were written before its validation loss
    ends = metric(name, "val/loss")["walltime"]
    last = training["value"][training["walltime"] > ends[-2]] if count > 1 else training["value"]
    losses = np.array([logged(v) for v in validation])
    best = int(np.argmin(losses))
    times = np.array([seconds(line) for line in log if re.search(r"\] Epoch \d+/", line)])
    assert len(times) == count, "one line an epoch"
    window = min(60, count)
    span = times[-1] - times[-window]
    planned = int(estimator["max_epochs"])
    before = int(epochs["value"][0]) - 1
    errors = [line for line in log if re.match(r"\S{19} \[(ERROR|CRITICAL)\]", line)]
    return {
        "name": name,
        "status": "done" if any(f"[{name}] Training completed" in line for line in log) else "stopped",
        "epoch": int(epochs["value"][-1]),
        "epochs": planned,
        "patience": estimator.get("early_stop_patience"),
        "epochsBefore": before,
        "fraction": min(1.0, (int(epochs["value"][-1]) - before) / planned),
        "loss": logged(np.mean(last)),
        "validationLoss": float(losses[-1]),
        "bestValidationLoss": float(losses[best]),
        "epochsSinceBest": count - 1 - best,
        "nonFinite": [], "lastNonFinite": [], "unit": "epoch", "round": None,
        "trend": stretches(losses, 40),
        "samples": int(metric(name, "n_samples")["value"][-1]),
        "steps": len(training["value"]),
        "learningRate": logged(metric(name, "lr")["value"][-1]),
        "epochsPerMinute": float((window - 1) * 60 / span) if span > 0 else None,
        "longestEpoch": float(np.max(np.diff(times))) if count > 1 else None,
        "timeLeft": None,
        "rhythm": usual(times),
        "stalled": False,
        "error": errors[-1].split("] ", 1)[1] if errors else None,
    }


def modified(path):
    return os.stat(path).st_mtime * 1000


def with_log(node):
    name = node["name"]
    log = os.path.join(graph, name, "output.log")
    files = [log] if os.path.exists(log) else []
    return {**node, "logged": bool(files), "lastSign": max(map(modified, files), default=None)}


with open(os.path.join(run, "config.yml"), encoding="utf8") as file:
    config = yaml.safe_load(file)

nodes = []
for name, node in config["graph"].items():
    estimator = node.get("estimator")
    nodes.append(with_log(trained(name, estimator) if estimator else idle(name)))

driver = lines("driver")
start = max(i for i, line in enumerate(driver) if re.search(r"\] Output: \S", line))
launches = sum(1 for line in driver if re.search(r"\] Output: \S", line))
outcome = [line for line in driver[start:] if "] falcon launch " in line][-1]
rulers = [i for i, line in enumerate(driver) if line.endswith("] " + "=" * 60)]
summary = [line.split("] ", 1)[1] for line in driver[rulers[-2] + 1 : rulers[-1]]]
appended = [
    (seconds(line), *map(int, found.groups()))
    for line in lines("dataset")
    if (found := re.search(r"\] Appended \d+ samples \| total=(\d+) train=(\d+) val=(\d+)$", line))
]
recent = appended[-60:]
busy = [node for node in nodes if node["status"] != "idle"]
rhythms = [node["rhythm"] for node in busy if node["status"] == "training" and node["rhythm"] is not None]
word = re.search(r"falcon launch (\w+)", outcome).group(1)


def result(node):
    label = f"{node['name']} " if len(busy) > 1 else ""
    return f"{label}{node['epoch']}/{node['epochs'] + node['epochsBefore']}, best val loss {short(node['bestValidationLoss'])}"


progress = {
    "directory": run,
    "name": os.path.basename(run),
    "graph": graph,
    "phase": word,
    "stopping": False,
    "timedOut": False,
    "saved": all(any(os.path.exists(os.path.join(graph, node["name"], file)) for file in ("model.pth", "conditional_flow.pth")) for node in busy)
    and any(line.endswith("] Analysis completed.") for line in driver[start:]),
    "resumed": launches > 1,
    "localLogs": bool(config["logging"]["local"]["enabled"]),
    "started": int(seconds(driver[start])) * 1000,
    "ended": int(seconds(outcome)) * 1000,
    "nodes": nodes,
    "samples": dict(zip(("total", "training", "validation"), appended[-1][1:])),
    "samplesPerMinute": (recent[-1][1] - recent[0][1]) * 60 / (recent[-1][0] - recent[0][0]) if len(recent) > 1 else None,
    "fraction": float(np.mean([1.0 if node["status"] == "done" else node["fraction"] for node in busy])),
    "timeLeft": None,
    "lastSign": max(modified(file) for file in glob.glob(os.path.join(glob.escape(graph), "*", "output.log"))),
    "rhythm": min(rhythms) if rhythms else usual([entry[0] for entry in appended]),
    "stalled": False,
    "failure": None,
    "problem": None,
    "summary": f"{word} · " + "; ".join(map(result, busy)),
}

# what falcon itself says at the end, against the arrays
own = {}
for line in summary:
    found = re.match(r"\s*(.+): (\w+) \| (\d+)/(\d+) epochs \| loss=(\S+) \| (\d+) sims$", line)
    if found:
        own[found.group(1)] = [found.group(2), int(found.group(3)), int(found.group(4)), float(found.group(5)), int(found.group(6))]
totals = {entry[1] for entry in appended}
for node in busy:
    said = [node["status"], node["epoch"], node["epochs"], float(f"{node['validationLoss']:.4g}")]
    *rest, sims = own[node["name"]]
    assert rest == said, f"falcon's own summary: {rest}, its files: {said}"
    # falcon asks the buffer for its total twice an epoch, first for the metric, then for the summary (estimators/stepwise_base.py of 0.5.1):
    # samples that come in between are in the second answer alone
    later = {total for total in totals if total > node["samples"]}
    assert sims == node["samples"] or sims in later, f"falcon's own summary: {sims} sims, its files: {node['samples']}, later {sorted(later)}"

def since_best(epochs):
    return {0: "the last one", 1: "1 epoch ago"}.get(epochs, f"{epochs} epochs ago")


shown = []
for node in busy:
    rate = node["epochsPerMinute"]
    # what the product calls long (presentation/summary.ts)
    long = max(20, 0.25 * (node["epoch"] - node["epochsBefore"]))
    shown.append(
        f"  {node['name']}  {node['status']} · epoch {node['epoch']}/{node['epochs'] + node['epochsBefore']}"
        f" · train loss {short(node['loss'])} · val loss {short(node['validationLoss'])}"
        f" · best {short(node['bestValidationLoss'])} ({since_best(node['epochsSinceBest'])})"
        + (f" · no better for {node['epochsSinceBest']} epochs" if node["epochsSinceBest"] >= long else "")
        + f" · {node['samples']} samples · learning rate {short(node['learningRate'])}"
        + (f" · {short(rate)} epochs/min" if rate is not None else "")
    )

json.dump({"progress": progress, "summary": summary, "shown": shown}, sys.stdout)
