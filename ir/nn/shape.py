# SPDX-License-Identifier: Apache-2.0
"""Operations that move data, and softmax."""

from __future__ import annotations

from dataclasses import KW_ONLY

from ..diagnostics import IRError
from ..operation import Op, operation
from ..shapes import normal_axis, same_size
from ..types import TensorType
from ..value import Value


@operation("nn.pad")
class Pad(Op):
    """Surround x with ``value``: before[i] elements in front of axis i, after[i] behind it."""

    x: Value
    _: KW_ONLY
    before: tuple[int, ...]
    after: tuple[int, ...]
    value: float

    def infer(self) -> list[TensorType]:
        """Each axis grown by its pads."""
        if not len(self.before) == len(self.after) == self.x.type.rank:
            raise IRError(f"pad needs {self.x.type.rank} numbers before and after")
        if min(*self.before, *self.after, 0) < 0:
            raise IRError("negative pad", hint="crop with nn.slice instead")
        if not self.x.type.scalar.holds(self.value):
            raise IRError(f"{self.x.type.scalar} has no value {self.value} to pad with")
        sizes = zip(self.before, self.x.shape, self.after, strict=True)
        return [TensorType(tuple(b + d + a for b, d, a in sizes), self.x.type.scalar)]


@operation("nn.reshape")
class Reshape(Op):
    """The same elements in row-major order under another shape."""

    x: Value
    _: KW_ONLY
    shape: tuple[int, ...]

    def infer(self) -> list[TensorType]:
        """The given shape."""
        return [TensorType(same_size(self.x.type, self.shape), self.x.type.scalar)]


@operation("nn.transpose")
class Transpose(Op):
    """Axis i of the result is axis perm[i] of x."""

    x: Value
    _: KW_ONLY
    perm: tuple[int, ...]

    def infer(self) -> list[TensorType]:
        """The permuted shape."""
        if sorted(self.perm) != list(range(self.x.type.rank)):
            raise IRError(f"{list(self.perm)} is no permutation of {self.x.type.rank} axes")
        return [TensorType(tuple(self.x.shape[p] for p in self.perm), self.x.type.scalar)]


@operation("nn.concat")
class Concat(Op):
    """Join tensors along an axis."""

    xs: tuple[Value, ...]
    _: KW_ONLY
    axis: int

    def infer(self) -> list[TensorType]:
        """The shape with the axis summed."""
        if not self.xs:
            raise IRError("concat needs at least one operand")
        first = self.xs[0].type
        axis = normal_axis(self.axis, first.rank)
        shape = list(first.shape)
        for other in self.xs[1:]:
            rest = [d for i, d in enumerate(other.shape) if i != axis]
            want = [d for i, d in enumerate(first.shape) if i != axis]
            if other.type.scalar != first.scalar or rest != want:
                raise IRError(f"cannot join {first} and {other.type} along axis {axis}")
            shape[axis] += other.shape[axis]
        return [TensorType(tuple(shape), first.scalar)]


@operation("nn.split")
class Split(Op):
    """Cut x along an axis into pieces of the given sizes."""

    x: Value
    _: KW_ONLY
    axis: int
    sizes: tuple[int, ...]

    def infer(self) -> list[TensorType]:
        """One type per piece."""
        axis = normal_axis(self.axis, self.x.type.rank)
        if sum(self.sizes) != self.x.shape[axis]:
            raise IRError(f"sizes {list(self.sizes)} do not sum to {self.x.shape[axis]}")
        head, tail = self.x.shape[:axis], self.x.shape[axis + 1 :]
        return [TensorType((*head, s, *tail), self.x.type.scalar) for s in self.sizes]


@operation("nn.slice")
class Slice(Op):
    """Elements begin[i], begin[i] + step[i], ... (size[i] of them) along each axis."""

    x: Value
    _: KW_ONLY
    begin: tuple[int, ...]
    size: tuple[int, ...]
    step: tuple[int, ...]

    def infer(self) -> list[TensorType]:
        """The given sizes."""
        if not len(self.begin) == len(self.size) == len(self.step) == self.x.type.rank:
            raise IRError(f"slice needs {self.x.type.rank} numbers in begin, size and step")
        for axis, (b, n, s) in enumerate(zip(self.begin, self.size, self.step, strict=True)):
            last = b + (n - 1) * s
            if n < 0 or (
                n and not (0 <= b < self.x.shape[axis] and 0 <= last < self.x.shape[axis])
            ):
                raise IRError(f"slice leaves axis {axis} of {self.x.type}")
        return [TensorType(self.size, self.x.type.scalar)]


@operation("nn.softmax")
class Softmax(Op):
    """e_i / sum(e) over the last axis with e_i = exp(x_i - max); max and sum are sequential."""

    x: Value

    def infer(self) -> list[TensorType]:
        """The type of x."""
        if self.x.type.rank < 1:
            raise IRError("softmax needs at least one axis")
        return [self.x.type.with_scalar(self.x.type.scalar)]
