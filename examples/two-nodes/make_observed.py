"""Makes data/observed.npz, the one measurement that is inferred from."""

import numpy as np

from simulator import NOISE, READINGS, curve

if __name__ == "__main__":
    random = np.random.default_rng(20261124)
    line, wave = np.array([[0.4, -0.8]]), np.array([[1.3, 0.35]])
    readings = curve(line, wave)[0] + NOISE * random.standard_normal(READINGS)
    np.savez("data/observed.npz", curve=readings)
    print("truth: line", line[0], "wave", wave[0])
