# SPDX-License-Identifier: Apache-2.0
"""Scales and zero points of quantized operands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bnnc.ir import Scalar, q
from bnnc.ir.q import Byte

from ..failures import Unsupported
from .arrangement import Arranged
from .context import Context

_BYTES: dict[str, Byte] = {"int8": "i8", "uint8": "u8"}


def byte_of(dtype: np.dtype[np.generic]) -> Byte | None:
    """The IR's name of a type of bytes; None for all others."""
    return _BYTES.get(dtype.name)


@dataclass(frozen=True)
class Levels:
    """x = (q - zero) * scale: float32 scales and integer zero points, one or one per channel."""

    scales: np.ndarray
    zeros: np.ndarray
    to: Byte

    @classmethod
    def of(cls, c: Context, scale: int, zero: int) -> Levels:
        """What two constant operands say; without a zero point bytes are unsigned.

        Raises:
            Unsupported: They are not constant, or the type is none of bytes.
        """
        zeros = c.array(zero) if c.has_input(zero) else np.zeros((), np.uint8)
        to = byte_of(zeros.dtype)
        if to is None:
            raise Unsupported(f"computes with {zeros.dtype} levels")
        scales = c.array(scale).astype(np.float32).reshape(-1)
        if not (np.isfinite(scales).all() and (scales > 0).all()):
            raise Unsupported("has a scale that is no positive number")
        return cls(scales, zeros.astype(np.int64).reshape(-1), to)

    @property
    def scale(self) -> np.float32:
        """The scale of a whole tensor.

        Raises:
            Unsupported: Each channel has its own.
        """
        if self.scales.size != 1:
            raise Unsupported("has activations with a scale for each channel")
        return np.float32(self.scales[0])

    @property
    def zero(self) -> int:
        """The zero point of a whole tensor.

        Raises:
            Unsupported: Each channel has its own.
        """
        if np.unique(self.zeros).size != 1:
            raise Unsupported("has activations with a zero point for each channel")
        return int(self.zeros[0])

    @property
    def whole(self) -> tuple[int, int]:
        """The smallest and the largest byte."""
        return Scalar(self.to).range() or (0, 0)


def as_bytes(c: Context, x: Arranged, to: Byte) -> Arranged:
    """An operand as bytes, also where it came in as floats that hold the integers."""
    if x.value.type.scalar == Scalar(to):
        return x
    if not x.value.type.scalar.is_float:
        raise Unsupported(f"reads {x.value.type.scalar} where its zero point is {to}")
    return x.like(c.emit(q.Quantize(x.value, scale=1.0, zero=0, to=to, halves="even")))


def as_floats(c: Context, x: Arranged) -> Arranged:
    """The integers of an operand as floats."""
    if x.value.type.scalar.is_float:
        return x
    return x.like(c.emit(q.Dequantize(x.value, scale=1.0, zero=0)))
