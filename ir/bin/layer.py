# SPDX-License-Identifier: Apache-2.0
"""Convolution and dense layers of every kind, with their fused ends.

A layer first accumulates. Integer accumulators (bit and level activations) are exact; float
accumulators follow ``order``: per output acc = +0, taps in the order kh, kw, c. Level activations
(``u<k>``) enter as the integers that they are: S = sum(level * w). Then one of three ends:

* with ``thr`` [c]: bit = +1 iff acc >= thr[c] (NaN gives what ``nan`` says);
* with ``thr`` [c, l]: level = how many of thr[c, 0], ... thr[c, l - 1] have acc >= thr (a NaN
  passes all of them under ``nan`` plus, none under minus); they ascend along l;
* without: y = fl(fl(acc * alpha[c]) + bias[c]), absent factors skipped.

``steps`` and ``params`` keep the imported float expression that ``thr`` was read off, so that the
threshold can be searched again; they are not executed. ``certificate`` says how it was checked:
over every reachable accumulator, or by the search alone. Padded taps count as ``pad_value``.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal, TypeAlias

from ..diagnostics import IRError
from ..operation import Op, Steps, operation
from ..shapes import conv2d_shape, dense_shape, require_channels, require_levels
from ..types import BIT, F32, I32, TERN, Scalar, TensorType
from ..value import Value

Order: TypeAlias = Literal["muladd", "fma", "muladd.ftz", "eights"]
Certificate: TypeAlias = Literal["exhaustive", "search"]
Nan: TypeAlias = Literal["plus", "minus"]
KINDS: tuple[str, ...] = ("ff", "fb", "ft", "bb", "bt", "ub", "ut")
_SCALARS: dict[str, Scalar] = {"f": F32, "b": BIT, "t": TERN}
_LARGEST_SUM = 2**31 - 1


class Layer(Op):
    """What convolution and dense layers have in common."""

    KIND: ClassVar[str] = ""

    x: Value
    w: Value
    alpha: Value | None
    bias: Value | None
    thr: Value | None
    params: tuple[Value, ...]
    order: Order
    nan: Nan
    steps: Steps
    certificate: Certificate | None

    @property
    def integer(self) -> bool:
        """Whether the accumulator is an exact integer."""
        return self.KIND[0] in "bu"

    @property
    def taps(self) -> int:
        """K, the number of products in one full accumulator."""
        return math.prod(self.w.shape[1:])

    @property
    def largest_sum(self) -> int:
        """Bound of the magnitude of an integer accumulator: K times the largest activation."""
        bounds = self.x.type.scalar.range()
        return self.taps * bounds[1] if bounds else 0

    def _result(self, shape: tuple[int, ...]) -> list[TensorType]:
        activation, weight = self.KIND[0], self.KIND[1]
        x, w = self.x.type.scalar, self.w.type.scalar
        fits = x.level_bits is not None if activation == "u" else x == _SCALARS[activation]
        if not fits or w != _SCALARS[weight]:
            wanted = "u1..u8" if activation == "u" else _SCALARS[activation]
            raise IRError(
                f"{self.NAME} takes {wanted} activations and {_SCALARS[weight]} weights, "
                f"not {self.x.type} and {self.w.type}"
            )
        if self.largest_sum > _LARGEST_SUM:
            raise IRError(f"sums of {self.taps} products of {x} leave the 32-bit accumulator")
        for name in ("alpha", "bias"):
            value: Value | None = getattr(self, name)
            if value is not None:
                require_channels(name, value.type, shape[-1])
                self._require_scalar(name, value, F32)
        if self.thr is None:
            return [TensorType(shape)]
        self._require_scalar("thr", self.thr, I32 if self.integer else F32)
        if self.alpha is not None or self.bias is not None:
            raise IRError("a layer with a threshold has neither alpha nor bias")
        if self.thr.type.rank == 2:
            return [TensorType(shape, require_levels(self.thr.type, shape[-1]))]
        require_channels("thr", self.thr.type, shape[-1])
        return [TensorType(shape, BIT)]

    def _require_scalar(self, name: str, value: Value, scalar: Scalar) -> None:
        if value.type.scalar != scalar:
            raise IRError(f"{name} is {value.type}, {self.NAME} needs {scalar}")


@dataclass(eq=False, repr=False)
class ConvLayer(Layer):
    """2-D convolution of x [n, h, w, c] with w [oc, kh, kw, c / groups]."""

    x: Value
    w: Value
    alpha: Value | None = None
    bias: Value | None = None
    thr: Value | None = None
    params: tuple[Value, ...] = ()
    _: KW_ONLY
    stride: tuple[int, int]
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    pad: tuple[int, int, int, int]
    pad_value: float
    order: Order = "muladd"
    nan: Nan = "plus"
    steps: Steps = ()
    certificate: Certificate | None = None

    def infer(self) -> list[TensorType]:
        """[n, oh, ow, oc], f32 or with thresholds bit or levels."""
        shape = conv2d_shape(
            self.x.type,
            self.w.type,
            stride=self.stride,
            dilation=self.dilation,
            groups=self.groups,
            pad=self.pad,
        )
        result = self._result(shape)
        if self.KIND[0] == "b" and self.pad_value not in (-1.0, 0.0, 1.0):
            raise IRError(f"bit activations are padded with -1, 0 or 1, not {self.pad_value}")
        if self.KIND[0] == "u" and not self.x.type.scalar.holds(self.pad_value):
            raise IRError(f"{self.x.type.scalar} activations are not padded with {self.pad_value}")
        return result


@dataclass(eq=False, repr=False)
class DenseLayer(Layer):
    """Dense layer of x [n, i] with w [o, i]."""

    x: Value
    w: Value
    alpha: Value | None = None
    bias: Value | None = None
    thr: Value | None = None
    params: tuple[Value, ...] = ()
    _: KW_ONLY
    order: Order = "muladd"
    nan: Nan = "plus"
    steps: Steps = ()
    certificate: Certificate | None = None

    def infer(self) -> list[TensorType]:
        """[n, o], f32 or with thresholds bit or levels."""
        return self._result(dense_shape(self.x.type, self.w.type))


@operation("bin.conv2d_ff")
class Conv2DFF(ConvLayer):
    """Convolution: float activations, float weights."""

    KIND = "ff"


@operation("bin.conv2d_fb")
class Conv2DFB(ConvLayer):
    """Convolution: float activations, bit weights."""

    KIND = "fb"


@operation("bin.conv2d_ft")
class Conv2DFT(ConvLayer):
    """Convolution: float activations, ternary weights."""

    KIND = "ft"


@operation("bin.conv2d_bb")
class Conv2DBB(ConvLayer):
    """Convolution: bit activations, bit weights (xor and popcount)."""

    KIND = "bb"


@operation("bin.conv2d_bt")
class Conv2DBT(ConvLayer):
    """Convolution: bit activations, ternary weights."""

    KIND = "bt"


@operation("bin.conv2d_ub")
class Conv2DUB(ConvLayer):
    """Convolution: level activations, bit weights (popcounts of planes)."""

    KIND = "ub"


@operation("bin.conv2d_ut")
class Conv2DUT(ConvLayer):
    """Convolution: level activations, ternary weights (popcounts of planes)."""

    KIND = "ut"


@operation("bin.dense_ff")
class DenseFF(DenseLayer):
    """Dense layer: float activations, float weights."""

    KIND = "ff"


@operation("bin.dense_fb")
class DenseFB(DenseLayer):
    """Dense layer: float activations, bit weights."""

    KIND = "fb"


@operation("bin.dense_ft")
class DenseFT(DenseLayer):
    """Dense layer: float activations, ternary weights."""

    KIND = "ft"


@operation("bin.dense_bb")
class DenseBB(DenseLayer):
    """Dense layer: bit activations, bit weights (xor and popcount)."""

    KIND = "bb"


@operation("bin.dense_bt")
class DenseBT(DenseLayer):
    """Dense layer: bit activations, ternary weights."""

    KIND = "bt"


@operation("bin.dense_ub")
class DenseUB(DenseLayer):
    """Dense layer: level activations, bit weights (popcounts of planes)."""

    KIND = "ub"


@operation("bin.dense_ut")
class DenseUT(DenseLayer):
    """Dense layer: level activations, ternary weights (popcounts of planes)."""

    KIND = "ut"
