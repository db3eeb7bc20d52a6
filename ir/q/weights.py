# SPDX-License-Identifier: Apache-2.0
"""Weights of quantized layers without their zero point."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def without_zero(weights: np.ndarray, zero: ArrayLike) -> np.ndarray:
    """Weights less their zero points (broadcast): int8, or int16 where the difference needs it.

    Args:
        weights: int8 or uint8 of any shape, or differences already.
        zero: integers that broadcast to the weights.
    """
    centred = weights.astype(np.int16) - np.asarray(zero, np.int16)
    small = centred.min(initial=0) >= -128 and centred.max(initial=0) <= 127
    return centred.astype(np.int8) if small else centred
