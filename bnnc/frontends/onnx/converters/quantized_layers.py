# SPDX-License-Identifier: Apache-2.0
"""Layers of bytes. Sums are integers; what they are multiplied by is a float32, halves to even."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bnnc.ir import Resource, Scalar, Value, nn, q

from ...failures import Unsupported
from ..arrangement import Arranged, Shape
from ..context import Context
from ..convert import converts
from ..levels import Levels, as_bytes, as_floats, byte_of
from .conv import convolution, filters_of
from .dense import dense_operands, multiplied
from .windows import Image, Window


def multipliers(x: Levels, w: Levels, y: Levels, channels: int) -> np.ndarray:
    """fl(fl(scale of x * scale of w) / scale of y) for each output channel."""
    factors = np.asarray(x.scale * w.scales / y.scale, np.float32)
    if factors.size not in (1, channels):
        raise Unsupported(f"has {factors.size} scales for {channels} channels")
    return np.array(np.broadcast_to(factors, (channels,)))


def finish(c: Context, x: Levels, w: Levels, y: Levels, channels: int) -> dict[str, Any]:
    """How the sums of a layer become bytes: operand and attributes."""
    lo, hi = y.whole
    return {
        "multiplier": c.constant(multipliers(x, w, y, channels), "multiplier"),
        "x_zero": x.zero,
        "y_zero": y.zero,
        "lo": lo,
        "hi": hi,
        "to": y.to,
        "rounding": "float",
    }


def centred(c: Context, weights: Value, zeros: np.ndarray) -> Resource:
    """Constant weights [o, ...] without their zero points."""
    if not isinstance(weights, Resource):
        raise Unsupported("has weights that depend on an input")
    if zeros.size not in (1, len(weights.array)):
        raise Unsupported(f"has {zeros.size} zero points for {len(weights.array)} channels")
    array = weights.array
    return c.constant(q.without_zero(array, zeros.reshape(-1, *[1] * (array.ndim - 1))), "weights")


def bias_of(c: Context, index: int, channels: int) -> Value | None:
    """The i32 bias."""
    if not c.has_input(index):
        return None
    array = c.array(index)
    if array.dtype != np.int32 or array.size != channels:
        raise Unsupported(f"has a bias {array.dtype}{list(array.shape)}")
    return c.constant(array.reshape(-1), "bias")


def _convolved(
    c: Context, image: Image, w: Value, levels: Value | None = None, **end: Any
) -> Arranged:
    """With measured levels, or with fixed ones in ``end``."""
    window = Window.of(c, image, (w.shape[1], w.shape[2]))
    end |= {"stride": window.stride, "dilation": window.dilation, "pad": window.pad}
    end["groups"] = c.integer("group", 1)
    made = (
        q.Conv2D(image.value, w, **end)
        if levels is None
        else q.DynamicConv2D(image.value, levels, w, **end)
    )
    return image.result(c, c.emit(made))


@converts("QLinearConv")
def conv(c: Context) -> Arranged:
    """Sums of (x - zero) * (w - zero) and the i32 bias, then one float32 product."""
    x, w, y = Levels.of(c, 1, 2), Levels.of(c, 4, 5), Levels.of(c, 6, 7)
    image = Image.of(c, as_bytes(c, c.tensor(0), x.to))
    weights = centred(c, filters_of(c, image, 3), w.zeros)
    channels = weights.shape[0]
    end = finish(c, x, w, y, channels)
    return _convolved(c, image, weights, bias=bias_of(c, 8, channels), **end)


@converts("ConvInteger")
def conv_integer(c: Context) -> Arranged:
    """The sums themselves, i32; floats hold them where a zero point depends on the input.

    But not if that is one which DynamicQuantizeLinear measured.
    """
    fixed, levels = _fixed_zero(c, 2), _measured(c, 2)
    if levels is not None:
        image = Image.of(c)
        weights = centred(c, filters_of(c, image, 1), _zeros(c, 3))
        return _convolved(c, image, weights, levels)
    image = Image.of(c, _centred(c, 0, 2) if fixed is None else as_bytes(c, c.tensor(0), fixed[1]))
    weights = centred(c, filters_of(c, image, 1), _zeros(c, 3))
    if fixed is not None:
        return _convolved(c, image, weights, x_zero=fixed[0], to="i32")
    c.mark_integral()
    floats = c.constant(weights.array.astype(np.float32), "floats")
    window = Window.of(c, image, (weights.shape[1], weights.shape[2]))
    return convolution(c, image, floats, None, window)


@converts("QLinearMatMul")
def matmul(c: Context) -> Arranged:
    """Sums of (a - zero) * (b - zero), then one float32 product.

    Where b is no constant matrix the integers are multiplied as floats, which are exact to 2^24.
    """
    a, b, y = Levels.of(c, 1, 2), Levels.of(c, 4, 5), Levels.of(c, 6, 7)
    if _is_matrix(c, 3):
        x, w, shape = _rows(c, as_bytes(c, c.tensor(0), a.to), c.tensor(3))
        weights = centred(c, w, b.zeros)
        made = c.emit(q.Dense(x, weights, **finish(c, a, b, y, weights.shape[0])))
        return Arranged.plain(c.reshape(made, shape))
    product = multiplied(c, _centred(c, 0, 2), _centred(c, 3, 5))
    factors = c.constant(np.asarray(a.scale * b.scales / y.scale, np.float32), "multiplier")
    both = c.aligned(product, Arranged.plain(factors))
    scaled = c.emit(nn.Mul(*both.values))
    return both.result(c.emit(q.Quantize(scaled, scale=1.0, zero=y.zero, to=y.to, halves="even")))


@converts("MatMulInteger")
def matmul_integer(c: Context) -> Arranged:
    """The sums themselves, i32; floats hold them unless b and the zero points are constant."""
    fixed, levels = _fixed_zero(c, 2), _measured(c, 2)
    if levels is not None and _is_matrix(c, 1):
        x, w, shape = _rows(c, c.tensor(0), c.tensor(1))
        made = c.emit(q.DynamicDense(x, levels, centred(c, w, _zeros(c, 3))))
        return Arranged.plain(c.reshape(made, shape))
    if fixed is not None and _is_matrix(c, 1):
        x, w, shape = _rows(c, as_bytes(c, c.tensor(0), fixed[1]), c.tensor(1))
        made = c.emit(q.Dense(x, centred(c, w, _zeros(c, 3)), x_zero=fixed[0], to="i32"))
        return Arranged.plain(c.reshape(made, shape))
    c.mark_integral()
    return multiplied(c, _centred(c, 0, 2), _centred(c, 1, 3))


def _measured(c: Context, zero: int) -> Value | None:
    """The levels that the operand 0 was quantized by, where they were measured."""
    if not c.has_input(zero) or c.tensor(0).value.type.scalar != Scalar("u8"):
        return None
    return q.levels_behind(c.tensor(zero).value, 1)


def _is_matrix(c: Context, index: int) -> bool:
    shape = c.shape(index)
    return c.is_constant(index) and len(shape) > 1 and math.prod(shape[:-2]) == 1


def _rows(c: Context, a: Arranged, b: Arranged) -> tuple[Value, Value, Shape]:
    """The operands [n, i] and [o, i] of a . b for a matrix b, and the shape of the result."""
    count = math.prod(a.shape[:-1])
    rows = a.reshaped((count, a.shape[-1]), c.emit)
    shape = (*(1,) * (b.rank - a.rank), *a.shape[:-1], b.shape[-1])
    return *dense_operands(c, rows, b.reshaped(b.shape[-2:], c.emit)), shape


def _zeros(c: Context, index: int) -> np.ndarray:
    return c.array(index).reshape(-1) if c.has_input(index) else np.zeros(1, np.int64)


def _fixed_zero(c: Context, index: int) -> tuple[int, q.Byte] | None:
    """The zero point of operand 0 and its type, where it is one constant."""
    if not c.has_input(index):
        scalar = c.tensor(0).value.type.scalar
        return 0, "i8" if scalar.name == "i8" else "u8"
    if not c.is_constant(index) or c.array(index).size != 1:
        return None
    to = byte_of(c.array(index).dtype)
    return None if to is None else (int(c.number_at(index)), to)


def _centred(c: Context, index: int, zero: int) -> Arranged:
    """An operand less its zero point as floats, which hold these integers."""
    x = as_floats(c, c.tensor(index))
    if not c.has_input(zero):
        return x
    both = c.aligned(x, as_floats(c, c.tensor(zero)))
    return both.result(c.emit(nn.Sub(*both.values)))
