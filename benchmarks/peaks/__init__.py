# SPDX-License-Identifier: Apache-2.0
"""How fast the core could be at best: loops without memory, checked against what its units allow.

Usage: python -m benchmarks.peaks
"""

from __future__ import annotations

import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .cores import bound

_FOLDER = Path(__file__).resolve().parent
_X86 = platform.machine() in ("x86_64", "AMD64")
# A bound is a bound: more than this over it means that cycle or bound is wrong.
LEAST, MOST = 0.9, 1.02


@dataclass(frozen=True)
class Peak:
    """A loop and the flags that it is built with.

    Attributes:
        name: the file without its suffix.
        flags: instruction set and float contraction.
        unit: what is counted.
    """

    name: str
    flags: tuple[str, ...]
    unit: str

    def build(self, cc: str, folder: Path) -> Path:
        """Compile the loop; returns the program."""
        program = folder / f"{self.name}_{Path(cc).name}"
        command = [cc, "-std=gnu99", "-O3", *self.flags, str(_FOLDER / f"{self.name}.c")]
        subprocess.run([*command, "-o", str(program)], check=True)
        return program


POPCOUNT_FLAGS = ("-march=x86-64-v2",) if _X86 else ()
FLOAT_FLAGS = ("-march=native",)
PEAKS = {
    "popcount": Peak("popcount", POPCOUNT_FLAGS, "bit products"),
    "muladd": Peak("muladd", (*FLOAT_FLAGS, "-ffp-contract=off"), "float products"),
    "fma": Peak("fma", (*FLOAT_FLAGS, "-ffp-contract=fast"), "float products"),
}


@dataclass(frozen=True)
class Rate:
    """Products per second and per cycle."""

    second: float
    cycle: float


def measure(program: Path) -> Rate:
    """Run a loop once."""
    done = subprocess.run([str(program)], check=True, capture_output=True, text=True)
    second, cycle = map(float, done.stdout.split())
    return Rate(second, cycle)


def judged(name: str, rate: Rate) -> tuple[str, bool]:
    """What part of the core's bound a loop reaches, in words, and whether that is credible."""
    limit = bound(name)
    if limit is None:
        return "no bound known for this core", True
    part = rate.cycle / limit
    good = LEAST <= part <= MOST
    return f"{100 * part:.0f} % of {limit:.1f}" + ("" if good else ": not credible"), good
