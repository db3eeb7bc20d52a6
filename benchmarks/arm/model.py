# SPDX-License-Identifier: Apache-2.0
"""Innermost loops of an object, and how many cycles llvm-mca thinks that they take.

These are models, not measurements. LLVM's Cortex-A72 is its Cortex-A57, and its A53 makes vector
instructions wait longer than the processor does; neoverse-n1 stands for Cortex-A76; in
LLVM 14 it is the A57 as well.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bnnc.backends.measure.cycles import llvm_tool, modelled_regions

MCA = llvm_tool("llvm-mca")
_HEAD = re.compile(r"^[0-9a-f]+ <(.+)>:$")
_LINE = re.compile(r"^\s*([0-9a-f]+):\s+(.*?)\s*(?://.*)?$")
_BRANCH = re.compile(r"^(?:b\.\w+|cbn?z|tbn?z)\s.*?([0-9a-f]+) <")
_VECTOR = re.compile(r"\bv\d+\.")
_MEMORY = ("ld", "st", "prf")
_ITERATIONS = 200


@dataclass(frozen=True)
class Loop:
    """A loop without loops in it.

    Attributes:
        body: its instructions, the branch last.
    """

    body: tuple[str, ...]

    def count(self, mnemonic: str) -> int:
        """How many instructions of this name an iteration executes."""
        return sum(line.split()[0] == mnemonic for line in self.body)

    @property
    def vector_operations(self) -> int:
        """Instructions that compute with vectors."""
        return vector_operations(self.body)

    def cycles(self, cpu: str) -> float | None:
        """Cycles of an iteration in the steady state; None without llvm-mca."""
        if MCA is None:
            return None
        text = "\n".join(["loop:", *(re.sub(r"[0-9a-f]+ <.*>", "loop", i) for i in self.body), ""])
        (cycles,) = modelled_regions(MCA, cpu, text, iterations=_ITERATIONS).values()
        return cycles


def vector_operations(code: Iterable[str]) -> int:
    """How many instructions compute with vectors."""
    return sum(bool(_VECTOR.search(line)) and not line.startswith(_MEMORY) for line in code)


def code_of(object_: Path, function: str) -> list[tuple[int, str]]:
    """Addresses and instructions of a function in an object."""
    command = ("aarch64-linux-gnu-objdump", "-d", "--no-show-raw-insn", str(object_))
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    code: list[tuple[int, str]] = []
    inside = False
    for line in text.splitlines():
        if head := _HEAD.match(line):
            inside = head[1].split(".")[0] == function  # gcc adds what it did: .isra.0
        elif inside and (found := _LINE.match(line)):
            code.append((int(found[1], 16), " ".join(found[2].split())))
    return code


def innermost_loops(object_: Path, function: str) -> list[Loop]:
    """Innermost loops of a function in an object."""
    code = code_of(object_, function)
    place = {address: i for i, (address, _) in enumerate(code)}
    spans: set[tuple[int, int]] = set()
    for i, (address, instruction) in enumerate(code):
        branch = _BRANCH.match(instruction)
        if branch and int(branch[1], 16) <= address and int(branch[1], 16) in place:
            spans.add((place[int(branch[1], 16)], i))
    inner = [s for s in spans if not any(s != t and s[0] <= t[0] and t[1] <= s[1] for t in spans)]
    return [Loop(tuple(text for _, text in code[a : b + 1])) for a, b in sorted(inner)]
