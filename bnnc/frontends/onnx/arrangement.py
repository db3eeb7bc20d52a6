# SPDX-License-Identifier: Apache-2.0
"""How the axes of ONNX's tensors lie in the values of the IR.

ONNX's images have their channels in front (NCHW), the IR's behind (NHWC). Instead of transposing
around every layer, each tensor remembers the order in which its axes are stored, and only what
needs another order transposes. So ``Transpose`` itself costs nothing until somebody asks.

A tensor of shape ``shape`` is cut into ``sizes``, a row-major refinement of the shape. Stored are
the pieces in the order ``perm``, joined as the value's own shape says:

* one piece for each axis: stored axis i is axis perm[i]; NHWC images have perm (0, 2, 3, 1);
* features [n, f] that a flattened image left: sizes (n, c, h, w), perm (0, 2, 3, 1), stored [n, f]
  with the features in the order h, w, c. Weights and parameters behind it are permuted instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

from bnnc.ir import Op, Value, nn

Shape: TypeAlias = tuple[int, ...]
Emit: TypeAlias = Callable[[Op], Value]


@dataclass(eq=False)
class Arranged:
    """A tensor of ONNX as a value of the IR; see the head of this module."""

    value: Value
    shape: Shape
    sizes: Shape
    perm: Shape
    _forms: dict[Shape, Value] = field(default_factory=dict[Shape, Value], repr=False)

    @classmethod
    def plain(cls, value: Value) -> Arranged:
        """A tensor that is stored as ONNX sees it."""
        return cls(value, value.shape, value.shape, identity(value.type.rank))

    @classmethod
    def stored(cls, value: Value, perm: Shape, whole: Value | None = None) -> Arranged:
        """A tensor whose axis perm[i] is the value's axis i; `whole` is the same one in order."""
        shape = tuple(value.shape[perm.index(axis)] for axis in range(len(perm)))
        forms = {} if whole is None else {identity(len(perm)): whole}
        return cls(value, shape, shape, perm, forms)

    @property
    def rank(self) -> int:
        """Number of ONNX's axes."""
        return len(self.shape)

    @property
    def is_plain(self) -> bool:
        """Whether the value is the tensor itself."""
        return self.perm == identity(len(self.perm)) and self.value.shape == self.shape

    @property
    def is_features(self) -> bool:
        """Whether features of a flattened image are stored in another order."""
        return len(self.sizes) != len(self.shape)

    @property
    def keeps_order(self) -> bool:
        """Whether the elements lie in ONNX's row-major order, whatever the axes are called."""
        return in_order([p for p in self.perm if self.sizes[p] != 1])

    def whole(self, emit: Emit) -> Value:
        """The value in ONNX's order and shape."""
        key = identity(self.rank)
        if key in self._forms:
            return self._forms[key]
        if self.keeps_order:
            return _reshape(emit, self.value, self.shape)
        if self.is_features:
            cut = _reshape(emit, self.value, tuple(self.sizes[p] for p in self.perm))
            moved = emit(nn.Transpose(cut, perm=inverse(self.perm)))
            self._forms[key] = _reshape(emit, moved, self.shape)
            return self._forms[key]
        return self.in_order(key, emit)

    def in_order(self, perm: Shape, emit: Emit) -> Value:
        """The value with axis perm[i] of the tensor as its axis i."""
        if self.is_features:
            return Arranged.plain(self.whole(emit)).in_order(perm, emit)
        if perm == self.perm:
            return self.value
        if perm not in self._forms:
            self._forms[perm] = _transpose(
                emit, self.value, tuple(self.perm.index(axis) for axis in perm)
            )
        return self._forms[perm]

    def like(self, value: Value) -> Arranged:
        """Another value that is stored in the same order; sizes may differ by broadcasting."""
        if self.is_features:
            return Arranged(value, self.shape, self.sizes, self.perm)
        return Arranged.stored(value, self.perm)

    def transposed(self, perm: Shape) -> Arranged:
        """The tensor whose axis i is axis perm[i] of this one; nothing moves (not for features)."""
        where = inverse(perm)
        shape = tuple(self.shape[p] for p in perm)
        return Arranged(self.value, shape, shape, tuple(where[axis] for axis in self.perm))

    def reshaped(self, shape: Shape, emit: Emit) -> Arranged:
        """The same elements in ONNX's row-major order under another shape."""
        if shape == self.shape:
            return self
        if self.keeps_order:
            return Arranged.plain(_reshape(emit, self.value, shape))
        if not self.is_features and _without_ones(shape) == _without_ones(self.shape):
            return self._with_other_ones(shape, emit)
        if len(shape) == 2 and shape[0] == self.sizes[0] and self.perm[0] == 0:
            return Arranged(_reshape(emit, self.value, shape), shape, self.sizes, self.perm)
        return Arranged.plain(_reshape(emit, self.whole(emit), shape))

    def _with_other_ones(self, shape: Shape, emit: Emit) -> Arranged:
        """Drop and add axes of one; all others keep their stored order."""
        kept = [axis for axis, size in enumerate(self.shape) if size != 1]
        renamed = dict(zip(kept, (a for a, size in enumerate(shape) if size != 1), strict=True))
        ones = [axis for axis, size in enumerate(shape) if size == 1]
        perm = (*ones, *(renamed[axis] for axis in self.perm if axis in renamed))
        value = _reshape(emit, self.value, tuple(shape[axis] for axis in perm))
        return Arranged(value, shape, shape, perm)

    def permute_features(self, x: Value, axis: int, emit: Emit) -> Value:
        """Permute an axis of `x` with the features of this tensor into their stored order."""
        if not self.is_features or self.keeps_order:
            return x
        head, tail = x.shape[:axis], x.shape[axis + 1 :]
        pieces, order = self.sizes[1:], tuple(p - 1 for p in self.perm[1:])
        cut = _reshape(emit, x, (*head, *pieces, *tail))
        front = identity(axis)
        back = tuple(axis + len(pieces) + i for i in range(len(tail)))
        moved = emit(nn.Transpose(cut, perm=(*front, *(axis + p for p in order), *back)))
        return _reshape(emit, moved, x.shape)


def align(tensors: Sequence[Arranged], varying: Sequence[bool], emit: Emit) -> Aligned:
    """Bring the operands of an elementwise operation into one order, so that they broadcast.

    The largest operand that depends on an input keeps its order; constants are permuted.
    """
    rank = max(t.rank for t in tensors)
    leaders = [t for t, moves in zip(tensors, varying, strict=True) if moves and t.rank == rank]
    leader = max(leaders, key=lambda t: (t.value.type.size, not t.is_plain), default=None)
    if leader is None or leader.is_plain or (leader.is_features and not _fits(leader, tensors)):
        return Aligned([t.whole(emit) for t in tensors], None)
    values: list[Value] = []
    for t in tensors:
        if (
            leader.is_features
            and t.is_features
            and (t.sizes, t.perm)
            == (
                leader.sizes,
                leader.perm,
            )
        ):
            values.append(t.value)
        elif math.prod(t.shape) == 1:
            values.append(t.whole(emit))
        elif leader.is_features:
            x = t.whole(emit)
            one_for_all = x.shape[-1] == 1
            values.append(x if one_for_all else leader.permute_features(x, t.rank - 1, emit))
        else:
            grown = t.reshaped((1,) * (rank - t.rank) + t.shape, emit)
            values.append(grown.in_order(leader.perm, emit))
    return Aligned(values, leader)


@dataclass(frozen=True)
class Aligned:
    """Operands in one order, and the tensor whose order it is (None: ONNX's own)."""

    values: list[Value]
    leader: Arranged | None

    def result(self, value: Value) -> Arranged:
        """What was computed from the operands, as a tensor."""
        return Arranged.plain(value) if self.leader is None else self.leader.like(value)


def _fits(leader: Arranged, tensors: Sequence[Arranged]) -> bool:
    """Whether no operand makes the features' matrix larger."""
    return all(
        size in (1, full)
        for t in tensors
        for size, full in zip(reversed(t.shape), reversed(leader.shape), strict=False)
    )


def identity(rank: int) -> Shape:
    """The permutation that changes nothing."""
    return tuple(range(rank))


def inverse(perm: Shape) -> Shape:
    """The permutation that takes `perm` back."""
    return tuple(perm.index(i) for i in range(len(perm)))


def channels_last(rank: int) -> Shape:
    """The order in which axis 1 of a tensor is the last one."""
    return (0, *range(2, rank), 1) if rank > 1 else identity(rank)


def in_order(numbers: Sequence[int]) -> bool:
    """Whether numbers ascend."""
    return all(a < b for a, b in pairwise(numbers))


def _without_ones(shape: Shape) -> Shape:
    return tuple(d for d in shape if d != 1)


def _reshape(emit: Emit, x: Value, shape: Shape) -> Value:
    return x if x.shape == shape else emit(nn.Reshape(x, shape=shape))


def _transpose(emit: Emit, x: Value, perm: Shape) -> Value:
    """Transpose, or only rename the axes where no element moves."""
    if in_order([p for p in perm if x.shape[p] != 1]):
        return _reshape(emit, x, tuple(x.shape[p] for p in perm))
    return emit(nn.Transpose(x, perm=perm))
