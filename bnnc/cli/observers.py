# SPDX-License-Identifier: Apache-2.0
"""What the user can watch while passes run: the IR, what changes in it, times, progress."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .terminal import Status, print_table

if TYPE_CHECKING:
    from bnnc.ir.module import Module
    from bnnc.passes.base import Pass
    from bnnc.passes.manager import PassResult


class Silent:
    """An observer that does nothing; the others override what they need."""

    def before(self, pass_: Pass, module: Module) -> None:
        """The pass is about to run."""

    def after(self, pass_: Pass, module: Module, result: PassResult) -> None:
        """The pass has run."""


@dataclass(frozen=True)
class PrintIR(Silent):
    """Prints the module on stderr before and after passes.

    Headings are comments of the textual IR, so that each module can be cut out and read again.

    Attributes:
        status: the line on the terminal, which gives way.
        early: names of the passes that the module is printed before; None for all.
        late: the same for after.
    """

    status: Status
    early: Collection[str] | None = ()
    late: Collection[str] | None = ()

    def before(self, pass_: Pass, module: Module) -> None:
        """Print the module before the named passes."""
        if self.early is None or pass_.name in self.early:
            self.status.print_above(f"// before {pass_.spec()}\n{module}")

    def after(self, pass_: Pass, module: Module, result: PassResult) -> None:
        """Print the module after the named passes."""
        if self.late is None or pass_.name in self.late:
            self.status.print_above(f"// after {result.spec} ({_change(result)})\n{module}")


@dataclass
class PrintDiff(Silent):
    """Prints on stderr which lines of the text each pass has changed."""

    status: Status
    text: list[str] = field(default_factory=list[str])

    def before(self, pass_: Pass, module: Module) -> None:
        """Keep the text."""
        self.text = str(module).splitlines()

    def after(self, pass_: Pass, module: Module, result: PassResult) -> None:
        """Print the difference of the texts."""
        names = f"before {result.spec}", f"after {result.spec}"
        for line in difflib.unified_diff(self.text, str(module).splitlines(), *names, lineterm=""):
            self.status.print_above(line)


@dataclass
class TimePasses(Silent):
    """Collects the wall seconds of every pass."""

    rows: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    total: float = 0.0

    def after(self, pass_: Pass, module: Module, result: PassResult) -> None:
        """Note one pass."""
        self.rows.append((result.spec, _change(result), _milliseconds(result.seconds)))
        self.total += result.seconds

    def show(self) -> None:
        """Print the table on stderr."""
        if self.rows:
            rows = [*self.rows, ("all passes", "", _milliseconds(self.total))]
            print_table(("pass", "", "ms"), rows, right=("ms",), err=True)


@dataclass(frozen=True)
class ShowPass(Silent):
    """Shows the running pass in the status line."""

    status: Status

    def before(self, pass_: Pass, module: Module) -> None:
        """Name the pass."""
        self.status.show(f"pass {pass_.name}")


def _change(result: PassResult) -> str:
    return "changed" if result.changed else "unchanged"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.1f}"
