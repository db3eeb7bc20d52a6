# SPDX-License-Identifier: Apache-2.0
"""Kernels of another machine's target, called in a program that an emulator runs."""

from __future__ import annotations

import ctypes
import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bnnc.backends import Target, emulator_of, kernel_table
from bnnc.runtime import runtime_dir

from .library import WARNINGS, Kernels

HOST = Path(__file__).with_name("host.c")
MISSING = 0xFFFFFFFF


class EmulatedKernels(Kernels):
    """The kernels of a target in a program of its own, which answers one call after the other.

    Arrays that are passed end at the end of a page: a kernel that reads or writes behind them
    ends the program.
    """

    def __init__(self, program: Path, target: Target, symbols: Sequence[str]) -> None:
        super().__init__()
        self._symbols = symbols
        command = [*emulator_of(target), str(program)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def invoke(
        self, symbol: str, params: ctypes.Structure, arrays: Sequence[np.ndarray | None]
    ) -> None:
        """Send a request, and read the answer into the last array."""
        number = self._symbols.index(symbol)
        parts = [struct.pack("<III", number, ctypes.sizeof(params), len(arrays)), bytes(params)]
        for array in arrays:
            parts.append(struct.pack("<I", MISSING if array is None else array.nbytes))
            parts += [] if array is None else [array.tobytes()]
        result = arrays[-1]
        if result is None or self._process.stdin is None or self._process.stdout is None:
            raise ValueError("a kernel needs a result")
        self._process.stdin.write(b"".join(parts))
        self._process.stdin.flush()
        answer = self._process.stdout.read(result.nbytes)
        if len(answer) != result.nbytes:
            raise RuntimeError(f"{symbol} ended the program: {self._process.wait()}")
        result.reshape(-1).view(np.uint8)[:] = np.frombuffer(answer, np.uint8)

    def close(self) -> None:
        """End the program."""
        if self._process.stdin is not None and self._process.stdout is not None:
            self._process.stdin.close()
            self._process.stdout.close()
        self._process.wait()


def sources_of(target: Target) -> dict[str, str]:
    """The kernels that may run on a target, each with its source."""
    return {k.symbol: k.source for k in kernel_table().kernels if k.runs_on(target)}


def build_host(compiler: str, target: Target, folder: Path, kernels: Mapping[str, str]) -> Path:
    """Compile kernels with the target's flags, and the program that calls them."""
    (folder / "table.inc").write_text("".join(f"(function)BNNC_SYM({s}),\n" for s in kernels))
    root = runtime_dir()
    files = {str(root / source) for source in kernels.values()}
    command = [*compiler.split(), *target.cflags, *WARNINGS, f"-I{root / 'include'}", f"-I{folder}"]
    program = folder / "host"
    subprocess.run([*command, str(HOST), *sorted(files), "-o", str(program)], check=True)
    return program
