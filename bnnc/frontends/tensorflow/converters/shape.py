# SPDX-License-Identifier: Apache-2.0
"""Operations that move data as a whole: reshape, transpose, concat, pad."""

from __future__ import annotations

import math

import numpy as np

from bnnc.ir import Value, nn

from ..context import Context
from ..convert import converts
from ..failures import Unsupported


def _axis(axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise Unsupported(f"has axis {axis} for rank {rank}")
    return axis % rank


def _reshape(c: Context, x: Value, shape: tuple[int, ...]) -> Value:
    return x if shape == x.shape else c.emit(nn.Reshape(x, shape=shape))


@converts("Reshape")
def reshape(c: Context) -> Value:
    """One entry may be -1: what is left. A repeated old batch follows ``--batch``."""
    x, target = c.x(0), list(c.integers(1))
    if target:
        target[0] = c.rebatched(target[0], x)
    if -1 in target:
        rest = math.prod(d for d in target if d != -1)
        if target.count(-1) > 1 or rest == 0 or x.type.size % rest:
            raise Unsupported(f"cannot bring {list(x.shape)} to {target}")
        target[target.index(-1)] = x.type.size // rest
    if math.prod(target) != x.type.size:
        raise Unsupported(
            f"brings {list(x.shape)} to {target}",
            "the batch may be part of the constant shape; import with the model's own batch",
        )
    return c.emit(nn.Reshape(x, shape=tuple(target)))


@converts("Squeeze")
def squeeze(c: Context) -> Value:
    """Drop axes of size one: those given, or all but the batch."""
    x = c.x(0)
    given = c.ints("squeeze_dims", ()) if c.has("squeeze_dims") else c.ints("axis", ())
    axes = {_axis(a, x.type.rank) for a in given}
    if not axes:
        # A batch of one is a choice of the import; the graph may be run with others.
        axes = {i for i, d in enumerate(x.shape) if d == 1 and (i > 0 or c.is_constant(x))}
    if any(x.shape[a] != 1 for a in axes):
        raise Unsupported(f"drops axes {sorted(axes)} of {list(x.shape)}")
    return _reshape(c, x, tuple(d for i, d in enumerate(x.shape) if i not in axes))


@converts("ExpandDims")
def expand_dims(c: Context) -> Value:
    """A new axis of size one."""
    x = c.x(0)
    axis = _axis(c.integers(1)[0], x.type.rank + 1)
    return _reshape(c, x, (*x.shape[:axis], 1, *x.shape[axis:]))


@converts("Transpose")
def transpose(c: Context) -> Value:
    """Axis i of the result is axis perm[i] of x."""
    return c.emit(nn.Transpose(c.x(0), perm=c.integers(1)))


@converts("ConcatV2")
def concat(c: Context) -> Value:
    """The axis is the last input."""
    return _concat(c, list(c.operands[:-1]), c.integers(-1)[0])


@converts("Concat")
def concat_v1(c: Context) -> Value:
    """The axis is the first input."""
    return _concat(c, list(c.operands[1:]), c.integers(0)[0])


def _concat(c: Context, xs: list[Value], axis: int) -> Value:
    return c.emit(nn.Concat(tuple(xs), axis=_axis(axis, xs[0].type.rank)))


@converts("Pack")
def pack(c: Context) -> Value:
    """Stack along a new axis."""
    axis = _axis(c.integer("axis", 0), c.x(0).type.rank + 1)
    grown = [_reshape(c, x, (*x.shape[:axis], 1, *x.shape[axis:])) for x in c.operands]
    return c.emit(nn.Concat(tuple(grown), axis=axis))


@converts("Pad", "PadV2")
def pad(c: Context) -> Value:
    """Paddings [rank, 2] are constants; the value is zero or input 2."""
    paddings = np.reshape(c.integers(1), (-1, 2))
    value = float(c.array(2).reshape(-1)[0]) if c.node.op == "PadV2" else 0.0
    before, after = (tuple(int(p) for p in paddings[:, side]) for side in (0, 1))
    return c.emit(nn.Pad(c.x(0), before=before, after=after, value=value))


@converts("SpaceToDepth")
def space_to_depth(c: Context) -> Value:
    """Channel (i * block + j) * C + c is pixel (i, j) of a block."""
    x, block = _block(c)
    n, h, w, ch = x.shape
    split = c.emit(nn.Reshape(x, shape=(n, h // block, block, w // block, block, ch)))
    moved = c.emit(nn.Transpose(split, perm=(0, 1, 3, 2, 4, 5)))
    return c.emit(nn.Reshape(moved, shape=(n, h // block, w // block, block * block * ch)))


@converts("DepthToSpace")
def depth_to_space(c: Context) -> Value:
    """The inverse of SpaceToDepth."""
    x, block = _block(c)
    n, h, w, deep = x.shape
    ch = deep // (block * block)
    split = c.emit(nn.Reshape(x, shape=(n, h, w, block, block, ch)))
    moved = c.emit(nn.Transpose(split, perm=(0, 1, 3, 2, 4, 5)))
    return c.emit(nn.Reshape(moved, shape=(n, h * block, w * block, ch)))


def _block(c: Context) -> tuple[Value, int]:
    x = c.x(0)
    if c.text("data_format", "NHWC") != "NHWC" or x.type.rank != 4:
        raise Unsupported(f"works on {c.text('data_format', 'NHWC')} {list(x.shape)}")
    return x, c.integer("block_size")
