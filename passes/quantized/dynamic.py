# SPDX-License-Identifier: Apache-2.0
"""`quantize-dynamic`: layers on bytes whose range is measured at run time, without calibration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bnnc.ir import bin as bits
from bnnc.ir import q
from bnnc.ir.diagnostics import IRError
from bnnc.ir.location import UNKNOWN
from bnnc.ir.module import Module, Stage
from bnnc.ir.types import BIT, TensorType
from bnnc.ir.value import Resource, Value

from ..base import Pass
from ..constants import constant
from ..registry import register_pass
from ..rewriter import Rewriter
from .annotations import clear
from .regions import is_float_layer, kept, known_names, pads_zero
from .weights import integer_weights


@register_pass
class QuantizeDynamic(Pass):
    """Let float layers read bytes whose scale and zero point are measured at each run.

    Weights become 8 bits, symmetric per output channel; bits stay bits. Results stay floats: exact
    sums times the product of both scales, plus the bias. Thresholds of a layer cut that float.
    ``keep`` lists layers that stay in float, names or globs with ``;`` between. Layers whose sums
    may leave 32 bits stay in float too.
    """

    name = "quantize-dynamic"
    consumes = Stage.BINARIZED
    exactness = "approximate"
    keep: str = ""

    def run(self, module: Module, rw: Rewriter) -> None:
        """In one walk; layers of one input share what was measured of it."""
        keep = known_names(module, self.keep)
        clear(module, rw)
        measured: dict[Value, _Measured] = {}
        for op in rw.walk():
            if isinstance(op, bits.Layer) and is_float_layer(op) and not kept(op, keep):
                reason = _why_float(op) or _quantize(op, measured, rw)
                if reason:
                    rw.remark(op, f"stays in float: {reason}")
        if not measured:
            rw.remark(module.name, "there is no float layer that bytes could do")


@dataclass
class _Measured:
    """What is measured of a float tensor, and its bytes; not inserted until a layer reads them."""

    levels: q.DynamicLevels
    bytes_: q.DynamicQuantize
    inserted: bool = field(default=False)

    @classmethod
    def of(cls, x: Value) -> _Measured:
        loc = UNKNOWN if x.owner is None else x.owner.loc
        levels = q.DynamicLevels(x, loc=loc)
        return cls(levels, q.DynamicQuantize(x, levels.result, loc=loc))

    def insert(self, rw: Rewriter) -> None:
        if not self.inserted:
            rw.insert(self.levels)
            rw.insert(self.bytes_)
            self.inserted = True


def _why_float(layer: bits.Layer) -> str | None:
    if not pads_zero(layer):
        return "its input is not padded with 0"
    for name, value in (("weights", layer.w), ("factors", layer.alpha)):
        if value is not None and not isinstance(value, Resource):
            return f"its {name} are not constant"
        if isinstance(value, Resource) and not bool(np.isfinite(value.array).all()):
            return f"its {name} are not finite"
    return None


def _quantize(layer: bits.Layer, measured: dict[Value, _Measured], rw: Rewriter) -> str | None:
    """Replace a layer; or say why not."""
    x = measured.get(layer.x) or _Measured.of(layer.x)
    made = _layer(layer, x, rw)
    try:
        q.require_accumulators(made)
    except IRError as error:
        return error.message
    x.insert(rw)
    measured[layer.x] = x
    y = rw.insert(made).result
    if layer.thr is None:
        rw.replace(layer, y)
    elif layer.thr.type.rank == 1:
        rw.replace(layer, bits.Threshold(y, layer.thr, nan=layer.nan, loc=layer.loc))
    else:
        rw.replace(layer, bits.Quantize(y, layer.thr, nan=layer.nan, loc=layer.loc))
    return None


def _layer(layer: bits.Layer, x: _Measured, rw: Rewriter) -> q.DynamicLayer:
    """The layer of bytes, not inserted. A channel of bits with the factor 0 has the scale 0."""
    found = integer_weights(layer, 1.0, biased=False)
    scales = found.units.astype(np.float32)
    alpha = constant(layer.alpha)
    if alpha is not None and layer.KIND != "ff":
        scales[alpha == 0] = 0.0
    name, scalar = layer.loc.name, BIT if layer.KIND == "fb" else None
    type_ = None if scalar is None else TensorType(found.integers.shape, scalar)
    operands: dict[str, Any] = {
        "x": x.bytes_.result,
        "levels": x.levels.result,
        "w": rw.resource(f"{name}.weights", found.integers, type_),
        "w_scale": rw.resource(f"{name}.scales", scales),
        "bias": layer.bias,
        "loc": layer.loc,
    }
    if not isinstance(layer, bits.ConvLayer):
        return q.DynamicDense(**operands)
    return q.DynamicConv2D(
        **operands,
        stride=layer.stride,
        dilation=layer.dilation,
        groups=layer.groups,
        pad=layer.pad,
    )
