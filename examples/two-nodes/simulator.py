"""The forward model: sixteen readings of a straight line plus a wave, with Gaussian noise."""

import numpy as np

READINGS = 16
NOISE = 0.2
PLACE = np.linspace(-1.0, 1.0, READINGS)


def curve(line, wave):
    """The curve without noise. line (n, 2) is intercept and slope, wave (n, 2) amplitude and phase -> (n, READINGS)."""
    line, wave = np.asarray(line, dtype=float), np.asarray(wave, dtype=float)
    straight = line[:, :1] + line[:, 1:] * PLACE
    return straight + wave[:, :1] * np.sin(2 * np.pi * PLACE + wave[:, 1:])


class Curve:
    """The readings given line and wave."""

    def __init__(self):
        self.random = np.random.default_rng()

    def simulate_batch(self, batch_size, line, wave):
        clean = curve(line, wave)
        return clean + NOISE * self.random.standard_normal(clean.shape)
