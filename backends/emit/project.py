# SPDX-License-Identifier: Apache-2.0
"""All files of a project."""

from __future__ import annotations

import hashlib
import importlib
from pathlib import Path

from bnnc.ir import Module

from ..weights import SECTION_ALIGN, plan_file, write_weight_file
from . import c_text
from .driver import render_cmake, render_driver, render_makefile
from .folder import replace_folder
from .manifest import FILE, Layer, Manifest, Tensor
from .parallel import STACK_BYTES as PART_STACK_BYTES
from .program import Pointers, Program, program_of
from .runtime_files import runtime_files
from .source import render
from .stack import stack_bytes
from .templates import fill

WEIGHT_FILE_VERSION = 1


def emit_project(
    module: Module, out: Path, *, embed: bool = False, threads: bool = False
) -> Manifest:
    """Write the folder `out` for a planned module and return its manifest.

    The same module gives the same bytes. With `embed` the weights become a C array in
    ``NAME_weights.c`` rather than the file ``NAME.bnnw``. With `threads` layers can be run in parts
    by a parallel-for of the caller's, and there is one, of POSIX threads, in ``NAME_threads.c``.

    Raises:
        UsageError: `out` is there and bnnc did not make it, or the name is no C identifier.
        PassError, IRError, TargetError: the module cannot be emitted (see `program_of`).
        FileError: writing failed.
    """
    c_text.require_c_name(module.name)
    program = program_of(module)
    files = _files(program, embed=embed, threads=threads)
    manifest = _manifest(program, files, threads=threads)
    replace_folder(out, files | {FILE: manifest.to_json().encode()})
    return manifest


def weights_bytes(module: Module) -> int:
    """The bytes of the weight file of a planned module, embedded or not."""
    return plan_file(program_of(module).resources).file_bytes


def _files(program: Program, *, embed: bool, threads: bool) -> dict[str, bytes]:
    name = program.module.name
    plan = plan_file(program.resources)
    source = render(program, plan, _version(), embed=embed, threads=threads)
    weights = write_weight_file(plan, source.model_id, program.target.name)
    texts = {f"{name}.h": source.header, f"{name}.c": source.code}
    texts |= runtime_files(program, threads=threads)
    kernels = [path for path in texts if path.startswith("bnnc/") and path.endswith(".c")]
    texts |= {
        f"{name}_main.c": render_driver(program, embed=embed, threads=threads),
        "Makefile": render_makefile(program, kernels, embed=embed, threads=threads),
        "CMakeLists.txt": render_cmake(program, kernels, embed=embed, threads=threads),
    }
    if threads:
        texts |= {f"{name}_threads.{end}": fill(f"threads.{end}", name=name) for end in "hc"}
    if embed:
        words = -(-len(weights) // 8)
        texts[f"{name}_weights.c"] = fill(
            "weights.c",
            name=name,
            words=words,
            align=SECTION_ALIGN,
            data=c_text.words(weights),
        )
    files = {path: text.encode() for path, text in texts.items()}
    return files if embed else files | {f"{name}.bnnw": weights}


def _manifest(program: Program, files: dict[str, bytes], *, threads: bool) -> Manifest:
    plan = plan_file(program.resources)
    return Manifest(
        name=program.module.name,
        target=program.target.name,
        weights_bytes=plan.file_bytes,
        arena_bytes=program.arena_bytes,
        stack_bytes=stack_bytes(program, Pointers(program, plan.offsets))
        + (PART_STACK_BYTES if threads else 0),
        layers=tuple(
            Layer(s.index, s.op.loc.name, s.op.NAME, s.op.kernel, program.weight_bytes(s.op))
            for s in program.steps
        ),
        sha256={path: hashlib.sha256(data).hexdigest() for path, data in sorted(files.items())},
        versions={"bnnc": _version(), "weight_file": WEIGHT_FILE_VERSION},
        inputs=tuple(Tensor.of(*pair) for pair in program.module.inputs.items()),
        outputs=tuple(Tensor.of(*pair) for pair in program.module.outputs.items()),
    )


def _version() -> str:
    """The version of the package that this folder is part of, installed or not."""
    return str(importlib.import_module("bnnc").__version__)
