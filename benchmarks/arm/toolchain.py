# SPDX-License-Identifier: Apache-2.0
"""Compiling a kernel for a target, by default `neon`, and what is executed when it is called."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bnnc.backends import Target, find_target, kernel_table
from bnnc.backends.measure import counted
from bnnc.runtime import runtime_dir

TARGET = find_target("neon")
TOOLS = ("aarch64-linux-gnu-gcc", "aarch64-linux-gnu-objdump", "qemu-aarch64", "gcc")
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Shape:
    """A square convolution; dense layers are convolutions of one pixel.

    Attributes:
        bits: of activations that are levels; 0 for others.
    """

    size: int
    ic: int
    oc: int
    kernel: int
    stride: int = 1
    pad: int = 0
    groups: int = 1
    bits: int = 0

    @property
    def out(self) -> int:
        """Rows and columns of the result."""
        return (self.size + 2 * self.pad - self.kernel) // self.stride + 1

    @property
    def macs(self) -> int:
        """Products of the layer, those with padding too."""
        return self.out**2 * self.oc * self.kernel**2 * self.ic // self.groups

    def __str__(self) -> str:
        kind = f"{self.kernel}x{self.kernel}" if self.size > 1 else "dense"
        size = f" {self.size}x{self.size}" if self.size > 1 else ""
        stride = f" /{self.stride}" if self.stride > 1 else ""
        groups = f" in {self.groups} groups" if self.groups > 1 else ""
        bits = f" {self.bits} bits" if self.bits else ""
        return f"{kind}{size} {self.ic}->{self.oc}{stride}{groups}{bits}"


def missing() -> list[str]:
    """The tools that are not installed."""
    return [tool for tool in TOOLS if shutil.which(tool) is None]


def version(command: str) -> str:
    """What a tool says about itself, in one line."""
    run = subprocess.run(
        [*command.split(), "--version"], capture_output=True, text=True, check=True
    )
    lines = [line.strip() for line in run.stdout.splitlines() if "ersion" in line or "gcc" in line]
    return lines[0] if lines else command


class Bench:
    """A kernel as a compiler makes it.

    Attributes:
        object: of the kernel's source.
    """

    def __init__(self, symbol: str, compiler: str, folder: Path, target: Target = TARGET) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.object = folder / "kernel.o"
        self._folder = folder
        self._symbol = symbol
        self._program = folder / "layer"
        self._target = target
        kernel = next(k for k in kernel_table().kernels if k.symbol == symbol)
        root = runtime_dir()
        command = [*compiler.split(), *target.cflags, f"-I{root / 'include'}", f"-DKERNEL={symbol}"]
        command.append(f"-DARGUMENTS={','.join(kernel.operands)}")
        _run([*command, "-c", str(root / kernel.source), "-o", str(self.object)])
        driver = str(_HERE / "layer.c")
        _run([*command, "-static", driver, str(self.object), "-o", str(self._program)])

    def executed(self, shape: Shape) -> Counter[str]:
        """Mnemonics that one call executes, with all that it calls."""
        # Two calls: from the first one's entry to that of the second one.
        sizes = (shape.size, shape.size, shape.ic, shape.oc)
        numbers = (2, *sizes, shape.kernel, shape.stride, shape.pad, shape.groups, shape.bits)
        program = [str(self._program), *map(str, numbers)]
        mark = f"bnnc_{self._symbol}"
        (once,) = counted(self._target.emulator, program, (mark,), self._folder, stop=2)
        return once.without(("main",)).mnemonics


def compiled(source: str, compiler: str, folder: Path, target: Target = TARGET) -> Path:
    """The object of a file of this folder, which may include sources of the runtime."""
    root = runtime_dir()
    out = folder / Path(source).with_suffix(".o")
    command = [*compiler.split(), *target.cflags, f"-I{root}", f"-I{root / 'include'}"]
    _run([*command, "-c", str(_HERE / source), "-o", str(out)])
    return out


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True)
