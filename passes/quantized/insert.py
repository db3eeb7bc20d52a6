# SPDX-License-Identifier: Apache-2.0
"""`insert-quantizers`: bytes in place of floats between layers, visible in the text."""

from __future__ import annotations

from typing import Literal

from bnnc.ir import bin as bits
from bnnc.ir import q
from bnnc.ir.location import UNKNOWN
from bnnc.ir.module import Module, Stage
from bnnc.ir.types import Quant, Scalar, TensorType
from bnnc.ir.value import Value

from ..base import Pass
from ..calibration import AffineLevels
from ..registry import register_pass
from ..rewriter import Rewriter
from .annotations import clear, shared_levels
from .regions import Region, is_float_layer, known_names


@register_pass
class InsertQuantizers(Pass):
    """Put `q.quantize` and `q.dequantize` between float layers, where types name the levels.

    Levels come from `calibrate`. A value has one pair, whoever reads it. What a sign or a rounding
    cuts stays as exact as it is: no pair stands between it and the last layer before it. ``keep``
    lists layers that stay in float, names or globs with ``;`` between, and so do layers whose
    results have no levels: behind this pass only layers that are to be in bytes have some. io =
    int8 makes inputs and outputs of the network bytes, whose types say scale and zero point.
    """

    name = "insert-quantizers"
    consumes = Stage.BINARIZED
    exactness = "approximate"
    keep: str = ""
    io: Literal["float", "int8"] = "float"

    def run(self, module: Module, rw: Rewriter) -> None:
        """Find the region first; then one walk."""
        names = known_names(module, self.keep)
        region = Region.of(module, names, whole=self.io == "int8")
        levels = shared_levels(module, region.integer)
        if not any(is_float_layer(op) for op in region.integer):
            rw.remark(module.name, "there is no float layer that bytes could do")
        pairs: dict[Value, Value] = {}
        if self.io == "int8":
            _bytes_in(module, levels, rw)
        for op in rw.walk():
            for value in dict.fromkeys(op.operands):
                if region.reads_bytes(op, value):
                    if value not in pairs:
                        pairs[value] = _pair(value, levels[value], rw)
                    op.replace_operand(value, pairs[value])
                    rw.log.append("read quantized")
        _results(module, region, levels, pairs, rw, as_bytes=self.io == "int8")
        layers = [op for op in region.integer if isinstance(op, bits.Layer | bits.Affine)]
        clear(module, rw, {op.result for op in layers})


def _bytes_in(module: Module, levels: dict[Value, AffineLevels], rw: Rewriter) -> None:
    """Float inputs become bytes; what reads floats reads what they stand for."""
    func = module.func
    for index, old in enumerate(func.args):
        if old in levels:
            new = Value(_quantized_type(old, levels[old]), name=old.name)
            floats = q.Dequantize(new, scale=levels[old].scale, zero=levels[old].zero)
            rw.replace_uses(old, rw.insert(floats).result)
            func.ops.insert(0, func.ops.pop())
            func.args[index] = new


def _quantized_type(value: Value, levels: AffineLevels) -> TensorType:
    return TensorType(value.shape, Scalar("i8"), quant=Quant(levels.scale, levels.zero))


def _quantize(value: Value, levels: AffineLevels, rw: Rewriter) -> Value:
    loc = UNKNOWN if value.owner is None else value.owner.loc
    made = q.Quantize(value, scale=levels.scale, zero=levels.zero, halves="even", loc=loc)
    return rw.insert(made).result


def _pair(value: Value, levels: AffineLevels, rw: Rewriter) -> Value:
    bytes_ = _quantize(value, levels, rw)
    loc = UNKNOWN if value.owner is None else value.owner.loc
    made = q.Dequantize(bytes_, scale=levels.scale, zero=levels.zero, loc=loc)
    return rw.insert(made).result


def _results(
    module: Module,
    region: Region,
    levels: dict[Value, AffineLevels],
    pairs: dict[Value, Value],
    rw: Rewriter,
    *,
    as_bytes: bool,
) -> None:
    """What the network returns: floats of the bytes where it has some, or the bytes themselves."""
    found: list[Value] = []
    for value in module.func.results:
        if as_bytes and value in levels:
            result = _quantize(value, levels[value], rw)
            rw.retype(result, _quantized_type(value, levels[value]))
            found.append(result)
        elif value in region.quantized:
            if value not in pairs:
                pairs[value] = _pair(value, levels[value], rw)
            found.append(pairs[value])
        else:
            found.append(value)
    module.func.set_results(found)
