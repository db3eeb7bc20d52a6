# SPDX-License-Identifier: Apache-2.0
"""What calibrators know of a tensor: a running summary, never the numbers themselves."""

from __future__ import annotations

import numpy as np

from .histogram import Histogram


class Statistics:
    """Summary of all values that a tensor took.

    Attributes:
        low, high: the smallest and the largest number.
        mean_low, mean_high: exponential moving averages of the smallest and the largest number of
            each batch.
        histogram: of all numbers.
    """

    # Of an old average, as observers of quantization-aware training weigh it (Jacob et al., 2018).
    DECAY = 0.99

    def __init__(self) -> None:
        self.low = float("inf")
        self.high = float("-inf")
        self.mean_low = 0.0
        self.mean_high = 0.0
        self.histogram = Histogram()

    @property
    def empty(self) -> bool:
        """Whether nothing was added."""
        return self.histogram.total == 0

    def add(self, numbers: np.ndarray) -> None:
        """Add the values of one batch.

        Raises:
            ValueError: one of them is not finite.
        """
        if numbers.size == 0:
            return
        if not np.isfinite(numbers).all():
            raise ValueError("a value that is not finite")
        low, high = float(numbers.min()), float(numbers.max())
        if self.empty:
            self.mean_low, self.mean_high = low, high
        else:
            self.mean_low += (1 - self.DECAY) * (low - self.mean_low)
            self.mean_high += (1 - self.DECAY) * (high - self.mean_high)
        self.low, self.high = min(self.low, low), max(self.high, high)
        self.histogram.add(numbers)
