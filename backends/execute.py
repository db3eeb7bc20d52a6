# SPDX-License-Identifier: Apache-2.0
"""Running the compiled driver on arrays."""

from __future__ import annotations

import math
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from bnnc.ir import Module, TensorType
from bnnc.ir.diagnostics import TargetError, UsageError, WeightFileError
from bnnc.ir.layouts import layout_of

from .params import nbytes_of
from .target import Target, find_target
from .toolchain import build, emulator_of, manifest_of, require_emulator

_WEIGHT_FILE_STATUS = 7


def run_project(
    out: Path,
    module: Module,
    arrays: Mapping[str, np.ndarray],
    target: Target | None = None,
    *,
    program: Path | None = None,
) -> dict[str, np.ndarray]:
    """Run a compiled model once for every sample, in one process.

    Args:
        out: the emitted folder.
        module: the planned module that it was emitted from.
        arrays: one array for each public input name; its first axis is that of the module's
            input times the number M of runs.
        target: says which compiler and emulator to use; by default the module's own.
        program: the built driver; built when it is not given.

    Returns:
        One array for each output name; its first axis is that of the module's output times M. An
        output without axes gets one of M.

    Raises:
        TargetError: no compiler or emulator, or the program failed.
        WeightFileError: the program refused the weight file.
        UsageError: an input is missing or has another dtype or size.
    """
    target = target or find_target(str(module.attrs["target"]))
    program = program or build(out, target)
    with tempfile.TemporaryDirectory() as work:
        outputs = _run(out, module, target, arrays, program, Path(work))
    return {
        name: _from_bytes(data, type_)
        for (name, type_), data in zip(module.outputs.items(), outputs, strict=True)
    }


def run_traced(
    out: Path,
    module: Module,
    arrays: Mapping[str, np.ndarray],
    target: Target | None = None,
    *,
    program: Path | None = None,
    options: Sequence[str] = (),
) -> Iterator[dict[int, bytes]]:
    """Run the trace build; yield for each call the bytes of every operation's results.

    The keys are the indices of the operations in the function. Results of one operation follow
    each other; they are as they lie in memory, ``layout_of(type).unpack`` makes logical arrays of
    them. `options` are more words for the driver. Arguments and errors are those of `run_project`.
    """
    target = target or find_target(str(module.attrs["target"]))
    program = program or build(out, target, trace=True)
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "trace.bin"
        _run(out, module, target, arrays, program, Path(work), ("--trace", str(path), *options))
        with path.open("rb") as file:
            yield from _calls(file, sum(len(op.results) for op in module.func.ops))


def _calls(file: BinaryIO, records: int) -> Iterator[dict[int, bytes]]:
    """Group the records of a trace by call; every call writes the same number of them."""
    while True:
        call: dict[int, bytes] = {}
        for _ in range(records):
            head = file.read(8)
            if not head:
                return
            index, size = struct.unpack("<II", head)
            call[index] = call.get(index, b"") + file.read(size)
        yield call


def _run(
    out: Path,
    module: Module,
    target: Target,
    arrays: Mapping[str, np.ndarray],
    program: Path,
    work: Path,
    options: Sequence[str] = (),
) -> list[bytes]:
    require_emulator(target)
    weights = Path(out) / f"{manifest_of(out).name}.bnnw"
    command = [*emulator_of(target), str(Path(program).resolve())]
    if weights.is_file():
        command.append(str(weights))
    for i, (name, type_) in enumerate(module.inputs.items()):
        file = work / f"in{i}.bin"
        file.write_bytes(_to_bytes(name, arrays.get(name), type_))
        command.append(str(file))
    results = [work / f"out{i}.bin" for i in range(len(module.outputs))]
    command += [*map(str, results), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        message = done.stderr.strip() or f"{program} ended with status {done.returncode}"
        error = WeightFileError if done.returncode == _WEIGHT_FILE_STATUS else TargetError
        raise error(message)
    return [file.read_bytes() for file in results]


def _to_bytes(name: str, array: np.ndarray | None, type_: TensorType) -> bytes:
    if array is None:
        raise UsageError(f"input '{name}' is missing")
    if array.dtype != type_.dtype or array.size == 0 or array.size % type_.size:
        raise UsageError(
            f"input '{name}' takes {type_.dtype}{list(type_.shape)} or several of them, "
            f"not {array.dtype}{list(array.shape)}"
        )
    layout = layout_of(type_)
    samples = array.reshape(-1, *type_.shape)
    return b"".join(layout.pack(s, type_).tobytes() for s in samples)


def _from_bytes(data: bytes, type_: TensorType) -> np.ndarray:
    size = nbytes_of(type_)
    chunks = np.frombuffer(data, np.uint8).reshape(-1, size)
    layout = layout_of(type_)
    samples = np.stack([layout.unpack(c, type_) for c in chunks])
    shape = (math.prod(samples.shape[: 2 if type_.rank else 1]), *type_.shape[1:])
    return samples.reshape(shape)
