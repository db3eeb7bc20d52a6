# SPDX-License-Identifier: Apache-2.0
"""Pooling and reductions; sums are sequential and row-major."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Literal, TypeAlias

from ..operation import Op, operation
from ..shapes import pool_shape, reduced_shape
from ..types import TensorType
from ..value import Value

Reduction: TypeAlias = Literal["mean", "sum", "max", "min", "prod"]


@operation("nn.max_pool")
class MaxPool(Op):
    """Maximum over windows of x [n, h, w, c]; padding never counts."""

    x: Value
    _: KW_ONLY
    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int, int, int]

    def infer(self) -> list[TensorType]:
        """[n, oh, ow, c]."""
        shape = pool_shape(self.x.type, self.kernel_size, self.stride, self.pad)
        return [TensorType(shape, self.x.type.scalar)]


@operation("nn.avg_pool")
class AvgPool(Op):
    """Sum over each window divided by its count; padding counts only with ``include_pad``."""

    x: Value
    _: KW_ONLY
    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int, int, int]
    include_pad: bool = False

    def infer(self) -> list[TensorType]:
        """[n, oh, ow, c]."""
        return [TensorType(pool_shape(self.x.type, self.kernel_size, self.stride, self.pad))]


@operation("nn.reduce")
class Reduce(Op):
    """Reduce over axes, sequentially in row-major order of the reduced elements."""

    x: Value
    _: KW_ONLY
    kind: Reduction
    axes: tuple[int, ...]
    keep_dims: bool = False

    def infer(self) -> list[TensorType]:
        """The shape without the reduced axes, or with ones in their place."""
        return [
            TensorType(reduced_shape(self.x.type, self.axes, self.keep_dims), self.x.type.scalar)
        ]
