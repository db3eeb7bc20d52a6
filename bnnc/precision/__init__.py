# SPDX-License-Identifier: Apache-2.0
"""Which layers of a network are bytes and which stay in float: what each costs, and the choice."""

from __future__ import annotations

from .accuracy import Evaluation
from .budget import Budget, choose, parse_budget
from .mixtures import Mixtures
from .noise import NoiseFigures, measure_noise
from .report import QuantizationReport, report_on

__all__ = [
    "Budget",
    "Evaluation",
    "Mixtures",
    "NoiseFigures",
    "QuantizationReport",
    "choose",
    "measure_noise",
    "parse_budget",
    "report_on",
]
