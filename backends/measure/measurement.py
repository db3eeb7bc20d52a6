# SPDX-License-Identifier: Apache-2.0
"""Measuring a folder that ``bnnc compile`` wrote: by a clock, or by an emulator that counts."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from bnnc.ir.diagnostics import UsageError

from ..emit import Layer
from ..target import Target
from ..toolchain import emulator_of
from .counting import Interval, counted, require_counting
from .cycles import CPUS, modelled_cycles
from .program import Program, layer_marks, program_in
from .timing import Times, layer_times, run_times

Unit: TypeAlias = Literal["seconds", "instructions"]
# Functions of the driver, not of the network.
_DRIVER = ("main", "require")


@dataclass(frozen=True)
class Row:
    """What one operation costs.

    Attributes:
        name: of the layer in the source model.
        op: the operation.
        kernel: symbol of the function that is called.
        best: in the measurement's unit; of a time the least one.
        median: of all runs; of a count the same.
        cycles: modelled, by processor.
    """

    name: str
    op: str
    kernel: str
    best: float
    median: float
    cycles: dict[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True)
class Measurement:
    """What one run of a network costs.

    Attributes:
        model: its name.
        target: what it is compiled for.
        unit: of all figures.
        how: which clock or emulator they are from.
        compiler: the command.
        best: one run; of times the least of several rounds, each the mean of many runs.
        median: of the rounds.
        worst: of the rounds.
        rounds: how many.
        runs: how many runs a round has.
        layers: in order of execution; empty where they were not asked for.
        modelled_by: the tool and version whose cycles the layers have; empty without.
    """

    model: str
    target: str
    unit: Unit
    how: str
    compiler: str
    best: float
    median: float
    worst: float
    rounds: int
    runs: int
    layers: tuple[Row, ...] = ()
    modelled_by: str = ""


def measure_folder(
    out: Path,
    target: Target,
    *,
    layers: bool = False,
    compiler: str | None = None,
    threads: int = 0,
) -> Measurement:
    """Measure a compiled network; the folder is left as it is.

    On a machine of the target the program is timed. Where the target needs an emulator, executed
    instructions are counted: exactly, and the same everywhere for one compiler.

    Args:
        out: a folder of ``bnnc compile``.
        target: its target.
        layers: measure every layer too, by a build with a call between layers.
        compiler: this one instead of the target's.
        threads: run with so many; 0 for the thread that runs the program, without a pool.

    Raises:
        TargetError: compiler or emulator are missing or cannot do it.
        UsageError: the target is not the one that the folder is compiled for.
    """
    emulator = emulator_of(target)
    if emulator:
        require_counting(emulator)
        if threads > 1:
            raise UsageError("instructions are counted for one thread")
    with tempfile.TemporaryDirectory(prefix="bnnc-bench-") as folder:
        work = Path(folder)
        program = program_in(out, target, work, compiler, threads)
        if program.manifest.target != target.name:
            raise UsageError(f"{out} is compiled for target '{program.manifest.target}'")
        if emulator:
            return _count(program, work, layers=layers)
        return _time(program, work, layers=layers)


def _time(program: Program, work: Path, *, layers: bool) -> Measurement:
    found = run_times(program)
    rows: list[Row] = []
    if layers:
        times = layer_times(program, work, found.runs)
        rows = [_row(layer, times.get(layer.index)) for layer in _executed(program)]
    return Measurement(
        program.manifest.name,
        program.target.name,
        "seconds",
        f"{_clock(program)}, {len(found.rounds)} rounds",
        program.compiler,
        found.best,
        found.median,
        max(found.rounds),
        len(found.rounds),
        found.runs,
        tuple(rows),
    )


def _clock(program: Program) -> str:
    if not program.threads:
        return "processor time of this machine"
    return f"wall time of this machine with {program.threads} threads"


def _row(layer: Layer, times: Times | None) -> Row:
    best, median = (times.best, times.median) if times else (0.0, 0.0)
    return Row(layer.name, layer.op, layer.kernel or "", best, median)


def _executed(program: Program) -> list[Layer]:
    """Operations that are calls, not other views of the same bytes."""
    return [layer for layer in program.manifest.layers if layer.kernel is not None]


def _count(program: Program, work: Path, *, layers: bool) -> Measurement:
    target = program.target
    version = require_counting(target.emulator)
    plain = program.arguments(program.folder / program.manifest.name, 2)
    begin, hook = program.marks
    (whole,) = counted(target.emulator, plain, (begin,), work, stop=2)
    total = float(whole.without(_DRIVER).instructions)
    rows: tuple[Row, ...] = ()
    modelled_by = ""
    if layers:
        hooked = program.arguments(program.hooked(("COUNTED",)), 2)
        intervals = counted(target.emulator, hooked, (begin, hook), work, stop=2)
        rows, modelled_by = _counted_rows(program, intervals)
    return Measurement(
        program.manifest.name,
        target.name,
        "instructions",
        f"counted by {version}",
        program.compiler,
        total,
        total,
        total,
        1,
        1,
        rows,
        modelled_by,
    )


def _counted_rows(program: Program, intervals: list[Interval]) -> tuple[tuple[Row, ...], str]:
    of_layer: dict[int, Interval] = {}
    for index, interval in zip(layer_marks(program), intervals, strict=False):
        own = interval.without((*_DRIVER, program.hook))
        of_layer[index] = of_layer[index] + own if index in of_layer else own
    layers = [layer for layer in _executed(program) if layer.index in of_layer]
    chosen = [of_layer[layer.index] for layer in layers]
    model = modelled_cycles() if "aarch64" in program.target.machines else None
    cycles = {cpu: model.of(chosen, cpu) for cpu in CPUS} if model else {}
    rows = tuple(
        Row(
            layer.name,
            layer.op,
            layer.kernel or "",
            float(interval.instructions),
            float(interval.instructions),
            {cpu: found[i] for cpu, found in cycles.items()},
        )
        for i, (layer, interval) in enumerate(zip(layers, chosen, strict=True))
    )
    return rows, model.version if model else ""
