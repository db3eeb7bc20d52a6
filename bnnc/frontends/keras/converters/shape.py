# SPDX-License-Identifier: Apache-2.0
"""Layers that move data."""

from __future__ import annotations

import math

from bnnc.ir import Value, nn

from ... import expressions
from ...failures import Unsupported
from ..context import Context
from ..convert import converts
from ..values import as_tuple
from ..windows import is_channels_first


@converts("Flatten")
def flatten(c: Context) -> Value:
    """Row by row, the channels innermost in either data format."""
    x = c.x
    if is_channels_first(c) and x.type.rank > 2:
        x = c.transpose(x, (0, *range(2, x.type.rank), 1))
    return c.reshape(x, (x.shape[0], math.prod(x.shape[1:])))


@converts("Reshape")
def reshape(c: Context) -> Value:
    """All but the batch; one size may be left open."""
    x = c.x
    target = list(c.ints("target_shape", ()) if c.option("target_shape") else ())
    rest = math.prod(x.shape[1:])
    if target.count(-1) == 1:
        known = math.prod(d for d in target if d != -1)
        target[target.index(-1)] = rest // max(known, 1)
    if min(target, default=1) < 0 or math.prod(target) != rest:
        raise Unsupported(f"turns {list(x.shape[1:])} into {list(c.ints('target_shape', (0,)))}")
    return c.reshape(x, (x.shape[0], *target))


@converts("Permute")
def permute(c: Context) -> Value:
    """The axes behind the batch, counted from one."""
    dims = c.ints("dims")
    if sorted(dims) != list(range(1, c.x.type.rank)):
        raise Unsupported(f"has dims={list(dims)} for rank {c.x.type.rank}")
    return c.transpose(c.x, (0, *dims))


def _sides(c: Context, name: str, spatial: int) -> list[tuple[int, int]]:
    """(before, after) for each axis of the operand, from a number, a list, or a list of pairs."""
    if c.x.type.rank != spatial + 2:
        raise Unsupported(f"reads a tensor of shape {list(c.x.shape)}")
    value = c.option(name)
    entries = as_tuple(value)
    given = [value] * spatial if entries is None else list(entries)
    if spatial == 1 and len(given) == 2:
        given = [tuple(given)]
    sides: list[tuple[int, int]] = []
    for one in given:
        pair = [p for p in as_tuple(one) or (one, one) if type(p) is int and p >= 0]
        if len(pair) != 2:
            raise Unsupported(f"has {name}={value}")
        sides.append((pair[0], pair[1]))
    if len(sides) != spatial:
        raise Unsupported(f"has {name}={value}")
    none = [(0, 0)]
    return [*none, *none, *sides] if is_channels_first(c) else [*none, *sides, *none]


def _pad(c: Context, spatial: int) -> Value:
    before, after = zip(*_sides(c, "padding", spatial), strict=True)
    return c.emit(nn.Pad(c.x, before=tuple(before), after=tuple(after), value=0.0))


def _crop(c: Context, spatial: int) -> Value:
    sides = _sides(c, "cropping", spatial)
    size = tuple(d - sum(side) for d, side in zip(c.x.shape, sides, strict=True))
    if min(size) < 1:
        raise Unsupported(f"leaves nothing of {list(c.x.shape)}")
    begin = tuple(side[0] for side in sides)
    return c.emit(nn.Slice(c.x, begin=begin, size=size, step=(1,) * len(size)))


@converts("ZeroPadding1D")
def pad1d(c: Context) -> Value:
    """Zeros at both ends."""
    return _pad(c, 1)


@converts("ZeroPadding2D")
def pad2d(c: Context) -> Value:
    """Zeros on all sides."""
    return _pad(c, 2)


@converts("Cropping1D")
def crop1d(c: Context) -> Value:
    """Cut off both ends."""
    return _crop(c, 1)


@converts("Cropping2D")
def crop2d(c: Context) -> Value:
    """Cut off all sides."""
    return _crop(c, 2)


@converts("UpSampling1D", "UpSampling2D")
def upsample(c: Context) -> Value:
    """Repeat rows and columns (``nearest``)."""
    spatial = 1 if c.node.layer.kind.endswith("1D") else 2
    if c.text("interpolation", "nearest") != "nearest":
        raise Unsupported(f"interpolates {c.text('interpolation')}", "use interpolation nearest")
    if c.x.type.rank != spatial + 2:
        raise Unsupported(f"reads a tensor of shape {list(c.x.shape)}")
    times = (c.integer("size", 2),) if spatial == 1 else c.pair("size", 2)
    first = 2 if is_channels_first(c) else 1
    x = c.x
    for axis, count in enumerate(times, first):
        x = expressions.repeated(c, x, axis, count)
    return x


@converts("RepeatVector")
def repeat_vector(c: Context) -> Value:
    """[n, features] as [n, times, features]."""
    n, *rest = c.x.shape
    return expressions.repeated(c, c.reshape(c.x, (n, 1, *rest)), 1, c.integer("n"))
