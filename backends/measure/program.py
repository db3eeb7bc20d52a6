# SPDX-License-Identifier: Apache-2.0
"""A compiled folder built to be measured, and inputs for it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bnnc.ir.diagnostics import FileError, TargetError, UsageError

from ..emit import Manifest
from ..target import Target
from ..toolchain import build, find_compiler, manifest_of
from .counting import SOURCES

_CALL = re.compile(r"\bBNNC_TRACE\((\d+)u,")
_NOT_COPIED = shutil.ignore_patterns("obj", "*_trace")


@dataclass(frozen=True)
class Program:
    """A built network and how it is started.

    Attributes:
        manifest: of its folder.
        target: what it is built for.
        compiler: by which it was.
        folder: a copy, into which it was built.
        threads: with which it runs; 0 where it was not compiled for them.
    """

    manifest: Manifest
    target: Target
    compiler: str
    folder: Path
    threads: int = 0

    @property
    def marks(self) -> tuple[str, str]:
        """The functions at whose entry a run begins and an operation is done."""
        return f"{self.manifest.name}_run", self.hook

    @property
    def hook(self) -> str:
        """What is called behind every operation."""
        return f"{self.manifest.name}_trace_tensor"

    def arguments(self, program: Path, repeat: int) -> list[str]:
        """The command that runs a driver on the inputs."""
        files = [self.folder / f"{self.manifest.name}.bnnw"]
        files = [f for f in files if f.is_file()]
        files += [self.folder / f"in{i}.bin" for i in range(len(self.manifest.inputs))]
        files += [self.folder / f"out{i}.bin" for i in range(len(self.manifest.outputs))]
        threads = ("--threads", str(self.threads)) if self.threads else ()
        return [str(program), *map(str, files), "--repeat", str(repeat), *threads]

    def hooked(self, defines: Sequence[str] = ()) -> Path:
        """Link the program that calls the hook behind every operation."""
        name, folder = self.manifest.name, self.folder
        build(folder, self.target, trace=True, compiler=self.compiler)
        # Kernels first, as the Makefile links them: they lie where they lie in the program itself.
        # Linkers for 32-bit ARM make detours of branches at the end of a page.
        objects = sorted((folder / "obj" / "bnnc").glob("*.o"))
        objects += [folder / "obj" / "trace" / f"{name}.o", folder / "obj" / f"{name}_main.o"]
        objects += [o for o in [folder / "obj" / "trace" / f"{name}_weights.o"] if o.is_file()]
        threads = folder / "obj" / f"{name}_threads.o"
        objects += [threads] if threads.is_file() else []
        program = folder / f"{name}_hooked"
        flags = (
            *self.target.cflags,
            "-pthread",
            *(f"-D{d}" for d in (f"HOOK={self.hook}", *defines)),
        )
        command = [*self.compiler.split(), *flags, *map(str, objects), str(SOURCES / "hook.c")]
        done = subprocess.run(
            [*command, "-o", str(program)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise TargetError(f"the timer cannot be linked:\n{done.stderr.strip()}")
        return program


def program_in(
    out: Path, target: Target, work: Path, compiler: str | None, threads: int
) -> Program:
    """Copy a folder of ``bnnc compile``, build it and write inputs beside it.

    Floats are normal random numbers, other inputs random bytes, always the same.

    Raises:
        TargetError: no compiler, or it failed.
        FileError: the folder cannot be read.
        UsageError: threads are asked for, and it was compiled without them.
    """
    manifest = manifest_of(out)
    if threads and not (out / f"{manifest.name}_threads.c").is_file():
        raise UsageError(
            f"{out} runs in one thread", hint="compile it with --threads, or give the model"
        )
    folder = work / "project"
    try:
        shutil.copytree(out, folder, ignore=_NOT_COPIED)
        header = (folder / f"{manifest.name}.h").read_text(encoding="utf-8")
    except (OSError, shutil.Error) as error:
        raise FileError(f"cannot read {out}: {error}") from error
    for i, tensor in enumerate(manifest.inputs):
        rng = np.random.default_rng(i)
        size = re.search(rf"{re.escape(manifest.name)}_IN{i}_BYTES (\d+)", header)
        count = int(size[1]) if size else 0
        if tensor.scalar == "f32":
            data = rng.normal(size=count // 4).astype(np.float32).tobytes()
        else:
            data = rng.bytes(count)
        (folder / f"in{i}.bin").write_bytes(data)
    command = compiler or find_compiler(target)
    build(folder, target, compiler=command)
    return Program(manifest, target, command, folder, threads)


def layer_marks(program: Program) -> list[int]:
    """The index of the operation for each call of the hook, in the order of a run."""
    code = (program.folder / f"{program.manifest.name}.c").read_text(encoding="utf-8")
    return [int(index) for index in _CALL.findall(code)]
