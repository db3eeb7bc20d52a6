# SPDX-License-Identifier: Apache-2.0
"""Sums of bytes whose range is measured, times scales, plus a bias: the ends of their layers.

ONNX spells the end of such a layer as operations of its own: Mul of both scales, Cast of the sums,
Mul, Add. They are what the layer does with `w_scale` and `bias`, in this order, so that fusing is
exact.
"""

from __future__ import annotations

import numpy as np

from bnnc.ir import nn, q
from bnnc.ir.value import Value

from ..base import Pass, pattern
from ..constants import channel_constant, constant
from ..rewriter import Rewriter


class MeasuredEnds(Pass):
    """Patterns for a pass to inherit; no pass by itself."""

    @pattern
    def sums_times_scales(self, op: nn.Mul, rw: Rewriter) -> None:
        """fl(sums) * fl(scale of x * scales of w)."""
        for sums, unit in ((op.a, op.b), (op.b, op.a)):
            found = _as_floats(sums)
            if found is None or unit.type.size not in (1, op.result.shape[-1]):
                continue
            layer, moved = found
            scales = _scales_of_weights(unit, layer)
            if scales is None or sums.shape != op.result.shape:
                continue
            w_scale = rw.resource(f"{layer.loc.name}.scales", scales)
            loc = layer.loc.fuse([op.loc])
            made = rw.insert(layer.rebuilt(lambda v: v, w_scale=w_scale, loc=loc)).result
            rw.replace(op, _moved(made, moved, rw))
            return

    @pattern
    def bias_of_a_layer(self, op: nn.Add, rw: Rewriter) -> None:
        """A constant for each channel, behind a layer without one."""
        for floats, other in ((op.a, op.b), (op.b, op.a)):
            layer, moved = _behind(floats)
            if layer is None or layer.w_scale is None or layer.bias is not None:
                continue
            row = channel_constant(other, floats)
            if row is None or floats.shape != op.result.shape:
                continue
            bias = rw.resource(f"{layer.loc.name}.bias", row)
            loc = layer.loc.fuse([op.loc])
            made = rw.insert(layer.rebuilt(lambda v: v, bias=bias, loc=loc)).result
            rw.replace(op, _moved(made, moved, rw))
            return


def _behind(value: Value) -> tuple[q.DynamicLayer | None, nn.Reshape | None]:
    """The layer whose result, or its elements in another shape, nobody else reads."""
    moved: nn.Reshape | None = None
    if isinstance(value.owner, nn.Reshape) and value.use_count == 1:
        moved, value = value.owner, value.owner.x
    layer = value.owner
    if not isinstance(layer, q.DynamicLayer) or value.use_count != 1:
        return None, None
    if moved is not None and moved.result.shape[-1:] != value.shape[-1:]:
        return None, None
    return layer, moved


def _as_floats(sums: Value) -> tuple[q.DynamicLayer, nn.Reshape | None] | None:
    """The layer whose sums a float is."""
    owner = sums.owner
    if sums.use_count != 1 or not isinstance(owner, nn.Cast | q.Dequantize):
        return None
    if isinstance(owner, q.Dequantize) and (owner.scale, owner.zero) != (1.0, 0):
        return None
    layer, moved = _behind(owner.x)
    return (layer, moved) if layer is not None and layer.w_scale is None else None


def _scales_of_weights(unit: Value, layer: q.DynamicLayer) -> np.ndarray | None:
    """The constant that the scale of a layer's input is multiplied by, for each channel."""
    product = unit.owner
    channels = layer.w.shape[0]
    if isinstance(product, nn.Reshape):
        product = product.x.owner
    if not isinstance(product, nn.Mul):
        return None
    for scale, other in ((product.a, product.b), (product.b, product.a)):
        array = constant(other)
        if q.levels_behind(scale, 0) is layer.levels and array is not None:
            return np.array(np.broadcast_to(array.reshape(-1), (channels,)), np.float32)
    return None


def _moved(value: Value, moved: nn.Reshape | None, rw: Rewriter) -> Value:
    if moved is None:
        return value
    return rw.insert(nn.Reshape(value, shape=moved.result.shape, loc=moved.loc)).result
