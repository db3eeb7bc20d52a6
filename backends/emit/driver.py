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


# What the driver of a model that runs in parts has besides: threads, and wall time.
_THREADS = {
    "posix": "#define _POSIX_C_SOURCE 199309L\n",
    "include": '#include "{name}_threads.h"\n',
    "usage": " [--threads N]",
    "clock": """\
static double wall(void) {{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}}

""",
    "variable": ", threads = 1",
    "option": ' || strcmp(option, "--threads") == 0',
    "value": " else {{\n                threads = positive(option, argv[i]);\n            }}",
    "start": """\
    static {name}_threads pool;
    if (threads > {name}_MOST_THREADS || {name}_threads_start(&pool, (int32_t)threads) != 0) {{
        fail(EXIT_REFUSED, "cannot start so many threads", "");
    }}
    {name}_set_parallel(&ctx, &pool.parallel);
""",
    "stop": "    {name}_threads_stop(&pool);\n",
}
_CLOCKS = {
    "clock_type": ("clock_t", "double"),
    "clock": ("clock()", "wall()"),
    "clock_seconds": ("(double)(clock() - begin) / CLOCKS_PER_SEC", "wall() - begin"),
}


def render_driver(program: Program, *, embed: bool, threads: bool = False) -> str:
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
        **{f"threads_{k}": v.format(name=name) if threads else "" for k, v in _THREADS.items()},
        **{key: choices[threads] for key, choices in _CLOCKS.items()},
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


_ZIG = """\
# zig takes the processor from -target and -mcpu, which are part of CC.
ifneq ($(findstring zig,$(CC)),)
EXACT := $(filter-out -march=% -mtune=% -mfpu=% -mfloat-abi=%,$(EXACT))
endif
"""


def _first_installed(compilers: Sequence[str]) -> str:
    """For make: the first of these commands that is there, or the machine's own compiler."""
    if len(compilers) == 1 or compilers[0] == "cc":
        return f"= {compilers[0]}"
    # Something for a shell to do, or make would look for a program called `command`.
    found = (f"$(if $(shell command -v {c.split()[0]} 2>/dev/null),{c})" for c in compilers)
    return f":= $(or {','.join(found)},cc)"


def render_makefile(
    program: Program, sources: Sequence[str], *, embed: bool, threads: bool = False
) -> str:
    """The Makefile; `sources` are the kernel sources by path within the folder."""
    name = program.module.name
    return fill(
        "Makefile",
        name=name,
        usage=usage(program, embed=embed),
        cc=_first_installed(program.target.compilers),
        cflags=" ".join(program.target.cflags),
        kernels=" ".join(sources),
        model_sources=f"{name}_weights.c" if embed else "",
        zig=_ZIG if any("zig" in c for c in program.target.compilers) else "",
        threads_object=f" obj/{name}_threads.o" if threads else "",
        threads_flag=" -pthread" if threads else "",
    )


def render_cmake(
    program: Program, sources: Sequence[str], *, embed: bool, threads: bool = False
) -> str:
    """The CMakeLists.txt."""
    name = program.module.name
    files = [f"{name}.c", *([f"{name}_weights.c"] if embed else []), *sources]
    flags = [f for f in program.target.cflags if not f.startswith(("-O", "-std="))]
    return fill(
        "CMakeLists.txt",
        name=name,
        sources="\n".join(f"  {f}" for f in files),
        cflags=" ".join(flags),
        driver_sources=f" {name}_threads.c" if threads else "",
        find_threads="find_package(Threads REQUIRED)\n" if threads else "",
        threads_library=" Threads::Threads" if threads else "",
    )
