# SPDX-License-Identifier: Apache-2.0
"""Inputs for random networks."""

from __future__ import annotations

import numpy as np

from bnnc.ir import Module
from tests.backends.networks import random_inputs

_SPECIAL = np.array(
    [0.0, -0.0, 1e-45, -1e-40, 1.17549435e-38, 3.4e38, -3.4e38, np.inf, -np.inf, np.nan, 1e20],
    np.float32,
)


def ordinary(module: Module) -> list[dict[str, np.ndarray]]:
    """Two samples: normal numbers, and numbers on a grid, which often meet a bound exactly."""
    smooth, coarse = random_inputs(module, seed=1), random_inputs(module, seed=2)
    return [smooth, {k: np.round(v * 4) / np.float32(4) for k, v in coarse.items()}]


def special(module: Module) -> dict[str, np.ndarray]:
    """Zeros of both signs, denormals, huge numbers, infinities and NaN among normal numbers."""
    rng = np.random.default_rng(3)
    found = random_inputs(module, seed=3)
    for array in found.values():
        where = rng.random(array.shape) < 0.1
        array[where] = rng.choice(_SPECIAL, int(where.sum()))
    return found
