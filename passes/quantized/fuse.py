# SPDX-License-Identifier: Apache-2.0
"""`fuse-quantized`: from floats between dequantize and quantize to integers."""

from __future__ import annotations

import numpy as np

from bnnc.ir import nn, q
from bnnc.ir.module import Module

from ..base import pattern
from ..fold_constants import fold
from ..registry import register_pass
from ..rewriter import Rewriter
from .arithmetic import Arithmetic
from .functions import TableFunctions
from .layers import FloatLayer, Operands, integer_layer, multipliers, real_sums
from .levels import Bytes
from .measured import MeasuredEnds
from .moves import MoveBytes
from .tails import tail_of, without_bias


@register_pass
class FuseQuantized(Arithmetic, MeasuredEnds, MoveBytes, TableFunctions):
    """Turn what stands between `q.dequantize` and `q.quantize` into operations on bytes.

    Layers round as ``rounding`` says. What is left over, and what has no quantized result, stays in
    float; a layer of bytes without one gives its sums, which are exact. The floats only stand for
    the integers: where both differ, by one level at a tie, the integers are what is meant.

    ``double`` gives what TensorFlow Lite's reference kernels give for the same scales. Its dense
    layers round once, and by the product of two scales in float32.
    """

    name = "fuse-quantized"
    exactness = "approximate"

    def run(self, module: Module, rw: Rewriter) -> None:
        """Patterns first, then layers with a float result, then constants that are left."""
        if not any(isinstance(op, q.Dequantize | q.DynamicLayer) for op in module.func.ops):
            return
        super().run(module, rw)
        for op in rw.walk():
            if isinstance(op, nn.Conv2D | nn.Dense):
                _sums_in_integers(op, rw)
        rw.prune()
        for op in rw.walk():
            fold(op, rw)

    @pattern
    def layer_of_bytes(self, op: q.Quantize, rw: Rewriter) -> None:
        """A layer, its bias and its bounds."""
        tail = tail_of(op) if op.halves == "even" else None
        layer, row = (None, None) if tail is None else without_bias(tail.op)
        if tail is None or not isinstance(layer, nn.Conv2D | nn.Dense):
            return
        found = Operands.of(layer)
        if isinstance(found, str):
            return
        bias = found.bias(layer, row)
        if isinstance(bias, str):
            return
        end = {"y_zero": op.zero, "lo": tail.lo, "hi": tail.hi, "to": op.to}
        name, rounding, scales = layer.loc.name, self.rounding, found.scales
        if rounding == "double" and isinstance(layer, nn.Dense):
            rounding, scales = "single", scales.astype(np.float32)
        scaled = multipliers(scales, op, rounding, name, rw)
        loc = layer.loc.fuse([tail.loc])
        made = integer_layer(layer, found, bias, loc, rw, rounding=rounding, **scaled, **end)
        if isinstance(made, q.Layer):
            rw.replace(op, made)


def _sums_in_integers(layer: FloatLayer, rw: Rewriter) -> None:
    """A layer of bytes whose result stays float: its sums times their unit, then a float bias."""
    if Bytes.behind(layer.x) is None:
        return
    found = Operands.of(layer)
    if isinstance(found, str):
        rw.remark(layer, f"stays in float: {found}")
        return
    bias = found.bias(layer, None)
    exact = layer.b is None or (not isinstance(bias, str) and found.has_unit_of(layer.b))
    given = bias if exact and not isinstance(bias, str) else None
    made = integer_layer(layer, found, given, layer.loc, rw, to="i32")
    if isinstance(made, str):
        rw.remark(layer, f"stays in float: {made}")
        return
    sums = rw.insert(made).result
    y = real_sums(sums, found.scales, layer.loc, rw)
    if layer.b is not None and not exact:
        y = rw.insert(nn.Add(y, layer.b)).result
    rw.replace(layer, y)
