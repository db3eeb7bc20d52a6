# SPDX-License-Identifier: Apache-2.0
"""Dense layers of 4096 x 4096, batch 1: five kinds, beside the original's figures for boards.

`Minstr` are counted, for each compiler; `instr/MAC` beside those of the original's inner loop.
Speeds are modelled: cycles of llvm-mca at a nominal clock, bound by weights that are streamed at
2.43 GB/s on the Raspberry Pi 3, which is what the original's binary row of it comes to. On neither
board anything was run.
"""

from __future__ import annotations

from bnnc.backends.measure import Row

from .layers import KINDS, Layer
from .original import INSTRUCTIONS, SPEEDS
from .report import Report

SIZE = 4096
# How many times fewer instructions for a product than the original's loop.
FEWER = {"fb": 2.0, "ib": 2.5}
# Raspberry Pi 3: Cortex-A53 at 1.2 GHz and memory; 4: Cortex-A72 at 1.5 GHz with 4 GB/s.
BOARDS = (("cortex-a53", 1.2e9, 2.43e9), ("cortex-a72", 1.5e9, 4e9))


def report(run: Report) -> None:
    """Print counts, then modelled speeds, for each compiler."""
    layers = [layer for kind in KINDS if run.wants(layer := Layer(kind, 0, SIZE, SIZE))]
    for compiler, command in run.compilers():
        run.heading(command)
        rows = [(layer, layer.counted(command)) for layer in layers]
        run.row("4096 x 4096, counted", "kernel", "MB weights", "Minstr", "instr/MAC", "original")
        for layer, row in rows:
            megabytes = layer.weight_bytes / 1e6
            own = row.best / layer.macs
            kernel = row.kernel.removeprefix("conv2d_")
            original = f"{INSTRUCTIONS[layer.kind]:.4f}"
            name = KINDS[layer.kind]
            run.row(name, kernel, megabytes, row.best / 1e6, f"{own:.4f}", original)
            if layer.kind in FEWER:
                fewer = INSTRUCTIONS[layer.kind] / own
                what = f"{name}, 4096 x 4096, {compiler}: original's instructions over own"
                run.at_least(what, fewer, FEWER[layer.kind])
        run.text("")
        boards = ("A53 core *", "A53 memory *", "A72 core *", "A72 memory *")
        run.row("10^9 operations/s", *boards, "Nexus 5", "Pi 3")
        for layer, row in rows:
            if row.cycles:
                modelled = [f"{s:.2f}" for s in _modelled(layer, row)]
                run.row(KINDS[layer.kind], *modelled, *SPEEDS[layer.kind])
        run.text(
            "* modelled, not measured: llvm-mca's cycles at 1.2 and 1.5 GHz; with memory, weights\n"
            "  streamed at 2.43 and 4 GB/s. Nexus 5 and Raspberry Pi 3: the original's README."
        )


def _modelled(layer: Layer, row: Row) -> list[float]:
    """Operations a second in 10^9: of the core, and where memory is waited for."""
    found: list[float] = []
    for cpu, clock, memory in BOARDS:
        core = row.cycles[cpu] / clock
        streamed = layer.weight_bytes / memory
        found += [2e-9 * layer.macs / core, 2e-9 * layer.macs / max(core, streamed)]
    return found
