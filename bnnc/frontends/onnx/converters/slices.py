# SPDX-License-Identifier: Apache-2.0
"""Operations that take parts: slices, splits, gathers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from bnnc.ir import nn

from ...failures import Unsupported
from ..arrangement import Arranged
from ..context import Context
from ..convert import Result, converts
from .selection import gathered, plain_axes


@converts("Slice")
def slice_(c: Context) -> Result:
    """Starts and ends for some axes, with steps; attributes before opset 10."""
    x = plain_axes(c)
    if c.opset < 10:
        starts, ends = c.ints("starts"), c.ints("ends")
        axes, steps = c.ints("axes", tuple(range(len(starts)))), (1,) * len(starts)
    else:
        starts, ends = c.integers(1), c.integers(2)
        axes = c.integers(3) if c.has_input(3) else tuple(range(len(starts)))
        steps = c.integers(4) if c.has_input(4) else (1,) * len(starts)
    picked = {axis: range(x.shape[axis]) for axis in range(x.rank)}
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        at = c.axis(axis, x.rank)
        if at == 0 and start == 0:
            end = c.follows_batch(end, 0)
        picked[at] = range(x.shape[at])[slice(start, end, step)]
    return _pick(c, x, picked)


def _pick(c: Context, x: Arranged, picked: dict[int, range]) -> Arranged:
    """The elements at these places of each axis."""
    rows = [picked[axis] for axis in x.perm]
    if all(r == range(d) for r, d in zip(rows, x.value.shape, strict=True)):
        return x
    begin = tuple(r.start if len(r) else 0 for r in rows)
    step = tuple(r.step if len(r) else 1 for r in rows)
    size = tuple(map(len, rows))
    return x.like(c.emit(nn.Slice(x.value, begin=begin, size=size, step=step)))


@converts("Split")
def split(c: Context) -> Sequence[Result]:
    """Sizes are an attribute or an input; else equal pieces, the last one smaller."""
    x = plain_axes(c)
    axis = c.axis(c.integer("axis", 0), x.rank)
    if c.has_input(1) or c.has("split"):
        sizes = c.integers(1) if c.has_input(1) else c.ints("split")
    else:
        count = c.integer("num_outputs", len(c.node.outputs))
        if count != len(c.node.outputs):
            raise Unsupported(f"has {len(c.node.outputs)} outputs and num_outputs {count}")
        piece = -(-x.shape[axis] // count)
        sizes = (*(piece,) * (count - 1), x.shape[axis] - piece * (count - 1))
    if sum(sizes) != x.shape[axis] or min(sizes) < 0:
        shown = f"{list(sizes[:8])}" + (f" and {len(sizes) - 8} more" if len(sizes) > 8 else "")
        raise Unsupported(f"cuts an axis of {x.shape[axis]} into {shown}")
    pieces = c.emit_all(nn.Split(x.value, axis=x.perm.index(axis), sizes=sizes))
    return [x.like(piece) for piece in pieces]


@converts("Gather")
def gather(c: Context) -> Result:
    """Elements at constant places."""
    x = plain_axes(c)
    axis = c.axis(c.integer("axis", 0), x.rank)
    indices = c.array(1)
    size = x.shape[axis]
    if np.any((indices < -size) | (indices >= size)):
        raise Unsupported("gathers beyond the end")
    indices = indices % max(size, 1)
    if c.is_constant(0):
        return c.constant(np.asarray(np.take(c.array(0), indices, axis=axis)))
    places = [int(i) for i in indices.reshape(-1)]
    steps = {b - a for a, b in pairwise(places)} or {1}
    step = min(steps)
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    if not places or len(steps) != 1 or step == 0:
        stored = gathered(c, x.value, x.perm.index(axis), indices.reshape(-1), "all")
        return x.like(stored).reshaped(shape, c.emit)
    picked = {a: range(d) for a, d in enumerate(x.shape)}
    picked[axis] = range(places[0], places[-1] + (1 if step > 0 else -1), step)
    found = _pick(c, x, picked)
    return found.reshaped(shape, c.emit)
