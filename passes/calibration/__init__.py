# SPDX-License-Identifier: Apache-2.0
"""Calibration: which range of numbers each tensor takes on given data, as 8-bit levels."""

from __future__ import annotations

from .affine import LEVELS, AffineLevels, levels_of
from .calibrators import CALIBRATORS, Calibrator, find_calibrator
from .histogram import Histogram
from .observation import observe
from .statistics import Statistics

__all__ = [
    "CALIBRATORS",
    "LEVELS",
    "AffineLevels",
    "Calibrator",
    "Histogram",
    "Statistics",
    "find_calibrator",
    "levels_of",
    "observe",
]
