# SPDX-License-Identifier: Apache-2.0
"""Operations that move data as a whole: reshape, transpose, concat, pad."""

from __future__ import annotations

import math

import numpy as np

from bnnc.ir import Value, nn

from ... import expressions
from ...failures import Unsupported
from ..context import Context
from ..convert import converts
from .images import from_nhwc, to_nhwc


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
    axes = {c.axis(a, x.type.rank) for a in given}
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
    axis = c.axis(c.integers(1)[0], x.type.rank + 1)
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
    return c.emit(nn.Concat(tuple(xs), axis=c.axis(axis, xs[0].type.rank)))


@converts("Tile")
def tile(c: Context) -> Value:
    """A constant number of times along each axis; of an input all but the batch."""
    x, times = c.x(0), c.integers(1)
    if c.is_constant(x):
        return c.constant(expressions.tile(c.array(0), c.array(1)))
    if len(times) != x.type.rank or min(times) < 1 or max(times) > 64 or times[0] != 1:
        raise Unsupported(f"repeats {list(x.shape)} {list(times)} times")
    for axis, count in enumerate(times):
        if count > 1:
            x = c.emit(nn.Concat((x,) * count, axis=axis))
    return x


@converts("Pack")
def pack(c: Context) -> Value:
    """Stack along a new axis."""
    axis = c.axis(c.integer("axis", 0), c.x(0).type.rank + 1)
    grown = [_reshape(c, x, (*x.shape[:axis], 1, *x.shape[axis:])) for x in c.operands]
    return c.emit(nn.Concat(tuple(grown), axis=axis))


@converts("Pad", "PadV2")
def pad(c: Context) -> Value:
    """Paddings [rank, 2] are constants; the value is zero or input 2."""
    paddings = np.reshape(c.integers(1), (-1, 2))
    value = float(c.array(2).reshape(-1)[0]) if c.node.op == "PadV2" else 0.0
    before, after = (tuple(int(p) for p in paddings[:, side]) for side in (0, 1))
    return c.emit(nn.Pad(c.x(0), before=before, after=after, value=value))


@converts("MirrorPad")
def mirror_pad(c: Context) -> Value:
    """Rows in reverse order on both sides; REFLECT leaves the border row out, SYMMETRIC doubles it.

    The rows are copied one by one, axis after axis.
    """
    x, mode = c.x(0), c.text("mode")
    if mode not in ("REFLECT", "SYMMETRIC"):
        raise Unsupported(f"has mode {mode}")
    skip = int(mode == "REFLECT")
    for axis, (before, after) in enumerate(np.reshape(c.integers(1), (-1, 2)).tolist()):
        size = x.shape[axis]
        if not 0 <= min(before, after) <= max(before, after) <= size - skip:
            raise Unsupported(f"pads an axis of {size} by {before} and {after} ({mode})")
        front = [_row(c, x, axis, i + skip) for i in reversed(range(before))]
        back = [_row(c, x, axis, size - 1 - skip - i) for i in range(after)]
        if front or back:
            x = c.emit(nn.Concat((*front, x, *back), axis=axis))
    return x


def _row(c: Context, x: Value, axis: int, index: int) -> Value:
    begin = tuple(index if a == axis else 0 for a in range(x.type.rank))
    size = tuple(1 if a == axis else d for a, d in enumerate(x.shape))
    return c.emit(nn.Slice(x, begin=begin, size=size, step=(1,) * x.type.rank))


@converts("SpaceToDepth")
def space_to_depth(c: Context) -> Value:
    """Channel (i * block + j) * C + c is pixel (i, j) of a block."""
    x, block = _block(c)
    n, h, w, ch = x.shape
    if h % block or w % block:
        raise Unsupported(f"cannot cut {h} x {w} pixels into blocks of {block}")
    split = c.emit(nn.Reshape(x, shape=(n, h // block, block, w // block, block, ch)))
    moved = c.emit(nn.Transpose(split, perm=(0, 1, 3, 2, 4, 5)))
    shape = (n, h // block, w // block, block * block * ch)
    return from_nhwc(c, c.emit(nn.Reshape(moved, shape=shape)))


@converts("DepthToSpace")
def depth_to_space(c: Context) -> Value:
    """The inverse of SpaceToDepth."""
    x, block = _block(c)
    n, h, w, deep = x.shape
    ch, rest = divmod(deep, block * block)
    if rest:
        raise Unsupported(f"cannot make blocks of {block} out of {deep} channels")
    split = c.emit(nn.Reshape(x, shape=(n, h, w, block, block, ch)))
    moved = c.emit(nn.Transpose(split, perm=(0, 1, 3, 2, 4, 5)))
    return from_nhwc(c, c.emit(nn.Reshape(moved, shape=(n, h * block, w * block, ch))))


def _block(c: Context) -> tuple[Value, int]:
    """The image as NHWC, and the block size; the order of channels is the same in NCHW."""
    if c.x(0).type.rank != 4:
        raise Unsupported(f"reads a tensor of shape {list(c.x(0).shape)} instead of an image")
    return to_nhwc(c, c.x(0)), c.integer("block_size")
