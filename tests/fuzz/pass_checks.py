# SPDX-License-Identifier: Apache-2.0
"""Every pass must compute the same function, as exactly as it declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bnnc.ir import Module, Op, Resource, Value, bin, nn
from bnnc.ir.interpreter import evaluate, interpret, trace
from bnnc.passes import Pass
from bnnc.passes.manager import PassResult
from bnnc.ties import largest_magnitude, ties_of

from .fault import Fault

Arrays = Mapping[str, np.ndarray]
# Of the largest magnitude: in the output itself, and anywhere in the network.
OF_OUTPUT = 1e-4
OF_NETWORK = 1e-5
MARGIN = 1e-5


@dataclass
class PassWatch:
    """An observer that interprets the module before and after each pass.

    Attributes:
        inputs: several sets of inputs.
        excused: for how many passes a difference was excused, because a value that a sign or a
            rounding decides about lies at its boundary.
    """

    inputs: Sequence[Arrays]
    excused: int = 0
    _before: Module | None = None
    _outputs: list[dict[str, np.ndarray]] = field(default_factory=list[dict[str, np.ndarray]])

    def before(self, pass_: Pass, module: Module) -> None:
        """Keep the module as the pass will see it, and what it computes."""
        del pass_
        self._before = module.clone()
        if not self._outputs:
            self._outputs = [interpret(module, i) for i in self.inputs]

    def after(self, pass_: Pass, module: Module, result: PassResult) -> None:
        """Compare."""
        if not result.changed or self._before is None:
            return
        outputs = [interpret(module, i) for i in self.inputs]
        # A sign that keeps zero is cut to a bit all the same, with a remark: that much is known.
        if cut := _cut_signs(module) - _cut_signs(self._before):
            self._before = _without_zeros(self._before, cut)
            self._outputs = [interpret(self._before, i) for i in self.inputs]
        for inputs, want, got in zip(self.inputs, self._outputs, outputs, strict=True):
            self._compare(pass_, inputs, want, got)
        self._outputs = outputs

    def _compare(self, pass_: Pass, inputs: Arrays, want: Arrays, got: Arrays) -> None:
        if list(want) != list(got):
            raise Fault(f"pass {pass_.name}", f"outputs {list(want)} became {list(got)}")
        for name, expected in want.items():
            same = _same_bits if pass_.exactness == "exact" else np.equal
            bad = ~(same(expected, got[name]) | (np.isnan(expected) & np.isnan(got[name])))
            if not bad.any() or (pass_.exactness != "exact" and self._excused(inputs, want, got)):
                continue
            index = tuple(int(i) for i in np.argwhere(bad)[0])
            raise Fault(
                f"pass {pass_.name}",
                f"{pass_.exactness}, but {name}{list(index)} was {expected[index]!r} and became "
                f"{got[name][index]!r}; {int(bad.sum())} of {bad.size} differ",
            )

    def _excused(self, inputs: Arrays, want: Arrays, got: Arrays) -> bool:
        """Whether outputs differ by rounding only, or behind a value at a boundary."""
        assert self._before is not None
        largest, tie = _survey(self._before, inputs)
        bounds = {n: OF_OUTPUT * largest_magnitude(want[n]) + OF_NETWORK * largest for n in want}
        near = all((_distance(want[n], got[n]) <= bounds[n]).all() for n in want)
        self.excused += not near and tie
        return near or tie


def _cut_signs(module: Module) -> set[str]:
    """The layers whose sign is cut to bits."""
    packs = (op for op in module.func.ops if isinstance(op, bin.Pack))
    return {p.x.owner.loc.name for p in packs if isinstance(p.x.owner, nn.Sign)}


def _without_zeros(module: Module, layers: set[str]) -> Module:
    """The module with signs of zero +1 in these layers, where they were 0."""
    copy = module.clone()
    for op in copy.func.ops:
        if isinstance(op, nn.Sign) and op.zero == "keep" and op.loc.name in layers:
            op.zero = "plus"
    return copy


def _same_bits(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(a.view(np.uint32) == b.view(np.uint32))


def _distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        apart = np.abs(a.astype(np.float64) - b.astype(np.float64))
    return np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, apart)


def _survey(module: Module, inputs: Arrays) -> tuple[float, bool]:
    """The largest magnitude of any value, and whether something lies at a boundary."""
    values: dict[Value, np.ndarray] = dict(
        zip(module.func.args, (inputs[n] for n in module.func.input_names), strict=True)
    )
    largest, tie = 0.0, False
    for op, results in trace(module, inputs):
        values.update(zip(op.results, results, strict=True))
        found = _ties(op, values)
        tie = tie or (found is not None and bool(found.any()))
        for value, array in zip(op.results, results, strict=True):
            if value.type.scalar.is_float:
                largest = max(largest, largest_magnitude(array))
    return largest, tie


def _ties(op: Op, values: Mapping[Value, np.ndarray]) -> np.ndarray | None:
    """`ties_of`, for layers that cut float accumulators and for cuts to levels too."""

    def array(value: Value) -> np.ndarray:
        return value.array if isinstance(value, Resource) else values[value]

    if isinstance(op, bin.Layer) and op.thr is not None and not op.integer:
        free = op.rebuilt(lambda v: v, thr=None, params=(), steps=(), certificate=None)
        (acc,) = evaluate(free, [None if v is None else array(v) for _, v in free.operand_slots()])
        thr = array(op.thr).reshape(op.result.shape[-1], -1)
        return np.asarray(np.abs(acc[..., None] - thr) <= MARGIN * largest_magnitude(acc))
    if isinstance(op, bin.Quantize):
        x = array(op.x)
        return np.asarray(np.abs(x[..., None] - array(op.thr)) <= MARGIN * largest_magnitude(x))
    if isinstance(op, nn.Sign | nn.Round) and isinstance(op.x, Resource):
        return None  # what constants are cut to is no matter of rounding
    return ties_of(op, values, MARGIN)
