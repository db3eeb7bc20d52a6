# SPDX-License-Identifier: Apache-2.0
"""`quantize-layers`: float layers that read bytes become layers of bytes."""

from __future__ import annotations

from typing import Any

import numpy as np

from bnnc.ir import bin as bits
from bnnc.ir import nn, q
from bnnc.ir.diagnostics import IRError
from bnnc.ir.location import Loc
from bnnc.ir.module import Module, Stage
from bnnc.ir.operation import Op
from bnnc.ir.types import BIT

from ..base import Pass
from ..constants import constant
from ..registry import register_pass
from ..rewriter import Rewriter
from .annotations import clear
from .layers import Operands, integer_layer, multipliers, real_sums
from .levels import Bytes
from .regions import is_float_layer, names_of, stays_float
from .tails import tail_of
from .weights import IntegerWeights, integer_weights, least_sums


@register_pass
class QuantizeLayers(Pass):
    """Give layers that read bytes 8-bit weights per output channel and 32-bit biases.

    A layer whose result is quantized, with bounds of a relu or clip before, rounds to it as
    ``rounding`` says; one that is cut compares its sums with integer thresholds; any other gives
    its exact sums, as floats. Weights that are bits stay bits, their factors are part of the
    rounding or of the thresholds. Layers whose sums may leave 32 bits stay in float, and those
    without levels or that ``keep`` lists, as `insert-quantizers` does, though they read bytes.
    """

    name = "quantize-layers"
    consumes = Stage.BINARIZED
    exactness = "approximate"
    keep: str = ""
    rounding: q.Rounding = "single"

    def run(self, module: Module, rw: Rewriter) -> None:
        """First layers with a quantized result, then what is left."""
        for op in rw.walk():
            if isinstance(op, q.Quantize) and not _softmax(op, rw):
                self._requantized(op, rw)
        for op in rw.walk():
            if isinstance(op, bits.Layer) and is_float_layer(op) and not self._keeps(op):
                self._with_sums(op, rw)
        clear(module, rw)

    def _keeps(self, op: Op) -> bool:
        return stays_float(op, names_of(self.keep))

    def _requantized(self, op: q.Quantize, rw: Rewriter) -> None:
        tail = tail_of(op)
        layer = None if tail is None else _as_layer(tail.op, rw)
        if tail is None or layer is None or self._keeps(tail.op):
            return
        x = Bytes.behind(layer.x)
        if x is None or layer.thr is not None:
            return
        w = integer_weights(layer, x.scale)
        try:
            scaled = multipliers(w.units, op, self.rounding, layer.loc.name, rw)
        except IRError as error:
            rw.remark(layer, f"its result stays in float: {error.message}")
            return
        end = {"y_zero": op.zero, "lo": tail.lo, "hi": tail.hi, "to": op.to}
        loc = layer.loc.fuse([tail.loc])
        made = _integer_layer(layer, x, w, loc, rw, rounding=self.rounding, **scaled, **end)
        if made is not None:
            rw.replace(op, made)

    def _with_sums(self, layer: bits.Layer, rw: Rewriter) -> None:
        x = Bytes.behind(layer.x)
        if x is None:
            return
        w = integer_weights(layer, x.scale)
        end = {"to": "i32"} if layer.thr is None else _limits(layer, w.units, rw)
        made = _integer_layer(layer, x, w, layer.loc, rw, **end)
        if made is None:
            return
        if layer.thr is None:
            rw.replace(layer, real_sums(rw.insert(made).result, w.units, layer.loc, rw))
        else:
            rw.replace(layer, made)


def _softmax(op: q.Quantize, rw: Rewriter) -> bool:
    """Probabilities in steps of 1 / 256, of bytes: in integers, exponentials from a table."""
    softmax = op.x.owner
    if not isinstance(softmax, nn.Softmax) or (op.scale, op.zero, op.to) != (1 / 256, -128, "i8"):
        return False
    x = Bytes.behind(softmax.x)
    if x is None or x.to != "i8" or not 1 <= op.x.shape[-1] < 2**12:
        return False
    exact = np.exp(-np.arange(256) * x.scale) * 2.0**31
    exps = np.minimum(np.rint(exact), q.LARGEST).astype(np.int32)
    table = rw.resource(f"{softmax.loc.name}.exps", exps)
    rw.replace(op, q.Softmax(x.x, table, loc=softmax.loc))
    return True


def _as_layer(op: Op, rw: Rewriter) -> bits.Layer | None:
    """A float layer as it is; scale and offset of channels as a layer of one tap each."""
    if isinstance(op, bits.Layer):
        return op if is_float_layer(op) else None
    if not isinstance(op, bits.Affine) or op.x.type.rank != 4 or Bytes.behind(op.x) is None:
        return None
    scale = constant(op.scale)
    if scale is None:
        return None
    count = len(scale)
    w = rw.resource(f"{op.loc.name}.scale", scale.reshape(count, 1, 1, 1))
    return bits.Conv2DFF(
        op.x,
        w,
        None,
        op.offset,
        stride=(1, 1),
        groups=count,
        pad=(0, 0, 0, 0),
        pad_value=0.0,
        loc=op.loc,
    )


def _integer_layer(
    layer: bits.Layer, x: Bytes, w: IntegerWeights, loc: Loc, rw: Rewriter, **end: Any
) -> q.Layer | None:
    """The layer of bytes, not inserted; None, with a remark, where its sums may not fit."""
    scalar = BIT if layer.KIND == "fb" else None
    found = Operands(x, w.integers, w.units, scalar)
    made = integer_layer(layer, found, w.bias, loc, rw, **end)
    if isinstance(made, str):
        rw.remark(layer, f"stays in float: {made}")
        return None
    return made


def _limits(layer: bits.Layer, units: np.ndarray, rw: Rewriter) -> dict[str, Any]:
    """The least integers that stand for the thresholds of a layer, or more, and what it gives."""
    thr = constant(layer.thr)
    assert thr is not None
    rows = rw.resource(f"{layer.loc.name}.thr", least_sums(thr, units))
    return {"thr": rows, "to": str(layer.result.type.scalar)}
