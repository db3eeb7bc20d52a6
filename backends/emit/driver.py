# SPDX-License-Identifier: Apache-2.0
"""NAME_main.c, Makefile and CMakeLists.txt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bnnc.ir import Value

from ..params import nbytes_of
from . import c_text
from .program import Program, c_type
from .templates import fill

_FROM_FILE = """\
        size_t weights_bytes;
        const void *weights = read_file(files[0], &weights_bytes);"""
_LINKED = """\
        const size_t weights_bytes = {name}_WEIGHTS_BYTES;
        const void *weights = {name}_weights;"""


def usage(program: Program, *, embed: bool) -> str:
    """The files that the driver takes, in order."""
    func = program.module.func
    words = [] if embed else [f"{program.module.name}.bnnw"]
    words += [f"in{i}.bin" for i in range(len(func.args))]
    words += [f"out{i}.bin" for i in range(len(func.results))]
    return " " + " ".join(words)


def render_driver(program: Program, *, embed: bool) -> str:
    """The host driver."""
    func, name = program.module.func, program.module.name
    arguments = [
        f"({_const(v)} *)(void *)(in[{i}] + s * inputs[{i}].bytes)" for i, v in enumerate(func.args)
    ]
    arguments += [
        f"({c_type(v)} *)(void *)(out[{i}] + s * outputs[{i}].bytes)"
        for i, v in enumerate(func.results)
    ]
    return fill(
        "main.c",
        name=name,
        usage=usage(program, embed=embed),
        inputs=len(func.args),
        outputs=len(func.results),
        weight_files=0 if embed else 1,
        input_table=_table(zip(func.input_names, func.args, strict=True)),
        output_table=_table(zip(func.output_names, func.results, strict=True)),
        load_weights=_LINKED.format(name=name) if embed else _FROM_FILE,
        run_arguments=(",\n" + " " * 24).join(arguments),
    )


def _const(value: Value) -> str:
    return f"const {c_type(value)}"


def _table(pairs: Iterable[tuple[str, Value]]) -> str:
    rows = (f"{{{c_text.string(n)}, {nbytes_of(v.type)}}}" for n, v in pairs)
    return "\n" + c_text.listing(rows, "    ")


def render_makefile(program: Program, sources: Sequence[str], *, embed: bool) -> str:
    """The Makefile; `sources` are the kernel sources by path within the folder."""
    name = program.module.name
    return fill(
        "Makefile",
        name=name,
        usage=usage(program, embed=embed),
        cc=program.target.compilers[0],
        cflags=" ".join(program.target.cflags),
        kernels=" ".join(sources),
        model_sources=f"{name}_weights.c" if embed else "",
    )


def render_cmake(program: Program, sources: Sequence[str], *, embed: bool) -> str:
    """The CMakeLists.txt."""
    name = program.module.name
    files = [f"{name}.c", *([f"{name}_weights.c"] if embed else []), *sources]
    flags = [f for f in program.target.cflags if not f.startswith(("-O", "-std="))]
    return fill(
        "CMakeLists.txt",
        name=name,
        sources="\n".join(f"  {f}" for f in files),
        cflags=" ".join(flags),
    )
