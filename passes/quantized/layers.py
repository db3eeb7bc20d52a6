# SPDX-License-Identifier: Apache-2.0
"""Convolutions and dense layers between dequantize and quantize, as layers of bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from bnnc.ir import bin as bits
from bnnc.ir import nn, q
from bnnc.ir.diagnostics import IRError
from bnnc.ir.location import Loc
from bnnc.ir.types import Scalar, TensorType
from bnnc.ir.value import Resource, Value

from ..rewriter import Rewriter
from .levels import Bytes, QuantizedConstant, constant_of, quantized_constant

FloatLayer: TypeAlias = nn.Conv2D | nn.Dense
_Convolution: TypeAlias = nn.Conv2D | bits.ConvLayer
# A dequantized bias may state its own scale; it is that of the sums but for a few roundings.
_SAME_SCALE = 1e-5


@dataclass(frozen=True)
class Operands:
    """The integers of a layer: its bytes, its weights [o, ...] and what one unit of a sum is.

    ``scales`` are float64: a product of two floats is exact there, and rounded to float32 it is
    their product in float32. ``scalar`` is that of the weights, None for as few bytes as they need.
    """

    x: Bytes
    weights: np.ndarray
    scales: np.ndarray
    scalar: Scalar | None = None

    @classmethod
    def of(cls, layer: FloatLayer) -> Operands | str:
        """The operands, or why the layer stays in float."""
        x, w = Bytes.behind(layer.x), quantized_constant(layer.w)
        if x is None:
            return "its input is not quantized by one scale"
        if w is None:
            return "its weights are no quantized constants"
        scales = w.per_channel()
        if scales is None or not bool((np.isfinite(scales) & (scales > 0)).all()):
            return "its weights have other scales than one for each output channel"
        if isinstance(layer, nn.Conv2D) and layer.pad_value != 0.0 and any(layer.pad):
            return f"its input is padded with {layer.pad_value:g}"
        if np.abs(w.integers).max(initial=0) > 2**15 - 1:
            return "its weights have more than 16 bits"
        return cls(x, w.integers, x.scale * scales.astype(np.float64))

    def bias(self, layer: FloatLayer, row: np.ndarray | None) -> np.ndarray | str | None:
        """The bias in units of the sums: integers as they are, floats to the nearest."""
        if layer.b is None and row is None:
            return None
        found = None if layer.b is None else quantized_constant(layer.b)
        if found is not None and self._has_unit(found):
            steps = found.integers.astype(np.float64)
        else:
            floats = row if row is not None else constant_of(layer.b)
            if floats is None:
                return "its bias is not constant"
            steps = np.rint(floats.astype(np.float64) / self.scales)
        if not bool((np.abs(steps) <= q.LARGEST).all()):
            return "its bias does not fit into 32 bits"
        return steps.astype(np.int32)

    def has_unit_of(self, bias: Value) -> bool:
        """Whether a bias is made of integers in units of the sums."""
        found = quantized_constant(bias)
        return found is not None and self._has_unit(found)

    def _has_unit(self, bias: QuantizedConstant) -> bool:
        return bool(np.allclose(bias.scales, self.scales, rtol=_SAME_SCALE, atol=0.0))


def integer_layer(
    layer: FloatLayer | bits.Layer,
    found: Operands,
    bias: np.ndarray | None,
    loc: Loc,
    rw: Rewriter,
    **end: Any,
) -> q.Layer | str:
    """The layer of bytes, not inserted, or why there is none."""
    name = layer.loc.name
    type_ = None if found.scalar is None else TensorType(found.weights.shape, found.scalar)
    w = rw.resource(f"{name}.weights", q.without_zero(found.weights, 0), type_)
    common: dict[str, Any] = {"x_zero": found.x.zero, "loc": loc, **end}
    if bias is not None:
        common["bias"] = rw.resource(f"{name}.bias", bias)
    made: q.Layer
    try:
        if isinstance(layer, _Convolution):
            made = q.Conv2D(
                found.x.x,
                w,
                stride=layer.stride,
                dilation=layer.dilation,
                groups=layer.groups,
                pad=layer.pad,
                **common,
            )
        else:
            made = q.Dense(found.x.x, w, **common)
        q.require_accumulators(made)
    except IRError as error:
        return error.message
    return made


def multipliers(
    scales: np.ndarray, y: q.Quantize, rounding: q.Rounding, name: str, rw: Rewriter
) -> dict[str, Resource]:
    """What the sums are multiplied by, scales / scale of y, in the form of a rounding."""
    if rounding == "float":
        floats = scales.astype(np.float32)
        return {"multiplier": rw.resource(f"{name}.multiplier", floats / np.float32(y.scale))}
    pairs = [q.fixed_point(float(s) / y.scale) for s in scales]
    numbers = np.array(pairs, np.int32).reshape(-1, 2)
    return {
        "multiplier": rw.resource(f"{name}.multiplier", np.ascontiguousarray(numbers[:, 0])),
        "shift": rw.resource(f"{name}.shift", np.ascontiguousarray(numbers[:, 1])),
    }


def real_sums(sums: Value, scales: np.ndarray, loc: Loc, rw: Rewriter) -> Value:
    """What the sums of a layer stand for, as floats."""
    single = scales.astype(np.float32)
    if single.size and bool((single == single[:1]).all()):
        return rw.insert(q.Dequantize(sums, scale=float(single[0]), zero=0, loc=loc)).result
    plain = rw.insert(q.Dequantize(sums, scale=1.0, zero=0, loc=loc)).result
    return rw.insert(nn.Mul(plain, rw.resource(f"{loc.name}.units", single), loc=loc)).result
