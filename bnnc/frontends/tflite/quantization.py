# SPDX-License-Identifier: Apache-2.0
"""From scales to integers, as TensorFlow Lite derives them when it prepares a model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bnnc.ir import Scalar
from bnnc.ir.interpreter.fixed_point import high_product, shift_away
from bnnc.ir.q import Byte, fixed_point, nearest

from ..failures import Unsupported
from ..tensorflow.tensors import DType
from .model import Quantization, Tensor

_BYTES: dict[DType, Byte] = {DType.INT8: "i8", DType.UINT8: "u8"}


@dataclass(frozen=True)
class PerTensor:
    """Scale (a float32) and zero point of a whole tensor, and the type of its bytes."""

    scale: float
    zero: int
    to: Byte

    @classmethod
    def of(cls, tensor: Tensor) -> PerTensor:
        """What a tensor says.

        Raises:
            Unsupported: It is no tensor of bytes with one scale.
        """
        given = tensor.quantization
        if tensor.dtype not in _BYTES or given is None:
            raise Unsupported(f"mixes quantized bytes with a {tensor.dtype.name.lower()} tensor")
        if given.scales.size != 1:
            raise Unsupported("has activations with a scale for each channel")
        require_valid(given)
        zero, to = int(given.zeros[0]), _BYTES[tensor.dtype]
        low, high = Scalar(to).range() or (0, 0)
        if not low <= zero <= high:
            raise Unsupported(f"has the zero point {zero}, which is no {to}")
        return cls(float(given.scales[0]), zero, to)

    @property
    def whole(self) -> tuple[int, int]:
        """The smallest and the largest byte."""
        return Scalar(self.to).range() or (0, 0)

    def bounds(self, activation: str) -> tuple[int, int]:
        """The bytes that an activation leaves.

        Raises:
            Unsupported: It is none that clamps.
        """
        if activation not in _CLAMPS:
            raise Unsupported(f"is fused with the activation {activation}")
        low, high = _CLAMPS[activation]
        lo, hi = self.whole
        if low is not None:
            lo = max(lo, self._quantized(low))
        if high is not None:
            hi = min(hi, self._quantized(high))
        return min(lo, hi), hi

    def _quantized(self, real: float) -> int:
        return self.zero + nearest(float(np.float32(real) / np.float32(self.scale)))


_CLAMPS: dict[str, tuple[float | None, float | None]] = {
    "NONE": (None, None),
    "RELU": (0.0, None),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
}


def require_valid(given: Quantization) -> None:
    """Refuse scales that are no positive numbers."""
    if not (np.isfinite(given.scales).all() and (given.scales > 0).all()):
        raise Unsupported("has a scale that is no positive number")


def exponentials(scale: float, beta: float) -> np.ndarray:
    """exp(-d * scale * beta) for d = 0 ... 255 in units of 2^-31, as gemmlowp computes it.

    Differences beyond the range of its Q5.26 input give zero.

    Returns:
        int32 [256].
    """
    factor, shift = fixed_point(min(beta * scale * 2**26, 2**31 - 1.0))
    if shift < 0:
        raise Unsupported(f"has the scale {scale:g} times beta {beta:g}")
    radius = math.floor(31 * 2**26 / 2**shift)
    difference = -np.arange(256, dtype=np.int64)
    kept = difference >= -radius
    scaled = high_product(np.where(kept, difference, 0) << shift, factor)
    return np.where(kept, _exp_on_negatives(scaled), 0).astype(np.int32)


# exp(-1/4), exp(-1/2), exp(-1), ... exp(-16) in units of 2^-31.
_STEPS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
_EXP_OF_MINUS_EIGHTH = 1895147668
_THIRD = 715827883


def _exp_on_negatives(a: np.ndarray) -> np.ndarray:
    """Exp of Q5.26 numbers up to zero, as Q0.31 (gemmlowp's ``exp_on_negative_values``).

    a is a multiple of 1/4 and a rest in [-1/4, 0), whose exp is a polynomial around -1/8.
    """
    quarter = np.int64(1 << 24)
    rest = (a & (quarter - 1)) - quarter
    x = (rest << 5) + (1 << 28)
    square = high_product(x, x)
    cube, fourth = high_product(square, x), high_product(square, square)
    small = high_product(shift_away(fourth, 2) + cube, _THIRD) + square
    result = _EXP_OF_MINUS_EIGHTH + high_product(_EXP_OF_MINUS_EIGHTH, x + shift_away(small, 1))
    steps = rest - a
    for place, factor in enumerate(_STEPS, 24):
        result = np.where(steps & (1 << place), high_product(result, factor), result)
    return np.where(a == 0, 2**31 - 1, result)
