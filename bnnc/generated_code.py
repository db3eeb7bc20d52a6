# SPDX-License-Identifier: Apache-2.0
"""Generated code against the interpreter: every tensor of every call, bit for bit.

The trace build of the emitted project writes each result as it lies in memory, so that padding
bits are compared too.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from bnnc import arrays as batches
from bnnc.backends import Target, emit_project, run_traced
from bnnc.ir import interpreter
from bnnc.ir.layouts import layout_of
from bnnc.ir.module import Module
from bnnc.ir.operation import Op
from bnnc.ir.types import TensorType
from bnnc.ir.value import Resource, Value

from .comparison import Comparison, compare_bits

CHECK = "code against interpreter"


def check_code(
    planned: Module,
    target: Target | None,
    arrays: Mapping[str, np.ndarray],
    progress: Callable[[str], None],
    emit: Callable[[Module, Path], object] = emit_project,
) -> tuple[dict[str, np.ndarray], list[Comparison]]:
    """Run a planned module in the interpreter and as generated code, and compare all tensors.

    Args:
        planned: the module.
        target: what to build for; None runs the interpreter alone.
        arrays: inputs [N, ...] of the right dtypes.
        progress: called with what is being done.
        emit: puts the project into the folder it is given.

    Returns:
        The interpreter's outputs [N, ...] by name, and one comparison per tensor.

    Raises:
        TargetError: when compiler or emulator are missing or fail.
    """
    inputs, outputs = planned.inputs, planned.outputs
    padded, count = batches.pad_batches(inputs, arrays)
    merged: dict[tuple[int, int], Comparison] = {}
    calls: list[dict[str, np.ndarray]] = []
    batch = batches.batch_of(inputs)
    with tempfile.TemporaryDirectory(prefix="bnnc-verify-") as folder:
        nothing: Mapping[int, bytes] = {}
        traces: Iterator[Mapping[int, bytes]] = iter(())
        if target is not None:
            progress("building the generated code")
            out = Path(folder) / planned.name
            emit(planned, out)
            traces = run_traced(out, planned, padded, target)
        for number, chunk in enumerate(batches.chunks(inputs, padded)):
            progress(f"sample {number * batch + 1} of {count}")
            values = values_of(planned, chunk)
            results = zip(outputs, planned.func.results, strict=True)
            calls.append({name: values[v] for name, v in results})
            if target is not None:
                trace = next(traces, nothing)
                for index, op in enumerate(planned.func.ops):
                    for position, found in enumerate(_compare(op, values, trace.get(index, b""))):
                        key = (index, position)
                        merged[key] = _merge(merged.get(key), found, number)
    joined = {n: np.concatenate([np.atleast_1d(c[n]) for c in calls]) for n in outputs}
    return batches.cut(joined, outputs, batch, count), [merged[k] for k in sorted(merged)]


def evaluate_into(
    values: dict[Value, np.ndarray], module: Module, inputs: Mapping[str, np.ndarray]
) -> Iterable[Op]:
    """Yield the operations in order; `values` then holds what each has computed."""
    values.update(
        zip(module.func.args, (inputs[name] for name in module.func.input_names), strict=True)
    )
    for op, results in interpreter.trace(module, dict(inputs)):
        values.update(zip(op.results, results, strict=True))
        yield op


def values_of(module: Module, inputs: Mapping[str, np.ndarray]) -> dict[Value, np.ndarray]:
    """The logical arrays of all values of a module, of its constant results too."""
    values: dict[Value, np.ndarray] = {}
    for _ in evaluate_into(values, module, inputs):
        pass
    values.update({v: v.array for v in module.func.results if isinstance(v, Resource)})
    return values


def _compare(op: Op, values: Mapping[Value, np.ndarray], data: bytes) -> Iterator[Comparison]:
    """Compare what the code wrote, one result after the other, with the logical arrays."""
    start = 0
    for value in op.results:
        size = layout_of(value.type).nbytes(value.type)
        actual = np.frombuffer(data[start : start + size], np.uint8)
        yield _compare_bytes(op.loc.name, values[value], value.type, actual)
        start += size


def _compare_bytes(
    name: str, expected: np.ndarray, type_: TensorType, actual: np.ndarray
) -> Comparison:
    layout = layout_of(type_)
    packed = layout.pack(expected, type_)
    if packed.size != actual.size:
        where = f"the code wrote {actual.size} bytes, not {packed.size}"
        return Comparison(CHECK, name, differ=1, where=where, elements=type_.size)
    if np.array_equal(packed, actual):
        return Comparison(CHECK, name, elements=type_.size)
    found = compare_bits(CHECK, name, expected, layout.unpack(actual, type_))
    if not found.ok or type_.layout is None:
        return found
    wrong = np.flatnonzero(packed != actual)
    return Comparison(CHECK, name, 0.0, 0.0, wrong.size, f"padding bits of byte {wrong[0]}")


def _merge(before: Comparison | None, now: Comparison, number: int) -> Comparison:
    """Join the outcomes of one tensor over several calls."""
    if now.where and number:
        now = replace(now, where=f"call {number}: {now.where}")
    if before is None:
        return now
    return Comparison(
        now.check,
        now.layer,
        max(before.max_abs, now.max_abs),
        max(before.max_rel, now.max_rel),
        before.differ + now.differ,
        before.where or now.where,
        before.elements + now.elements,
    )
