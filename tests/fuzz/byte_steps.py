# SPDX-License-Identifier: Apache-2.0
"""Steps that pass through quantized bytes: layers, pools, sums and tables in integers."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from bnnc.ir import BIT, Resource, Stage, TensorType, Value, nn, q

from .builder import Builder


def quantized(net: Builder, x: Value) -> Value:
    """To bytes, through some operations on them, and back."""
    to: Literal["i8", "u8"] = net.pick("i8", "i8", "u8")
    zero = _zero(net, to)
    scale = float(net.pick(0.5, 0.037, 0.011))
    halves: Literal["away", "even"] = net.pick("away", "even")
    y = net.add(q.Quantize(x, scale=scale, zero=zero, to=to, halves=halves))
    for _ in range(net.below(1, 4)):
        y = _step(net, y)
    if y.type.scalar.name == "i32":
        return _cut(net, net.add(q.Dequantize(y, scale=1e-4, zero=0)))
    return net.add(q.Dequantize(y, scale=scale, zero=_zero(net, y.type.scalar.name)))


def _cut(net: Builder, sums: Value) -> Value:
    """Sums as they are, or scaled for each channel and cut to a sign or to levels."""
    if net.chance(0.3):
        return sums
    channels = sums.shape[-1]
    scales = net.rng.normal(size=channels).astype(np.float32)
    offsets = (net.rng.normal(size=channels) * 0.1).astype(np.float32)
    y = net.add(nn.Mul(sums, net.module.add_resource("s", scales)))
    y = net.add(nn.Sub(y, net.module.add_resource("s", offsets)))
    if net.chance(0.6):
        return net.add(nn.Sign(y, zero=net.pick("plus", "minus"), nan="plus"))
    lo, hi = net.pick((0.0, 3.0), (0.0, 1.0), (-1.0, 1.0))
    return net.add(nn.Round(net.add(nn.Clip(y, lo=lo, hi=hi))))


def _step(net: Builder, x: Value) -> Value:
    if x.type.scalar.name == "i32":
        return x
    steps = [_layer, _layer, _binary, _element, _pool, _mean]
    if x.type.scalar.name == "i8":
        steps.append(_softmax)
    return net.pick(*steps)(net, x)


def _zero(net: Builder, to: str) -> int:
    return net.below(0, 256) if to == "u8" else net.below(-128, 128)


def _ends(net: Builder, to: str) -> dict[str, Any]:
    """Bounds of a result."""
    low, high = (0, 255) if to == "u8" else (-128, 127)
    if net.chance(0.5):
        return {"lo": low, "hi": high}
    return {"lo": net.below(low, low + 60), "hi": net.below(high - 60, high + 1)}


def _integers(net: Builder, low: int, high: int, *shape: int, dtype: Any = np.int32) -> Resource:
    numbers: np.ndarray = net.rng.integers(low, high, shape).astype(dtype)
    return net.module.add_resource("q", numbers)


def _layer(net: Builder, x: Value) -> Value:
    """A convolution of an image, or a dense layer."""
    to = net.pick("i8", "i8", "u8", "i32")
    groups = net.pick(1, 1, x.shape[-1]) if x.type.rank == 4 else 1
    outputs = groups * net.below(1, 7 if groups == 1 else 3)
    fields: dict[str, Any] = {"x_zero": _zero(net, x.type.scalar.name), "to": to}
    weights = net.pick("i8", "i8", "i16", "bit")
    rounding = net.pick("double", "single", "float")
    bias = _integers(net, -3000, 3000, outputs) if net.chance(0.7) else None
    multiplier: Value | None = None
    shift: Value | None = None
    if to != "i32":
        fields |= {"y_zero": _zero(net, to), "rounding": rounding, **_ends(net, to)}
        if rounding == "float":
            factors = (net.rng.random(outputs) * 0.01).astype(np.float32)
            multiplier = net.module.add_resource("m", factors)
        else:
            multiplier = _integers(net, 0, 2**31 - 1, outputs)
            shift = _integers(net, -12, 1, outputs)
    else:
        fields |= {"lo": -128, "hi": 127}
    if x.type.rank != 4:
        flat = net.add(nn.Reshape(x, shape=(x.shape[0], x.type.size // x.shape[0])))
        w = _weights(net, weights, outputs, flat.shape[1])
        return net.add(q.Dense(flat, w, bias, multiplier, shift, **fields))
    kernel = [net.below(1, min(4, d + 1)) for d in x.shape[1:3]]
    pad = _pad(net, *kernel)
    w = _weights(net, weights, outputs, *kernel, x.shape[3] // groups)
    stride = (net.below(1, 3), net.below(1, 3))
    operands = (x, w, bias, multiplier, shift)
    return net.add(q.Conv2D(*operands, stride=stride, groups=groups, pad=pad, **fields))


def _weights(net: Builder, kind: str, *shape: int) -> Resource:
    """Numbers of a type, with the lowest among them, or bits where the stage has some."""
    if kind == "bit":
        signs = net.rng.choice(np.array([-1, 1], np.int8), shape)
        packed = net.module.stage.rank >= Stage.BINARIZED.rank
        return net.module.add_resource("q", signs, TensorType(shape, BIT) if packed else None)
    w = net.rng.integers(-100, 100, shape).astype(np.int8 if kind == "i8" else np.int16)
    w[net.rng.random(shape) < 0.02] = -128
    return net.module.add_resource("q", w)


def _pad(net: Builder, height: int, width: int) -> tuple[int, int, int, int]:
    """Less than the window, so that each window meets the image."""
    top, bottom = net.below(0, height), net.below(0, height)
    return top, net.below(0, width), bottom, net.below(0, width)


def _binary(net: Builder, x: Value) -> Value:
    """With itself, or with one byte for each channel."""
    scalar = x.type.scalar.name
    other: Value = x
    if net.chance(0.6):
        other = _integers(net, 0, 100, x.shape[-1], dtype=np.dtype(x.type.dtype).type)
    kind = net.pick(q.Add, q.Sub, q.Mul)
    bits = net.pick(20, 20, 12)
    fields: dict[str, Any] = {f"{s}_zero": _zero(net, scalar) for s in "aby"}
    fields |= {"y_multiplier": net.below(2**30, 2**31 - 1), "to": scalar, **_ends(net, scalar)}
    if kind is q.Mul:
        return net.add(q.Mul(x, other, y_shift=-net.below(4, 9), **fields))
    fields |= {f"{s}_multiplier": net.below(2**30, 2**31 - 1) for s in "ab"}
    fields |= {"a_shift": 0, "b_shift": -net.below(0, 3), "y_shift": -bits, "left_shift": bits}
    return net.add(kind(x, other, **fields))


def _element(net: Builder, x: Value) -> Value:
    scalar = x.type.scalar.name
    to: Literal["i8", "u8"] = net.pick("i8", "u8")
    dtype = np.uint8 if to == "u8" else np.int8
    low = 0 if to == "u8" else -128
    return net.add(
        net.one_of(
            lambda: q.Clamp(x, **_ends(net, scalar)),
            lambda: q.Lookup(x, _integers(net, low, low + 256, 256, dtype=dtype)),
            lambda: q.Requantize(
                x,
                x_zero=_zero(net, scalar),
                y_zero=_zero(net, to),
                multiplier=net.below(2**30, 2**31 - 1),
                shift=net.below(-3, 3),
                to=to,
                rounding=net.pick("double", "single"),
            ),
        )
    )


def _pool(net: Builder, x: Value) -> Value:
    if x.type.rank != 4:
        return x
    kernel = (net.below(1, min(4, x.shape[1] + 1)), net.below(1, min(4, x.shape[2] + 1)))
    pad = _pad(net, *kernel)
    cls = net.pick(q.MaxPool, q.AvgPool)
    stride = (net.below(1, 3), net.below(1, 3))
    ends = _ends(net, x.type.scalar.name)
    return net.add(cls(x, kernel_size=kernel, stride=stride, pad=pad, **ends))


def _mean(net: Builder, x: Value) -> Value:
    if x.type.rank != 4:
        return x
    scalar = x.type.scalar.name
    count = x.shape[1] * x.shape[2]
    return net.add(
        q.Mean(
            x,
            axes=(1, 2),
            keep_dims=True,
            x_zero=_zero(net, scalar),
            y_zero=_zero(net, scalar),
            multiplier=net.below(2**30, 2**31 - 1),
            shift=-(count.bit_length() - 1),
        )
    )


def _softmax(net: Builder, x: Value) -> Value:
    exps = np.exp(-net.pick(0.02, 0.1, 0.5) * np.arange(256)) * 2**31
    table = np.minimum(np.rint(exps), 2**31 - 1).astype(np.int32)
    return net.add(q.Softmax(x, net.module.add_resource("exps", table)))
