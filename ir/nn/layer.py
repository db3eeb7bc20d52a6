# SPDX-License-Identifier: Apache-2.0
"""Layers with weights: convolution, dense, batch normalization."""

from __future__ import annotations

from dataclasses import KW_ONLY

from ..diagnostics import IRError
from ..operation import Op, operation
from ..shapes import conv2d_shape, dense_shape, require_channels
from ..types import F32, TensorType
from ..value import Value


@operation("nn.conv2d")
class Conv2D(Op):
    """2-D convolution (cross-correlation) of x [n, h, w, c] with w [oc, kh, kw, c / groups].

    Taps are summed in the order kh, kw, c; padded taps read ``pad_value``; pad = [top, left,
    bottom, right]. Depthwise is groups = c.
    """

    x: Value
    w: Value
    b: Value | None = None
    _: KW_ONLY
    stride: tuple[int, int]
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    pad: tuple[int, int, int, int]
    pad_value: float

    def infer(self) -> list[TensorType]:
        """[n, oh, ow, oc]."""
        shape = conv2d_shape(
            self.x.type,
            self.w.type,
            stride=self.stride,
            dilation=self.dilation,
            groups=self.groups,
            pad=self.pad,
        )
        if self.b is not None:
            require_channels("the bias", self.b.type, shape[3])
        return [TensorType(shape)]


@operation("nn.dense")
class Dense(Op):
    """y [n, o] = x [n, i] . w [o, i]^T + b [o], summed in the order of i."""

    x: Value
    w: Value
    b: Value | None = None

    def infer(self) -> list[TensorType]:
        """[n, o]."""
        shape = dense_shape(self.x.type, self.w.type)
        if self.b is not None:
            require_channels("the bias", self.b.type, shape[1])
        return [TensorType(shape)]


@operation("nn.mat_mul")
class MatMul(Op):
    """y [s, m, n] = a [s, m, k] . b [s, k, n] for each s, summed in the order of k from +0.

    One matrix stands for all where an operand has only one.
    """

    a: Value
    b: Value

    def infer(self) -> list[TensorType]:
        """[s, m, n]."""
        a, b = self.a.type, self.b.type
        if a.rank != 3 or b.rank != 3 or a.scalar != F32 or b.scalar != F32:
            raise IRError(f"{self.NAME} takes two stacks of f32 matrices, not {a} and {b}")
        stacks = {a.shape[0], b.shape[0]} - {1} or {1}
        if len(stacks) != 1 or a.shape[2] != b.shape[1]:
            raise IRError(f"cannot multiply {a} and {b}")
        return [TensorType((stacks.pop(), a.shape[1], b.shape[2]))]


@operation("nn.batch_norm")
class BatchNorm(Op):
    """Inference batch normalization over the last axis.

    With sc = gamma * (1 / sqrt(var + epsilon)) and of = beta - mean * sc, every operation rounded
    to float32 once: y = fl(fl(x * sc) + of).
    """

    x: Value
    gamma: Value
    beta: Value
    mean: Value
    var: Value
    _: KW_ONLY
    epsilon: float

    def infer(self) -> list[TensorType]:
        """The type of x."""
        if self.x.type.rank < 1:
            raise IRError(f"batch_norm needs a channel axis, not {self.x.type}")
        channels = self.x.shape[-1]
        for name in ("gamma", "beta", "mean", "var"):
            require_channels(name, getattr(self, name).type, channels)
        return [self.x.type.with_scalar(self.x.type.scalar)]
