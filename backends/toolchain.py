# SPDX-License-Identifier: Apache-2.0
"""Compiling an emitted folder."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bnnc.ir.diagnostics import TargetError

from .emit import Manifest, read_manifest
from .target import Target

SHOWN_LINES = 30
_NATIVE = ("cc", "gcc", "clang")


def find_compiler(target: Target) -> str:
    """The first compiler of the target that is installed.

    ``CC`` of the environment goes first, unless the target is for other machines than this one.
    """
    foreign = bool(target.machines) and not target.native
    own = None if foreign else os.environ.get("CC")
    wanted = [c for c in (own, *(_NATIVE if target.native else target.compilers)) if c]
    for compiler in wanted:
        if command := installed(compiler):
            return command
    package = compiler_package(target.compilers[0]) if foreign else "gcc"
    raise TargetError(
        f"target '{target.name}' needs a C compiler: none of {', '.join(wanted)} is installed",
        hint=f"sudo apt-get install {package} make",
    )


def installed(compiler: str) -> str | None:
    """The command of a compiler that is installed: zig also as PyPI's package ``ziglang``."""
    name, _, words = compiler.partition(" ")
    if shutil.which(name):
        return compiler
    if name == "zig" and importlib.util.find_spec("ziglang") is not None:
        return f"{sys.executable} -m ziglang {words}"
    return None


def compiler_package(command: str) -> str:
    """Debian's package of a compiler: a cross compiler's name has its two halves swapped."""
    name = command.split()[0]
    triple, _, tool = name.rpartition("-")
    return f"{tool}-{triple}" if triple else name


def emulator_of(target: Target) -> tuple[str, ...]:
    """The command to put before a program of the target on this machine."""
    return () if target.native else target.emulator


def require_emulator(target: Target) -> None:
    """The emulator of a target that this machine cannot run itself must be installed."""
    emulator = emulator_of(target)
    if emulator and shutil.which(emulator[0]) is None:
        raise TargetError(
            f"target '{target.name}' runs through {emulator[0]}, which is not installed",
            hint="sudo apt-get install qemu-user",
        )


def build(
    out: Path,
    target: Target,
    *,
    trace: bool = False,
    compiler: str | None = None,
    cflags: Sequence[str] = (),
    ldflags: Sequence[str] = (),
) -> Path:
    """Run ``make`` in an emitted folder and return the program.

    Args:
        out: the folder.
        target: names the compilers to look for.
        trace: build the program that can write every intermediate tensor.
        compiler: this one instead of the target's.
        cflags: flags after the target's own, for instance sanitizers or warnings.
        ldflags: flags for linking.

    Raises:
        TargetError: no compiler or no make is installed, the folder is not one of bnnc's, or
            compiling failed.
    """
    manifest = manifest_of(out)
    if shutil.which("make") is None:
        raise TargetError("make is not installed", hint="sudo apt-get install make")
    jobs = f"-j{os.cpu_count() or 1}"
    command = ["make", "-s", jobs, "-C", str(out), f"CC={_chosen(compiler, target)}"]
    if cflags:
        command.append(f"CFLAGS={' '.join(cflags)}")
    if ldflags:
        command.append(f"LDFLAGS={' '.join(ldflags)}")
    result = subprocess.run(
        [*command, *(["trace"] if trace else [])], capture_output=True, text=True, check=False
    )
    if result.returncode:
        lines = result.stderr.strip().splitlines()
        shown = "\n".join(lines[:SHOWN_LINES])
        raise TargetError(f"compiling {out} failed:\n{shown}")
    return Path(out) / (f"{manifest.name}_trace" if trace else manifest.name)


def _chosen(compiler: str | None, target: Target) -> str:
    return (installed(compiler) or compiler) if compiler else find_compiler(target)


def manifest_of(out: Path) -> Manifest:
    """The manifest of an emitted folder; a target error where there is none."""
    manifest = read_manifest(Path(out))
    if manifest is None:
        raise TargetError(f"{out} is not a folder that bnnc made")
    return manifest
