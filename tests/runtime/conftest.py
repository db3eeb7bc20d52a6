# SPDX-License-Identifier: Apache-2.0
"""The kernels, built once for all tests; with sanitizers when test_sanitizers.py says so."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bnnc.backends import emulator_of, find_compiler, find_target
from bnnc.ir.diagnostics import TargetError
from bnnc.runtime import runtime_dir

from .emulated import EmulatedKernels, build_host, sources_of
from .library import SANITIZE, Kernels, NativeKernels, build

_SANITIZED = bool(os.environ.get("BNNC_TEST_SANITIZE"))
# Portable kernels as other machines' compilers make them.
_OTHERS = () if _SANITIZED else ("neon", "armv7-neon")


def emulated(name: str, folder: Path, kernels: Mapping[str, str] | None = None) -> EmulatedKernels:
    """All kernels of a target, or those given with their sources, in a program of their own.

    Skips where a tool is missing.
    """
    target = find_target(name)
    try:
        compiler = find_compiler(target)
    except TargetError as error:
        pytest.skip(str(error))
    emulator = emulator_of(target)
    if emulator and shutil.which(emulator[0]) is None:
        pytest.skip(f"no {emulator[0]} on PATH; scripts/system-packages.sh installs it")
    kernels = kernels or sources_of(target)
    program = build_host(compiler, target, folder, kernels)
    return EmulatedKernels(program, target, list(kernels))


@pytest.fixture(scope="session", params=["here", *_OTHERS])
def kernels(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kernels]:
    """Every portable kernel, compiled by gcc for this machine and for others."""
    if request.param == "here":
        cc: str = request.getfixturevalue("cc")
        extra = SANITIZE if _SANITIZED else ()
        yield NativeKernels(build(cc, tmp_path_factory.mktemp("kernels"), *extra))
        return
    found = emulated(request.param, tmp_path_factory.mktemp(request.param))
    yield found
    found.close()


@pytest.fixture(scope="session")
def native_kernels(cc: str, tmp_path_factory: pytest.TempPathFactory) -> Kernels:
    """Kernels that become other code where the processor counts ones or has wide vectors."""
    flags = ["-O3", *(["-march=native"] if platform.machine() == "x86_64" else [])]
    flags += SANITIZE if _SANITIZED else ()
    folder = runtime_dir() / "src" / "ref"
    sources = [folder / f"conv2d_{name}.c" for name in ("bb_x4", "ff_t8", "fb_t8")]
    return NativeKernels(build(cc, tmp_path_factory.mktemp("native"), *flags, only=sources))
