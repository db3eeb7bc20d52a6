# SPDX-License-Identifier: Apache-2.0
"""Layers that cut their accumulators to bits or levels: search of thresholds, and the layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from bnnc.ir import bin as bits
from bnnc.ir import q
from bnnc.ir.location import Loc
from bnnc.ir.operation import Op, Steps
from bnnc.ir.shapes import require_levels
from bnnc.ir.types import BIT, Scalar, TensorType
from bnnc.ir.value import Resource, Value

from .rewriter import Rewriter
from .thresholds import NotFoldable, Thresholds, fold_float, fold_integer

Layer: TypeAlias = bits.Layer | q.Layer


def is_integer(layer: Layer) -> bool:
    """Whether the accumulator is an exact integer."""
    return isinstance(layer, q.Layer) or layer.integer


def search_layer(
    layer: Layer, steps: Steps, params: Sequence[np.ndarray]
) -> Thresholds | NotFoldable:
    """Search the thresholds of a layer for an expression."""
    channels = layer.result.shape[-1]
    if isinstance(layer, q.Layer):
        reach = int(q.largest_accumulator(layer).max(initial=0))
        return fold_integer(steps, params, reach, channels)
    if not layer.integer:
        return fold_float(steps, params, channels)
    padded_with_zero = isinstance(layer, bits.ConvLayer) and any(layer.pad) and layer.pad_value == 0
    parity = layer.KIND == "bb" and not padded_with_zero
    return fold_integer(steps, params, layer.largest_sum, channels, parity=parity)


def shaped(t: np.ndarray, *, levels: bool) -> np.ndarray:
    """Thresholds as a layer stores them: [C] for bits, [C, L] for levels."""
    return t[:, None] if levels and t.ndim == 1 else t


def with_thresholds(
    rw: Rewriter,
    layer: Layer,
    found: Thresholds,
    *,
    params: Sequence[Value],
    steps: Steps,
    nan: bits.Nan,
    levels: bool,
    loc: Loc,
) -> Op | None:
    """The layer with thresholds, its weights (and bias) negated where that was found to be needed.

    None if its weights are no constant.
    """
    if not isinstance(layer.w, Resource):
        return None
    thr = rw.resource(f"{layer.loc.name}.thr", shaped(found.t, levels=levels))
    fields: dict[str, Any] = {
        "w": layer.w,
        "thr": thr,
        "params": tuple(params),
        "steps": steps,
        "certificate": found.certificate,
        "loc": loc,
    }
    if found.negate.any():
        fields["w"] = _negated(rw, layer.w, found.negate)
    if isinstance(layer, q.Layer):
        if isinstance(layer.bias, Resource) and found.negate.any():
            fields["bias"] = _negated(rw, layer.bias, found.negate)
        scalar = require_levels(thr.type, layer.result.shape[-1]) if levels else BIT
        fields["to"] = str(scalar)
    else:
        fields |= {"alpha": None, "bias": None, "nan": nan}
    folded = layer.rebuilt(lambda v: v, **fields)
    rw.insert(folded)
    return folded


def _negated(rw: Rewriter, constant: Resource, negate: np.ndarray) -> Resource:
    """A constant [C, ...] with the sign of some channels turned; i8 widened if that leaves it."""
    type_ = constant.type.logical()
    signs = np.where(negate, -1, 1).reshape(-1, *[1] * (type_.rank - 1))
    turned = constant.array * signs.astype(np.float32 if type_.scalar.is_float else np.int64)
    if not type_.scalar.admits(turned):
        type_ = TensorType(type_.shape, Scalar("i16"))
    return rw.resource(constant.symbol, turned.astype(type_.dtype), type_)
