# SPDX-License-Identifier: Apache-2.0
"""Kernels and networks without a C library: own memcpy and memset, own entry point, no headers."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import bnnc
from bnnc.backends import kernel_table
from bnnc.ir.interpreter import interpret
from bnnc.runtime import runtime_dir

from .networks import WARNINGS, random_inputs

START = Path(__file__).with_name("freestanding.c")
LANGUAGE = ("-std=c99", "-ffp-contract=off", "-fno-stack-protector", *WARNINGS)
LINK = ("-nostdlib", "-static", "-Wl,--fatal-warnings")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.optional("needs an entry point for this machine"),
    pytest.mark.skipif(
        platform.system() != "Linux" or platform.machine() not in ("x86_64", "aarch64"),
        reason="freestanding.c has no entry point for this machine",
    ),
]


def text_of(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def own_headers(cc: str) -> str:
    """The folder of the headers that belong to the compiler rather than to a C library."""
    if "clang" in cc:
        return text_of(cc, "-print-resource-dir") + "/include"
    return text_of(cc, "-print-file-name=include")


def link(cc: str, level: str, sources: Sequence[Path], include: Path, folder: Path) -> Path:
    """Compile and link without anything of the system; check what is asked of it."""
    freestanding = ("-ffreestanding", "-nostdinc", "-isystem", own_headers(cc))
    common = [cc, *LANGUAGE, level, *freestanding, f"-I{include}"]
    objects: list[str] = []
    for source in sources:
        objects.append(str(folder / f"{source.stem}.o"))
        subprocess.run([*common, "-c", str(source), "-o", objects[-1]], check=True)
    joined = folder / "library.o"
    subprocess.run([cc, "-nostdlib", "-r", *objects, "-o", str(joined)], check=True)
    undefined = {line.split()[-1] for line in text_of("nm", "-u", str(joined)).splitlines()}
    assert undefined <= {"memcpy", "memset"}
    # What defines memcpy must not be made into a call of it.
    start = str(folder / "start.o")
    subprocess.run([*common, "-fno-builtin", "-c", str(START), "-o", start], check=True)
    program = folder / "program"
    subprocess.run([cc, *LINK, start, str(joined), "-o", str(program)], check=True)
    assert text_of("nm", "-u", str(program)) == ""
    return program


@pytest.mark.parametrize("level", ["-O2", "-O3"])
def test_every_kernel(level: str, each_cc: str, tmp_path: Path) -> None:
    """A program that refers to all kernels of the table links, and starts."""
    rows = [k for k in kernel_table().kernels if k.isa == "ref"]
    symbols = dict.fromkeys(k.symbol for k in rows)
    entries = "".join(f"    (function)BNNC_SYM({s}),\n" for s in symbols)
    caller = tmp_path / "caller.c"
    caller.write_text(
        '#include "bnnc/bnnw.h"\n#include "bnnc/float_mode.h"\n#include "bnnc/kernels.h"\n'
        "typedef void (*function)(void);\n"
        "int run(void);\nvoid use(const function *all, size_t count);\n"
        f"static const function all[] = {{\n{entries}}};\n"
        "void use(const function *functions, size_t count) {\n"
        '    __asm__ volatile("" : : "r"(functions), "r"(count) : "memory");\n}\n'
        "int run(void) {\n"
        "    use(all, sizeof all / sizeof *all);\n"
        "    return bnnc_bnnw_check(NULL, NULL, 0) == BNNC_ERR_NULL ? bnnc_float_mode() : 99;\n}\n"
    )
    root = runtime_dir()
    sources = sorted({k.source for k in rows} | {"src/ref/bnnw.c", "src/ref/float_mode.c"})
    files = [root / s for s in sources]
    program = link(each_cc, level, [*files, caller], root / "include", tmp_path)
    assert subprocess.run([str(program)], check=False).returncode == 0
    defined = {line.split()[-1] for line in text_of("nm", str(program)).splitlines()}
    assert {f"bnnc_{s}" for s in symbols} <= defined


NETWORK = """
#include "net.h"

static const uint32_t input[] = {INPUT};
static const uint32_t expected[] = {EXPECTED};
static uint64_t arena[net_ARENA_BYTES / 8 + 1];
static float output[net_OUT0_BYTES / 4];

int run(void);
int run(void) {
    net_ctx ctx;
    const unsigned char *want = (const unsigned char *)expected;
    const unsigned char *got = (const unsigned char *)output;
    bnnc_status status = net_init(&ctx, net_weights, net_WEIGHTS_BYTES, arena, net_ARENA_BYTES);
    if (status != BNNC_OK) {
        return (int)status;
    }
    status = net_run(&ctx, (const float *)(const void *)input, output);
    for (size_t i = 0; i < sizeof output; ++i) {
        if (want[i] != got[i]) {
            return 99;
        }
    }
    return (int)status;
}
"""


def words(array: np.ndarray) -> str:
    return ", ".join(f"{w}u" for w in np.ascontiguousarray(array, "<f4").view("<u4").ravel())


@pytest.fixture(params=["digits", "cifar_odd"])
def model(request: pytest.FixtureRequest, repo: Path) -> Path:
    """The path of a graph."""
    if request.param == "digits":
        return repo / "examples" / "digits" / "digits.pb"
    shared: Path = request.getfixturevalue("shared")
    return shared / "models" / "made" / "tf1" / "cifar_odd.pb"


@pytest.mark.parametrize("level", ["-O2", "-O3"])
def test_network(model: Path, level: str, each_cc: str, tmp_path: Path) -> None:
    """Weights, inputs and expected outputs are constants of the program."""
    out = tmp_path / "net"
    compiled = bnnc.compile(model, out=out, name="net", embed=True)
    inputs = random_inputs(compiled.module)
    (array,), (want,) = inputs.values(), interpret(compiled.module, inputs).values()
    caller = tmp_path / "caller.c"
    caller.write_text(NETWORK.replace("INPUT", words(array)).replace("EXPECTED", words(want)))
    library = [out / "net.c", out / "net_weights.c", *sorted(out.glob("bnnc/*.c"))]
    program = link(each_cc, level, [*library, caller], out, tmp_path)
    assert subprocess.run([str(program)], check=False).returncode == 0
