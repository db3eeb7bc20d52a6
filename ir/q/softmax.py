# SPDX-License-Identifier: Apache-2.0
"""Softmax of bytes in integers."""

from __future__ import annotations

from ..diagnostics import IRError
from ..operation import Op, operation
from ..types import I32, Scalar, TensorType
from ..value import Value
from .rounding import require_scalar


@operation("q.softmax")
class Softmax(Op):
    """Softmax over the last axis as in TFLite's reference kernel; y stands for (y + 128) / 256.

    e = exps[max - x], where exps[d] is exp(-d * scale of x) as an integer of 2^-31. Their sum is
    kept in units of 2^-19 (each e rounded to that), its reciprocal found by three Newton steps in
    32-bit fixed point; y = saturate(round(e * reciprocal, in units of 1 / 256) - 128).
    """

    x: Value
    exps: Value

    def infer(self) -> list[TensorType]:
        """The type of x."""
        require_scalar(self, "x", self.x, Scalar("i8"))
        require_scalar(self, "exps", self.exps, I32)
        if self.exps.shape != (256,):
            raise IRError(f"exps is {self.exps.type}, expected 256 values")
        # The sum is an i32 of 2^-19: fewer than 2^12 elements can reach 1.
        if self.x.type.rank < 1 or not 1 <= self.x.shape[-1] < 2**12:
            raise IRError(f"{self.NAME} takes rows of 1 to 4095 bytes, not {self.x.type}")
        return [self.x.type.with_scalar(self.x.type.scalar)]
