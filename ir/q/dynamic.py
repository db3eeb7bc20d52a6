# SPDX-License-Identifier: Apache-2.0
"""Bytes whose scale and zero point are measured at run time, and layers that read them.

``levels`` is f32 [2], scale and zero point of a tensor of u8. The zero point of any such pair is
its second number to the nearest integer, halves to even, within 0 ... 255; NaN counts as 0.

A layer has acc = sum((x - zero) * w) in 32 bits, exact; padding adds nothing, and weights are
those of the other layers of bytes. Then

    y = fl(fl(fl(acc) * fl(scale * w_scale[o])) + bias[o])

each operation rounded once, nothing contracted, a bias that is absent not added. Without
``w_scale`` the result is acc itself (i32). That acc fits is proved from the constant weights, for
every zero point.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY

from ..diagnostics import IRError
from ..nn import Reshape, Slice
from ..operation import Op, operation
from ..shapes import conv2d_shape, dense_shape, require_channels
from ..types import F32, I32, Scalar, TensorType
from ..value import Value
from .rounding import WEIGHTS, require_scalar

_U8 = Scalar("u8")


@operation("q.dynamic_levels")
class DynamicLevels(Op):
    """Scale and zero point of the whole tensor x for u8, f32 [2], by its range.

    low = min(0, smallest number), high = max(0, largest), both within -2^126 ... 2^126, NaN passed
    over. scale = fl(fl(high - low) / 255), but 1 where that is 0; zero = round(fl(-low / scale)),
    halves to even, at most 255. For finite numbers of less than 2^126, unless their range is
    denormal, these are the results of ONNX's DynamicQuantizeLinear.
    """

    x: Value

    def infer(self) -> list[TensorType]:
        """Two floats."""
        require_scalar(self, "x", self.x, F32)
        return [TensorType((2,))]


@operation("q.dynamic_quantize")
class DynamicQuantize(Op):
    """y = clamp(round(fl(x / scale)) + zero, 0, 255), halves to even; NaN gives the zero point."""

    x: Value
    levels: Value

    def infer(self) -> list[TensorType]:
        """The shape of x with scalar u8."""
        require_scalar(self, "x", self.x, F32)
        _require_levels(self, self.levels)
        return [self.x.type.with_scalar(_U8)]


class DynamicLayer(Op):
    """What convolution and dense layers of such bytes have in common."""

    x: Value
    levels: Value
    w: Value
    w_scale: Value | None
    bias: Value | None

    @property
    def taps(self) -> int:
        """The number of products in one full accumulator."""
        return math.prod(self.w.shape[1:])

    def _result(self, shape: tuple[int, ...]) -> list[TensorType]:
        require_scalar(self, "x", self.x, _U8)
        _require_levels(self, self.levels)
        if self.w.type.scalar not in WEIGHTS:
            raise IRError(f"{self.NAME} takes i8, i16 or bit weights, not {self.w.type}")
        if self.w_scale is None:
            if self.bias is not None:
                raise IRError(f"{self.NAME} without w_scale gives its sums, without a bias")
            return [TensorType(shape, I32)]
        for name, value in (("w_scale", self.w_scale), ("bias", self.bias)):
            if value is not None:
                require_channels(name, value.type, shape[-1])
                require_scalar(self, name, value, F32)
        return [TensorType(shape)]


@operation("q.dynamic_conv2d")
class DynamicConv2D(DynamicLayer):
    """Convolution of x [n, h, w, c] with w [oc, kh, kw, c / groups]; depthwise is groups = c."""

    x: Value
    levels: Value
    w: Value
    w_scale: Value | None = None
    bias: Value | None = None
    _: KW_ONLY
    stride: tuple[int, int]
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    pad: tuple[int, int, int, int]

    def infer(self) -> list[TensorType]:
        """[n, oh, ow, oc], f32 or without w_scale i32."""
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


@operation("q.dynamic_dense")
class DynamicDense(DynamicLayer):
    """Dense layer of x [n, i] with w [o, i]."""

    x: Value
    levels: Value
    w: Value
    w_scale: Value | None = None
    bias: Value | None = None

    def infer(self) -> list[TensorType]:
        """[n, o], f32 or without w_scale i32."""
        return self._result(dense_shape(self.x.type, self.w.type))


def levels_behind(number: Value, place: int) -> Value | None:
    """The measured levels that a number is the scale (place 0) or the zero point (1) of, if any."""
    while isinstance(number.owner, Reshape):
        number = number.owner.x
    cut = number.owner
    if not isinstance(cut, Slice) or not isinstance(cut.x.owner, DynamicLevels):
        return None
    return cut.x if (cut.begin, cut.size) == ((place,), (1,)) else None


def _require_levels(op: Op, levels: Value) -> None:
    if levels.type.scalar != F32 or levels.shape != (2,):
        raise IRError(f"{op.NAME} takes scale and zero point as f32 [2], not {levels.type}")
