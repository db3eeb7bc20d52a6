# SPDX-License-Identifier: Apache-2.0
"""One run of a command: what its shared options mean to the driver, and what is shown on the way.

Imported by commands when they run, never for ``--help``.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from bnnc import driver
from bnnc.ir.diagnostics import Remark
from bnnc.ir.module import Module
from bnnc.passes import find_pass, load_pass_file

from .observers import PrintIR, ShowPass, TimePasses
from .terminal import Status


@dataclass
class Session:
    """The shared options of one command.

    Attributes:
        import_options: keyword arguments of `driver.load`.
        lowering: keyword arguments of `driver.lower`.
        rest: the command's own options.
        remarks: shown on stderr at the end.
        status: the line that says what is being done.
    """

    import_options: dict[str, Any]
    lowering: dict[str, Any]
    rest: dict[str, Any]
    remarks: list[Remark] = field(default_factory=list[Remark])
    status: Status = field(default_factory=Status)

    def load(self, model: Path) -> Module:
        """Read the model."""
        self.status.show(f"reading {model}")
        return driver.load(model, **self.import_options)


@contextmanager
def session(options: Mapping[str, Any]) -> Generator[Session]:
    """Sort a command's options; show remarks and times when it ends, even by an error."""
    rest = dict(options)
    for file in rest.pop("pass_files", ()):
        load_pass_file(file)
    found = Session(_import_options(rest), {}, rest)
    observers: list[Any] = []
    times = TimePasses()
    print_all, print_some = rest.pop("print_ir_after_all", False), rest.pop("print_ir_after", ())
    for name in print_some:
        find_pass(name)
    if print_all or print_some:
        observers.append(PrintIR(None if print_all else frozenset(print_some)))
    else:
        observers.append(ShowPass(found.status))
    if rest.pop("time_passes", False):
        observers.append(times)
    for name in ("passes", "strict_sign", "check_each", "verify_each"):
        if name in rest:
            found.lowering[name] = rest.pop(name)
    found.lowering |= {"observers": observers, "remarks": found.remarks}
    try:
        with found.status:
            yield found
    finally:
        for remark in dict.fromkeys(found.remarks):
            click.echo(remark, err=True)
        times.show()


def _import_options(rest: dict[str, Any]) -> dict[str, Any]:
    names = ("input_names", "output_names", "batch")
    found = {name: rest.pop(name) for name in names if name in rest}
    for name in ("input_shapes", "set_values"):
        if name in rest:
            found[name] = dict(rest.pop(name))
    return {name: value for name, value in found.items() if value}
