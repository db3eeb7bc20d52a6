# SPDX-License-Identifier: Apache-2.0
"""Pools and means of bytes. A pool keeps scale and zero point; padding never counts."""

from __future__ import annotations

from dataclasses import KW_ONLY

from ..diagnostics import IRError
from ..operation import Op, operation
from ..shapes import normal_axis, pool_shape, reduced_shape
from ..types import TensorType
from ..value import Value
from .rounding import LARGEST, require_byte, require_in_range, require_multiplier


@operation("q.max_pool")
class MaxPool(Op):
    """clamp(maximum over windows of x [n, h, w, c], lo, hi)."""

    x: Value
    _: KW_ONLY
    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int, int, int]
    lo: int
    hi: int

    def infer(self) -> list[TensorType]:
        """[n, oh, ow, c] of the scalar of x."""
        scalar = require_byte(self, "x", self.x)
        require_in_range(self, scalar, lo=self.lo, hi=self.hi)
        return [
            TensorType(pool_shape(self.x.type, self.kernel_size, self.stride, self.pad), scalar)
        ]


@operation("q.avg_pool")
class AvgPool(Op):
    """clamp(sum over each window / its count, lo, hi); halves away from zero."""

    x: Value
    _: KW_ONLY
    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int, int, int]
    lo: int
    hi: int

    def infer(self) -> list[TensorType]:
        """[n, oh, ow, c] of the scalar of x."""
        scalar = require_byte(self, "x", self.x)
        require_in_range(self, scalar, lo=self.lo, hi=self.hi)
        if self.kernel_size[0] * self.kernel_size[1] > 2**23:
            raise IRError(f"sums over {list(self.kernel_size)} elements leave 32 bits")
        return [
            TensorType(pool_shape(self.x.type, self.kernel_size, self.stride, self.pad), scalar)
        ]


@operation("q.mean")
class Mean(Op):
    """s = sum of x - x_zero over axes; y = saturate(round(s * multiplier) + y_zero).

    Rounded as ``double`` of the layers says; 1 / count is part of the multiplier.
    """

    x: Value
    _: KW_ONLY
    axes: tuple[int, ...]
    keep_dims: bool = False
    x_zero: int
    y_zero: int
    multiplier: int
    shift: int

    @property
    def count(self) -> int:
        """How many elements go into one mean."""
        rank = self.x.type.rank
        found = 1
        for axis in {normal_axis(a, rank) for a in self.axes}:
            found *= self.x.shape[axis]
        return found

    def infer(self) -> list[TensorType]:
        """The shape without the reduced axes, or with ones in their place."""
        scalar = require_byte(self, "x", self.x)
        require_in_range(self, scalar, x_zero=self.x_zero, y_zero=self.y_zero)
        require_multiplier(self, self.multiplier, self.shift)
        if self.count * 255 << max(self.shift, 0) > LARGEST or self.count < 1:
            raise IRError(f"sums of {self.count} bytes, shifted by {self.shift}, leave 32 bits")
        return [TensorType(reduced_shape(self.x.type, self.axes, self.keep_dims), scalar)]
