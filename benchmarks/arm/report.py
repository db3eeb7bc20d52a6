# SPDX-License-Identifier: Apache-2.0
"""What every report on ARM is given, and what it gives back."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .toolchain import TARGET, version

COMPILERS = dict(zip(("gcc", "clang"), TARGET.compilers, strict=False))


@dataclass
class Report:
    """One run of a report.

    Attributes:
        work: an empty folder.
        names: rows to print, by part of their names; empty for all.
        compiler: the only one to use, ``gcc`` or ``clang``; None for those that are installed.
        missed: bounds that were missed, a line for each; not empty makes the command exit with 1.
    """

    work: Path
    names: tuple[str, ...] = ()
    compiler: str | None = None
    missed: list[str] = field(default_factory=list[str])

    def compilers(self) -> Iterator[tuple[str, str]]:
        """Name and command of each compiler to use."""
        for name, command in COMPILERS.items():
            if self.compiler in (None, name) and shutil.which(command.split()[0]):
                yield name, command

    def wants(self, row: object) -> bool:
        """Whether a row is to be printed."""
        return not self.names or any(name in str(row) for name in self.names)

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
