# SPDX-License-Identifier: Apache-2.0
"""The folder ``bnnc/``: the kernel sources that a program uses, and the headers they include."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from bnnc.runtime import runtime_dir

from .program import Program
from .templates import fill

_INCLUDE = re.compile(r'^\s*#\s*include\s+"(bnnc/[^"]+)"', re.MULTILINE)
_ALWAYS = ("src/ref/bnnw.c", "src/ref/float_mode.c")
_OF_FLUSHING = ("src/neon/vector_float_mode.c",)
_OF_MODEL = ("bnnc/bnnw.h", "bnnc/float_mode.h", "bnnc/kernels.h", "bnnc/status.h")
_OF_PARTS = ("bnnc/parallel.h", "bnnc/parts.h")
_CONFIG = "bnnc/config.h"


def runtime_files(program: Program, *, threads: bool = False) -> dict[str, str]:
    """Path within the project -> text, of every file under ``bnnc/``."""
    root = runtime_dir()
    used = {call.kernel.source for step in program.steps for call in step.calls}
    sources = sorted({*used, *_ALWAYS, *(_OF_FLUSHING if program.flushes else ())})
    files = {f"bnnc/{Path(s).name}": (root / s).read_text(encoding="utf-8") for s in sources}
    pending = [*_OF_MODEL, *(_OF_PARTS if threads else ()), *_includes(files.values())]
    while pending:
        path = pending.pop()
        if path in files:
            continue
        if path == _CONFIG:
            files[path] = fill("config.h", name=program.module.name)
        else:
            files[path] = (root / "include" / path).read_text(encoding="utf-8")
        pending += _includes([files[path]])
    return dict(sorted(files.items()))


def _includes(texts: Iterable[str]) -> list[str]:
    return [path for text in texts for path in _INCLUDE.findall(text)]
