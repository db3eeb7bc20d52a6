# SPDX-License-Identifier: Apache-2.0
"""Generated code under sanitizers, quickly: kernels are compiled once, networks in batches."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bnnc.backends import Target, emit_project, emulator_of, find_target
from bnnc.backends.kernel_table import kernel_table
from bnnc.ir import Module, Resource, TensorType
from bnnc.ir.interpreter import trace
from bnnc.ir.layouts import layout_of
from bnnc.runtime import runtime_dir

from .fault import Fault

_SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g1")
_WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror")
_OUTPUT = 0xFFFFFFFF
_ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


def compiler_for(target: str) -> str:
    """The compiler to take for a target where none is named: gcc for this machine."""
    return "gcc" if target == "c" else find_target(target).compilers[0]


def _compile(command: Sequence[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Fault(f"compiling {what}", done.stderr[:4000])


@dataclass(frozen=True)
class Native:
    """The kernels of a target and a program that runs networks, compiled into a folder.

    Attributes:
        folder: for all files.
        target: whose kernels are used.
        compiler: gcc or clang, for the target's machine; for another machine than this one there
            are no sanitizers, and its emulator runs the code.
    """

    folder: Path
    target: Target
    compiler: str = "gcc"

    @classmethod
    def made(
        cls, folder: Path, target: str = "c", compiler: str = "gcc", optimize: str = "-O0"
    ) -> Native:
        """Compile host and kernels; optimizing takes eight times as long."""
        native = cls(folder, find_target(target), compiler)
        root = runtime_dir()
        rows = [k for k in kernel_table().kernels if k.runs_on(native.target)]
        sources = {str(root / k.source) for k in rows}
        sources |= {str(root / "src/ref" / name) for name in ("bnnw.c", "float_mode.c")}
        if "muladd.ftz" in native.target.orders:
            sources.add(str(root / "src/neon/vector_float_mode.c"))
        host = Path(__file__).with_name("host.c")
        flags = native._flags(optimize, "-D_POSIX_C_SOURCE=200809L", "-Wno-strict-prototypes")
        command = [*flags, "-rdynamic", str(host), *sorted(sources), "-o", str(native.host), "-ldl"]
        _compile(command, "the kernels")
        return native

    @property
    def emulator(self) -> tuple[str, ...]:
        """The command that runs programs of the target's machine; empty on that machine."""
        return emulator_of(self.target)

    @property
    def host(self) -> Path:
        """The program."""
        return self.folder / "host"

    def _flags(self, *more: str) -> list[str]:
        includes = f"-I{runtime_dir() / 'include'}"
        exact = [f for f in self.target.cflags if not f.startswith("-O")]
        sanitize = () if self.emulator else _SANITIZE
        return [self.compiler, *exact, *sanitize, *_WARNINGS, includes, *more]

    def build(self, modules: Mapping[str, Module]) -> Path:
        """Emit planned modules under C names, compile all into one shared library."""
        texts = self.folder / "models"
        texts.mkdir(exist_ok=True)
        sources: list[str] = []
        for name, module in modules.items():
            module.name = name
            out = self.folder / "out"
            emit_project(module, out)
            for suffix in ("c", "h", "bnnw"):
                os.replace(out / f"{name}.{suffix}", texts / f"{name}.{suffix}")
            sources.append(str(texts / f"{name}.c"))
        library = self.folder / f"{next(iter(modules))}.so"
        flags = self._flags("-O0", "-shared", "-fPIC", "-DBNNC_TRACE=bnnc_fuzz_trace")
        _compile([*flags, *sources, "-o", str(library)], ", ".join(modules))
        return library

    def check(
        self, library: Path, name: str, module: Module, samples: Sequence[Mapping[str, np.ndarray]]
    ) -> int:
        """Compare every tensor with the interpreter's, bit for bit; return their number.

        Raises:
            Fault: a tensor differs, a sanitizer complains, or the code returns an error.
        """
        texts = self.folder / "models"
        sizes = [[_bytes(t) for t in types.values()] for types in (module.inputs, module.outputs)]
        for i, (key, type_) in enumerate(module.inputs.items()):
            data = b"".join(_packed(sample[key], type_).tobytes() for sample in samples)
            (texts / f"{name}.in{i}").write_bytes(data)
        numbers = [len(samples), *(n for group in sizes for n in (len(group), *group))]
        command = [
            *self.emulator,
            str(self.host),
            str(library),
            name,
            str(texts),
            *map(str, numbers),
        ]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=120,
            env={**os.environ, **_ENVIRONMENT},
        )
        if done.returncode:
            raise Fault("running the code", done.stderr[:4000])
        records = _records(texts / f"{name}.trace")
        return sum(_compare(module, sample, records) for sample in samples)

    def statuses(
        self, library: Path, name: str, module: Module, files: Sequence[bytes]
    ) -> list[int]:
        """What the code's init says to weight files; where it is content, the model runs.

        Raises:
            Fault: a sanitizer complains; the detail begins with the number of the file.
        """
        sizes = [[_bytes(t) for t in types.values()] for types in (module.inputs, module.outputs)]
        numbers = [0, *(n for group in sizes for n in (len(group), *group))]
        command = [
            *self.emulator,
            str(self.host),
            str(library),
            name,
            str(self.folder),
            *map(str, numbers),
        ]
        stream = b"".join(struct.pack("<I", len(file)) + file for file in files)
        environment = {**os.environ, **_ENVIRONMENT}
        done = subprocess.run(
            command, input=stream, capture_output=True, check=False, timeout=600, env=environment
        )
        if done.returncode:
            detail = done.stderr.decode("utf-8", "replace")[:4000]
            raise Fault("running the code", f"file {len(done.stdout)}: {detail}")
        return list(done.stdout)

    def clean(self, name: str) -> None:
        """Remove what `build` and `check` wrote for a network."""
        for path in (self.folder / "models").glob(f"{name}.*"):
            path.unlink()


def _bytes(type_: TensorType) -> int:
    return layout_of(type_).nbytes(type_)


def _packed(array: np.ndarray, type_: TensorType) -> np.ndarray:
    return layout_of(type_).pack(array, type_)


def _records(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        while head := file.read(8):
            index, size = struct.unpack("<II", head)
            yield index, file.read(size)


def _compare(
    module: Module, sample: Mapping[str, np.ndarray], records: Iterator[tuple[int, bytes]]
) -> int:
    count = 0
    values = dict(zip(module.func.args, (sample[n] for n in module.func.input_names), strict=True))
    for index, (op, results) in enumerate(trace(module, sample)):
        values.update(zip(op.results, results, strict=True))
        for value, array in zip(op.results, results, strict=True):
            where = f"{index} {op.NAME} with {op.kernel}: {op.attributes()}"
            _compare_one(next(records, (-1, b"")), index, array, value.type, where)
            count += 1
    for name, value in zip(module.func.output_names, module.func.results, strict=True):
        array = value.array if isinstance(value, Resource) else values[value]
        _compare_one(next(records, (-1, b"")), _OUTPUT, array, value.type, f"output {name}")
        count += 1
    return count


def _compare_one(
    record: tuple[int, bytes], index: int, array: np.ndarray, type_: TensorType, where: str
) -> None:
    want = _packed(array, type_)
    got = np.frombuffer(record[1], np.uint8)
    if record[0] != index or got.size != want.size:
        raise Fault("code", f"{where}: record {record[0]} of {got.size} bytes, not {want.size}")
    if type_.scalar.is_float:
        same = want.view(np.uint32) == got.view(np.uint32)
        want, got = want.view(np.float32), got.view(np.float32)
        same |= np.isnan(want) & np.isnan(got)
    else:
        same = want == got
    if not same.all():
        at = int(np.flatnonzero(~same)[0])
        detail = f"{where}: element {at} is {got[at]!r}, not {want[at]!r}"
        raise Fault("code", f"{detail}; {int((~same).sum())} of {same.size} differ")
