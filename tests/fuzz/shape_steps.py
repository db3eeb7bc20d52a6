# SPDX-License-Identifier: Apache-2.0
"""Steps that move, join, reduce or compute elementwise, without weights."""

from __future__ import annotations

import math
from typing import Literal

from bnnc.ir import Value, nn

from .builder import Builder
from .layer_steps import divisors


def flatten(net: Builder, x: Value) -> Value:
    """To [n, rest], or any other way to cut the elements of a sample into axes."""
    rest = x.type.size // x.shape[0]
    shape = [x.shape[0], rest]
    if net.chance(0.4):
        first = net.pick(*divisors(rest))
        shape = [x.shape[0], first, rest // first]
        if net.chance(0.5):
            second = net.pick(*divisors(shape[2]))
            shape = [*shape[:2], second, shape[2] // second]
    return net.add(nn.Reshape(x, shape=tuple(shape)))


def transpose(net: Builder, x: Value) -> Value:
    """Any order of the axes but the first."""
    rest = [int(a) + 1 for a in net.rng.permutation(x.type.rank - 1)]
    return net.add(nn.Transpose(x, perm=(0, *rest)))


def concat(net: Builder, x: Value) -> Value:
    """Joined with itself and with values that fit."""
    axis = net.below(1, x.type.rank)
    others = [v for v in net.values if _fits(v, x, axis) and v.shape[axis] <= 64]
    parts = [x, *(net.pick(x, *others) for _ in range(net.below(1, 3)))]
    return net.add(nn.Concat(tuple(parts), axis=axis - net.pick(0, x.type.rank)))


def _fits(value: Value, x: Value, axis: int) -> bool:
    if value.type.rank != x.type.rank:
        return False
    pairs = zip(value.shape, x.shape, strict=True)
    return all(a == b or i == axis for i, (a, b) in enumerate(pairs))


def split(net: Builder, x: Value) -> Value:
    """One of the pieces; the others stay for later steps."""
    axis = net.pick(*range(1, x.type.rank))
    size = x.shape[axis]
    if size < 2:
        return x
    cut = net.below(1, size)
    op = nn.Split(x, axis=axis, sizes=(cut, size - cut))
    net.add(op)
    net.values.append(op.results[1])
    return op.results[0]


def slice_(net: Builder, x: Value) -> Value:
    """A part of some axes, with steps that may go backwards."""
    begin, size, step = [0] * x.type.rank, list(x.shape), [1] * x.type.rank
    for axis in range(1, x.type.rank):
        if net.chance(0.5):
            step[axis] = net.pick(1, 1, 2, -1, -2)
            begin[axis] = net.below(0, x.shape[axis])
            room = begin[axis] + 1 if step[axis] < 0 else x.shape[axis] - begin[axis]
            size[axis] = net.below(1, math.ceil(room / abs(step[axis])) + 1)
    return net.add(nn.Slice(x, begin=tuple(begin), size=tuple(size), step=tuple(step)))


def pad(net: Builder, x: Value) -> Value:
    """A pad of any axes but the first."""
    before = [0, *(net.below(0, 3) for _ in x.shape[1:])]
    after = [0, *(net.below(0, 2) for _ in x.shape[1:])]
    value = net.pick(0.0, 0.0, 1.0, -1.0, 2.5)
    return net.add(nn.Pad(x, before=tuple(before), after=tuple(after), value=value))


def reduce_(net: Builder, x: Value) -> Value:
    """Over the image, over the channels, or over all but the first axis."""
    kind: Literal["mean", "sum", "max", "min"] = net.pick("mean", "mean", "sum", "max", "min")
    rank = x.type.rank
    axes = net.pick((1, 2), (-1,), tuple(range(1, rank))) if rank > 2 else (1,)
    keep = net.chance(0.5) or len(axes) == rank - 1
    return net.add(nn.Reduce(x, kind=kind, axes=axes, keep_dims=keep))


def residual(net: Builder, x: Value) -> Value:
    """The sum (or the like) with another value of the shape, or with one that broadcasts."""
    fits = [v for v in net.values if v is not x and v.shape == x.shape]
    if x.type.rank == 4:
        per_channel = (x.shape[0], 1, 1, x.shape[3])
        fits += [v for v in net.values if v.shape == per_channel != x.shape]
    if not fits:
        return x
    other = net.pick(*fits[-4:])
    a, b = (x, other) if net.chance(0.5) else (other, x)
    cls = net.weighted({nn.Add: 6, nn.Sub: 1, nn.Mul: 1, nn.Maximum: 1, nn.Minimum: 1})
    return net.add(cls(a, b))


def elementwise(net: Builder, x: Value) -> Value:
    """A function of one value, kept where it is tame."""
    inside = net.add(nn.Clip(x, lo=-4.0, hi=4.0))
    above = net.add(nn.Add(net.add(nn.Abs(x)), net.scalar(0.5)))
    return net.add(
        net.one_of(
            lambda: nn.Exp(inside),
            lambda: nn.Log(above),
            lambda: nn.Sqrt(above),
            lambda: nn.Rsqrt(above),
            lambda: nn.Div(x, above, no_nan=net.chance(0.3)),
            lambda: nn.Div(net.channel_numbers(x), above),
            lambda: nn.Maximum(x, net.channel_numbers(x)),
            lambda: nn.Minimum(net.channel_numbers(x), x),
            lambda: nn.Round(x),
            lambda: nn.Sign(x, zero="plus", nan="propagate"),
        )
    )


def softmax(net: Builder, x: Value) -> Value:
    return net.add(nn.Softmax(x))
