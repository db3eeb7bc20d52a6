# SPDX-License-Identifier: Apache-2.0
"""Verification: thresholds, imported against planned IR, generated code, reference arrays.

Four checks, each with its own rule:

* every stored threshold is searched again on the expression it was read off;
* the planned module computes what the given one does, floats within the tolerance;
* generated code equals the interpreter of the planned module in every bit of every tensor;
* outputs, and with a reference of intermediate tensors every layer, agree with a framework.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bnnc import arrays as batches
from bnnc.backends import Target, emit_project, run_traced
from bnnc.ir import bin as bits
from bnnc.ir import interpreter
from bnnc.ir.diagnostics import Remark, UsageError
from bnnc.ir.layouts import layout_of
from bnnc.ir.module import Module, Stage
from bnnc.ir.operation import Op
from bnnc.ir.types import TensorType
from bnnc.ir.value import Resource, Value
from bnnc.passes.fold_thresholds import recheck

from .comparison import (
    Comparison,
    Tolerances,
    compare_bits,
    compare_outputs,
    ties_of,
)
from .layerwise import LayerCheck, layer_tensors

THRESHOLDS = "thresholds"
PLANNED = "planned against given"
CODE = "code against interpreter"
REFERENCE = "outputs against reference"


@dataclass(frozen=True)
class Verification:
    """The outcome: every comparison made, in graph order within each check."""

    target: str
    comparisons: tuple[Comparison, ...]
    remarks: tuple[Remark, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether all checks hold."""
        return all(c.ok for c in self.comparisons)

    @property
    def first_difference(self) -> Comparison | None:
        """The first layer that differs, in the order of the checks."""
        return next((c for c in self.comparisons if not c.ok), None)

    def to_json(self) -> dict[str, object]:
        """``{"ok", "layers": [{"name", "max_abs", "max_rel", "bits_differ", "where"}]}``.

        One entry per node name: the largest differences and the sum of the elements that break
        the rule of some check.
        """
        merged: dict[str, list[Comparison]] = {}
        for comparison in self.comparisons:
            merged.setdefault(comparison.layer, []).append(comparison)
        return {"ok": self.ok, "layers": [_json_row(n, rows) for n, rows in merged.items()]}


def _json_row(name: str, rows: list[Comparison]) -> dict[str, object]:
    told = sorted((r for r in rows if r.where), key=lambda r: r.ok)
    return {
        "name": name,
        "max_abs": max(r.max_abs for r in rows),
        "max_rel": max(r.max_rel for r in rows),
        "bits_differ": sum(r.differ for r in rows),
        "where": f"{told[0].check}: {told[0].where}" if told else "",
    }


@dataclass
class Verifier:
    """Verifies one module for one target.

    Attributes:
        given: the module as it was imported or read.
        planned: the same at stage planned.
        target: None verifies the interpreter alone, without generated code.
        arrays: input arrays [N, ...] of the right dtypes.
        reference: public output name to array, or node tensors, or both; None for nothing.
        map_output: output name to key of ``reference``.
        tolerances: for floats and ties.
        progress: called with what is being done.
    """

    given: Module
    planned: Module
    target: Target | None
    arrays: Mapping[str, np.ndarray]
    reference: Mapping[str, np.ndarray] | None = None
    map_output: Mapping[str, str] = field(default_factory=dict[str, str])
    tolerances: Tolerances = field(default_factory=Tolerances)
    progress: Callable[[str], None] = lambda _: None
    remarks: list[Remark] = field(default_factory=list[Remark])

    def run(self) -> Verification:
        """Make all checks."""
        self.progress("thresholds")
        found = self.check_thresholds()
        expected = self._reference_outputs()
        if self.reference is not None:
            found += self.check_layers()
        outputs, compared = self.check_code()
        found += compared
        found += self.check_outputs(outputs)
        for name, array in expected.items():
            found.append(
                compare_outputs(REFERENCE, name, array, outputs[name], self.tolerances, self._tie)
            )
        name = self.target.name if self.target else "interp"
        return Verification(name, tuple(found), tuple(self.remarks))

    def check_thresholds(self) -> list[Comparison]:
        """Search every stored threshold again, in the planned module and in the given one."""
        modules = [self.planned]
        if self.given.stage.rank >= Stage.BINARIZED.rank and self.given is not self.planned:
            modules.insert(0, self.given)
        found: dict[str, Comparison] = {}
        for module in modules:
            wrong: dict[str, list[str]] = {}
            for d in recheck(module):
                text = f"channel {d.channel}: stored {d.stored:g}, expected {d.expected:g}"
                wrong.setdefault(d.layer, []).append(text)
            for op in module.func.ops:
                if isinstance(op, bits.Layer) and op.thr is not None and op.steps:
                    texts = wrong.get(op.loc.name, [])
                    where, count = (texts[0] if texts else ""), len(texts)
                    row = Comparison(
                        THRESHOLDS, op.loc.name, 0.0, 0.0, count, where, op.thr.type.size
                    )
                    if found.get(row.layer, row).ok:
                        found[row.layer] = row
        return list(found.values())

    def check_layers(self) -> list[Comparison]:
        """Compare with the reference's intermediate tensors, the first sample's."""
        tensors = layer_tensors(self.reference or {})
        if not tensors:
            return []
        self.progress("layers of the reference")
        first = {name: array[:1] for name, array in self.arrays.items()}
        check = LayerCheck(tensors, first, self.tolerances)
        found = check.imported(self.given)
        if self.given.stage is not Stage.PLANNED:
            found += check.later(self.planned)
        if not found:
            raise UsageError("the reference has intermediate tensors, but none of this network")
        return found

    def check_code(self) -> tuple[dict[str, np.ndarray], list[Comparison]]:
        """Compare every tensor of the generated code with the interpreter, bit for bit.

        Returns:
            The interpreter's outputs [N, ...] by name, and one comparison per operation.
        """
        inputs, outputs = self.planned.inputs, self.planned.outputs
        padded, count = batches.pad_batches(inputs, self.arrays)
        merged: dict[int, Comparison] = {}
        calls: list[dict[str, np.ndarray]] = []
        batch = batches.batch_of(inputs)
        with tempfile.TemporaryDirectory(prefix="bnnc-verify-") as folder:
            records = self._records(Path(folder) / self.planned.name, padded)
            for number, chunk in enumerate(batches.chunks(inputs, padded)):
                self.progress(f"sample {number * batch + 1} of {count}")
                values = _values(self.planned, chunk)
                results = zip(outputs, self.planned.func.results, strict=True)
                calls.append({name: values[v] for name, v in results})
                for index, comparison in self._compare_call(values, records):
                    merged[index] = _merge(merged.get(index), comparison, number)
        joined = {n: np.concatenate([np.atleast_1d(c[n]) for c in calls]) for n in outputs}
        return batches.cut(joined, outputs, batch, count), [merged[i] for i in sorted(merged)]

    def _records(self, out: Path, padded: Mapping[str, np.ndarray]) -> Iterator[dict[int, bytes]]:
        """What the trace build writes: for every call the bytes of each operation's results."""
        if self.target is None:
            return
        self.progress("building the generated code")
        emit_project(self.planned, out)
        yield from run_traced(out, self.planned, padded, self.target)

    def _compare_call(
        self, values: Mapping[Value, np.ndarray], records: Iterator[dict[int, bytes]]
    ) -> Iterator[tuple[int, Comparison]]:
        if self.target is None:
            return
        call = next(records)
        for index, op in enumerate(self.planned.func.ops):
            data = call.get(index)
            if data is not None:
                yield index, _compare_results(op, values, data)

    def check_outputs(self, outputs: Mapping[str, np.ndarray]) -> list[Comparison]:
        """Compare the planned module's outputs with those of the given module."""
        if self.given.stage is Stage.PLANNED:
            return []
        self.progress("the given module")
        expected = batches.run_in_batches(
            lambda chunk: interpreter.interpret(self.given, chunk),
            self.given.inputs,
            self.given.outputs,
            self.arrays,
            lambda done, count: self.progress(f"sample {done} of {count} of the given module"),
        )
        return [
            compare_outputs(PLANNED, name, array, outputs[name], self.tolerances, self._tie)
            for name, array in expected.items()
        ]

    def _reference_outputs(self) -> dict[str, np.ndarray]:
        if self.reference is None:
            return {}
        types = self.planned.outputs
        try:
            chosen = batches.select(
                types, self.reference, side="output", mapping=self.map_output, remarks=self.remarks
            )
        except UsageError:
            if layer_tensors(self.reference) and not self.map_output:
                return {}
            raise
        count = batches.count_samples(self.planned.inputs, self.arrays)
        batch = batches.batch_of(self.planned.inputs)
        for name, array in chosen.items():
            type_ = types[name]
            rows = type_.shape[0] * count // batch if type_.shape else 1
            wanted = (rows, *type_.shape[1:])
            if array.shape != wanted:
                raise UsageError(
                    f"the reference for output '{name}' has shape {list(array.shape)}, "
                    f"{count} samples give {list(wanted)}"
                )
        return {name: batches.cast(name, a, types[name]) for name, a in chosen.items()}

    def _tie(self, sample: int) -> str:
        """The first sign or level of a sample that lies at a boundary, in words."""
        batch = batches.batch_of(self.given.inputs)
        start = sample // batch * batch
        padded, _ = batches.pad_batches(self.given.inputs, self.arrays)
        values: dict[Value, np.ndarray] = {}
        chunk = {name: array[start : start + batch] for name, array in padded.items()}
        for op in _evaluate_into(values, self.given, chunk):
            ties = ties_of(op, values, self.tolerances.margin)
            if ties is None or not ties.any():
                continue
            if ties.ndim and ties.shape[0] == batch:
                ties = ties[sample - start]
            if ties.any():
                index = [int(i) for i in np.argwhere(ties)[0]]
                return f"tie at {op.loc.name} {index}"
        return ""


def _evaluate_into(
    values: dict[Value, np.ndarray], module: Module, inputs: Mapping[str, np.ndarray]
) -> Iterable[Op]:
    """Yield the operations in order; `values` then holds what each has computed."""
    values.update(
        zip(module.func.args, (inputs[name] for name in module.func.input_names), strict=True)
    )
    for op, results in interpreter.trace(module, dict(inputs)):
        values.update(zip(op.results, results, strict=True))
        yield op


def _values(module: Module, inputs: Mapping[str, np.ndarray]) -> dict[Value, np.ndarray]:
    values: dict[Value, np.ndarray] = {}
    for _ in _evaluate_into(values, module, inputs):
        pass
    values.update({v: v.array for v in module.func.results if isinstance(v, Resource)})
    return values


def _compare_results(op: Op, values: Mapping[Value, np.ndarray], data: bytes) -> Comparison:
    """Compare the bytes of an operation's results, one after the other, with logical arrays."""
    found: Comparison | None = None
    start = 0
    for value in op.results:
        layout = layout_of(value.type)
        size = layout.nbytes(value.type)
        actual = np.frombuffer(data, np.uint8, size, start) if start + size <= len(data) else None
        start += size
        found = _merge(found, _compare_bytes(op.loc.name, values[value], value.type, actual), 0)
    if found is None or start != len(data):
        return Comparison(CODE, op.loc.name, differ=1, where=f"{len(data)} bytes, not {start}")
    return found


def _compare_bytes(
    name: str, expected: np.ndarray, type_: TensorType, actual: np.ndarray | None
) -> Comparison:
    layout = layout_of(type_)
    if actual is None:
        return Comparison(CODE, name, differ=1, where="too few bytes")
    packed = layout.pack(expected, type_)
    if np.array_equal(packed, actual):
        return Comparison(CODE, name, elements=type_.size)
    found = compare_bits(CODE, name, expected, layout.unpack(actual, type_))
    if not found.ok or type_.layout is None:
        return found
    wrong = np.flatnonzero(packed != actual)
    return Comparison(CODE, name, 0.0, 0.0, wrong.size, f"padding bits of byte {wrong[0]}")


def _merge(before: Comparison | None, now: Comparison, number: int) -> Comparison:
    """Join the outcomes of one tensor over several calls."""
    if now.where and number:
        now = Comparison(**(vars(now) | {"where": f"call {number}: {now.where}"}))
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


def verify_module(
    given: Module,
    planned: Module,
    target: Target | None,
    arrays: Mapping[str, np.ndarray] | None = None,
    *,
    reference: Mapping[str, np.ndarray] | None = None,
    mapping: Mapping[str, str] | None = None,
    **options: Any,
) -> Verification:
    """Verify a module; see `Verifier` for the arguments.

    Without arrays two calls of seeded random inputs are made.

    Raises:
        UsageError: for arrays that do not fit, or a reference without its inputs.
    """
    remarks: list[Remark] = []
    if arrays is None:
        if reference is not None:
            raise UsageError("a reference needs the inputs that it was computed from")
        chosen = batches.random_arrays(given.inputs, 2 * batches.batch_of(given.inputs))
    else:
        chosen = batches.prepare(given.inputs, arrays, mapping=mapping, remarks=remarks)
    return Verifier(
        given, planned, target, chosen, reference=reference, remarks=remarks, **options
    ).run()
