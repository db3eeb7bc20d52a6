# SPDX-License-Identifier: Apache-2.0
"""Networks for other machines, run by an emulator of a processor that just has what they need."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

import bnnc
from bnnc.backends import (
    Target,
    compiler_package,
    emulator_of,
    find_compiler,
    find_target,
    targets,
)
from bnnc.ir.diagnostics import TargetError

from .networks import WARNINGS, assert_code_equals_interpreter, lower
from .test_layers import every_convolution, every_dense

FOREIGN = [t.name for t in targets() if t.emulator]
KINDS = ["ff", "fb", "ft", "bb", "bt"]


def ready(name: str, compiler: int = 0) -> tuple[Target, str]:
    """A target and one of its compilers; skips where that or the emulator is missing."""
    target = find_target(name)
    command = find_compiler(target) if target.native else target.compilers[compiler]
    for tool in (command.split()[0], *emulator_of(target)[:1]):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool} on PATH; scripts/system-packages.sh installs it")
    return target, command


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["neon", "armv7-neon"])
def test_every_tensor_is_that_of_the_interpreter(name: str, kind: str, tmp_path: Path) -> None:
    target, command = ready(name)
    for made in (every_convolution, every_dense):
        module = lower(made(kind), target)
        assert_code_equals_interpreter(
            module, tmp_path / made.__name__, compiler=command, target=target
        )


@pytest.mark.slow
@pytest.mark.parametrize("compiler", [0, 1])
@pytest.mark.parametrize("name", FOREIGN)
def test_a_trained_network(name: str, compiler: int, repo: Path, tmp_path: Path) -> None:
    target, command = ready(name, compiler)
    model = repo / "examples" / "digits" / "digits.pb"
    module = bnnc.compile(model, target=target, out=tmp_path / "out").module
    assert_code_equals_interpreter(module, tmp_path / "out", compiler=command, target=target)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["neon", "neon-i8mm", "armv7-neon"])
def test_zig_compiles_without_a_cross_compiler(
    name: str, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compiled, but not linked: the first program would take a minute or more."""
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("ziglang is not installed")
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("make", "sh", "mkdir", "cmp", "echo", "rm", "ar"):
        (tools / tool).symlink_to(shutil.which(tool) or tool)
    monkeypatch.setenv("PATH", str(tools))
    target = find_target(name)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    command = find_compiler(target)
    assert "-m ziglang cc -target a" in command
    bnnc.compile(repo / "examples" / "digits" / "digits.pb", target=target, out=tmp_path / "out")
    make = ["make", "-s", "-C", str(tmp_path / "out"), "library", f"CC={command}"]
    subprocess.run([*make, f"CFLAGS={' '.join(WARNINGS)}"], check=True)
    header = next((tmp_path / "out" / "obj" / "bnnc").glob("*.o")).read_bytes()[:20]
    machine = {"armv7-neon": 40}.get(name, 183)  # EM_ARM, EM_AARCH64
    assert header[:4] == b"\x7fELF"
    assert int.from_bytes(header[18:20], "little") == machine


@pytest.mark.parametrize(
    ("installed", "chosen"),
    [
        (("clang", "aarch64-linux-gnu-gcc"), "aarch64-linux-gnu-gcc"),
        (("clang", "cc"), "clang --target=aarch64-linux-gnu"),
        (("cc",), "cc"),
    ],
)
def test_a_makefile_takes_the_first_compiler_that_is_installed(
    installed: tuple[str, ...], chosen: str, repo: Path, tmp_path: Path
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("make", "sh", "mkdir", "cmp", "echo"):
        (tools / tool).symlink_to(shutil.which(tool) or tool)
    for name in installed:
        (tools / name).write_text("#!/bin/sh\n")
        (tools / name).chmod(0o755)
    bnnc.compile(repo / "examples" / "digits" / "digits.pb", target="neon", out=tmp_path / "out")
    make = [str(tools / "make"), "-n", "-C", str(tmp_path / "out")]
    run = subprocess.run(make, env={"PATH": str(tools)}, capture_output=True, text=True, check=True)
    compiled = [line for line in run.stdout.splitlines() if " -c -o " in line]
    assert compiled
    assert all(line.startswith(f"{chosen} -std=c99 ") for line in compiled), compiled[0]


def test_what_is_missing_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CC", "sh")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")

    def nothing(name: str) -> None:
        del name

    monkeypatch.setattr(importlib.util, "find_spec", nothing)
    with pytest.raises(TargetError, match="none of aarch64-linux-gnu-gcc, clang") as error:
        find_compiler(find_target("neon"))
    assert "apt-get install gcc-aarch64-linux-gnu make" in str(error.value)


def test_a_machine_of_the_target_needs_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gcc").write_text("#!/bin/sh\n")
    (tmp_path / "gcc").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    target = find_target("neon")
    assert (find_compiler(target), emulator_of(target)) == ("gcc", ())
    assert emulator_of(find_target("armv7-neon"))[0] == "qemu-arm"


@pytest.mark.parametrize(
    ("command", "package"),
    [
        ("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"),
        ("arm-none-eabi-gcc -Os", "gcc-arm-none-eabi"),
        ("clang --target=aarch64-linux-gnu", "clang"),
    ],
)
def test_packages_of_compilers(command: str, package: str) -> None:
    assert compiler_package(command) == package
