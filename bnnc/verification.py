# SPDX-License-Identifier: Apache-2.0
"""Verification: thresholds, imported against planned IR, generated code, reference arrays.

Four checks, each with its own rule:

* every stored threshold is searched again on the expression it was read off;
* the planned module computes what the given one does, floats within the tolerance;
* generated code equals the interpreter of the planned module in every bit of every tensor;
* outputs, and with a reference of intermediate tensors every layer, agree with a framework.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bnnc import arrays as batches
from bnnc.backends import Target
from bnnc.ir import bin as bits
from bnnc.ir import interpreter, q
from bnnc.ir.diagnostics import Remark, UsageError
from bnnc.ir.module import Module, Stage
from bnnc.ir.value import Value
from bnnc.passes.fold_thresholds import recheck
from bnnc.passes.simplify_signs import taken_as_plus

from .comparison import (
    Comparison,
    Tolerances,
    compare_bits,
    compare_outputs,
)
from .generated_code import check_code, evaluate_into
from .integer_meaning import in_integers
from .layerwise import LayerCheck, layer_tensors
from .project_check import check_weights, copy_sources, manifest_for
from .ties import ties_of

THRESHOLDS = "thresholds"
PLANNED = "planned against given"
REFERENCE = "outputs against reference"


@dataclass(frozen=True)
class Verification:
    """The outcome.

    Attributes:
        target: what was verified for.
        comparisons: every comparison made, check by check.
        places: layer name to its position in the graph.
        remarks: what was said on the way.
    """

    target: str
    comparisons: tuple[Comparison, ...]
    places: Mapping[str, int] = field(default_factory=dict[str, int])
    remarks: tuple[Remark, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether all checks hold."""
        return all(c.ok for c in self.comparisons)

    @property
    def first_difference(self) -> Comparison | None:
        """The layer that differs and comes first in the graph."""
        return min((c for c in self.comparisons if not c.ok), key=self._place, default=None)

    def _place(self, comparison: Comparison) -> int:
        return self.places.get(comparison.layer, len(self.places))

    def to_json(self) -> dict[str, object]:
        """``{"ok", "layers": [{"name", "max_abs", "max_rel", "bits_differ", "where"}]}``.

        One entry per node name, in graph order: the largest differences, and the sum of the
        elements that break the rule of some check.
        """
        merged: dict[str, list[Comparison]] = {}
        for comparison in sorted(self.comparisons, key=self._place):
            merged.setdefault(comparison.layer, []).append(comparison)
        return {"ok": self.ok, "layers": [_json_row(n, rows) for n, rows in merged.items()]}


def _json_row(name: str, rows: list[Comparison]) -> dict[str, object]:
    told = sorted((r for r in rows if r.where), key=lambda r: r.ok)
    return {
        "name": name,
        "max_abs": _number(max(r.max_abs for r in rows)),
        "max_rel": _number(max(r.max_rel for r in rows)),
        "bits_differ": sum(r.differ for r in rows),
        "where": f"{told[0].check}: {told[0].where}" if told else "",
    }


def _number(value: float) -> float | None:
    """A number as JSON knows it: an infinite difference is null."""
    return value if math.isfinite(value) else None


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
        project: a folder compiled before, to be verified instead of fresh code.
        progress: called with what is being done.
        lowering_remarks: what the passes between the two modules said.
    """

    given: Module
    planned: Module
    target: Target | None
    arrays: Mapping[str, np.ndarray]
    reference: Mapping[str, np.ndarray] | None = None
    map_output: Mapping[str, str] = field(default_factory=dict[str, str])
    tolerances: Tolerances = field(default_factory=Tolerances)
    project: Path | None = None
    progress: Callable[[str], None] = lambda _: None
    lowering_remarks: Sequence[Remark] = ()
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
            found.append(self._compare_outputs(REFERENCE, self.given, name, array, outputs[name]))
        name = self.target.name if self.target else "interp"
        places = {op.loc.name: i for i, op in enumerate(self.given.func.ops)}
        return Verification(name, tuple(found), places, tuple(self.remarks))

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
                if isinstance(op, bits.Layer | q.Layer) and op.thr is not None and op.steps:
                    texts = wrong.get(op.loc.name, [])
                    where, count = (texts[0] if texts else ""), len(texts)
                    row = Comparison(
                        THRESHOLDS, op.loc.name, 0.0, 0.0, count, where, op.thr.type.size
                    )
                    if row.layer not in found or found[row.layer].ok:
                        found[row.layer] = row
        return list(found.values())

    def check_code(self) -> tuple[dict[str, np.ndarray], list[Comparison]]:
        """Compare generated code with the interpreter, and a folder's weights with the module's.

        Also returns the interpreter's outputs.
        """
        arguments = self.planned, self.target, self.arrays, self.progress
        project = self.project
        if project is None:
            return check_code(*arguments)
        if self.target is None:
            raise UsageError("code in a folder cannot be verified with target interp")
        manifest = manifest_for(project, self.planned)
        self.progress("the weight file")
        found = check_weights(project, manifest, self.planned)

        def copy(module: Module, out: Path) -> None:
            del module
            self.remarks += copy_sources(project, manifest, out)

        outputs, compared = check_code(*arguments, copy)
        return outputs, found + compared

    def check_layers(self) -> list[Comparison]:
        """Compare with the reference's intermediate tensors, the first sample's."""
        tensors = layer_tensors(self.reference or {})
        if not tensors:
            return []
        self.progress("layers of the reference")
        types = self.given.inputs
        batch = batches.batch_of(types)
        padded, _ = batches.pad_batches(types, self.arrays)
        shapes = {op.loc.name: op.results[0].shape for op in self.given.func.ops}
        if any(tensor.shape == shapes.get(name) for name, tensor in tensors.items()):
            first = {name: array[:batch] for name, array in padded.items()}
        else:  # tensors of one sample: every sample of the call is that one
            first = {name: np.repeat(array[:1], batch, axis=0) for name, array in padded.items()}
            tensors = {name: np.repeat(t, batch, axis=0) for name, t in tensors.items() if t.ndim}
        check = LayerCheck(tensors, first, self.tolerances)
        one_by_one = self.given.stage.rank < Stage.BINARIZED.rank
        found = check.imported(self.given) if one_by_one else []
        found += check.later(self.planned)
        if not found:
            raise UsageError("the reference has intermediate tensors, but none of this network")
        return found

    def check_outputs(self, outputs: Mapping[str, np.ndarray]) -> list[Comparison]:
        """Compare the planned module's outputs with those of the given module.

        From stage lowered on every pass is exact, so every bit must be equal. Before it, a sign
        that keeps zero counts as the +1 that the passes said they take it for; what that choice
        changes is the remark's to tell, and would hide every other difference here. Likewise floats
        between quantized bytes count as the integers that they stand for.
        """
        if self.given.stage is Stage.PLANNED:
            return []
        self.progress("the given module")
        compared = in_integers(taken_as_plus(self.given, self.lowering_remarks), self.planned)
        expected = batches.run_in_batches(
            lambda chunk: interpreter.interpret(compared, chunk),
            self.given.inputs,
            self.given.outputs,
            self.arrays,
            lambda done, count: self.progress(f"sample {done} of {count} of the given module"),
        )
        if self.given.stage.rank >= Stage.LOWERED.rank:
            return [compare_bits(PLANNED, n, array, outputs[n]) for n, array in expected.items()]
        return [
            self._compare_outputs(PLANNED, compared, n, a, outputs[n]) for n, a in expected.items()
        ]

    def _compare_outputs(
        self, check: str, given: Module, name: str, expected: np.ndarray, actual: np.ndarray
    ) -> Comparison:
        samples = batches.count_samples(self.given.inputs, self.arrays)

        def tie(row: int) -> str:
            # A sample may have several rows of an output.
            return self._tie(given, row * samples // len(expected))

        return compare_outputs(check, name, expected, actual, self.tolerances, tie)

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

    def _tie(self, given: Module, sample: int) -> str:
        """The first sign or level of a sample that lies at a boundary, in words."""
        batch = batches.batch_of(self.given.inputs)
        start = sample // batch * batch
        padded, _ = batches.pad_batches(self.given.inputs, self.arrays)
        values: dict[Value, np.ndarray] = {}
        chunk = {name: array[start : start + batch] for name, array in padded.items()}
        for op in evaluate_into(values, given, chunk):
            ties = ties_of(op, values, self.tolerances.margin)
            if ties is None or not ties.any():
                continue
            if ties.ndim and ties.shape[0] == batch:
                ties = ties[sample - start]
            if ties.any():
                index = [int(i) for i in np.argwhere(ties)[0]]
                return f"tie at {op.loc.name} {index}"
        return ""


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

    Without arrays two calls of seeded random inputs are made, or one where an output has no
    batch axis.

    Raises:
        UsageError: for arrays that do not fit, or a reference without its inputs.
    """
    remarks: list[Remark] = []
    if arrays is None:
        if reference is not None:
            raise UsageError("a reference needs the inputs that it was computed from")
        batch = batches.batch_of(given.inputs)
        types = given.outputs.values()
        batched = all(type_.shape and type_.shape[0] % batch == 0 for type_ in types)
        chosen = batches.random_arrays(given.inputs, 2 * batch if batched else batch)
    else:
        chosen = batches.prepare(given.inputs, arrays, mapping=mapping, remarks=remarks)
    return Verifier(
        given, planned, target, chosen, reference=reference, remarks=remarks, **options
    ).run()
