# SPDX-License-Identifier: Apache-2.0
"""Between floats and integers of 8 bits; other integers are carried as their float values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bnnc.ir import Scalar, Value, nn, q

from ...failures import Unsupported
from ..arrangement import Aligned, Arranged
from ..context import Context
from ..convert import converts
from ..levels import as_floats, byte_of
from ..tensors import logical_dtype, type_name

_INTEGERS = (Scalar("i8"), Scalar("u8"), Scalar("i32"))


def _require_whole(c: Context) -> None:
    if c.integer("block_size", 0):
        raise Unsupported("quantizes in blocks")


def _one_scale(c: Context) -> tuple[float, int] | None:
    """Scale and zero point of the whole tensor, where they are constant."""
    given = [i for i in (1, 2) if c.has_input(i)]
    if not all(c.is_constant(i) and c.array(i).size == 1 for i in given):
        return None
    return c.number_at(1), int(c.number_at(2)) if c.has_input(2) else 0


def _beside(c: Context, x: Arranged) -> tuple[Aligned, bool]:
    """X, scale and zero point as floats in one order; whether the zero point counts."""
    scale = as_floats(c, c.tensor(1))
    shape: tuple[int, ...] = ()
    if scale.value.type.size != 1:
        axis = c.axis(c.integer("axis", 1), x.rank)
        shape = tuple(d if a == axis else 1 for a, d in enumerate(x.shape))
    zero = Arranged.plain(c.scalar(0.0, "zero"))
    counts = c.has_input(2) and not (c.is_constant(2) and not c.array(2).any())
    if counts and c.is_constant(2):
        zero = Arranged.plain(c.constant(c.array(2).astype(np.float32), "zero"))
    elif counts:
        zero = as_floats(c, c.tensor(2))
    if zero.value.type.size != 1:
        zero = zero.reshaped(shape, c.emit)
    return c.aligned(x, scale.reshaped(shape, c.emit), zero), counts


def _target(c: Context) -> np.dtype[np.generic]:
    """The type that is quantized to: that of the zero point, or what an attribute says."""
    if c.has_input(2):
        return c.array(2).dtype
    kind = c.integer("output_dtype", 0)
    found = logical_dtype(kind) if kind else np.dtype(np.uint8)
    if found is None or found.kind not in "iu":
        raise Unsupported(f"quantizes to {type_name(kind)}")
    return found


@converts("QuantizeLinear")
def quantize(c: Context) -> Arranged:
    """Saturate(round(x / scale) + zero), halves to even; scales for a channel each are divided by.

    Without a zero point the type is u8, or ``output_dtype``.
    """
    _require_whole(c)
    dtype, x = _target(c), as_floats(c, c.tensor(0))
    if dtype.kind not in "iu":
        raise Unsupported(f"quantizes to {dtype}")
    to, one = byte_of(dtype), _one_scale(c)
    if to is not None and one is not None:
        scale, zero = one
        return x.like(c.emit(q.Quantize(x.value, scale=scale, zero=zero, to=to, halves="even")))
    three, shifted = _beside(c, x)
    value, divisor, offset = three.values
    y = c.emit(nn.Round(c.emit(nn.Div(value, divisor))))
    if shifted:
        y = c.emit(nn.Add(y, offset))
    if to is not None:
        return three.result(c.emit(q.Quantize(y, scale=1.0, zero=0, to=to, halves="even")))
    c.mark_integral()
    limits = np.iinfo(dtype.name)
    return three.result(c.emit(nn.Clip(y, lo=float(limits.min), hi=float(limits.max))))


@converts("DequantizeLinear")
def dequantize(c: Context) -> Arranged:
    """(q - zero) * scale; constants stay integers, which is what layers of bytes want."""
    _require_whole(c)
    x, one = c.tensor(0), _one_scale(c)
    scalar = x.value.type.scalar
    if scalar in _INTEGERS:
        if one is not None:
            scale, zero = one
            return x.like(c.emit(q.Dequantize(x.value, scale=scale, zero=zero)))
        x = as_floats(c, x)
    elif not scalar.is_float:
        x = x.like(c.emit(nn.Cast(x.value, to="f32")))
    three, shifted = _beside(c, x)
    value, scale_, offset = three.values
    if shifted:
        value = c.emit(nn.Sub(value, offset))
    return three.result(c.emit(nn.Mul(value, scale_)))


@converts("DynamicQuantizeLinear")
def dynamic(c: Context) -> Sequence[Arranged | Value]:
    """To u8 by the range of x itself, 0 included; the zero point is carried as a float."""
    x = c.tensor(0)
    levels = c.emit(q.DynamicLevels(x.value))
    scale, zero = (
        c.reshape(c.emit(nn.Slice(levels, begin=(i,), size=(1,), step=(1,))), ()) for i in (0, 1)
    )
    c.mark_integral(2)
    return [x.like(c.emit(q.DynamicQuantize(x.value, levels))), scale, zero]
