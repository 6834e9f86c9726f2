"""The forward model: two unknown numbers of which only the sizes are seen, with Gaussian noise."""

import numpy as np

PARAMETERS = 2
NOISE = 0.2


class Sizes:
    """x given theta: each sign is lost, so that four places explain a measurement equally well."""

    def __init__(self):
        self.random = np.random.default_rng()

    def simulate_batch(self, batch_size, theta):
        """theta of shape (batch_size, PARAMETERS) -> sizes of the same shape."""
        clean = np.abs(np.asarray(theta, dtype=float))
        return clean + NOISE * self.random.standard_normal(clean.shape)
