# SPDX-License-Identifier: Apache-2.0
"""The kernels, built once for all tests; with sanitizers when test_sanitizers.py says so."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

import pytest

from bnnc.backends import Target, emulator_of, find_compiler, find_target, kernel_table
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
    return not {"neon_kernels", "single_loads", "neon_32_kernels", "arm_family"}.isdisjoint(
        fixtures
    )


def compiler_of(target: Target, number: int) -> str:
    """One of a target's compilers; skips where it or the target's emulator is missing."""
    command = find_compiler(target) if target.native else target.compilers[number]
    for tool in (command.split()[0], *emulator_of(target)[:1]):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool} on PATH; scripts/system-packages.sh installs it")
    return command


def emulated(
    name: str, folder: Path, kernels: Mapping[str, str] | None = None, compiler: int = 0
) -> EmulatedKernels:
    """All kernels of a target, or those given with their sources, in a program of their own.

    Skips where the emulator or that one of the target's compilers is missing.
    """
    target = find_target(name)
    command = compiler_of(target, compiler)
    kernels = kernels or sources_of(target)
    program = build_host(command, target, folder, kernels)
    return EmulatedKernels(program, target, list(kernels))


class Emulated:
    """Programs of kernels, each built when it is first asked for.

    A parametrized fixture is made anew each time the parameter changes, once or more for each file
    of tests; these are kept.
    """

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._made: dict[tuple[str, bool, int], EmulatedKernels] = {}

    def all_of(self, target: str) -> Kernels:
        """Every kernel that may run on a target."""
        return self._get(target, False, 0)

    def family(self, isa: str, compiler: int) -> Kernels:
        """The kernels of a family, by a compiler of its target, run as the target says."""
        return self._get(isa, True, compiler)

    def _get(self, target: str, family: bool, compiler: int) -> Kernels:
        key = target, family, compiler
        if key not in self._made:
            chosen = of_family(target) if family else None
            folder = self._folders.mktemp(target)
            self._made[key] = emulated(target, folder, chosen, compiler)
        return self._made[key]

    def close(self) -> None:
        """End the programs."""
        for kernels in self._made.values():
            kernels.close()


@pytest.fixture(scope="session")
def emulated_kernels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulated]:
    """Programs of kernels for other machines."""
    found = Emulated(tmp_path_factory)
    yield found
    found.close()


@pytest.fixture(scope="session")
def host_kernels(cc: str, tmp_path_factory: pytest.TempPathFactory) -> Kernels:
    """Every portable kernel, compiled by gcc for this machine."""
    extra = SANITIZE if _SANITIZED else ()
    return NativeKernels(build(cc, tmp_path_factory.mktemp("kernels"), *extra))


@pytest.fixture(scope="session", params=["here", *_OTHERS])
def kernels(
    request: pytest.FixtureRequest, host_kernels: Kernels, emulated_kernels: Emulated
) -> Kernels:
    """Every portable kernel, compiled by gcc for this machine and for others."""
    target: str = request.param
    return host_kernels if target == "here" else emulated_kernels.all_of(target)


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
def neon_kernels(request: pytest.FixtureRequest, emulated_kernels: Emulated) -> Kernels:
    """Kernels for 64-bit ARM, by two compilers, run as by a processor without extensions."""
    return emulated_kernels.family("neon", ["gcc", "clang"].index(request.param))


@pytest.fixture(scope="session", params=["gcc", "clang"])
def single_loads(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kernels]:
    """Kernels of bits for 64-bit ARM as ``neon-a55`` compiles them."""
    bits = {s: source for s, source in of_family("neon").items() if s.startswith("conv2d_bb_")}
    number = ["gcc", "clang"].index(request.param)
    found = emulated("neon-a55", tmp_path_factory.mktemp("single"), bits, number)
    yield found
    found.close()


@pytest.fixture(scope="session", params=["gcc", "clang"])
def neon_32_kernels(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kernels]:
    """All functions of the files of kernels that 32-bit ARM has too, by two compilers; those that
    are no kernels there do well on numbers that are not denormal."""
    rows = [k for k in kernel_table().kernels if k.isa == "neon"]
    files = {k.source for k in rows if "armv7-neon" in k.also}
    sources = {k.symbol: k.source for k in rows if k.source in files}
    number = ["gcc", "clang"].index(request.param)
    found = emulated("armv7-neon", tmp_path_factory.mktemp("neon32"), sources, number)
    yield found
    found.close()


@pytest.fixture(scope="session")
def arm_family(emulated_kernels: Emulated) -> Callable[[str, int], Kernels]:
    """The kernels of a family for 64-bit ARM, by a compiler of its target, run as it says."""
    return emulated_kernels.family
