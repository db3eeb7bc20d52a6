# SPDX-License-Identifier: Apache-2.0
"""Cycles of 64-bit ARM processors as ``llvm-mca`` models them. Estimates, never measurements.

For each executed block: what llvm-mca says that an iteration takes when the block is repeated,
times how often it is executed. That is what the model has for a loop in its steady state. Nothing
is known of caches, of branches that are predicted wrongly and of what happens between blocks.

LLVM's Cortex-A72 is its Cortex-A57; its A53 makes vector instructions wait longer than the
processor does; neoverse-n1 stands for Cortex-A76.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .counting import Block, Interval

CPUS = ("cortex-a53", "cortex-a55", "cortex-a72", "neoverse-n1")
# In order of preference; a model of LLVM before 15 is another one.
_SUFFIXES = ("-19", "")
_ITERATIONS = 100
_COVERED = 0.99
# An instruction that no program has, between blocks: hlt #0xbeef.
_END_NUMBER = "0xbeef"
_END = "e0dd57d4"
_MARKED = re.compile(r"^\s*\.?(?:file|text|section)\b")
_FEATURES = "-mattr=+v8.6a,+dotprod,+i8mm"


def llvm_tool(name: str) -> str | None:
    """A tool of LLVM that is installed."""
    return next((n for s in _SUFFIXES if shutil.which(n := name + s)), None)


def modelled_regions(
    tool: str, cpu: str, text: str, *flags: str, iterations: int
) -> dict[str, float]:
    """Cycles of an iteration of each region of an assembly text, by name; "" without regions.

    Args:
        tool: llvm-mca's command.
        cpu: the processor, as LLVM calls it.
        text: AArch64 instructions.
        flags: further ones of llvm-mca.
        iterations: how many are modelled.
    """
    command = [tool, "-mtriple=aarch64", f"-mcpu={cpu}", *flags, "--json"]
    done = subprocess.run(
        [*command, f"-iterations={iterations}"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    return {
        region["Name"]: float(region["SummaryView"]["TotalCycles"]) / iterations
        for region in json.loads(done.stdout)["CodeRegions"]
    }


@dataclass
class ModelledCycles:
    """Cycles of blocks by processor, found once each.

    Attributes:
        tool: llvm-mca's command.
        disassembler: llvm-mc's.
    """

    tool: str
    disassembler: str
    _found: dict[tuple[str, Block], float] = field(default_factory=dict[tuple[str, Block], float])

    @property
    def version(self) -> str:
        """What llvm-mca says of itself."""
        done = subprocess.run([self.tool, "--version"], capture_output=True, text=True, check=True)
        lines = [line.strip() for line in done.stdout.splitlines()]
        return next((line for line in lines if "version" in line), self.tool)

    def of(self, intervals: Sequence[Interval], cpu: str) -> list[float]:
        """Cycles of each interval.

        Blocks that execute 99 % of an interval's instructions are modelled, the others are counted
        with the same cycles per instruction.
        """
        chosen = [_most(interval) for interval in intervals]
        self._model({block for blocks in chosen for block in blocks}, cpu)
        found: list[float] = []
        for interval, blocks in zip(intervals, chosen, strict=True):
            cycles = sum(n * self._found[cpu, b] for b, n in blocks.items())
            covered = sum(n * len(b.code) for b, n in blocks.items())
            found.append(cycles * interval.instructions / covered if covered else 0.0)
        return found

    def _model(self, blocks: Iterable[Block], cpu: str) -> None:
        wanted = sorted((b for b in blocks if (cpu, b) not in self._found), key=lambda b: b.code)
        if not wanted:
            return
        texts = self._assembly(wanted)
        regions = "".join(
            f"# LLVM-MCA-BEGIN {i}\n{text}\n# LLVM-MCA-END {i}\n" for i, text in enumerate(texts)
        )
        found = modelled_regions(self.tool, cpu, regions, _FEATURES, iterations=_ITERATIONS)
        for i, block in enumerate(wanted):
            self._found[cpu, block] = found[str(i)]

    def _assembly(self, blocks: Iterable[Block]) -> list[str]:
        """The instructions of each block as text; what cannot be read is left out."""
        lines: list[str] = []
        for block in blocks:
            lines += [_bytes(code) for code in block.code]
            lines.append(_bytes(_END))
        command = [self.disassembler, "--disassemble", "-triple=aarch64", _FEATURES]
        done = subprocess.run(
            command, input="\n".join(lines), capture_output=True, text=True, check=False
        )
        texts: list[list[str]] = [[]]
        for line in done.stdout.splitlines():
            text = line.strip()
            if text == f"hlt\t#{_END_NUMBER}":
                texts.append([])
            elif text and not _MARKED.match(line):
                texts[-1].append(text)
        return ["\n".join(t) for t in texts[:-1]]


def _bytes(code: str) -> str:
    return " ".join(f"0x{code[i : i + 2]}" for i in range(0, len(code), 2))


def _most(interval: Interval) -> Mapping[Block, int]:
    """The blocks that execute nearly all instructions."""
    left = _COVERED * interval.instructions
    chosen: Counter[Block] = Counter()
    for block, n in sorted(interval.blocks.items(), key=lambda p: -p[1] * len(p[0].code)):
        if left <= 0:
            break
        chosen[block] = n
        left -= n * len(block.code)
    return chosen


def modelled_cycles() -> ModelledCycles | None:
    """The model, where llvm-mca and llvm-mc are installed."""
    tool, disassembler = llvm_tool("llvm-mca"), llvm_tool("llvm-mc")
    return ModelledCycles(tool, disassembler) if tool and disassembler else None
