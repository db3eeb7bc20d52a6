# SPDX-License-Identifier: Apache-2.0
"""Sums, products and means between dequantize and quantize, in integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bnnc.ir import nn, q
from bnnc.ir.diagnostics import IRError
from bnnc.ir.operation import Op
from bnnc.ir.shapes import normal_axis
from bnnc.ir.value import Resource, Value

from ..base import Pass, pattern
from ..rewriter import Rewriter
from .layers import multipliers
from .levels import Bytes
from .tails import Tail, tail_of

_MOST_ONES = 1 << 14


class Arithmetic(Pass):
    """Patterns for a pass to inherit; no pass by itself.

    Averages round as ``rounding`` says, like layers.
    """

    rounding: q.Rounding = "float"

    @pattern
    def arithmetic_of_bytes(self, op: q.Quantize, rw: Rewriter) -> None:
        """One operation on bytes, its bounds included.

        Sums and products of rounding ``float`` are exactly what the floats give.
        """
        tail = tail_of(op)
        if tail is None:
            return
        try:
            made = _made(op, tail, self.rounding, rw)
        except IRError:  # factors that no 31 bits hold: the floats stay
            return
        if made is not None:
            rw.replace(op, made)


def _made(op: q.Quantize, tail: Tail, rounding: q.Rounding, rw: Rewriter) -> Value | None:
    match tail.op:
        case nn.Add() | nn.Sub() | nn.Mul():
            a, b = Bytes.behind(tail.op.a), Bytes.behind(tail.op.b)
            if a is None or b is None or (rounding == "float" and op.halves != "even"):
                return None
            if rounding == "float":
                return rw.insert(_of_floats(op, tail, a, b)).result
            combine = _product if isinstance(tail.op, nn.Mul) else _sum
            return rw.insert(combine(op, tail, a, b)).result
        case nn.AvgPool():
            x = Bytes.behind(tail.op.x)
            return None if x is None else _average(op, tail, tail.op, x, rounding, rw)
        case nn.Reduce(kind="mean"):
            x = Bytes.behind(tail.op.x)
            return None if x is None else _mean(op, tail, tail.op, x, rounding, rw)
        case _:
            return None


def _of_floats(op: q.Quantize, tail: Tail, a: Bytes, b: Bytes) -> Op:
    kinds: dict[type[Op], Literal["add", "sub", "mul"]]
    kinds = {nn.Add: "add", nn.Sub: "sub", nn.Mul: "mul"}
    return q.FloatBinary(
        a.x,
        b.x,
        kind=kinds[type(tail.op)],
        a_scale=a.scale,
        a_zero=a.zero,
        b_scale=b.scale,
        b_zero=b.zero,
        y_scale=op.scale,
        y_zero=op.zero,
        lo=tail.lo,
        hi=tail.hi,
        to=op.to,
        loc=tail.loc,
    )


def _sum(op: q.Quantize, tail: Tail, a: Bytes, b: Bytes) -> Op:
    cls = q.Sub if isinstance(tail.op, nn.Sub) else q.Add
    return cls(
        a.x,
        b.x,
        a_zero=a.zero,
        b_zero=b.zero,
        y_zero=op.zero,
        **q.sum_factors(a.scale, b.scale, op.scale),
        lo=tail.lo,
        hi=tail.hi,
        to=op.to,
        loc=tail.loc,
    )


def _product(op: q.Quantize, tail: Tail, a: Bytes, b: Bytes) -> Op:
    m, shift = q.fixed_point(a.scale * b.scale / op.scale)
    return q.Mul(
        a.x,
        b.x,
        a_zero=a.zero,
        b_zero=b.zero,
        y_zero=op.zero,
        y_multiplier=m,
        y_shift=shift,
        lo=tail.lo,
        hi=tail.hi,
        to=op.to,
        loc=tail.loc,
    )


def _average(
    op: q.Quantize, tail: Tail, pool: nn.AvgPool, x: Bytes, rounding: q.Rounding, rw: Rewriter
) -> Value | None:
    """Padding is the zero point, and counts as 0.0.

    In one unit of input and result an average is the sum over the count, in integers.
    """
    alone = not any(pool.pad) or not pool.include_pad
    if rounding != "float" and alone and (x.scale, x.zero, x.to) == (op.scale, op.zero, op.to):
        made = q.AvgPool(
            x.x,
            kernel_size=pool.kernel_size,
            stride=pool.stride,
            pad=pool.pad,
            lo=tail.lo,
            hi=tail.hi,
            loc=tail.loc,
        )
        return rw.insert(made).result
    if any(pool.pad) and not pool.include_pad:
        return None
    window = Window(pool.kernel_size, pool.stride, pool.pad)
    return _with_ones(op, tail, x, window, rounding, rw)


def _mean(
    op: q.Quantize, tail: Tail, mean: nn.Reduce, x: Bytes, rounding: q.Rounding, rw: Rewriter
) -> Value | None:
    """By a multiplier of 31 bits; for rounding ``float`` over images as an average.

    Where that takes too many ones the multiplier has to do.
    """
    axes = sorted(normal_axis(a, mean.x.type.rank) for a in mean.axes)
    over_image = mean.x.type.rank == 4 and axes == [1, 2] and mean.x.type.size <= _MOST_ONES
    if rounding == "float" and over_image:
        window = Window((mean.x.shape[1], mean.x.shape[2]), (1, 1), (0, 0, 0, 0))
        y = _with_ones(op, tail, x, window, rounding, rw)
        return y if mean.keep_dims else rw.insert(nn.Reshape(y, shape=mean.result.shape)).result
    if x.to != op.to:
        return None
    count = mean.x.type.size // max(mean.result.type.size, 1)
    m, shift = q.fixed_point(x.scale / (op.scale * count))
    made = q.Mean(
        x.x,
        axes=mean.axes,
        keep_dims=mean.keep_dims,
        x_zero=x.zero,
        y_zero=op.zero,
        multiplier=m,
        shift=shift,
        loc=tail.loc,
    )
    y = rw.insert(made).result
    if (tail.lo, tail.hi) == x.whole:
        return y
    return rw.insert(q.Clamp(y, lo=tail.lo, hi=tail.hi, loc=tail.loc)).result


@dataclass(frozen=True)
class Window:
    """What an average runs over."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int, int, int]


def _with_ones(
    op: q.Quantize, tail: Tail, x: Bytes, window: Window, rounding: q.Rounding, rw: Rewriter
) -> Value:
    """An average as a depthwise convolution with ones."""
    channels, count = x.x.shape[3], window.kernel[0] * window.kernel[1]
    name = tail.op.loc.name
    scaled: dict[str, Resource]
    if rounding == "float":
        factor = np.float32(x.scale) / (np.float32(op.scale) * np.float32(count))
        numbers = np.full(channels, factor, np.float32)
        scaled = {"multiplier": rw.resource(f"{name}.multiplier", numbers)}
    else:
        scaled = multipliers(np.full(channels, x.scale / count), op, rounding, name, rw)
    layer = q.Conv2D(
        x.x,
        rw.resource(f"{name}.ones", np.ones((channels, *window.kernel, 1), np.int8)),
        None,
        scaled["multiplier"],
        scaled.get("shift"),
        stride=window.stride,
        groups=channels,
        pad=window.pad,
        x_zero=x.zero,
        y_zero=op.zero,
        lo=tail.lo,
        hi=tail.hi,
        to=op.to,
        rounding=rounding,
        loc=tail.loc,
    )
    return rw.insert(layer).result
