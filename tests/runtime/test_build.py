# SPDX-License-Identifier: Apache-2.0
"""The sources under both compilers: no warnings, nothing linked, and a guard against bad flags."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import pytest

from bnnc.runtime import runtime_dir

from .library import FLAGS, NativeKernels, build, sources

INCLUDE = f"-I{runtime_dir() / 'include'}"
CANARY = runtime_dir() / "src" / "ref" / "float_mode.c"
X86 = platform.machine() == "x86_64"
CPU = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""


def run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("extra", [(), ("-O3", "-DBNNC_PREFIX=net_")])
def test_no_warnings(each_cc: str, tmp_path: Path, extra: tuple[str, ...]) -> None:
    for source in sources():
        made = run(each_cc, *FLAGS, *extra, INCLUDE, "-c", source, "-o", tmp_path / "out.o")
        assert made.returncode == 0, made.stderr


def test_headers_stand_alone(each_cc: str, tmp_path: Path) -> None:
    for header in sorted((runtime_dir() / "include" / "bnnc").glob("*.h")):
        if header.name.startswith("neon"):
            continue
        source = tmp_path / "one.c"
        source.write_text(f'#include "bnnc/{header.name}"\nextern int unused;\n')
        made = run(each_cc, *FLAGS, INCLUDE, "-c", source, "-o", tmp_path / "one.o")
        assert made.returncode == 0, made.stderr


def test_objects_need_nothing_but_memory_functions_and_own_no_data(
    each_cc: str, tmp_path: Path
) -> None:
    own: set[str] = set()
    wanted: set[str] = set()
    for source in sources():
        out = tmp_path / "out.o"
        assert run(each_cc, *FLAGS, INCLUDE, "-c", source, "-o", out).returncode == 0
        for line in run("nm", out).stdout.splitlines():
            *_, kind, name = line.split()
            assert kind not in "BbDdCSs", f"{source.name} has the variable {name}"
            if kind == "T":
                own.add(name)
            elif kind == "U":
                wanted.add(name)
    assert all(name.startswith("bnnc_") for name in own)
    assert wanted - own <= {"memcpy", "memset", "_GLOBAL_OFFSET_TABLE_"}


@pytest.mark.parametrize("flag", ["-ffast-math", "-Ofast"])
def test_flags_that_change_results_are_refused(each_cc: str, tmp_path: Path, flag: str) -> None:
    source = runtime_dir() / "src" / "ref" / "bits.c"
    made = run(each_cc, *FLAGS, flag, INCLUDE, "-c", source, "-o", tmp_path / "out.o")
    assert made.returncode != 0
    assert "fast-math" in made.stderr


def float_mode(cc: str, folder: Path, *flags: str) -> int:
    return int(NativeKernels(build(cc, folder, *flags, only=[CANARY])).library.bnnc_float_mode())


@pytest.mark.parametrize("level", ["-O0", "-O2", "-O3"])
def test_float_mode_of_a_right_build(each_cc: str, tmp_path: Path, level: str) -> None:
    assert float_mode(each_cc, tmp_path, level) == 0


@pytest.mark.optional("needs an x86-64 processor with fma")
@pytest.mark.skipif(not (X86 and " fma " in CPU), reason="no fma instructions here")
@pytest.mark.parametrize("level", ["-O2", "-O3"])
def test_float_mode_notices_contraction(each_cc: str, tmp_path: Path, level: str) -> None:
    assert float_mode(each_cc, tmp_path, level, "-mfma", "-ffp-contract=fast") == 1


@pytest.mark.optional("sets the x86-64 control register")
@pytest.mark.skipif(not X86, reason="not an x86-64 processor")
@pytest.mark.parametrize("control", ["0x9f80", "0x1fc0"])
def test_float_mode_notices_flushed_denormals(each_cc: str, tmp_path: Path, control: str) -> None:
    """Flush of results (bit 15) and of operands (bit 6)."""
    main = tmp_path / "main.c"
    main.write_text(
        '#include <xmmintrin.h>\n#include "bnnc/float_mode.h"\n'
        f"int main(void) {{ _mm_setcsr({control}u); return bnnc_float_mode(); }}\n"
    )
    program = tmp_path / "main"
    assert run(each_cc, *FLAGS, INCLUDE, main, CANARY, "-o", program).returncode == 0
    assert run(program).returncode == 2
