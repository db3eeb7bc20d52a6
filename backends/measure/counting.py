# SPDX-License-Identifier: Apache-2.0
"""Exact counts of executed instructions: a plugin of QEMU's user-mode emulators.

The plugin is compiled when it is used; that takes a moment and needs a compiler of this machine.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from bnnc.ir.diagnostics import TargetError

from ..target import find_target
from ..toolchain import find_compiler

SOURCES = Path(__file__).resolve().parent / "c"
_FLAGS = ("-O2", "-shared", "-fPIC", "-fvisibility=hidden")


@dataclass(frozen=True)
class Block:
    """Instructions that are executed one after the other.

    Attributes:
        symbol: the function, ``?`` outside of the program (its libraries).
        code: bytes of each instruction, in hexadecimal.
        names: mnemonic of each instruction, as QEMU knows it.
    """

    symbol: str
    code: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Interval:
    """What is executed from one mark to the next.

    Attributes:
        mark: the function whose entry begins it.
        blocks: how often each block is executed.
    """

    mark: str
    blocks: Counter[Block]

    def __add__(self, other: Interval) -> Interval:
        """What is executed in both."""
        return Interval(self.mark, self.blocks + other.blocks)

    def without(self, functions: Collection[str]) -> Interval:
        """The same but for what these functions, or parts that a compiler split off, execute."""
        kept = {b: n for b, n in self.blocks.items() if b.symbol.split(".")[0] not in functions}
        return Interval(self.mark, Counter(kept))

    @property
    def instructions(self) -> int:
        """Executed instructions."""
        return sum(n * len(b.code) for b, n in self.blocks.items())

    @property
    def mnemonics(self) -> Counter[str]:
        """Executed instructions by name."""
        found: Counter[str] = Counter()
        for block, n in self.blocks.items():
            for name in block.names:
                found[name] += n
        return found


def require_counting(emulator: Sequence[str]) -> str:
    """What the emulator says of its version, where it can count.

    Raises:
        TargetError: the emulator is not one of QEMU that takes plugins.
    """
    command = emulator[0]
    if not Path(command).name.startswith("qemu-"):
        raise TargetError(
            f"instructions are counted by a plugin of QEMU, {command} takes none",
            hint="name QEMU in the target's emulator, or measure on a machine of the target",
        )
    if shutil.which(command) is None:
        raise TargetError(
            f"instructions are counted by {command}, which is not installed",
            hint="sudo apt-get install qemu-user",
        )
    if "-plugin" not in _output(command, "--help"):
        raise TargetError(
            f"this {command} was built without plugins, it cannot count instructions",
            hint="the static builds have none; sudo apt-get install qemu-user",
        )
    return _output(command, "--version").splitlines()[0]


def counted(
    emulator: Sequence[str],
    program: Sequence[str],
    marks: Sequence[str],
    work: Path,
    *,
    stop: int,
) -> list[Interval]:
    """Run a program in an emulator and count what it executes between marks.

    Args:
        emulator: QEMU's command and its options.
        program: the program with its arguments.
        marks: functions of the program whose entry begins an interval.
        work: a folder for the plugin and its output.
        stop: the program is ended when it reaches the first of the marks this many times.

    Returns:
        Intervals in order; the first one begins at the first mark that is reached.

    Raises:
        TargetError: the emulator takes no plugins, the plugin cannot be compiled, or the program
            failed before it reached the end.
    """
    plugin = _plugin(require_counting(emulator), work)
    out = work / "counts.txt"
    options = ",".join((str(plugin), f"out={out}", *(f"mark={m}" for m in marks), f"stop={stop}"))
    # Functions of shared libraries are looked up at the beginning, not at their first call.
    now = ("-E", "LD_BIND_NOW=1")
    command = [emulator[0], *now, "-plugin", options, *emulator[1:], *program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = _read(out) if out.is_file() else []
    if done.returncode or sum(i.mark == marks[0] for i in found) < stop - 1:
        lines = done.stderr.strip().splitlines()
        raise TargetError("\n".join([f"{emulator[0]} could not count:", *lines[:10]]))
    return found


def _plugin(version: str, work: Path) -> Path:
    plugin = work / "libicount.so"
    compiler = find_compiler(find_target("c"))
    source = str(SOURCES / "icount.c")
    command = [*compiler.split(), *_FLAGS, f"-DPLUGIN_API={_api(version)}", source]
    done = subprocess.run(
        [*command, "-o", str(plugin)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise TargetError("\n".join(["the plugin that counts cannot be compiled:", *lines[:10]]))
    return plugin


def _api(version: str) -> int:
    """The version of the plugin interface that a version of QEMU has."""
    found = re.search(r"version (\d+)\.(\d+)", version)
    if found is None or int(found[1]) < 9:
        return 1
    return 2 if (found[1], found[2]) == ("9", "0") else 3


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _read(path: Path) -> list[Interval]:
    """Read what the plugin wrote."""
    marks: list[str] = []
    counts: list[list[tuple[str, int]]] = []
    symbols: dict[str, str] = {}
    code: dict[str, list[str]] = {}
    number = ""
    for line in path.read_text().splitlines():
        words = line.split()
        if words[0] == "mark":
            marks.append(words[1])
            counts.append([])
        elif words[0] == "block":
            number = words[1]
            symbols[number], code[number] = words[2], []
        elif number:
            code[number].append(line)
        else:
            counts[-1].append((words[0], int(words[1])))
    blocks: dict[str, Block] = {}
    for key, lines in code.items():
        parts = [line.partition(" ") for line in lines]
        blocks[key] = Block(symbols[key], tuple(p[0] for p in parts), tuple(p[2] for p in parts))
    # A mark's counts are those of the interval that it ends; blocks may have been translated twice.
    found: list[Interval] = []
    for mark, pairs in zip(marks, counts[1:], strict=False):
        total: Counter[Block] = Counter()
        for key, n in pairs:
            total[blocks[key]] += n
        found.append(Interval(mark, total))
    return found
