# SPDX-License-Identifier: Apache-2.0
"""Elementwise operations; each float32 operation is rounded once."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Literal, TypeAlias

from ..diagnostics import IRError
from ..operation import Op, operation
from ..shapes import broadcast_shape
from ..types import U1, Scalar, TensorType
from ..value import Value

Predicate: TypeAlias = Literal["ge", "gt", "le", "lt", "eq", "ne"]


class Unary(Op):
    """One operand, result of the same type."""

    x: Value

    def infer(self) -> list[TensorType]:
        """The type of x."""
        return [self.x.type.with_scalar(self.x.type.scalar)]


class Binary(Op):
    """Two operands of one scalar type, broadcast as in numpy."""

    a: Value
    b: Value

    def infer(self) -> list[TensorType]:
        """The broadcast shape."""
        if self.a.type.scalar != self.b.type.scalar:
            raise IRError(f"operands differ: {self.a.type} and {self.b.type}")
        return [TensorType(broadcast_shape(self.a.type, self.b.type), self.a.type.scalar)]


@operation("nn.add")
class Add(Binary):
    """a + b."""

    a: Value
    b: Value


@operation("nn.sub")
class Sub(Binary):
    """a - b."""

    a: Value
    b: Value


@operation("nn.mul")
class Mul(Binary):
    """a * b."""

    a: Value
    b: Value


@operation("nn.div")
class Div(Binary):
    """a / b; with ``no_nan`` a zero divisor gives zero."""

    a: Value
    b: Value
    _: KW_ONLY
    no_nan: bool = False


@operation("nn.maximum")
class Maximum(Binary):
    """The larger of both: b > a ? b : a."""

    a: Value
    b: Value


@operation("nn.minimum")
class Minimum(Binary):
    """The smaller of both: b < a ? b : a."""

    a: Value
    b: Value


@operation("nn.neg")
class Neg(Unary):
    """-x."""

    x: Value


@operation("nn.abs")
class Abs(Unary):
    """|x|."""

    x: Value


@operation("nn.sqrt")
class Sqrt(Unary):
    """Correctly rounded square root."""

    x: Value


@operation("nn.rsqrt")
class Rsqrt(Unary):
    """1 / sqrt(x), two roundings."""

    x: Value


@operation("nn.exp")
class Exp(Unary):
    """e^x by the project's own float32 sequence (equal in interpreter and C)."""

    x: Value


@operation("nn.log")
class Log(Unary):
    """Natural logarithm by the project's own float32 sequence."""

    x: Value


@operation("nn.tanh")
class Tanh(Unary):
    """Hyperbolic tangent by the project's own float32 sequence."""

    x: Value


@operation("nn.sigmoid")
class Sigmoid(Unary):
    """Logistic function by the project's own float32 sequence."""

    x: Value


@operation("nn.round")
class Round(Unary):
    """Round to the nearest integer, halves to even."""

    x: Value


@operation("nn.relu")
class Relu(Unary):
    """Rectifier: x < 0 ? 0 : x; NaN stays."""

    x: Value


@operation("nn.leaky_relu")
class LeakyRelu(Unary):
    """Rectifier with a slope below zero: x < 0 ? fl(x * alpha) : x."""

    x: Value
    _: KW_ONLY
    alpha: float


@operation("nn.prelu")
class PRelu(Op):
    """Rectifier with slopes: x < 0 ? fl(x * slope) : x, the slope broadcast to x."""

    x: Value
    slope: Value

    def infer(self) -> list[TensorType]:
        """The type of x."""
        if broadcast_shape(self.x.type, self.slope.type) != self.x.shape:
            raise IRError(f"slope {self.slope.type} does not broadcast to {self.x.type}")
        return [self.x.type.with_scalar(self.x.type.scalar)]


@operation("nn.clip")
class Clip(Unary):
    """Clip to bounds: first x > hi ? hi : x, then x < lo ? lo : x."""

    x: Value
    _: KW_ONLY
    lo: float
    hi: float

    def infer(self) -> list[TensorType]:
        """The type of x."""
        if not self.lo <= self.hi:
            raise IRError(f"clip needs lo <= hi, not {self.lo} and {self.hi}")
        return [self.x.type.with_scalar(self.x.type.scalar)]


@operation("nn.sign")
class Sign(Unary):
    """-1 for x < 0, +1 for x > 0.

    ``zero``: what an exact zero (either sign of zero) gives, ``keep`` is 0; ``nan``: what NaN
    gives, ``propagate`` is NaN.
    """

    x: Value
    _: KW_ONLY
    zero: Literal["plus", "minus", "keep"]
    nan: Literal["plus", "minus", "propagate"]


@operation("nn.compare")
class Compare(Op):
    """Elementwise comparison, result u1; false wherever NaN meets anything but ``ne``."""

    a: Value
    b: Value
    _: KW_ONLY
    predicate: Predicate

    def infer(self) -> list[TensorType]:
        """The broadcast shape with scalar u1."""
        return [TensorType(broadcast_shape(self.a.type, self.b.type), U1)]


@operation("nn.select")
class Select(Op):
    """Condition ? a : b, all three broadcast."""

    condition: Value
    a: Value
    b: Value

    def infer(self) -> list[TensorType]:
        """The broadcast shape."""
        if self.a.type.scalar != self.b.type.scalar:
            raise IRError(f"operands differ: {self.a.type} and {self.b.type}")
        values = TensorType(broadcast_shape(self.a.type, self.b.type), self.a.type.scalar)
        return [TensorType(broadcast_shape(self.condition.type, values), self.a.type.scalar)]


@operation("nn.cast")
class Cast(Op):
    """Convert values to another scalar type; floats truncate toward zero."""

    x: Value
    _: KW_ONLY
    to: str

    def infer(self) -> list[TensorType]:
        """The shape of x with the new scalar."""
        return [self.x.type.with_scalar(Scalar(self.to))]
