# SPDX-License-Identifier: Apache-2.0
"""Goals of the reports, and what was found beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Bound:
    """A goal and what was found.

    Attributes:
        what: the row and the figure.
        value: as found.
        goal: the value must not be on the wrong side of it.
        least: whether the goal is the least value that will do, else it is the most.
        note: why the goal cannot be met, where that is known.
    """

    what: str
    value: float
    goal: float
    least: bool
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether the value is as wanted."""
        return self.value >= self.goal if self.least else self.value <= self.goal

    def __str__(self) -> str:
        verdict = "met" if self.met else "MISSED"
        line = f"{self.what:<68}{self.value:>9.2f} {'>=' if self.least else '<='}{self.goal:>7.2f}"
        return f"{line}  {verdict}" + (f": {self.note}" if self.note and not self.met else "")


def summary(bounds: Sequence[Bound]) -> str:
    """All bounds, a line for each, those that were missed last, and how many they are."""
    missed = [bound for bound in bounds if not bound.met]
    lines = [*(b for b in bounds if b.met), *missed]
    count = f"{len(bounds)} bounds: {len(bounds) - len(missed)} met, {len(missed)} missed"
    return "\n".join(["Bounds", "", *map(str, lines), "", count, ""])
