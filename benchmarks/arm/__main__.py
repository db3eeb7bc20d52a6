# SPDX-License-Identifier: Apache-2.0
"""Binary layers on 64-bit ARM: instructions that are executed, and cycles of llvm-mca's models.

Usage: python -m benchmarks.arm [--compiler gcc|clang]

Instructions are exact: a plugin of QEMU counts them. `ideal` is what the inner loop alone would
execute for the layer's products; a group is 128 products. Cycles are a model, never measured.
Exits with 1 when a bound of `BOUNDS` is missed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from .model import CPUS, MCA, Loop, innermost_loops
from .toolchain import TARGET, Bench, Shape, missing, version

KERNEL = "conv2d_bb_neon_thr"
FUNCTION = "to_bits"
CONVOLUTIONS = (
    Shape(56, 64, 64, 3, pad=1),
    Shape(28, 128, 128, 3, pad=1),
    Shape(14, 256, 256, 3, pad=1),
    Shape(7, 512, 512, 3, pad=1),
    Shape(28, 128, 256, 3, stride=2, pad=1),
    Shape(28, 128, 128, 1),
    Shape(14, 256, 256, 1),
    Shape(7, 512, 512, 1),
)
DENSE = Shape(1, 4096, 4096, 1)
# MAC/cycle of the loop over four pixels, and vector operations for a group; whole 3x3 layers of
# 128 channels and more.
BOUNDS = {"cortex-a72": 84.0, "neoverse-n1": 84.0}
OPERATIONS = 3.0
OVERHEAD = 1.25


def _write(*columns: object) -> None:
    first, *rest = (f"{c:.2f}" if isinstance(c, float) else str(c) for c in columns)
    sys.stdout.write(f"{first:<28}" + "".join(f"{c:>14}" for c in rest) + "\n")


def _loop(name: str, loop: Loop, missed: list[str], *, bound: bool) -> None:
    groups = loop.count("cnt")
    rates: list[object] = []
    for cpu in CPUS:
        cycles = loop.cycles(cpu)
        rates.append("no llvm-mca" if cycles is None else groups * 128 / cycles)
        if bound and cycles is not None and groups * 128 / cycles < BOUNDS.get(cpu, 0):
            missed.append(f"{name}: {groups * 128 / cycles:.1f} MAC/cycle on {cpu}'s model")
    operations = loop.vector_operations / groups
    if operations > OPERATIONS:
        missed.append(f"{name}: {operations:.2f} vector operations for a group")
    _write(name, len(loop.body) / groups, operations, *rates)


def _compiler(command: str, folder: Path, missed: list[str]) -> None:
    bench = Bench(KERNEL, command, folder / "neon")
    plain = Bench("conv2d_bb_x4_thr", command, folder / "ref")
    loops = innermost_loops(bench.object, FUNCTION)
    # Of one pixel there are two: the other one counts taps outside of the input.
    four = next(loop for loop in loops if loop.count("cnt") == 32)
    one = next(loop for loop in loops if loop.count("cnt") == 16 and loop.count("eor"))
    sys.stdout.write(f"\n{version(command)}; {' '.join(TARGET.cflags)}\n\n")
    _write("inner loop", "instr/group", "vector/group", *(f"{c} *" for c in CPUS))
    _loop("four pixels", four, missed, bound=True)
    _loop("one pixel", one, missed, bound=False)
    sys.stdout.write("* MAC/cycle as modelled by llvm-mca, not measured\n\n")
    _write("whole layer", "MMAC", "Minstr", "instr/group", "of ideal", "portable C")
    for shape in (*CONVOLUTIONS, DENSE):
        loop = one if shape == DENSE else four
        ideal = shape.macs / 128 * len(loop.body) / loop.count("cnt")
        executed = bench.executed(shape).total()
        share = executed / ideal
        slower = plain.executed(shape).total() / executed
        rate = executed / (shape.macs / 128)
        _write(shape, shape.macs / 1e6, executed / 1e6, rate, share, f"{slower:.1f} x")
        if shape.kernel == 3 and shape.ic >= 128 and share > OVERHEAD:
            missed.append(f"{shape} by {command}: {share:.2f} of the ideal")


def main() -> int:
    """Print tables for each compiler that is installed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compiler", choices=["gcc", "clang"])
    chosen = parser.parse_args().compiler
    if absent := missing():
        sys.stderr.write(
            f"missing: {', '.join(absent)}; scripts/system-packages.sh installs them\n"
        )
        return 2
    missed: list[str] = []
    if MCA is not None:
        sys.stdout.write(f"{MCA}: {version(MCA)}; ")
    sys.stdout.write(f"{version('qemu-aarch64')}\n")
    with tempfile.TemporaryDirectory() as work:
        for name, command in zip(("gcc", "clang"), TARGET.compilers, strict=True):
            if chosen in (None, name) and shutil.which(command.split()[0]):
                _compiler(command, Path(work) / name, missed)
    for line in missed:
        sys.stdout.write(f"missed: {line}\n")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
