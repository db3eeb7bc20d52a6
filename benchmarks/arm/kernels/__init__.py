# SPDX-License-Identifier: Apache-2.0
"""Kernels by themselves: instructions, and cycles of a model.

Every module of this package is a part of the report, in the order of their names. It has a
docstring that says what its columns are, and a function ``report(run)`` that prints them with the
methods of `benchmarks.arm.report.Report`, `at_most` and `at_least` for what has a goal.
"""

from __future__ import annotations

import importlib
import pkgutil

from ..report import Report


def report(run: Report) -> None:
    """Print the tables of all kinds of kernels."""
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        importlib.import_module(f"{__name__}.{module}").report(run)
