# SPDX-License-Identifier: Apache-2.0
"""The kernels, built once for all tests; with sanitizers when test_sanitizers.py says so."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

import pytest

from bnnc.backends import emulator_of, find_compiler, find_target, kernel_table
from bnnc.runtime import runtime_dir

from .emulated import EmulatedKernels, build_host, sources_of
from .library import SANITIZE, Kernels, NativeKernels, build

_SANITIZED = bool(os.environ.get("BNNC_TEST_SANITIZE"))
# Portable kernels as other machines' compilers make them.
_OTHERS = () if _SANITIZED else ("neon", "armv7-neon")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sanitizers see this machine's kernels alone; tests of others are none to be skipped."""
    if _SANITIZED:
        gone = [item for item in items if _of_arm(getattr(item, "fixturenames", ()))]
        config.hook.pytest_deselected(items=gone)
        items[:] = [item for item in items if item not in gone]


def _of_arm(fixtures: Collection[str]) -> bool:
    return "neon_kernels" in fixtures or "arm_family" in fixtures


def emulated(
    name: str, folder: Path, kernels: Mapping[str, str] | None = None, compiler: int = 0
) -> EmulatedKernels:
    """All kernels of a target, or those given with their sources, in a program of their own.

    Skips where the emulator or that one of the target's compilers is missing.
    """
    target = find_target(name)
    command = find_compiler(target) if target.native else target.compilers[compiler]
    for tool in (command.split()[0], *emulator_of(target)[:1]):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool} on PATH; scripts/system-packages.sh installs it")
    kernels = kernels or sources_of(target)
    program = build_host(command, target, folder, kernels)
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


def of_family(isa: str) -> dict[str, str]:
    """The kernels of a family, each with its source."""
    return {k.symbol: k.source for k in kernel_table().kernels if k.isa == isa}


@pytest.fixture(scope="session", params=["gcc", "clang"])
def neon_kernels(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kernels]:
    """Kernels for 64-bit ARM, by two compilers, run as by a processor without extensions."""
    folder = tmp_path_factory.mktemp("neon")
    number = ["gcc", "clang"].index(request.param)
    found = emulated("neon", folder, of_family("neon"), number)
    yield found
    found.close()


@pytest.fixture(scope="session")
def arm_family(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str, int], Kernels]]:
    """The kernels of a family for 64-bit ARM, by a compiler of its target, run as it says."""
    made: dict[tuple[str, int], EmulatedKernels] = {}

    def family(isa: str, compiler: int) -> Kernels:
        if (isa, compiler) not in made:
            folder = tmp_path_factory.mktemp(isa)
            made[isa, compiler] = emulated(isa, folder, of_family(isa), compiler)
        return made[isa, compiler]

    yield family
    for kernels in made.values():
        kernels.close()
