"""Plots two runs from what `falcon export --format npz` writes: python plot_two.py A.npz B.npz OUT.png"""
import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np


def losses(run):
    """The validation losses of every node by epoch: {node: (epochs, values)}."""
    ends = "/val_loss/value"
    nodes = [name[: -len(ends)] for name in run.files if name.endswith(ends)]
    return {node: (run[f"{node}/val_loss/epoch"], run[f"{node}/val_loss/value"]) for node in nodes}


def main(first, second, out):
    figure, (above, below) = plt.subplots(2, 1, figsize=(8, 6), constrained_layout=True)
    for path, style in ((first, "-"), (second, "--")):
        run = np.load(path)
        name = json.loads(str(run["meta"]))["name"]
        for node, (epochs, values) in losses(run).items():
            above.plot(epochs, values, style, label=f"{name} {node}")
        if "usage/memory" in run.files:
            when = run["usage/walltime"]
            below.plot(when - when[0], run["usage/memory"] / 1e9, style, label=name)
    above.set(xlabel="epoch", ylabel="validation loss")
    below.set(xlabel="seconds", ylabel="memory (GB)")
    above.legend()
    figure.savefig(out)


if __name__ == "__main__":
    main(*sys.argv[1:4])
