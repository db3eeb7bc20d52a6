# SPDX-License-Identifier: Apache-2.0
"""Operations that find elements or take them by their places; places are i32."""

from __future__ import annotations

from dataclasses import KW_ONLY

from ..diagnostics import IRError
from ..operation import Op, operation
from ..shapes import normal_axis
from ..types import F32, I32, TensorType
from ..value import Resource, Value


def _require_floats(op: Op, x: TensorType) -> None:
    if x.scalar != F32:
        raise IRError(f"{op.NAME} takes f32, not {x}")


@operation("nn.gather")
class Gather(Op):
    """Elements indices[0], indices[1], ... of an axis; the indices are a constant."""

    x: Value
    indices: Value
    _: KW_ONLY
    axis: int

    def infer(self) -> list[TensorType]:
        """The shape with as many elements along the axis as there are indices."""
        axis, found = normal_axis(self.axis, self.x.type.rank), self.indices.type
        if found.scalar != I32 or found.rank != 1 or not isinstance(self.indices, Resource):
            raise IRError(f"{self.NAME} takes a constant of rank 1 as indices, not {found}")
        places, size = self.indices.array, self.x.shape[axis]
        if places.size and not (places.min() >= 0 and places.max() < size):
            raise IRError(f"{self.NAME} leaves axis {axis} of {self.x.type}")
        shape = (*self.x.shape[:axis], found.shape[0], *self.x.shape[axis + 1 :])
        return [TensorType(shape, self.x.type.scalar)]


@operation("nn.arg_max")
class ArgMax(Op):
    """The place of the largest element of an axis, which stays with size one.

    Of equal elements it is the first, or with ``last`` the last. A NaN in front is never
    surpassed, others are passed over.
    """

    x: Value
    _: KW_ONLY
    axis: int
    last: bool = False

    def infer(self) -> list[TensorType]:
        """The shape with a one for the axis, scalar i32."""
        _require_floats(self, self.x.type)
        axis = normal_axis(self.axis, self.x.type.rank)
        if self.x.shape[axis] == 0:
            raise IRError(f"{self.NAME} of no elements")
        return [TensorType((*self.x.shape[:axis], 1, *self.x.shape[axis + 1 :]), I32)]


@operation("nn.top_k")
class TopK(Op):
    """Places of the ``k`` largest elements of the last axis, the largest first.

    Equal elements stand in the order of their places, NaN behind all numbers.
    """

    x: Value
    _: KW_ONLY
    k: int

    def infer(self) -> list[TensorType]:
        """The shape with k elements in the last axis, scalar i32."""
        _require_floats(self, self.x.type)
        if self.x.type.rank < 1 or not 1 <= self.k <= self.x.shape[-1]:
            raise IRError(f"{self.NAME} cannot give {self.k} elements of {self.x.type}")
        return [TensorType((*self.x.shape[:-1], self.k), I32)]


@operation("nn.take_along")
class TakeAlong(Op):
    """y[..., j] = x[..., indices[..., j]]; places beyond an end mean that end."""

    x: Value
    indices: Value

    def infer(self) -> list[TensorType]:
        """The shape of the indices."""
        x, indices = self.x.type, self.indices.type
        _require_floats(self, x)
        if indices.scalar != I32 or not x.shape or x.shape[:-1] != indices.shape[:-1]:
            raise IRError(f"{self.NAME} takes i32 indices for the rows of {x}, not {indices}")
        if x.shape[-1] == 0:
            raise IRError(f"{self.NAME} of no elements")
        return [TensorType(indices.shape, F32)]
