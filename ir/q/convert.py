# SPDX-License-Identifier: Apache-2.0
"""Between floats and bytes, between bytes of different scales, and functions of one byte."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY
from typing import Literal

from ..diagnostics import IRError
from ..operation import Op, operation
from ..types import F32, I32, Scalar, TensorType
from ..value import Value
from .rounding import (
    BYTES,
    Byte,
    require_byte,
    require_in_range,
    require_multiplier,
    require_scalar,
)


@operation("q.quantize")
class Quantize(Op):
    """y = saturate(round(fl(x / scale)) + zero); halves ``away`` from zero, or to ``even``.

    TFLite rounds away, ONNX to even. NaN gives the zero point.
    """

    x: Value
    _: KW_ONLY
    scale: float
    zero: int
    to: Byte = "i8"
    halves: Literal["away", "even"]

    def infer(self) -> list[TensorType]:
        """The shape of x with the scalar ``to``."""
        require_scalar(self, "x", self.x, F32)
        _require_scale(self, self.scale)
        require_in_range(self, Scalar(self.to), zero=self.zero)
        return [self.x.type.with_scalar(Scalar(self.to))]


@operation("q.dequantize")
class Dequantize(Op):
    """y = fl(fl(x - zero) * scale)."""

    x: Value
    _: KW_ONLY
    scale: float
    zero: int

    def infer(self) -> list[TensorType]:
        """The shape of x with scalar f32."""
        if self.x.type.scalar not in (*BYTES, I32):
            raise IRError(f"{self.NAME} takes i8, u8 or i32, not {self.x.type}")
        _require_scale(self, self.scale)
        require_in_range(self, self.x.type.scalar, zero=self.zero)
        return [self.x.type.with_scalar(F32)]


@operation("q.requantize")
class Requantize(Op):
    """y = saturate(round((x - x_zero) * multiplier * 2^(shift - 31)) + y_zero)."""

    x: Value
    _: KW_ONLY
    x_zero: int
    y_zero: int
    multiplier: int
    shift: int
    to: Byte = "i8"
    rounding: Literal["double", "single"] = "single"

    def infer(self) -> list[TensorType]:
        """The shape of x with the scalar ``to``."""
        require_in_range(self, require_byte(self, "x", self.x), x_zero=self.x_zero)
        require_in_range(self, Scalar(self.to), y_zero=self.y_zero)
        require_multiplier(self, self.multiplier, self.shift)
        if self.rounding == "double" and self.shift > 22:
            raise IRError(f"{self.NAME}: 255 * 2^{self.shift} leaves 32 bits")
        return [self.x.type.with_scalar(Scalar(self.to))]


@operation("q.clamp")
class Clamp(Op):
    """min(max(x, lo), hi)."""

    x: Value
    _: KW_ONLY
    lo: int
    hi: int

    def infer(self) -> list[TensorType]:
        """The type of x."""
        require_in_range(self, require_byte(self, "x", self.x), lo=self.lo, hi=self.hi)
        return [self.x.type.with_scalar(self.x.type.scalar)]


@operation("q.lookup")
class Lookup(Op):
    """y = table[x], for i8 table[x + 128]: any function of one byte, as its 256 results."""

    x: Value
    table: Value

    def infer(self) -> list[TensorType]:
        """The shape of x with the scalar of the table."""
        require_byte(self, "x", self.x)
        require_byte(self, "table", self.table)
        if self.table.shape != (256,):
            raise IRError(f"the table is {self.table.type}, expected 256 results")
        return [self.x.type.with_scalar(self.table.type.scalar)]


def _require_scale(op: Op, scale: float) -> None:
    if not (math.isfinite(scale) and scale > 0):
        raise IRError(f"{op.NAME}: the scale {scale} is no positive number")
