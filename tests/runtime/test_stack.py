# SPDX-License-Identifier: Apache-2.0
"""The stack that the table says a kernel needs, against what two compilers make of its source."""

from __future__ import annotations

import platform
from collections import Counter
from pathlib import Path

import pytest

from bnnc.backends import kernel_table
from bnnc.runtime import runtime_dir

from .library import FLAGS, PREFIX, sources
from .stack_use import depths, functions_of, recursive

INCLUDE = f"-I{runtime_dir() / 'include'}"
pytestmark = [
    pytest.mark.optional("reads x86-64 objects"),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="not an x86-64 machine"),
]


@pytest.mark.slow
@pytest.mark.parametrize("level", ["-O0", "-O2", "-O3"])
def test_kernels_stay_within_the_stack_they_declare(
    level: str, each_cc: str, tmp_path: Path
) -> None:
    needed: Counter[str] = Counter()
    for source in sources():
        functions = functions_of(each_cc, (*FLAGS, "-Wvla", level, INCLUDE), source, tmp_path)
        assert recursive(functions) == set()
        if level != "-O0":
            assert not any(f.indirect for f in functions.values())
        needed |= Counter(depths(functions))
    rows = [k for k in kernel_table().kernels if k.isa == "ref"]
    assert {PREFIX + k.symbol for k in rows} <= set(needed)
    short = {k.symbol: n for k in rows if (n := needed[PREFIX + k.symbol]) > k.stack}
    assert short == {}, "stack = N in the table must not be below these"
    if level == "-O0":  # nor is it far above what is needed, unless it is the default
        wide = [k.symbol for k in rows if k.stack > max(1024, 4 * needed[PREFIX + k.symbol])]
        assert wide == []


CASE = """
int leaf(int n) { volatile char room[4000]; room[n] = 1; return room[n]; }
int (*const pointer)(int) = leaf;
int direct(int n) { return leaf(n) + 1; }
int through(int (*f)(int), int n) { return f(n) + 1; }
int taken(int n) { return through(leaf, n) + 1; }
int factorial(int n) { return n < 2 ? 1 : n * factorial(n - 1) + direct(n); }
"""


def test_the_measure_sees_calls(each_cc: str, tmp_path: Path) -> None:
    """Frames, direct calls, calls through pointers, recursion, arrays of variable length."""
    source = tmp_path / "case.c"
    source.write_text(CASE)
    functions = functions_of(each_cc, ("-O0", "-Wno-missing-prototypes"), source, tmp_path)
    found = depths(functions)
    assert 4000 < found["leaf"] < found["direct"] < found["factorial"] < 4400
    assert found["leaf"] < found["through"] < found["taken"] < 4400
    assert recursive(functions) == {"factorial"}
    source.write_text("int f(int n) { volatile char room[n]; room[0] = 1; return room[0]; }\n")
    with pytest.raises(ValueError, match="without a bound"):
        functions_of(each_cc, ("-O0",), source, tmp_path)
