# SPDX-License-Identifier: Apache-2.0
"""Compiling an emitted folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bnnc.ir.diagnostics import TargetError

from .emit import Manifest, read_manifest
from .target import Target

SHOWN_LINES = 30


def find_compiler(target: Target) -> str:
    """The first compiler of the target that is installed; ``CC`` of the environment goes first."""
    wanted = [c for c in (os.environ.get("CC"), *target.compilers) if c]
    for compiler in wanted:
        if shutil.which(compiler.split()[0]):
            return compiler
    raise TargetError(
        f"target '{target.name}' needs a C compiler: none of {', '.join(wanted)} is installed",
        hint="sudo apt-get install gcc make",
    )


def require_emulator(target: Target) -> None:
    """The emulator of a target that this machine cannot run itself must be installed."""
    if target.emulator and shutil.which(target.emulator[0]) is None:
        raise TargetError(
            f"target '{target.name}' runs through {target.emulator[0]}, which is not installed",
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
    command = ["make", "-s", jobs, "-C", str(out), f"CC={compiler or find_compiler(target)}"]
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


def manifest_of(out: Path) -> Manifest:
    """The manifest of an emitted folder; a target error where there is none."""
    manifest = read_manifest(Path(out))
    if manifest is None:
        raise TargetError(f"{out} is not a folder that bnnc made")
    return manifest
