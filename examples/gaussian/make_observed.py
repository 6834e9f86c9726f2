"""Makes data/observed.npz, the one measurement that is inferred from, and prints the exact posterior."""

import numpy as np

from simulator import NOISE, PARAMETERS, READINGS, mixture


def exact_posterior(x):
    """Mean and covariance of theta given x: prior N(0, 1), linear model, Gaussian noise."""
    matrix = mixture()
    covariance = np.linalg.inv(np.eye(PARAMETERS) + matrix.T @ matrix / NOISE**2)
    return covariance @ matrix.T @ np.asarray(x) / NOISE**2, covariance


if __name__ == "__main__":
    random = np.random.default_rng(20261124)
    truth = np.array([0.7, -1.1, 0.4])
    x = mixture() @ truth + NOISE * random.standard_normal(READINGS)
    np.savez("data/observed.npz", x=x)
    mean, covariance = exact_posterior(x)
    print("truth             ", truth)
    print("exact mean        ", mean.round(3))
    print("exact deviation   ", np.sqrt(np.diag(covariance)).round(3))
