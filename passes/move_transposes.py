# SPDX-License-Identifier: Apache-2.0
"""Patterns that bring transposes together, so that those around NCHW images cancel.

A frontend surrounds every operation on an NCHW image by two transposes. What stands between two
images does not care about the order of the axes: it moves in front of the transpose, which then
meets the next one. All of it is exact, for only the place of numbers changes, never the order of
a sum.
"""

from __future__ import annotations

from math import prod
from typing import TypeAlias

import numpy as np

from bnnc.ir import nn
from bnnc.ir.operation import Op
from bnnc.ir.shapes import normal_axis
from bnnc.ir.value import Resource, Value

from .base import Pass, pattern
from .rewriter import Rewriter

Perm: TypeAlias = tuple[int, ...]
Elementwise: TypeAlias = (
    nn.Abs
    | nn.Clip
    | nn.Exp
    | nn.LeakyRelu
    | nn.Log
    | nn.Neg
    | nn.Relu
    | nn.Round
    | nn.Rsqrt
    | nn.Sigmoid
    | nn.Sign
    | nn.Sqrt
    | nn.Tanh
    | nn.Add
    | nn.Sub
    | nn.Mul
    | nn.Div
    | nn.Maximum
    | nn.Minimum
    | nn.PRelu
)


class MoveTransposes(Pass):
    """Patterns for a pass to inherit; no pass by itself."""

    @pattern
    def transpose_of_transpose(self, op: nn.Transpose, rw: Rewriter) -> None:
        """Merge transposes; the identity is nothing."""
        inner = op.x.owner
        if op.perm == tuple(range(len(op.perm))):
            rw.replace(op, op.x)
        elif isinstance(inner, nn.Transpose):
            rw.update(op, x=inner.x, perm=tuple(inner.perm[p] for p in op.perm))

    @pattern
    def transpose_of_small_axes(self, op: nn.Transpose, rw: Rewriter) -> None:
        """A transpose that moves axes of size 1 only is a reshape."""
        large = [p for p in op.perm if op.x.shape[p] != 1]
        if op.x.owner is not None and large == sorted(large):
            rw.replace(op, nn.Reshape(op.x, shape=op.result.shape))

    @pattern
    def elementwise_before_transpose(self, op: Elementwise, rw: Rewriter) -> None:
        """Operands are transposed all in one way, or constants."""
        perm = _common_perm([v for v in op.operands if not isinstance(v, Resource)])
        if perm is None or op.result.type.rank != len(perm):
            return
        sources = {v: _source(v, op.result.type.rank, perm, rw) for v in op.operands}
        moved = op.rebuilt(lambda v: sources[v])
        _put_before(op, moved, perm, rw)

    @pattern
    def pad_before_transpose(self, op: nn.Pad, rw: Rewriter) -> None:
        """The pads of an axis stay with it."""
        if (perm := _common_perm([op.x])) is not None:
            before, after = _unpermuted(op.before, perm), _unpermuted(op.after, perm)
            moved = nn.Pad(_behind(op.x), before=before, after=after, value=op.value, loc=op.loc)
            _put_before(op, moved, perm, rw)

    @pattern
    def concat_before_transpose(self, op: nn.Concat, rw: Rewriter) -> None:
        """Tensors that are all transposed in one way are joined along the axis that it was."""
        if (perm := _common_perm(op.xs)) is not None:
            axis = perm[normal_axis(op.axis, len(perm))]
            _put_before(op, nn.Concat(tuple(map(_behind, op.xs)), axis=axis, loc=op.loc), perm, rw)

    @pattern
    def reduce_before_transpose(self, op: nn.Reduce, rw: Rewriter) -> None:
        """Only where the reduced elements are visited in the same order."""
        if (perm := _common_perm([op.x])) is None:
            return
        reduced = sorted(normal_axis(a, len(perm)) for a in op.axes)
        axes = tuple(perm[a] for a in reduced)
        if list(axes) != sorted(axes):
            return
        moved = op.rebuilt(_behind, axes=axes)
        if not op.keep_dims:
            left = [p for i, p in enumerate(perm) if i not in reduced]
            perm = tuple(sorted(left).index(p) for p in left)
        _put_before(op, moved, perm, rw)

    @pattern
    def split_before_transpose(self, op: nn.Reshape, rw: Rewriter) -> None:
        """A reshape that only splits axes splits them before the transpose, too."""
        if (perm := _common_perm([op.x])) is None or (groups := _groups(op.x, op.result)) is None:
            return
        order = [groups[perm.index(axis)] for axis in range(len(perm))]
        places = [axis for group in order for axis in group]
        shape = tuple(op.shape[axis] for axis in places)
        moved = nn.Reshape(_behind(op.x), shape=shape, loc=op.loc)
        _put_before(op, moved, tuple(places.index(axis) for axis in range(len(places))), rw)

    @pattern
    def transpose_before_joining(self, op: nn.Transpose, rw: Rewriter) -> None:
        """A transpose behind a reshape that only joins axes meets the one in front of it."""
        inner = op.x.owner
        if not isinstance(inner, nn.Reshape) or inner.result.use_count != 1:
            return
        if _common_perm([inner.x]) is None or (groups := _groups(op.x, inner.x)) is None:
            return
        perm = tuple(axis for p in op.perm for axis in groups[p])
        moved = rw.insert(nn.Transpose(inner.x, perm=perm, loc=op.loc)).result
        rw.replace(op, nn.Reshape(moved, shape=op.result.shape, loc=inner.loc))


def _groups(joined: Value, split: Value) -> list[list[int]] | None:
    """For each axis of `joined` the axes of `split` that it is made of; None where it is not so."""
    if split.type.rank <= joined.type.rank:
        return None
    groups: list[list[int]] = []
    rest = list(range(split.type.rank))
    for size in joined.shape:
        group = [rest.pop(0)] if rest else []
        while rest and prod(split.shape[axis] for axis in group) < size:
            group.append(rest.pop(0))
        if prod(split.shape[axis] for axis in group) != size or not group:
            return None
        groups.append(group)
    if any(split.shape[axis] != 1 for axis in rest):
        return None
    groups[-1] += rest
    return groups


def _common_perm(values: list[Value] | tuple[Value, ...]) -> Perm | None:
    """The permutation that all values are transposed by; None where there is no such.

    A transposed input of the network does not count: nothing in front of it could cancel it.
    """
    perms: set[Perm] = set()
    for value in values:
        owner = value.owner
        if not isinstance(owner, nn.Transpose) or owner.x.owner is None:
            return None
        perms.add(owner.perm)
    return perms.pop() if len(perms) == 1 else None


def _behind(value: Value) -> Value:
    return value.owner.x if isinstance(value.owner, nn.Transpose) else value


def _source(value: Value, rank: int, perm: Perm, rw: Rewriter) -> Value:
    """What the operand is before the transpose; constants are transposed back."""
    if not isinstance(value, Resource):
        return _behind(value)
    if value.type.size == 1:
        return value
    array = value.array.reshape((1,) * (rank - value.type.rank) + value.shape)
    return rw.resource(value.name, array.transpose(np.argsort(perm)))


def _unpermuted(numbers: tuple[int, ...], perm: Perm) -> tuple[int, ...]:
    """Per axis of the source the number of the axis that it became."""
    return tuple(numbers[perm.index(axis)] for axis in range(len(perm)))


def _put_before(op: Op, moved: Op, perm: Perm, rw: Rewriter) -> None:
    inserted = rw.insert(moved).result
    rw.replace(op, nn.Transpose(inserted, perm=perm))
