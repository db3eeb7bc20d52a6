# SPDX-License-Identifier: Apache-2.0
"""Let layers cut their accumulators to bits themselves, by exact thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bnnc.ir import bin as bits
from bnnc.ir import nn, q
from bnnc.ir.module import Module, Stage
from bnnc.ir.operation import Op, Step, Steps
from bnnc.ir.types import BIT, TensorType
from bnnc.ir.value import Resource, Value

from .base import Pass
from .chains import Chain, chain_before
from .constants import channel_constant
from .cut_layers import Layer, is_integer, search_layer, shaped, with_thresholds
from .level_values import step_at_zero
from .registry import register_pass
from .rewriter import Rewriter
from .simplify_signs import refuse_or_remark_zero
from .thresholds import NotFoldable, Thresholds

FLOAT_CUT = "stays a cut of floats: "


@register_pass
class FoldThresholds(Pass):
    """Replace layer, float operations and cut by a layer with thresholds per channel.

    The threshold is searched on the imported float32 expression (see `bnnc.passes.thresholds`),
    so this runs before any linear folding. The expression stays on the layer for verification.
    """

    name = "fold-thresholds"
    consumes = Stage.BINARIZED
    strict_sign: bool = False

    def run(self, module: Module, rw: Rewriter) -> None:
        """Fold every cut to bits or levels whose float operations lead back to a layer."""
        for op in rw.walk():
            cut = Cut.of(op)
            if cut is None or cut.value.owner is None:
                continue
            chain = chain_before(cut.value, cut.reader)
            if isinstance(chain, str):
                rw.remark(op, FLOAT_CUT + chain)
                continue
            steps = (*chain.steps, cut.step)
            if isinstance(cut.limits, Resource):
                chain.operands.append(cut.limits)
                chain.params.append(cut.limits.array)
            found = search_layer(chain.layer, steps, chain.params)
            if not isinstance(found, NotFoldable) and found.flip.any() and cut.levels:
                found = NotFoldable("a max pool is followed by a decreasing step")
            if isinstance(found, NotFoldable):
                rw.remark(op, FLOAT_CUT + found.reason)
                continue
            if cut.sign is not None:
                self._remark_zero(rw, cut.sign, chain, found)
            _replace(rw, cut, chain, steps, found)

    def _remark_zero(self, rw: Rewriter, sign: nn.Sign, chain: Chain, found: Thresholds) -> None:
        if sign.zero != "keep":
            return
        if not is_integer(chain.layer):
            why = "the accumulator is a float"
        elif found.zero.any():
            channels = np.flatnonzero(found.zero)
            shown = ", ".join(map(str, channels[:8])) + (", ..." if channels.size > 8 else "")
            why = f"reachable in {channels.size} channels: {shown}"
        else:
            return
        refuse_or_remark_zero(rw, sign, why, strict=self.strict_sign)


@dataclass(frozen=True)
class Cut:
    """Where floats become bits or levels: the float value, the rule, and the operation.

    ``sign`` is the sign that a bit is cut by, ``limits`` the thresholds [C, L] of levels.
    """

    op: Op
    value: Value
    step: Step
    nan: bits.Nan
    levels: bool
    sign: nn.Sign | None = None
    limits: Value | None = None

    @property
    def reader(self) -> Op:
        """The operation that reads the float value."""
        owner = self.op.operands[0].owner
        if owner is None or self.value is self.op.operands[0]:
            return self.op
        return owner.x.owner or owner if isinstance(owner, nn.Cast) else owner

    @classmethod
    def of(cls, op: Op) -> Cut | None:
        """The cut that an operation makes, or None."""
        owner = op.x.owner if isinstance(op, bits.Pack | bits.ToLevels) else None
        if isinstance(op, bits.Pack) and isinstance(owner, nn.Sign):
            return cls(op, owner.x, ("sign", owner.zero, op.nan), op.nan, levels=False, sign=owner)
        if isinstance(op, bits.ToLevels) and isinstance(owner, nn.Sign):
            # A Heaviside step: level 1 is reached where the sign is +1.
            return cls(op, owner.x, ("sign", "minus", "minus"), "minus", levels=True)
        if isinstance(op, bits.ToLevels) and isinstance(owner, nn.Cast):
            if (compare := step_at_zero(owner)) is None:
                return None
            zero = "plus" if compare.predicate == "ge" else "minus"
            return cls(op, compare.a, ("sign", zero, "minus"), "minus", levels=True)
        if isinstance(op, bits.ToLevels):
            return cls(op, op.x, ("levels", op.low, op.levels), "minus", levels=True)
        if isinstance(op, bits.Quantize):
            step = ("thresholds", op.thr.shape[1])
            return cls(op, op.x, step, op.nan, levels=True, limits=op.thr)
        return None


def _replace(rw: Rewriter, cut: Cut, chain: Chain, steps: Steps, found: Thresholds) -> None:
    op, layer = cut.op, chain.layer
    split = chain.ops.index(chain.pool) if chain.pool else len(chain.ops)
    inside, behind = chain.ops[:split], [*chain.ops[split:], op]
    if chain.pool is None:
        inside, behind = [*inside, op], []
    folded = with_thresholds(
        rw,
        layer,
        found,
        params=chain.operands,
        steps=steps,
        nan=cut.nan,
        levels=cut.levels,
        loc=layer.loc.fuse(o.loc for o in inside),
    )
    if folded is None:
        return
    if chain.pool is None:
        rw.replace(op, folded.results)
        return
    pool = chain.pool
    window: dict[str, Any] = {
        "kernel_size": pool.kernel_size,
        "stride": pool.stride,
        "pad": pool.pad,
        "loc": pool.loc.fuse(o.loc for o in behind),
    }
    if cut.levels:
        rw.replace(op, nn.MaxPool(folded.result, **window))
        return
    flip: Value | None = None
    if found.flip.any():
        values = np.where(found.flip, -1, 1).astype(np.int8)
        flip = rw.resource(f"{pool.loc.name}.flip", values, TensorType(values.shape, BIT))
    rw.replace(op, bits.MaxPool(folded.result, flip, **window))


@dataclass(frozen=True)
class ThresholdDifference:
    """A stored threshold that its own expression does not give."""

    layer: str
    channel: int
    stored: float
    expected: float


def recheck(module: Module) -> list[ThresholdDifference]:
    """Search every threshold of a module again and list those that differ.

    Running the network cannot show all of them: without zero padding S has the parity of K, so
    half of all moves by one change no output.
    """
    differences: list[ThresholdDifference] = []
    for op in module.func.ops:
        if (
            not isinstance(op, bits.Layer | q.Layer)
            or not isinstance(op.thr, Resource)
            or not op.steps
        ):
            continue
        found = search_layer(op, op.steps, _parameters(op))
        if isinstance(found, NotFoldable):
            differences.append(ThresholdDifference(op.loc.name, -1, float("nan"), float("nan")))
            continue
        stored = op.thr.array
        expected = shaped(found.t, levels=stored.ndim == 2)
        for index in zip(*np.nonzero(stored != expected), strict=True):
            values = float(stored[index]), float(expected[index])
            differences.append(ThresholdDifference(op.loc.name, int(index[0]), *values))
    return differences


def _parameters(layer: Layer) -> list[np.ndarray]:
    """The parameters of a layer's expression: one number for each channel, or thresholds [C, L]."""
    counted = layer.steps[-1][0] == "thresholds"
    last = len(layer.params) - 1
    arrays = [
        v.array
        if counted and i == last and isinstance(v, Resource)
        else channel_constant(v, layer.result)
        for i, v in enumerate(layer.params)
    ]
    return [a for a in arrays if a is not None]
