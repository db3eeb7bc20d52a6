# SPDX-License-Identifier: Apache-2.0
"""A histogram of numbers whose range is not known beforehand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BINS = 4096


class Histogram:
    """Counts in `BINS` equal bins over -limit ... limit, which doubles as larger numbers come.

    Doubling merges bins in pairs around 0, so no count is lost and none is split. Zeros, of which
    a relu makes many, are counted apart: they are exact in all levels.

    Attributes:
        limit: half of the range, a power of two, or 0 before any number but 0.
        counts: int64 [BINS].
        zeros: how many numbers were 0.
    """

    def __init__(self) -> None:
        self.limit = 0.0
        self.counts: npt.NDArray[np.int64] = np.zeros(BINS, np.int64)
        self.zeros = 0

    @property
    def total(self) -> int:
        """How many numbers were added."""
        return int(self.counts.sum()) + self.zeros

    @property
    def centers(self) -> np.ndarray:
        """The middle of each bin, float64 [BINS]."""
        return (np.arange(BINS) + 0.5 - BINS // 2) * (2 * self.limit / BINS)

    def add(self, numbers: np.ndarray) -> None:
        """Count finite numbers of any shape."""
        x = np.asarray(numbers, np.float64).reshape(-1)
        nonzero = x[x != 0]
        self.zeros += x.size - nonzero.size
        if nonzero.size == 0:
            return
        self._reach(float(np.abs(nonzero).max()))
        places = np.floor(nonzero * (BINS / (2 * self.limit))).astype(np.int64) + BINS // 2
        self.counts += np.bincount(np.clip(places, 0, BINS - 1), minlength=BINS)

    def _reach(self, largest: float) -> None:
        if self.limit == 0:
            self.limit = float(2.0 ** np.ceil(np.log2(largest)))
        while self.limit < largest:
            half = self.counts.reshape(BINS // 2, 2).sum(axis=1)
            self.counts = np.zeros(BINS, np.int64)
            self.counts[BINS // 4 : BINS // 4 + BINS // 2] = half
            self.limit *= 2
