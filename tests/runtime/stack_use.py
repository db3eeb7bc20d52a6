# SPDX-License-Identifier: Apache-2.0
"""What stack compiled C needs: frames as the compiler reports them, along the calls it made.

Frames come from ``-fstack-usage``, calls from the relocations of the disassembled objects: with
``-ffunction-sections`` every reference from one function to another has one. Without the red zone
of x86-64 the frames of functions that call nobody count in full.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FLAGS = ("-fstack-usage", "-ffunction-sections", "-fno-stack-protector", "-mno-red-zone")
# The return address, which clang does not count, and what aligns the stack for a call.
CALL = 16
# memcpy and memset belong to the machine's C library; those written in C need less.
LIBRARY = 64

_HEAD = re.compile(r"^[0-9a-f]+ <(.+)>:$")
_RELOCATION = re.compile(r":\s+R_\w+\s+(\.text\.)?([\w.]+)")
_INDIRECT = re.compile(r"\b(call|jmp)q?\s+\*")


@dataclass
class Function:
    """A compiled function: its own frame, whom it names, and whether it calls through pointers."""

    frame: int
    names: set[str] = field(default_factory=set[str])
    indirect: bool = False


def functions_of(cc: str, flags: Sequence[str], source: Path, folder: Path) -> dict[str, Function]:
    """Compile one file and read its functions.

    Raises:
        ValueError: a frame has no bound (a variable-length array, alloca).
    """
    made = folder / f"{source.stem}.o"
    subprocess.run([cc, *flags, *FLAGS, "-c", str(source), "-o", str(made)], check=True)
    frames: dict[str, int] = {}
    for line in made.with_suffix(".su").read_text().splitlines():
        where, frame, kind = line.rsplit("\t", 2)
        if kind not in ("static", "dynamic,bounded"):
            raise ValueError(f"{where} has a frame without a bound ({kind})")
        name = where.rsplit(":", 1)[1]
        frames[name] = max(int(frame), frames.get(name, 0))
    text = subprocess.run(
        ["objdump", "-dr", "--no-show-raw-insn", str(made)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found: dict[str, Function] = {}
    current = Function(0)
    for line in text.splitlines():
        if head := _HEAD.match(line):
            # Clones made by the optimizer (f.part.0) are reported under the name of f.
            current = found[head[1]] = Function(frames[head[1].split(".")[0]])
        elif relocation := _RELOCATION.search(line):
            current.names.add(relocation[2].removeprefix("unlikely."))
        current.indirect |= bool(_INDIRECT.search(line))
    return found


def calls(functions: dict[str, Function]) -> dict[str, set[str]]:
    """Whom each function may call: whom it names, and through a pointer anybody ever named."""
    named = {n for f in functions.values() for n in f.names if n in functions}
    return {
        name: (f.names | (named if f.indirect else set())) - {name} for name, f in functions.items()
    }


def depth(name: str, functions: dict[str, Function], edges: dict[str, set[str]]) -> int:
    """Most bytes below the caller's frame while a function runs; no function twice on a path."""

    def deepest(at: str, path: frozenset[str]) -> int:
        if at not in functions:
            return LIBRARY if at in ("memcpy", "memset") else 0
        below = (deepest(n, path | {at}) for n in edges[at] if n not in path)
        return CALL + functions[at].frame + max(below, default=0)

    return deepest(name, frozenset())


def recursive(edges: dict[str, Iterable[str]]) -> list[str]:
    """The functions that can reach themselves."""

    def reaches(start: str) -> set[str]:
        seen: set[str] = set()
        pending = list(edges[start])
        while pending:
            name = pending.pop()
            if name not in seen:
                seen.add(name)
                pending += edges.get(name, ())
        return seen

    return [name for name in edges if name in reaches(name)]
