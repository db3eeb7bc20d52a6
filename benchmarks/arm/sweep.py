# SPDX-License-Identifier: Apache-2.0
"""Convolutions 3x3 and 1x1 of 64 to 512 channels, of all five kinds, by gcc and by clang.

Instructions are counted, for whole layers with padding, packing and rounding. MAC/cycle are those
of llvm-mca's models for the first compiler, not measured.
"""

from __future__ import annotations

from bnnc.backends.measure import CPUS

from .layers import KINDS, Layer
from .report import Report

SHAPES = ((56, 64), (28, 128), (14, 256), (7, 512))
LAYERS = [
    Layer(kind, size, channels, channels, kernel)
    for kind in KINDS
    for kernel in (3, 1)
    for size, channels in SHAPES
]


def report(run: Report) -> None:
    """Print a line for each layer."""
    compilers = list(run.compilers())
    for _, command in compilers:
        run.heading(command)
    models = [f"{cpu} *" for cpu in CPUS]
    names = [f"{name} instr/MAC" for name, _ in compilers]
    run.row("layer", "MMAC", *names, *models)
    for layer in filter(run.wants, LAYERS):
        rows = [layer.counted(command) for _, command in compilers]
        each = [f"{row.best / layer.macs:.4f}" for row in rows]
        rates = [layer.macs / rows[0].cycles[cpu] for cpu in CPUS if rows[0].cycles]
        run.row(layer, layer.macs / 1e6, *each, *rates)
    if compilers:
        run.text(f"* MAC/cycle as modelled by llvm-mca for {compilers[0][0]}, not measured")
