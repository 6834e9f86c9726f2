"""The forward model: ten readings, each a fixed mixture of three unknown numbers, with Gaussian noise."""

import numpy as np

READINGS = 10
PARAMETERS = 3
NOISE = 0.5


def mixture() -> np.ndarray:
    """The known matrix A of x = A theta + noise, shape (READINGS, PARAMETERS)."""
    place = np.linspace(-1.0, 1.0, READINGS)
    return np.stack([np.ones(READINGS), place, np.cos(np.pi * place)], axis=1)


class Readings:
    """x given theta."""

    def __init__(self):
        self.matrix = mixture()
        self.random = np.random.default_rng()

    def simulate_batch(self, batch_size, theta):
        """theta of shape (batch_size, PARAMETERS) -> readings of shape (batch_size, READINGS)."""
        clean = np.asarray(theta, dtype=float) @ self.matrix.T
        return clean + NOISE * self.random.standard_normal(clean.shape)
