# SPDX-License-Identifier: Apache-2.0
"""Random operations of the ``q`` dialect, as fields of their classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bnnc.ir import q
from bnnc.ir.operation import Op
from bnnc.ir.types import BIT, F32, I32, Scalar

if TYPE_CHECKING:
    from .modules import Maker

Fields = dict[str, Any]
I8, U8 = Scalar("i8"), Scalar("u8")


def _byte(make: Maker, *shape: int) -> Fields:
    """An operand x of bytes and a zero point for it."""
    scalar = make.pick(I8, U8)
    return {"x": make.value(*shape, scalar=scalar), "x_zero": make.pick(0, 5, 127)}


def _bounds(make: Maker) -> Fields:
    to = make.pick("i8", "u8")
    lo, hi = make.pick((0, 127), (3, 3), (-128, 127) if to == "i8" else (0, 255))
    return {"to": to, "lo": lo, "hi": hi, "y_zero": make.pick(lo, hi)}


def _multiplier(make: Maker, prefix: str = "", most: int = 10) -> Fields:
    return {
        f"{prefix}multiplier": make.pick(0, 2**30, 2**31 - 1, 1234567890),
        f"{prefix}shift": make.pick(-31, -7, 0, most),
    }


def _layer(make: Maker, weights: tuple[int, ...], *shape: int) -> Fields:
    channels = weights[0]
    fields = _byte(make, *shape)
    fields |= {
        "w": make.constant(*weights, scalar=make.pick(I8, Scalar("i16"), BIT)),
        "bias": make.maybe(lambda: make.constant(channels, scalar=I32)),
    }
    kind = make.pick("double", "single", "float", "sums", "bits", "levels")
    if kind == "sums":
        return fields | {"to": "i32"}
    if kind in ("bits", "levels"):
        return fields | _cut(make, channels, make.pick(1, 3, 5) if kind == "levels" else None)
    scalar = F32 if kind == "float" else I32
    fields |= {"multiplier": make.constant(channels, scalar=scalar), "rounding": kind}
    if kind != "float":
        fields["shift"] = make.constant(channels, scalar=I32)
    return fields | _bounds(make)


def _cut(make: Maker, channels: int, levels: int | None) -> Fields:
    """Thresholds for bits, or for levels; with the expression that they come from, or without."""
    shape = (channels,) if levels is None else (channels, levels)
    fields: Fields = {"thr": make.constant(*shape, scalar=I32)}
    fields["to"] = "bit" if levels is None else f"u{levels.bit_length()}"
    if levels is None and make.pick(True, False):
        fields["params"] = (make.constant(channels),)
        fields["steps"] = (("scale", 0.5), ("add",), ("sign", "plus", "plus"))
        fields["certificate"] = make.pick("exhaustive", "search")
    return fields


def _window(make: Maker) -> Fields:
    lo, hi = make.pick((0, 127), (3, 3))
    return {
        "x": make.value(1, 5, 4, 3, scalar=make.pick(I8, U8)),
        "kernel_size": (make.pick(1, 2), make.pick(1, 2)),
        "stride": (make.pick(1, 2), make.pick(1, 3)),
        "pad": (0, 0, 0, 0),
        "lo": lo,
        "hi": hi,
    }


def _binary(make: Maker, most: int) -> Fields:
    fields = {
        "a": make.value(2, 3, scalar=make.pick(I8, U8)),
        "b": make.value(1, 3, scalar=make.pick(I8, U8)),
        "a_zero": make.pick(0, 127),
        "b_zero": make.pick(0, 127),
    }
    return fields | _bounds(make) | _multiplier(make, "y_", most)


def _sum(make: Maker) -> Fields:
    fields = _binary(make, 0) | {"left_shift": make.pick(0, 20, 21)}
    return fields | _multiplier(make, "a_", 0) | _multiplier(make, "b_", 0)


def _float_binary(make: Maker) -> Fields:
    fields = _binary(make, 0)
    del fields["y_multiplier"], fields["y_shift"]
    scales = {f"{slot}_scale": make.pick(0.5, 0.013, 3.0) for slot in "aby"}
    return fields | scales | {"kind": make.pick("add", "sub", "mul")}


def _dynamic(make: Maker, weights: tuple[int, ...], *shape: int) -> Fields:
    """A layer with the levels of its input measured."""
    fields: Fields = {
        "x": make.value(*shape, scalar=U8),
        "levels": make.value(2),
        "w": make.constant(*weights, scalar=make.pick(I8, Scalar("i16"), BIT)),
    }
    if make.pick(True, False):
        fields["w_scale"] = make.constant(weights[0])
        fields["bias"] = make.maybe(lambda: make.constant(weights[0]))
    return fields


FIELDS: dict[type[Op], Callable[[Maker], Fields]] = {
    q.Conv2D: lambda m: (
        _layer(m, (4, 3, 1, 1), 1, 5, 4, 2)
        | {"stride": (1, 2), "pad": (1, 0, 2, 0), "groups": 2, "dilation": m.pick((1, 1), (2, 1))}
    ),
    q.Dense: lambda m: _layer(m, (4, 3), 2, 3),
    q.DynamicConv2D: lambda m: (
        _dynamic(m, (4, 3, 1, 1), 1, 5, 4, 2)
        | {"stride": (1, 2), "pad": (1, 0, 2, 0), "groups": 2, "dilation": m.pick((1, 1), (2, 1))}
    ),
    q.DynamicDense: lambda m: _dynamic(m, (4, 3), 2, 3),
    q.DynamicLevels: lambda m: {"x": m.value(2, 3)},
    q.DynamicQuantize: lambda m: {"x": m.value(2, 3), "levels": m.value(2)},
    q.Quantize: lambda m: {
        "x": m.value(2, 3),
        "scale": m.pick(0.5, 0.1),
        "zero": m.pick(0, 3),
        "to": m.pick("i8", "u8"),
        "halves": m.pick("away", "even"),
    },
    q.Dequantize: lambda m: {
        "x": m.value(2, 3, scalar=m.pick(I8, U8, I32)),
        "scale": m.pick(0.5, 0.1),
        "zero": m.pick(0, 3),
    },
    q.Requantize: lambda m: (
        _byte(m, 2, 3)
        | _multiplier(m)
        | {"y_zero": m.pick(0, 3), "to": m.pick("i8", "u8"), "rounding": m.pick("double", "single")}
    ),
    q.Clamp: lambda m: {"x": m.value(2, 3, scalar=m.pick(I8, U8)), "lo": 0, "hi": m.pick(0, 6)},
    q.Lookup: lambda m: {
        "x": m.value(2, 3, scalar=m.pick(I8, U8)),
        "table": m.constant(256, scalar=m.pick(I8, U8)),
    },
    q.Add: _sum,
    q.Sub: _sum,
    q.Mul: lambda m: _binary(m, 14),
    q.FloatBinary: _float_binary,
    q.MaxPool: _window,
    q.AvgPool: _window,
    q.Mean: lambda m: (
        _byte(m, 1, 2, 3)
        | _multiplier(m)
        | {"axes": m.pick((), (1,), (-1, 0)), "keep_dims": m.pick(True, False), "y_zero": 3}
    ),
    q.Softmax: lambda m: {
        "x": m.value(2, 3, scalar=I8),
        "exps": m.constant(256, scalar=I32),
    },
}
