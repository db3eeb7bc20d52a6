# SPDX-License-Identifier: Apache-2.0
"""Layers of quantized bytes.

acc = bias[o] + sum((x - x_zero) * w) in 32 bits; padding is the zero point, it adds nothing. Then
y = clamp(round(acc * multiplier[o]) + y_zero, lo, hi), where ``rounding`` says how:

* ``double``: what TFLite's reference kernels do. a = acc * 2^max(shift, 0); b = a * multiplier /
  2^31 to the nearest, halves up; then b / 2^max(-shift, 0) to the nearest, halves away from zero.
* ``single``: (acc * multiplier + 2^(30 - shift)) >> (31 - shift) in 64 bits, halves up.
* ``float``: acc to float32, one float32 product with an f32 multiplier, to the nearest integer,
  halves to even; without shifts. What ONNX Runtime does.

Weights are stored without their zero point: i8, or i16 where the difference needs that, or bits
(+1 and -1), whose scale per channel is part of the multiplier. Without a multiplier the result is
acc itself (i32). That acc, and acc * 2^shift under ``double``, fit into 32 bits is proved from the
constant weights; a layer where it is not so does not verify.

With ``thr`` there is no multiplier either, and acc is cut: with ``thr`` [c] to a bit, +1 iff
acc >= thr[c]; with ``thr`` [c, l] to a level, how many of thr[c, 0], ... thr[c, l - 1] have
acc >= thr; they ascend along l. ``steps``, ``params`` and ``certificate`` are those of the layers
of the ``bin`` dialect: the float expression of acc that ``thr`` was searched for.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY
from typing import Literal, TypeAlias

from ..bin import Certificate
from ..diagnostics import IRError
from ..operation import Op, Steps, operation
from ..shapes import conv2d_shape, dense_shape, require_channels, require_levels
from ..types import BIT, I32, Scalar, TensorType
from ..value import Value
from .rounding import (
    WEIGHTS,
    Rounding,
    require_byte,
    require_in_range,
    require_multipliers,
    require_scalar,
)

Result: TypeAlias = Literal["i8", "u8", "i32", "bit", "u1", "u2", "u3", "u4", "u5", "u6", "u7"]


class Layer(Op):
    """What convolution and dense layers of bytes have in common."""

    x: Value
    w: Value
    bias: Value | None
    multiplier: Value | None
    shift: Value | None
    thr: Value | None
    params: tuple[Value, ...]
    x_zero: int
    y_zero: int
    lo: int
    hi: int
    to: Result
    rounding: Rounding
    steps: Steps
    certificate: Certificate | None

    @property
    def taps(self) -> int:
        """The number of products in one full accumulator."""
        return math.prod(self.w.shape[1:])

    def _result(self, shape: tuple[int, ...]) -> list[TensorType]:
        require_in_range(self, require_byte(self, "x", self.x), x_zero=self.x_zero)
        if self.w.type.scalar not in WEIGHTS:
            raise IRError(f"{self.NAME} takes i8, i16 or bit weights, not {self.w.type}")
        if self.bias is not None:
            require_channels("bias", self.bias.type, shape[-1])
            require_scalar(self, "bias", self.bias, I32)
        scalar = Scalar(self.to)
        if self.thr is not None:
            return [TensorType(shape, self._cut(self.thr, scalar, shape[-1]))]
        if (self.multiplier is None) != (scalar == I32):
            raise IRError(
                f"{self.NAME}: without multiplier and thr the result is i32, with one a byte"
            )
        if self.multiplier is None:
            return [TensorType(shape, I32)]
        require_multipliers(self, self.multiplier, self.shift, self.rounding, shape[-1])
        require_in_range(self, scalar, y_zero=self.y_zero, lo=self.lo, hi=self.hi)
        return [TensorType(shape, scalar)]

    def _cut(self, thr: Value, scalar: Scalar, channels: int) -> Scalar:
        """The scalar of what thresholds make of accumulators."""
        require_scalar(self, "thr", thr, I32)
        if self.multiplier is not None or self.shift is not None:
            raise IRError(f"{self.NAME} with a threshold has no multiplier and no shift")
        if thr.type.rank == 1:
            require_channels("thr", thr.type, channels)
            found = BIT
        else:
            found = require_levels(thr.type, channels)
        if scalar != found:
            raise IRError(f"{self.NAME}: thresholds {thr.type} give {found}, not {scalar}")
        return scalar


@operation("q.conv2d")
class Conv2D(Layer):
    """Convolution of x [n, h, w, c] with w [oc, kh, kw, c / groups]; depthwise is groups = c."""

    x: Value
    w: Value
    bias: Value | None = None
    multiplier: Value | None = None
    shift: Value | None = None
    thr: Value | None = None
    params: tuple[Value, ...] = ()
    _: KW_ONLY
    stride: tuple[int, int]
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    pad: tuple[int, int, int, int]
    x_zero: int
    y_zero: int = 0
    lo: int = -128
    hi: int = 127
    to: Result = "i8"
    rounding: Rounding = "single"
    steps: Steps = ()
    certificate: Certificate | None = None

    def infer(self) -> list[TensorType]:
        """[n, oh, ow, oc] of the type ``to``."""
        return self._result(
            conv2d_shape(
                self.x.type,
                self.w.type,
                stride=self.stride,
                dilation=self.dilation,
                groups=self.groups,
                pad=self.pad,
            )
        )


@operation("q.dense")
class Dense(Layer):
    """Dense layer of x [n, i] with w [o, i]."""

    x: Value
    w: Value
    bias: Value | None = None
    multiplier: Value | None = None
    shift: Value | None = None
    thr: Value | None = None
    params: tuple[Value, ...] = ()
    _: KW_ONLY
    x_zero: int
    y_zero: int = 0
    lo: int = -128
    hi: int = 127
    to: Result = "i8"
    rounding: Rounding = "single"
    steps: Steps = ()
    certificate: Certificate | None = None

    def infer(self) -> list[TensorType]:
        """[n, o] of the type ``to``."""
        return self._result(dense_shape(self.x.type, self.w.type))
