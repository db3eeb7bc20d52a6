# SPDX-License-Identifier: Apache-2.0
"""What the user can watch while passes run: the IR after each, the time of each, progress."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from .terminal import Status, print_table

if TYPE_CHECKING:
    from bnnc.ir.module import Module
    from bnnc.passes.base import Pass
    from bnnc.passes.manager import PassResult


@dataclass(frozen=True)
class PrintIR:
    """Prints the module on stderr after the named passes, or after all (None)."""

    names: frozenset[str] | None

    def before(self, pass_: Pass, module: Module) -> None:
        """Nothing is printed before a pass."""

    def after(self, pass_: Pass, module: Module, result: PassResult) -> None:
        """Print the module, with a heading that text IR reads as a comment."""
        if self.names is None or pass_.name in self.names:
            change = "changed" if result.changed else "unchanged"
            click.echo(f"// after {result.spec} ({change})\n{module}", err=True)


@dataclass
class TimePasses:
    """Collects the wall seconds of every pass."""

    rows: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])

    def before(self, pass_: Pass, module: Module) -> None:
        """The manager measures."""

    def after(self, pass_: Pass, module: Module, result: PassResult) -> None:
        """Note one pass."""
        change = "yes" if result.changed else "no"
        self.rows.append((result.spec, change, f"{result.seconds * 1e3:.1f}"))

    def show(self) -> None:
        """Print the table on stderr."""
        if self.rows:
            print_table(("pass", "changed", "ms"), self.rows, right=("ms",), err=True)


@dataclass(frozen=True)
class ShowPass:
    """Shows the running pass in the status line."""

    status: Status

    def before(self, pass_: Pass, module: Module) -> None:
        """Name the pass."""
        self.status.show(f"pass {pass_.name}")

    def after(self, pass_: Pass, module: Module, result: PassResult) -> None:
        """The next pass or the end of the command replaces the line."""
