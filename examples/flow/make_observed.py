"""Makes data/observed.npz, the one measurement that is inferred from, and prints where the posterior is."""

import numpy as np

from simulator import NOISE, PARAMETERS

if __name__ == "__main__":
    random = np.random.default_rng(20261127)
    truth = np.array([1.5, -0.9])
    x = np.abs(truth) + NOISE * random.standard_normal(PARAMETERS)
    np.savez("data/observed.npz", x=x)
    print("truth   ", truth)
    print("modes at", [[float(round(a * x[0], 2)), float(round(b * x[1], 2))] for a in (1, -1) for b in (1, -1)])
