# SPDX-License-Identifier: Apache-2.0
"""Layers of floats, levels and few channels: instructions that are executed.

`MAC/instr` are the products of the layer, those with padding too, for each instruction; beside it
what the inner loop has. Cycles of the inner loop are those of llvm-mca's models; a fused
multiply-add of a vector is 4 MAC, of which a Neoverse N1 begins two in a cycle.
"""

from __future__ import annotations

from pathlib import Path

from bnnc.backends.measure import CPUS

from ..model import innermost_loops
from ..report import Report
from ..toolchain import Bench, Shape

FLOATS = (
    Shape(28, 3, 64, 3, pad=1),
    Shape(112, 3, 64, 7, stride=2, pad=3),
    Shape(14, 256, 256, 3, pad=1),
    Shape(1, 1024, 1024, 1),
)
LEVELS = (
    Shape(28, 128, 128, 3, pad=1, bits=2),
    Shape(56, 64, 64, 3, pad=1, bits=2),
    Shape(28, 128, 128, 1, bits=4),
)
DEPTHWISE = (Shape(28, 128, 128, 3, pad=1, groups=128),)
BITS = (Shape(28, 3, 64, 3, pad=1), Shape(28, 128, 128, 3, pad=1, groups=2))
# MAC/cycle of the inner loop on Neoverse N1's model: of 8 at most.
FUSED = 7.2
# The portable kernels that the others stand beside.
PORTABLE = {
    "conv2d_ff_neon_thr": "conv2d_ff_t8_thr",
    "conv2d_fb_neon_thr": "conv2d_fb_t8_thr",
    "conv2d_ub_neon_thr": "conv2d_ub_thr",
    "conv2d_bb_neon_thr": "conv2d_bb_thr",
    "depthwise_bb_neon_thr": "conv2d_bb_thr",
    "depthwise_ff_neon_thr": "conv2d_ff_thr",
    "depthwise_fb_neon_thr": "conv2d_fb_thr",
}


def report(run: Report) -> None:
    """Print a table for each compiler."""
    for name, command in run.compilers():
        run.heading(command)
        run.row("inner loop", "instr/MAC", *(f"{c} *" for c in CPUS))
        for symbol in ("conv2d_ff_neon_thr", "conv2d_fb_neon_thr"):
            _loop(run, name, command, symbol)
        run.text("* MAC/cycle as modelled by llvm-mca, not measured\n")
        run.row("whole layer", "MMAC", "Minstr", "MAC/instr", "portable C")
        for symbol, shapes in (
            ("conv2d_ff_neon_thr", FLOATS),
            ("conv2d_fb_neon_thr", FLOATS),
            ("conv2d_ub_neon_thr", LEVELS),
            ("conv2d_bb_neon_thr", BITS),
            ("depthwise_bb_neon_thr", DEPTHWISE),
            ("depthwise_ff_neon_thr", DEPTHWISE),
            ("depthwise_fb_neon_thr", DEPTHWISE),
        ):
            _layers(run, command, symbol, shapes)


def _loop(run: Report, name: str, command: str, symbol: str) -> None:
    bench = Bench(symbol, command, run.work / "floats" / name / symbol)
    loops = innermost_loops(bench.object, "add_4_2")
    loop = next(loop for loop in loops if loop.count("fmla") == 64)
    rates: list[object] = []
    for cpu in CPUS:
        cycles = loop.cycles(cpu)
        rates.append("no llvm-mca" if cycles is None else 4 * 64 / cycles)
        if cycles is not None and cpu == "neoverse-n1":
            run.at_least(f"{symbol}, {name}: MAC/cycle, {cpu}'s model", 4 * 64 / cycles, FUSED)
    run.row(symbol.removesuffix("_thr"), len(loop.body) / 256, *rates)


def _layers(run: Report, command: str, symbol: str, shapes: tuple[Shape, ...]) -> None:
    folder = run.work / "layers" / Path(command.split()[0]).name
    bench = Bench(symbol, command, folder / symbol)
    plain = Bench(PORTABLE[symbol], command, folder / PORTABLE[symbol])
    kind = symbol.split("_")[1]
    for shape in shapes:
        name = f"{kind} {shape}"
        if run.wants(name):
            executed = bench.executed(shape).total()
            slower = plain.executed(shape).total() / executed
            rate = shape.macs / executed
            run.row(name, shape.macs / 1e6, executed / 1e6, rate, f"{slower:.1f} x")
