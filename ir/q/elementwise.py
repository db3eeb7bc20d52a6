# SPDX-License-Identifier: Apache-2.0
"""Sums, differences and products of bytes; operands broadcast as in numpy.

Every operand and the result has a scale of its own. Products by multipliers are rounded as
``double`` of the layers says; `q.float_binary` computes with the floats that the bytes stand for.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import Literal

from ..diagnostics import IRError
from ..operation import Op, operation
from ..shapes import broadcast_shape
from ..types import Scalar, TensorType
from ..value import Value
from .rounding import Byte, require_byte, require_in_range, require_multiplier


class Binary(Op):
    """Two operands of bytes with their zero points, and the range of the result."""

    a: Value
    b: Value
    a_zero: int
    b_zero: int
    y_zero: int
    y_multiplier: int
    y_shift: int
    lo: int
    hi: int
    to: Byte

    def infer(self) -> list[TensorType]:
        """The broadcast shape with the scalar ``to``."""
        require_in_range(self, require_byte(self, "a", self.a), a_zero=self.a_zero)
        require_in_range(self, require_byte(self, "b", self.b), b_zero=self.b_zero)
        require_in_range(self, Scalar(self.to), y_zero=self.y_zero, lo=self.lo, hi=self.hi)
        require_multiplier(self, self.y_multiplier, self.y_shift, "y_multiplier")
        shape = broadcast_shape(self.a.type, self.b.type)
        return [TensorType(shape, Scalar(self.to))]


@dataclass(eq=False, repr=False)
class Sum(Binary):
    """A sum or difference: both operands are brought to one scale first, left_shift bits finer."""

    a: Value
    b: Value
    _: KW_ONLY
    a_zero: int
    b_zero: int
    y_zero: int
    left_shift: int = 20
    a_multiplier: int
    a_shift: int
    b_multiplier: int
    b_shift: int
    y_multiplier: int
    y_shift: int
    lo: int
    hi: int
    to: Byte = "i8"

    def infer(self) -> list[TensorType]:
        """The broadcast shape with the scalar ``to``."""
        require_multiplier(self, self.a_multiplier, self.a_shift, "a_multiplier")
        require_multiplier(self, self.b_multiplier, self.b_shift, "b_multiplier")
        # A byte less its zero point takes 9 bits, a sum of two such 10, with the sign 11.
        if not 0 <= self.left_shift <= 21 or max(self.a_shift, self.b_shift, self.y_shift) > 0:
            raise IRError(f"{self.NAME}: left_shift is 0 to 21, all other shifts at most 0")
        return super().infer()


@operation("q.add")
class Add(Sum):
    """A + B with A = (a - a_zero) * 2^left_shift * a_multiplier, rounded, and B likewise.

    y = clamp((A + B) * y_multiplier, rounded, + y_zero, lo, hi).
    """


@operation("q.sub")
class Sub(Sum):
    """A - B with A = (a - a_zero) * 2^left_shift * a_multiplier, rounded, and B likewise.

    y = clamp((A - B) * y_multiplier, rounded, + y_zero, lo, hi).
    """


@operation("q.mul")
class Mul(Binary):
    """y = clamp((a - a_zero) * (b - b_zero) * y_multiplier, rounded, + y_zero, lo, hi)."""

    a: Value
    b: Value
    _: KW_ONLY
    a_zero: int
    b_zero: int
    y_zero: int
    y_multiplier: int
    y_shift: int
    lo: int
    hi: int
    to: Byte = "i8"

    def infer(self) -> list[TensorType]:
        """The broadcast shape with the scalar ``to``."""
        if self.y_shift > 14:
            raise IRError(f"{self.NAME}: 255 * 255 * 2^{self.y_shift} leaves 32 bits")
        return super().infer()


@operation("q.float_binary")
class FloatBinary(Op):
    """clamp(round(fl(fl(A kind B) / y_scale)) + y_zero, lo, hi), A = fl((a - a_zero) * a_scale).

    B likewise; halves go to even. Every byte is what `q.quantize` gives for the float sum,
    difference or product of what `q.dequantize` gives: ONNX's meaning, with bytes in memory.
    """

    a: Value
    b: Value
    _: KW_ONLY
    kind: Literal["add", "sub", "mul"]
    a_scale: float
    a_zero: int
    b_scale: float
    b_zero: int
    y_scale: float
    y_zero: int
    lo: int
    hi: int
    to: Byte = "i8"

    def infer(self) -> list[TensorType]:
        """The broadcast shape with the scalar ``to``."""
        require_in_range(self, require_byte(self, "a", self.a), a_zero=self.a_zero)
        require_in_range(self, require_byte(self, "b", self.b), b_zero=self.b_zero)
        require_in_range(self, Scalar(self.to), y_zero=self.y_zero, lo=self.lo, hi=self.hi)
        for scale in (self.a_scale, self.b_scale, self.y_scale):
            if not (math.isfinite(scale) and scale > 0):
                raise IRError(f"{self.NAME}: the scale {scale} is no positive number")
        return [TensorType(broadcast_shape(self.a.type, self.b.type), Scalar(self.to))]
