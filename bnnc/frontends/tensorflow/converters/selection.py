# SPDX-License-Identifier: Apache-2.0
"""Operations that find elements or repeat them; places are i32."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bnnc.ir import Value, nn

from ... import expressions
from ...failures import Unsupported
from ...slicing import sliced
from ..context import Context
from ..convert import converts
from .images import from_nhwc, to_nhwc


@converts("ArgMax", "ArgMin")
def arg_max(c: Context) -> Value:
    """The place of the largest or smallest element of a constant axis, of equals the first."""
    x = c.x(0)
    axis = c.axis(c.integers(1)[0], x.type.rank)
    found = c.emit(nn.ArgMax(c.emit(nn.Neg(x)) if c.node.op == "ArgMin" else x, axis=axis))
    shape = (*x.shape[:axis], *x.shape[axis + 1 :])
    return c.emit(nn.Reshape(found, shape=shape))


@converts("TopKV2")
def top_k(c: Context) -> Sequence[Value]:
    """The k largest elements of the last axis in order, and their places."""
    x = c.x(0)
    places = c.emit(nn.TopK(x, k=c.integers(1)[0]))
    return [c.emit(nn.TakeAlong(x, places)), places]


@converts("Gather", "GatherV2")
def gather(c: Context) -> Value:
    """Elements at constant places of an axis."""
    axis = c.integers(2)[0] if len(c.operands) > 2 else 0
    return gathered(c, c.x(0), c.array(1), axis)


def gathered(c: Context, x: Value, places: np.ndarray, axis: int) -> Value:
    """Emit x taken at places of an axis; the places' axes stand where it was."""
    axis = c.axis(axis, x.type.rank)
    if places.dtype.kind not in "iu" or c.integer("batch_dims", 0):
        raise Unsupported("gathers at places that are no constants or differ by sample")
    if np.any((places < 0) | (places >= x.shape[axis])):
        raise Unsupported("gathers beyond the end")
    indices = c.constant(places.reshape(-1).astype(np.int32), "places")
    y = c.emit(nn.Gather(x, indices, axis=axis))
    shape = (*x.shape[:axis], *places.shape, *x.shape[axis + 1 :])
    return y if y.shape == shape else c.emit(nn.Reshape(y, shape=shape))


@converts("ReverseV2")
def reverse(c: Context) -> Value:
    """The order of elements along constant axes turned around."""
    x = c.x(0)
    axes = {c.axis(a, x.type.rank) for a in c.integers(1)}
    return sliced(c, x, [slice(None, None, -1 if i in axes else 1) for i in range(x.type.rank)])


@converts("ResizeNearestNeighbor")
def resize_nearest(c: Context) -> Value:
    """To a constant size, with align_corners or half_pixel_centers or neither."""
    x = to_nhwc(c, c.x(0))
    sizes = c.integers(1)
    if x.type.rank != 4 or len(sizes) != 2 or min(sizes) < 1:
        raise Unsupported(f"resizes {list(x.shape)} to {list(sizes)}")
    for axis, size in enumerate(sizes, 1):
        n = x.shape[axis]
        places = _places(c, n, size)
        if size % n == 0 and np.array_equal(places, np.arange(size) // (size // n)):
            x = expressions.repeated(c, x, axis, size // n)
        else:
            x = c.emit(nn.Gather(x, c.constant(places, f"places{axis}"), axis=axis))
    return from_nhwc(c, x)


def _places(c: Context, n: int, size: int) -> np.ndarray:
    """Where the elements of a resized axis come from, in float32 as the kernel computes them."""
    corners, centers = c.flag("align_corners", False), c.flag("half_pixel_centers", False)
    scale = np.float32(n) / np.float32(size)
    if corners and size > 1:
        scale = np.float32(n - 1) / np.float32(size - 1)
    at = np.arange(size, dtype=np.float32)
    moved = (at + np.float32(0.5) if centers else at) * scale
    # The nearest with halves away from zero; nothing is below zero.
    places = np.floor(moved + np.float32(0.5)) if corners else np.floor(moved)
    return np.asarray(np.minimum(places, n - 1), np.int32)


@converts("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3")
def batch_matmul(c: Context) -> Value:
    """Stacks of matrices, either of them transposed; one matrix may stand for all."""
    a, b = (_matrices(c, i, name) for i, name in enumerate(("adj_x", "adj_y")))
    outer = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    count = int(np.prod(outer))
    stacks: list[Value] = []
    for x in (a, b):
        size = int(np.prod(x.shape[:-2]))
        if size not in (1, count):
            raise Unsupported(f"multiplies stacks {list(a.shape)} and {list(b.shape)}")
        stacks.append(c.emit(nn.Reshape(x, shape=(size, *x.shape[-2:]))))
    y = c.emit(nn.MatMul(*stacks))
    return c.emit(nn.Reshape(y, shape=(*outer, a.shape[-2], b.shape[-1])))


def _matrices(c: Context, index: int, name: str) -> Value:
    x, rank = c.x(index), c.x(index).type.rank
    if rank < 2:
        raise Unsupported(f"multiplies shapes {[list(v.shape) for v in c.operands]}")
    if not c.flag(name, False):
        return x
    return c.emit(nn.Transpose(x, perm=(*range(rank - 2), rank - 1, rank - 2)))
