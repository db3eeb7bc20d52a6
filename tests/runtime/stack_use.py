# SPDX-License-Identifier: Apache-2.0
"""What stack compiled C needs: frames as the compiler reports them, along the calls it made.

Frames come from ``-fstack-usage``, calls from the relocations of the disassembled objects: with
``-ffunction-sections`` every reference from one function to another has one. Without the red zone
of x86-64 the frames of functions that call nobody count in full.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import networkx as nx

FLAGS = ("-fstack-usage", "-ffunction-sections", "-fno-stack-protector", "-mno-red-zone")
# The return address, which clang does not count, and what aligns the stack for a call.
CALL = 16
# memcpy and memset belong to the machine's C library; those written in C need less.
LIBRARY = 64

_HEAD = re.compile(r"^[0-9a-f]+ <(.+)>:$")
_RELOCATION = re.compile(r":\s+R_\w+\s+(?:\.text\.)?(?:unlikely\.)?([\w.]+)")
_JUMP = re.compile(r":\s+(call|j[a-z]+)\s+(\*?)")


@dataclass
class Function:
    """A compiled function: its own frame, whom it calls, and whose addresses it takes.

    Attributes:
        frame: bytes.
        calls: names of functions, of other files too.
        takes: names of functions, to be called through pointers.
        indirect: whether it calls through a pointer.
    """

    frame: int
    calls: set[str] = field(default_factory=set[str])
    takes: set[str] = field(default_factory=set[str])
    indirect: bool = False


def functions_of(cc: str, flags: Sequence[str], source: Path, folder: Path) -> dict[str, Function]:
    """Compile one file and read its functions.

    Raises:
        ValueError: a frame has no bound (a variable-length array, alloca).
    """
    made = folder / f"{source.stem}.o"
    subprocess.run([cc, *flags, *FLAGS, "-c", str(source), "-o", str(made)], check=True)
    frames = _frames(made.with_suffix(".su"))
    disassemble = ["objdump", "-dr", "--no-show-raw-insn", str(made)]
    text = subprocess.run(disassemble, capture_output=True, text=True, check=True).stdout
    found: dict[str, Function] = {}
    current, jumps = Function(0), False
    for line in text.splitlines():
        if head := _HEAD.match(line):
            # Clones made by the optimizer (f.part.0) count as f, also in the report.
            current = found[head[1]] = Function(frames[head[1].split(".")[0]])
        elif relocation := _RELOCATION.search(line):
            (current.calls if jumps else current.takes).add(relocation[1])
        else:
            jump = _JUMP.search(line)
            jumps = jump is not None
            current.indirect |= jump is not None and bool(jump[2])
    return found


def _frames(report: Path) -> dict[str, int]:
    frames: dict[str, int] = {}
    for line in report.read_text().splitlines():
        where, frame, kind = line.rsplit("\t", 2)
        if kind not in ("static", "dynamic,bounded"):
            raise ValueError(f"{where} has a frame without a bound ({kind})")
        name = where.rsplit(":", 1)[1].split(".")[0]
        frames[name] = max(int(frame), frames.get(name, 0))
    return frames


def call_graph(functions: Mapping[str, Function]) -> nx.DiGraph[str]:
    """Whom each function may call; through a pointer, everybody whose address is taken."""
    taken = {n for f in functions.values() for n in f.takes if n in functions}
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(functions)
    for name, function in functions.items():
        targets = function.calls | (taken if function.indirect else set[str]())
        graph.add_edges_from((name, target) for target in targets)
    return graph


def depths(functions: Mapping[str, Function]) -> dict[str, int]:
    """Most bytes below the caller's frame while each function runs.

    Functions that could call each other through pointers count as if each were active once.
    """
    whole = nx.condensation(call_graph(functions))
    below: dict[int, int] = {}
    for part in reversed(list(nx.topological_sort(whole))):
        own = sum(_own(name, functions) for name in whole.nodes[part]["members"])
        below[part] = own + max((below[n] for n in whole.successors(part)), default=0)
    return {name: below[part] for name, part in whole.graph["mapping"].items()}


def _own(name: str, functions: Mapping[str, Function]) -> int:
    if name in functions:
        return CALL + functions[name].frame
    return LIBRARY if name in ("memcpy", "memset") else 0


def recursive(functions: Mapping[str, Function]) -> set[str]:
    """The functions that reach themselves by direct calls."""
    graph: nx.DiGraph[str] = nx.DiGraph(
        (name, target) for name, function in functions.items() for target in function.calls
    )
    rings = (c for c in nx.strongly_connected_components(graph) if len(c) > 1)
    return {n for n in graph if graph.has_edge(n, n)}.union(*rings)
