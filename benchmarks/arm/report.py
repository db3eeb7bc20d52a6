# SPDX-License-Identifier: Apache-2.0
"""What every report on ARM is given, and what it gives back."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .bounds import Bound
from .toolchain import TARGET, version

COMPILERS = dict(zip(("gcc", "clang"), TARGET.compilers, strict=False))


def name_of(command: str) -> str:
    """The name of a compiler, given its command."""
    return next(name for name, found in COMPILERS.items() if found == command)


@dataclass
class Report:
    """One run of a report.

    Attributes:
        work: an empty folder.
        names: rows to print, by part of their names; empty for all.
        compiler: the only one to use, ``gcc`` or ``clang``; None for those that are installed.
        bounds: goals and what was found; one that is missed makes the command exit with 1.
    """

    work: Path
    names: tuple[str, ...] = ()
    compiler: str | None = None
    bounds: list[Bound] = field(default_factory=list[Bound])

    def compilers(self) -> Iterator[tuple[str, str]]:
        """Name and command of each compiler to use."""
        for name, command in COMPILERS.items():
            if self.compiler in (None, name) and shutil.which(command.split()[0]):
                yield name, command

    def wants(self, row: object) -> bool:
        """Whether a row is to be printed."""
        return not self.names or any(name in str(row) for name in self.names)

    def at_most(self, what: str, value: float, goal: float, note: str = "") -> None:
        """Note a value that must not exceed its goal, and why it would, where that is known."""
        self.bounds.append(Bound(what, value, goal, least=False, note=note))

    def at_least(self, what: str, value: float, goal: float) -> None:
        """Note a value that must reach its goal."""
        self.bounds.append(Bound(what, value, goal, least=True))

    def heading(self, compiler: str) -> None:
        """Say which compiler the following lines are about."""
        self.text(f"\n{version(compiler)}; {' '.join(TARGET.cflags)}\n")

    def text(self, line: str) -> None:
        """Print a line."""
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    def row(self, *columns: object) -> None:
        """Print a line of a table: the first column to the left, the others to the right."""
        first, *rest = (f"{c:.2f}" if isinstance(c, float) else str(c) for c in columns)
        self.text(f"{first:<28}" + "".join(f"{c:>14}" for c in rest))
