# SPDX-License-Identifier: Apache-2.0
"""Binary layers on 64-bit ARM: instructions that are executed, and cycles of llvm-mca's models.

Instructions are exact: a plugin of QEMU counts them. `ideal` is what the inner loop alone would
execute for the layer's products; a group is 128 products. Cycles are a model, never measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bnnc.backends import find_target
from bnnc.backends.measure import CPUS

from ..model import Loop, code_of, innermost_loops, vector_operations
from ..report import Report, name_of
from ..toolchain import Bench, Shape, compiled

KERNEL = "conv2d_bb_neon_thr"
FUNCTION = "meet_bits_run"
FEW = "meet_bits_few"
END = "end_of_bits"
CONVOLUTIONS = (
    Shape(56, 64, 64, 3, pad=1),
    Shape(28, 128, 128, 3, pad=1),
    Shape(14, 256, 256, 3, pad=1),
    Shape(7, 512, 512, 3, pad=1),
    Shape(28, 128, 256, 3, stride=2, pad=1),
    Shape(28, 64, 64, 1),
    Shape(28, 128, 128, 1),
    Shape(14, 256, 256, 1),
    Shape(7, 512, 512, 1),
)
DENSE = Shape(1, 4096, 4096, 1)
# MAC/cycle of the loop over four pixels in the build for a processor (what the best assembly has on
# Cortex-A55 is 34.4), and vector operations for a group; whole 3x3 layers of 128 channels and more.
BOUNDS = {
    "neon": {"cortex-a53": 31.0, "cortex-a55": 31.0, "cortex-a72": 84.0, "neoverse-n1": 84.0},
    "neon-a55": {"cortex-a55": 34.5, "neoverse-n1": 84.0},
}
OPERATIONS = 3.0
# Vector operations between the counts of eight channels and their byte of the result.
END_OPERATIONS = 6.0
OVERHEAD = 1.25


def report(run: Report) -> None:
    """Print a table of loops and one of layers for each compiler."""
    for name, command in run.compilers():
        _compiler(run, command, run.work / name)


def _loop(run: Report, command: str, name: str, loop: Loop, bounds: Mapping[str, float]) -> None:
    what = f"bits, {name}, {name_of(command)}"
    groups = loop.count("cnt")
    rates: list[object] = []
    for cpu in CPUS:
        cycles = loop.cycles(cpu)
        rates.append("no llvm-mca" if cycles is None else groups * 128 / cycles)
        if cycles is not None and cpu in bounds:
            run.at_least(f"{what}: MAC/cycle, {cpu}'s model", groups * 128 / cycles, bounds[cpu])
    operations = loop.vector_operations / groups
    run.at_most(f"{what}: vector operations for 128 products", operations, OPERATIONS)
    run.row(name, len(loop.body) / groups, operations, *rates)


def _end(run: Report, command: str, folder: Path) -> None:
    """Thresholds and packing behind the loop over four pixels."""
    code = [line for _, line in code_of(compiled(f"{END}.c", command, folder), END)]
    each = vector_operations(code) / 4
    run.text(f"thresholds and packing: {each:.2f} vector operations for 8 results\n")
    what = f"bits, thresholds and packing, {name_of(command)}"
    run.at_most(f"{what}: vector operations for 8 results", each, END_OPERATIONS)


def _four_pixels(bench: Bench) -> Loop:
    loops = innermost_loops(bench.object, FUNCTION)
    return next(loop for loop in loops if loop.count("cnt") == 32)


def _compiler(run: Report, command: str, folder: Path) -> None:
    bench = Bench(KERNEL, command, folder / "layers")
    plain = Bench("conv2d_bb_x4_thr", command, folder / "ref")
    four = _four_pixels(bench)
    one = next(loop for loop in innermost_loops(bench.object, FEW) if loop.count("cnt") == 16)
    run.heading(command)
    run.row("inner loop", "instr/group", "vector/group", *(f"{c} *" for c in CPUS))
    for target, bounds in BOUNDS.items():
        built = Bench(KERNEL, command, folder / target, find_target(target))
        _loop(run, command, f"four pixels, {target}", _four_pixels(built), bounds)
    _loop(run, command, "one pixel", one, {})
    run.text("* MAC/cycle as modelled by llvm-mca, not measured")
    _end(run, command, folder)
    run.row("whole layer", "MMAC", "Minstr", "instr/group", "of ideal", "portable C")
    for shape in filter(run.wants, (*CONVOLUTIONS, DENSE)):
        loop = one if shape == DENSE else four
        ideal = shape.macs / 128 * len(loop.body) / loop.count("cnt")
        executed = bench.executed(shape).total()
        share = executed / ideal
        slower = plain.executed(shape).total() / executed
        rate = executed / (shape.macs / 128)
        run.row(shape, shape.macs / 1e6, executed / 1e6, rate, share, f"{slower:.1f} x")
        if shape.kernel == 3 and shape.ic >= 128:
            run.at_most(f"bits, {shape}, {name_of(command)}: of ideal", share, OVERHEAD)
