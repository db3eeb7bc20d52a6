# SPDX-License-Identifier: Apache-2.0
"""8-bit layers on 64-bit ARM, with 8-bit and with bit weights, and their portable counterparts.

Instructions are exact: a plugin of QEMU counts them over a whole layer, copies of windows, tables
and rounding to bytes included. Cycles of inner loops are those of a model, never measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bnnc.backends import find_target

from ..model import innermost_loops
from ..report import Report, name_of
from ..toolchain import Bench, Shape


@dataclass(frozen=True)
class Kernel:
    """An inner loop: how to find it, and what it has to reach.

    Attributes:
        counted: the instruction that stands for products, how often it is in the loop.
        products: of an instruction.
        bounds: MAC/cycle that the models of some processors must give.
    """

    name: str
    target: str
    symbol: str
    plain: str
    function: str
    counted: tuple[str, int]
    products: int
    bounds: Mapping[str, float]


II, IB = "conv2d_ii_q8", "conv2d_ib_q8"
KERNELS = (
    Kernel(
        "int8, neon",
        "neon",
        "conv2d_ii_neon_q8",
        II,
        "to_fixed",
        ("sadalp", 16),
        16,
        {"cortex-a53": 3.5, "cortex-a55": 3.5, "cortex-a72": 7.5, "neoverse-n1": 7.5},
    ),
    Kernel(
        "int8, dot products",
        "neon-dotprod",
        "conv2d_ii_dotprod_q8",
        II,
        "to_fixed",
        ("sdot", 64),
        16,
        {"cortex-a55": 8.5, "neoverse-n1": 30.0, "neoverse-n2": 30.0},
    ),
    Kernel(
        "int8, matrix products",
        "neon-i8mm",
        "conv2d_ii_i8mm_q8",
        II,
        "to_fixed",
        ("smmla", 16),
        32,
        {"neoverse-n2": 60.0, "neoverse-v1": 120.0},
    ),
    Kernel(
        "int8 x bit, tables",
        "neon",
        "conv2d_ib_neon_q8",
        IB,
        "add_piece",
        ("tbl", 16),
        32,
        {"cortex-a53": 5.0, "cortex-a55": 5.0, "cortex-a72": 12.0, "neoverse-n1": 20.0},
    ),
    Kernel(
        "int8 x bit, dot products",
        "neon-dotprod",
        "conv2d_ib_dotprod_q8",
        IB,
        "to_fixed",
        ("sdot", 64),
        16,
        {"cortex-a55": 8.5, "neoverse-n1": 30.0, "neoverse-n2": 30.0},
    ),
    Kernel(
        "int8 x bit, matrix products",
        "neon-i8mm",
        "conv2d_ib_i8mm_q8",
        IB,
        "to_fixed",
        ("smmla", 16),
        32,
        {"neoverse-n2": 60.0, "neoverse-v1": 120.0},
    ),
)
SHAPES = (
    Shape(32, 16, 16, 3, pad=1),
    Shape(28, 128, 128, 3, pad=1),
    Shape(14, 256, 256, 3, pad=1),
    Shape(28, 128, 128, 1),
    Shape(1, 4096, 96, 1),
    Shape(1, 4096, 4096, 1),
)
# Kernels that are not chosen for one window.
EXPANDED = ("conv2d_ib_dotprod_q8", "conv2d_ib_i8mm_q8")
# Instructions of the kernels of the original project for one input of 4096 numbers and 96 outputs.
ORIGINAL = {II: 131126, IB: 138403}


def report(run: Report) -> None:
    """Print a table of loops and one of layers for each kernel and compiler."""
    for name, command in run.compilers():
        run.heading(command)
        for kernel in filter(lambda k: run.wants(k.name), KERNELS):
            _kernel(run, kernel, command, run.work / "bytes" / name / kernel.symbol)


def _kernel(run: Report, kernel: Kernel, command: str, folder: Path) -> None:
    target = find_target(kernel.target)
    bench = Bench(kernel.symbol, command, folder / "neon", target)
    plain = Bench(kernel.plain, command, folder / "ref", target)
    run.row(kernel.name, "instr/256", "vector/256", *(f"{cpu} *" for cpu in kernel.bounds))
    mnemonic, times = kernel.counted
    loops = innermost_loops(bench.object, kernel.function)
    loop = next(x for x in loops if x.count(mnemonic) == times)
    unit = times * kernel.products / 256
    rates: list[object] = []
    for cpu, bound in kernel.bounds.items():
        cycles = loop.cycles(cpu)
        rates.append("no llvm-mca" if cycles is None else times * kernel.products / cycles)
        if cycles is not None:
            what = f"{kernel.name}, {name_of(command)}: MAC/cycle, {cpu}'s model"
            run.at_least(what, times * kernel.products / cycles, bound)
    run.row("  inner loop", len(loop.body) / unit, loop.vector_operations / unit, *rates)
    run.row("  whole layer", "MMAC", "Minstr", "instr/256", "portable C", "original")
    for shape in SHAPES:
        if kernel.symbol in EXPANDED and shape.size == 1:
            continue
        executed = bench.executed(shape).total()
        slower = plain.executed(shape).total() / executed
        original = "-"
        if (shape.size, shape.ic, shape.oc) == (1, 4096, 96):
            original = f"{ORIGINAL[kernel.plain] / executed:.2f} x"
        rate = executed / (shape.macs / 256)
        columns = (shape.macs / 1e6, executed / 1e6, rate, f"{slower:.1f} x", original)
        run.row(f"  {shape}", *columns)
    run.text("* MAC/cycle as modelled by llvm-mca, not measured\n")
