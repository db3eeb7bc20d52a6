# SPDX-License-Identifier: Apache-2.0
"""Operations on level tensors ``u<k>``: integers 0 ... L that stand for evenly spaced reals."""

from __future__ import annotations

from dataclasses import KW_ONLY

from ..diagnostics import IRError
from ..operation import Op, operation
from ..shapes import require_levels
from ..types import BIT, F32, TensorType, level_scalar
from ..value import Value
from .layer import Nan

_EXACT = 2**24


def _require_float(op: Op, x: Value) -> None:
    if x.type.scalar != F32:
        raise IRError(f"{op.NAME} takes f32, not {x.type}")


@operation("bin.quantize")
class Quantize(Op):
    """level = how many of thr[c, 0], ... thr[c, l - 1] have x >= thr; they ascend along l.

    A NaN passes all of them under ``nan`` plus, none under minus.
    """

    x: Value
    thr: Value
    _: KW_ONLY
    nan: Nan

    def infer(self) -> list[TensorType]:
        """The shape of x with the levels that l thresholds tell apart."""
        _require_float(self, self.x)
        if self.thr.type.scalar != F32 or self.x.type.rank < 1:
            raise IRError(f"{self.NAME} takes f32 thresholds of a channel axis")
        return [self.x.type.with_scalar(require_levels(self.thr.type, self.x.shape[-1]))]


@operation("bin.to_levels")
class ToLevels(Op):
    """Floats that hold the integers low ... low + levels to level = x - low.

    With d = fl(x - low): 0 unless d > 0 (NaN gives 0), at most ``levels``, else d truncated. For
    the integers that the operation is made for nothing is rounded.
    """

    x: Value
    _: KW_ONLY
    low: int
    levels: int

    def infer(self) -> list[TensorType]:
        """The shape of x with scalar u<bits of levels>."""
        _require_float(self, self.x)
        if not -_EXACT <= self.low <= _EXACT - self.levels:
            raise IRError(f"float32 does not hold all integers from {self.low} on")
        return [self.x.type.with_scalar(level_scalar(self.levels))]


@operation("bin.dequantize")
class Dequantize(Op):
    """y = fl(fl(level * scale) + offset)."""

    x: Value
    _: KW_ONLY
    scale: float
    offset: float

    def infer(self) -> list[TensorType]:
        """The shape of x with scalar f32."""
        if self.x.type.scalar.level_bits is None:
            raise IRError(f"{self.NAME} takes u1..u8, not {self.x.type}")
        return [self.x.type.with_scalar(F32)]


@operation("bin.relayout")
class Relayout(Op):
    """The same bits or levels in the layout that the type of the result names."""

    x: Value

    def infer(self) -> list[TensorType]:
        """The type of x, plain until a layout is assigned."""
        if self.x.type.scalar != BIT and self.x.type.scalar.level_bits is None:
            raise IRError(f"{self.NAME} takes bits or u1..u8, not {self.x.type}")
        return [self.x.type.logical()]
