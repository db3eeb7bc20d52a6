# SPDX-License-Identifier: Apache-2.0
"""One run of a command: what its shared options mean to the driver, and what is shown on the way.

Imported by commands when they run, never for ``--help``.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from bnnc import driver
from bnnc.ir.diagnostics import Remark
from bnnc.ir.module import Module
from bnnc.passes import find_pass, load_pass_file
from bnnc.quantization import quantization_of

from .dump_folder import DumpFolder
from .observers import PrintDiff, PrintIR, ShowPass, Silent, TimePasses
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
    times = TimePasses()
    observers = [ShowPass(found.status), *_observers(rest, found.status)]
    if rest.pop("time_passes", False):
        observers.append(times)
    for name in ("passes", "strict_sign", "check_each", "verify_each"):
        if name in rest:
            found.lowering[name] = rest.pop(name)
    if "quantize" in rest:
        found.lowering |= _quantization(rest, found.status)
    found.lowering |= {"observers": observers, "remarks": found.remarks}
    try:
        with found.status:
            yield found
    finally:
        for remark in dict.fromkeys(found.remarks):
            click.echo(remark, err=True)
        times.show()


def _quantization(rest: dict[str, Any], status: Status) -> dict[str, Any]:
    names = (
        *("quantize", "calibrate", "calibrator", "keep_float", "io"),
        *("equalize", "bias_correction"),
    )
    found = {name: rest.pop(name) for name in names}
    quantization_of(**found)  # complain before anything is read

    def tell(done: int, count: int) -> None:
        status.show(f"calibrating: {done} of {count} samples")

    return found | {
        "calibrate_progress": tell,
        "calibrate_map": dict(rest.get("mapping", ())),
    }


def _observers(rest: dict[str, Any], status: Status) -> list[Silent]:
    """Take the options that show the IR out of `rest`; what they stand for."""
    found: list[Silent] = []
    printed: dict[str, Collection[str] | None] = {}
    for when, key in (("before", "early"), ("after", "late")):
        names: Sequence[str] = rest.pop(f"print_ir_{when}", ())
        for name in names:
            find_pass(name)
        printed[key] = None if rest.pop(f"print_ir_{when}_all", False) else names
    if any(names is None or names for names in printed.values()):
        found.append(PrintIR(status, **printed))
    if rest.pop("print_ir_diff", False):
        found.append(PrintDiff(status))
    folder: Path | None = rest.pop("dump_dir", None)
    if folder is not None:
        found.append(DumpFolder(folder))
    return found


def _import_options(rest: dict[str, Any]) -> dict[str, Any]:
    names = ("input_names", "output_names", "batch", "signature")
    found = {name: rest.pop(name) for name in names if name in rest}
    for name in ("input_shapes", "set_values"):
        if name in rest:
            found[name] = dict(rest.pop(name))
    return {name: value for name, value in found.items() if value}
