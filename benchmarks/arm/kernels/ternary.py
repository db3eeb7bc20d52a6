# SPDX-License-Identifier: Apache-2.0
"""Layers with ternary weights: instructions that are executed.

A group is 128 products, those with padding too; of levels with k bits, k groups of planes. The
inner loop has four vector operations for a group, where bit weights take three.
"""

from __future__ import annotations

from pathlib import Path

from ..report import Report
from ..toolchain import Bench, Shape

SHAPES = {
    "bt": (
        Shape(56, 64, 64, 3, pad=1),
        Shape(28, 128, 128, 3, pad=1),
        Shape(14, 256, 256, 3, pad=1),
        Shape(7, 512, 512, 3, pad=1),
        Shape(28, 128, 128, 1),
        Shape(1, 4096, 4096, 1),
    ),
    "ut": (Shape(28, 128, 128, 3, pad=1, bits=2), Shape(28, 128, 128, 1, bits=4)),
}


def report(run: Report) -> None:
    """Print a table for each compiler."""
    for name, command in run.compilers():
        run.heading(command)
        run.row("ternary weights", "MMAC", "Minstr", "instr/group", "portable C")
        for kind, shapes in SHAPES.items():
            _layers(run, command, run.work / "ternary" / name / kind, kind, shapes)


def _layers(run: Report, command: str, folder: Path, kind: str, shapes: tuple[Shape, ...]) -> None:
    bench = Bench(f"conv2d_{kind}_neon_thr", command, folder / "neon")
    plain = Bench(f"conv2d_{kind}_thr", command, folder / "ref")
    for shape in shapes:
        name = f"{kind} {shape}"
        if run.wants(name):
            executed = bench.executed(shape).total()
            slower = plain.executed(shape).total() / executed
            rate = executed / (shape.macs * max(shape.bits, 1) / 128)
            run.row(name, shape.macs / 1e6, executed / 1e6, rate, f"{slower:.1f} x")
