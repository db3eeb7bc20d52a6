# SPDX-License-Identifier: Apache-2.0
"""Operations that move data as a whole: reshape, transpose, concat, pad."""

from __future__ import annotations

import math

import numpy as np

from bnnc.ir import Value, nn
from bnnc.ir.limits import require_affordable

from ...failures import Unsupported
from ..arrangement import Arranged, Shape, identity
from ..context import Context
from ..convert import Result, converts
from .selection import gathered


@converts("Reshape")
def reshape(c: Context) -> Result:
    """0 keeps an axis, one entry may be -1: what is left. A repeated old batch follows --batch."""
    x = c.tensor(0)
    target = list(c.integers(1) if c.has_input(1) else c.ints("shape"))
    if not c.integer("allowzero", 0):
        target = [x.shape[i] if d == 0 and i < x.rank else d for i, d in enumerate(target)]
    if target:
        target[0] = c.follows_batch(target[0], 0)
    if -1 in target:
        rest = math.prod(d for d in target if d != -1)
        if target.count(-1) > 1 or rest == 0 or math.prod(x.shape) % rest:
            raise Unsupported(f"cannot bring {list(x.shape)} to {target}")
        target[target.index(-1)] = math.prod(x.shape) // rest
    if math.prod(target) != math.prod(x.shape):
        raise Unsupported(
            f"brings {list(x.shape)} to {target}",
            "the batch may be part of the constant shape; import with the model's own batch",
        )
    return x.reshaped(tuple(target), c.emit)


@converts("Flatten")
def flatten(c: Context) -> Result:
    """Two axes: those in front of ``axis``, and the others."""
    x = c.tensor(0)
    axis = c.integer("axis", 1)
    axis = axis if axis == x.rank else c.axis(axis, x.rank)
    shape = (math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))
    return x.reshaped(shape, c.emit)


def _axes(c: Context, rank: int) -> set[int]:
    """Axes: an attribute, or from opset 13 on a constant input."""
    given = c.integers(1) if c.has_input(1) else c.ints("axes", ())
    return {c.axis(a, rank) for a in given}


@converts("Squeeze")
def squeeze(c: Context) -> Result:
    """Drop axes of size one: those given, or all but the batch."""
    x = c.tensor(0)
    axes = _axes(c, x.rank)
    if not axes:
        # A batch of one is a choice of the import; the model may be run with others.
        axes = {i for i, d in enumerate(x.shape) if d == 1 and (i > 0 or c.is_constant(0))}
    if any(x.shape[a] != 1 for a in axes):
        raise Unsupported(f"drops axes {sorted(axes)} of {list(x.shape)}")
    return x.reshaped(tuple(d for i, d in enumerate(x.shape) if i not in axes), c.emit)


@converts("Unsqueeze")
def unsqueeze(c: Context) -> Result:
    """New axes of size one."""
    x = c.tensor(0)
    count = len(c.integers(1) if c.has_input(1) else c.ints("axes"))
    axes = _axes(c, x.rank + count)
    sizes = iter(x.shape)
    shape = tuple(1 if i in axes else next(sizes) for i in range(x.rank + count))
    return x.reshaped(shape, c.emit)


@converts("Transpose")
def transpose(c: Context) -> Result:
    """Axis i of the result is axis perm[i] of x; nothing moves until another order is needed."""
    x = c.tensor(0)
    perm = tuple(c.axis(p, x.rank) for p in c.ints("perm", identity(x.rank)[::-1]))
    if sorted(perm) != list(range(x.rank)):
        raise Unsupported(f"has perm {list(perm)} for {x.rank} axes")
    if x.is_features:
        x = Arranged.plain(c.whole(x))
    return x.transposed(perm)


@converts("Concat")
def concat(c: Context) -> Result:
    """All tensors in the order of the first that has one of its own."""
    tensors = c.tensors()
    axis = c.axis(c.integer("axis"), tensors[0].rank)
    if tensors[0].rank != min(t.rank for t in tensors):
        raise Unsupported(f"joins tensors of shapes {[list(t.shape) for t in tensors]}")
    own = (t.perm for t in tensors if not t.is_plain and not t.is_features)
    perm = next(own, identity(tensors[0].rank))
    values = tuple(t.in_order(perm, c.emit) for t in tensors)
    return Arranged.stored(c.emit(nn.Concat(values, axis=perm.index(axis))), perm)


@converts("Pad")
def pad(c: Context) -> Result:
    """Negative pads cut off. Pads and value are attributes before opset 11."""
    x = c.tensor(0)
    mode = c.text("mode", "constant")
    pads = c.integers(1) if c.has_input(1) else c.ints("pads")
    value = c.number_at(2) if c.has_input(2) else c.number("value", 0.0)
    axes = c.integers(3) if c.has_input(3) else tuple(range(x.rank))
    if len(pads) != 2 * len(axes):
        raise Unsupported(f"has pads {list(pads)} for {len(axes)} axes")
    before, after = [0] * x.rank, [0] * x.rank
    for i, axis in enumerate(axes):
        before[c.axis(axis, x.rank)] = pads[i]
        after[c.axis(axis, x.rank)] = pads[i + len(axes)]
    if x.is_features:
        x = Arranged.plain(c.whole(x))
    if mode != "constant":
        return x.like(_mirrored(c, x, before, after, mode))
    front, back = ([side[axis] for axis in x.perm] for side in (before, after))
    return x.like(_padded(c, x.value, front, back, value))


def _mirrored(c: Context, x: Arranged, before: list[int], after: list[int], mode: str) -> Value:
    """Pads with elements of the tensor itself; numpy calls the modes as ONNX does."""
    if mode not in ("reflect", "edge", "wrap"):
        raise Unsupported(f"has mode {mode}")
    value = x.value
    for axis, size in enumerate(x.shape):
        low, high = before[axis], after[axis]
        kept = np.arange(max(-low, 0), size - max(-high, 0))
        require_affordable((len(kept) + max(low, 0) + max(high, 0),))
        places = np.pad(kept, (max(low, 0), max(high, 0)), mode=mode)  # type: ignore[call-overload]
        value = gathered(c, value, x.perm.index(axis), places, str(axis))
    return value


def _padded(c: Context, x: Value, before: list[int], after: list[int], value: float) -> Value:
    if min(*before, *after, 0) < 0:
        begin = tuple(max(-b, 0) for b in before)
        sides = zip(x.shape, begin, after, strict=True)
        size: Shape = tuple(d - b - max(-a, 0) for d, b, a in sides)
        x = c.emit(nn.Slice(x, begin=begin, size=size, step=(1,) * len(size)))
    grow = tuple(max(b, 0) for b in before), tuple(max(a, 0) for a in after)
    if not any(map(any, grow)):
        return x
    return c.emit(nn.Pad(x, before=grow[0], after=grow[1], value=value))


@converts("DepthToSpace")
def depth_to_space(c: Context) -> Result:
    """Channels to blocks of pixels; modes DCR (blocks outermost) and CRD (channels outermost)."""
    x, block = c.channels_last(0), c.integer("blocksize")
    n, h, w, deep = x.shape
    ch, rest = divmod(deep, block * block)
    if rest:
        raise Unsupported(f"cannot make blocks of {block} out of {deep} channels")
    if c.text("mode", "DCR") == "DCR":
        split, perm = (n, h, w, block, block, ch), (0, 1, 3, 2, 4, 5)
    else:
        split, perm = (n, h, w, ch, block, block), (0, 1, 4, 2, 5, 3)
    moved = c.emit(nn.Transpose(c.reshape(x, split), perm=perm))
    return Arranged.stored(c.reshape(moved, (n, h * block, w * block, ch)), (0, 2, 3, 1))


@converts("SpaceToDepth")
def space_to_depth(c: Context) -> Result:
    """Blocks of pixels to channels; modes DCR (blocks outermost) and CRD (channels outermost)."""
    x, block = c.channels_last(0), c.integer("blocksize")
    n, h, w, ch = x.shape
    if h % block or w % block:
        raise Unsupported(f"cannot cut {h} x {w} pixels into blocks of {block}")
    split = c.reshape(x, (n, h // block, block, w // block, block, ch))
    perm = (0, 1, 3, 2, 4, 5) if c.text("mode", "DCR") == "DCR" else (0, 1, 3, 5, 2, 4)
    moved = c.emit(nn.Transpose(split, perm=perm))
    shape = (n, h // block, w // block, block * block * ch)
    return Arranged.stored(c.reshape(moved, shape), (0, 2, 3, 1))
