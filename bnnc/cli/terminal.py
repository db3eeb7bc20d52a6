# SPDX-License-Identifier: Apache-2.0
"""Output: tables that are plain text when piped, and a status line for long work."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

import click

if TYPE_CHECKING:
    import rich.status


def print_json(value: object) -> None:
    """Print JSON on stdout; numbers in it must be finite."""
    click.echo(json.dumps(value, indent=2, allow_nan=False))


def print_table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Collection[str] = (),
    err: bool = False,
) -> None:
    """Print rows under a heading: by rich on a terminal, else as columns of plain text.

    Args:
        head: names of the columns.
        rows: one text per column.
        right: columns that align to the right.
        err: print on stderr.
    """
    stream: TextIO = sys.stderr if err else sys.stdout
    if stream.isatty():
        _print_rich(head, rows, right, stream)
        return
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        cells = [
            text.rjust(width) if name in right else text.ljust(width)
            for name, text, width in zip(head, row, widths, strict=True)
        ]
        click.echo("  ".join(cells).rstrip(), err=err)


def _print_rich(
    head: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[str], stream: TextIO
) -> None:
    import rich.console
    import rich.markup
    import rich.table

    table = rich.table.Table(box=None, header_style="bold", pad_edge=False)
    for name in head:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(rich.markup.escape(text) for text in row))
    rich.console.Console(file=stream).print(table)


class Status:
    """A line on stderr that says what is being done; nothing where that is no terminal."""

    def __init__(self) -> None:
        self._status: rich.status.Status | None = None

    def show(self, text: str) -> None:
        """Replace the line."""
        if not sys.stderr.isatty():
            return
        if self._status is None:
            from rich.console import Console

            self._status = Console(stderr=True).status(text)
            self._status.start()
        self._status.update(text)

    def stop(self) -> None:
        """Remove the line."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def print_above(self, text: str) -> None:
        """Print text on stderr, where the line was."""
        self.stop()
        click.echo(text, err=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
