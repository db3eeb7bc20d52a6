# SPDX-License-Identifier: Apache-2.0
"""Operations that take parts: slices and splits."""

from __future__ import annotations

from collections.abc import Sequence

from bnnc.ir import Value, nn

from ...failures import Unsupported
from ...slicing import Entry, sliced
from ..context import Context
from ..convert import converts


@converts("Slice")
def slice_(c: Context) -> Value:
    """Begin and size are constants; size -1 takes all that is left."""
    x, begin, size = c.x(0), c.integers(1), list(c.integers(2))
    if size and begin[0] == 0:
        size[0] = c.rebatched(size[0], x)
    shape = [d - b if s == -1 else s for d, b, s in zip(x.shape, begin, size, strict=True)]
    return c.emit(nn.Slice(x, begin=begin, size=tuple(shape), step=(1,) * len(shape)))


@converts("StridedSlice")
def strided_slice(c: Context) -> Value:
    """x[begin:end:stride, ...] as Python reads it; the masks say which entries are what."""
    x = c.x(0)
    begin, end, stride = c.integers(1), c.integers(2), c.integers(3)
    first_mask, last_mask = c.integer("begin_mask", 0), c.integer("end_mask", 0)
    ellipsis, new_axis = c.integer("ellipsis_mask", 0), c.integer("new_axis_mask", 0)
    shrink = c.integer("shrink_axis_mask", 0)
    index: list[Entry] = []
    for i in range(len(begin)):
        bit = 1 << i
        if ellipsis & bit:
            index.append(...)
        elif new_axis & bit:
            index.append(None)
        elif shrink & bit:
            index.append(begin[i])
        else:
            first = None if first_mask & bit else begin[i]
            last = None if last_mask & bit else end[i]
            if last is not None and all(entry is None for entry in index) and first in (None, 0):
                last = c.rebatched(last, x)
            index.append(slice(first, last, stride[i]))
    return sliced(c, x, index)


@converts("Split")
def split(c: Context) -> Sequence[Value]:
    """Equal pieces; the axis is input 0."""
    x, axis, count = c.x(1), c.integers(0)[0], c.integer("num_split")
    size = x.shape[axis]
    if count < 1 or size % count:
        raise Unsupported(f"cuts an axis of {size} into {count} pieces")
    return c.emit_all(nn.Split(x, axis=axis, sizes=(size // count,) * count))


@converts("SplitV")
def split_v(c: Context) -> Sequence[Value]:
    """Pieces of given sizes, one of which may be -1; the axis is input 2."""
    x, sizes, axis = c.x(0), list(c.integers(1)), c.integers(2)[0]
    if -1 in sizes:
        left = x.shape[axis] - sum(s for s in sizes if s != -1)
        sizes[sizes.index(-1)] = left
    return c.emit_all(nn.Split(x, axis=axis, sizes=tuple(sizes)))


@converts("Unpack")
def unpack(c: Context) -> Sequence[Value]:
    """One tensor for each element of an axis, without it."""
    x, axis = c.x(0), c.integer("axis", 0) % max(c.x(0).type.rank, 1)
    count = x.shape[axis]
    pieces = c.emit_all(nn.Split(x, axis=axis, sizes=(1,) * count))
    shape = (*x.shape[:axis], *x.shape[axis + 1 :])
    return [c.emit(nn.Reshape(piece, shape=shape)) for piece in pieces]
