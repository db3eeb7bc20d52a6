# SPDX-License-Identifier: Apache-2.0
"""What the weights of a layer are: binary, ternary (both up to a factor per channel) or float."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

# Weights that went through a straight-through sum are off by at most one ulp (relative 1.2e-7);
# the bound leaves room for a second rounding and is far below any real spread of weights.
NOISE = 2.0**-20


@dataclass(frozen=True)
class WeightClass:
    """The verdict on one weight tensor [o, ...].

    ``signs`` are the int8 values -1, 0, +1, ``alpha`` the float32 factor per output channel (None
    when all are one), ``noisy`` how many weights differ from +-alpha by rounding noise.
    """

    kind: Literal["bit", "tern", "float"]
    reason: str
    signs: np.ndarray | None = None
    alpha: np.ndarray | None = None
    noisy: int = 0


def classify(weights: np.ndarray) -> WeightClass:
    """Classify float32 weights whose first axis is the output channel.

    Per channel all magnitudes that are not zero must agree within `NOISE`; alpha is the lower
    median of them, 0 for a channel of zeros alone. Zeros beside others make the layer ternary.
    """
    rows = np.abs(weights.reshape(weights.shape[0], -1))
    nonzero = rows > 0
    counts = nonzero.sum(axis=1)
    largest = rows.max(axis=1, initial=0.0)
    smallest = np.where(nonzero, rows, np.inf).min(axis=1, initial=np.inf)
    spread = np.where(counts > 0, largest.astype(np.float64) / smallest, 1.0)
    if not bool((spread <= 1.0 + NOISE).all()):
        worst = int(np.argmax(spread))
        distinct = np.unique(rows[worst]).size
        return WeightClass(
            "float",
            f"channel {worst} has {distinct} distinct magnitudes, the largest is "
            f"{spread[worst]:.6g} times the smallest",
        )
    ordered = np.sort(np.where(nonzero, rows, np.inf), axis=1)
    middle = np.maximum(counts - 1, 0) // 2
    median = np.take_along_axis(ordered, middle[:, None], axis=1)[:, 0]
    alpha = np.where(counts > 0, median, np.float32(0.0)).astype(np.float32)
    signs = np.sign(weights).astype(np.int8)
    noisy = int((nonzero & (rows != alpha[:, None])).sum())
    partly_zero = bool(((counts > 0) & (counts < rows.shape[1])).any())
    if partly_zero:
        zeros = int(rows.size - counts.sum())
        kind: Literal["bit", "tern"] = "tern"
        reason = f"{zeros} of {rows.size} weights are exactly zero"
    else:
        kind = "bit"
        reason = "one magnitude per channel"
        signs[signs == 0] = 1
    factors = None if bool((alpha == 1.0).all()) else alpha
    return WeightClass(kind, reason, signs, factors, noisy)
