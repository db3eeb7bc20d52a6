# SPDX-License-Identifier: Apache-2.0
"""Convolution and dense layers of every kind, with their fused ends.

A layer first accumulates. Integer accumulators (bit activations) are exact; float accumulators
follow ``order``: per output acc = +0, taps in the order kh, kw, c. Then one of two ends:

* with ``thr``: bit = +1 iff acc >= thr[c] (NaN gives what ``nan`` says);
* without: y = fl(fl(acc * alpha[c]) + bias[c]), absent factors skipped.

``steps`` and ``params`` keep the imported float expression that ``thr`` was read off, so that the
threshold can be searched again; they are not executed. ``certificate`` says how it was checked:
over every reachable accumulator, or by the search alone. Padded taps count as ``pad_value``.
"""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import ClassVar, Literal, TypeAlias

from ..diagnostics import IRError
from ..operation import Op, Steps, operation
from ..shapes import conv2d_shape, dense_shape, require_channels
from ..types import BIT, F32, I32, TERN, Scalar, TensorType
from ..value import Value

Order: TypeAlias = Literal["muladd", "fma", "muladd.ftz"]
Certificate: TypeAlias = Literal["exhaustive", "search"]
Nan: TypeAlias = Literal["plus", "minus"]
KINDS: dict[str, tuple[Scalar, Scalar]] = {
    "ff": (F32, F32),
    "fb": (F32, BIT),
    "ft": (F32, TERN),
    "bb": (BIT, BIT),
    "bt": (BIT, TERN),
}


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
        return self.KIND[0] == "b"

    @property
    def taps(self) -> int:
        """K, the number of products in one full accumulator."""
        size = 1
        for d in self.w.shape[1:]:
            size *= d
        return size

    def _result(self, shape: tuple[int, ...]) -> list[TensorType]:
        want = KINDS[self.KIND]
        if (self.x.type.scalar, self.w.type.scalar) != want:
            raise IRError(
                f"{self.NAME} takes {want[0]} activations and {want[1]} weights, "
                f"not {self.x.type} and {self.w.type}"
            )
        for name in ("alpha", "bias", "thr"):
            value: Value | None = getattr(self, name)
            if value is not None:
                require_channels(name, value.type, shape[-1])
                scalar = I32 if name == "thr" and self.integer else F32
                if value.type.scalar != scalar:
                    raise IRError(f"{name} is {value.type}, {self.NAME} needs {scalar}")
        if self.thr is None:
            return [TensorType(shape)]
        if self.alpha is not None or self.bias is not None:
            raise IRError("a layer with a threshold has neither alpha nor bias")
        return [TensorType(shape, BIT)]


class ConvLayer(Layer):
    """2-D convolution of x [n, h, w, c] with w [oc, kh, kw, c / groups]."""

    stride: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    pad: tuple[int, int, int, int]
    pad_value: float

    def infer(self) -> list[TensorType]:
        """[n, oh, ow, oc], f32 or with a threshold bit."""
        if self.integer and self.pad_value not in (-1.0, 0.0, 1.0):
            raise IRError(f"bit activations are padded with -1, 0 or 1, not {self.pad_value}")
        shape = conv2d_shape(
            self.x.type,
            self.w.type,
            stride=self.stride,
            dilation=self.dilation,
            groups=self.groups,
            pad=self.pad,
        )
        return self._result(shape)


class DenseLayer(Layer):
    """Dense layer of x [n, i] with w [o, i]."""

    def infer(self) -> list[TensorType]:
        """[n, o], f32 or with a threshold bit."""
        return self._result(dense_shape(self.x.type, self.w.type))


@operation("bin.conv2d_ff")
class Conv2DFF(ConvLayer):
    """Convolution: float activations, float weights."""

    KIND = "ff"
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


@operation("bin.conv2d_fb")
class Conv2DFB(ConvLayer):
    """Convolution: float activations, bit weights."""

    KIND = "fb"
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


@operation("bin.conv2d_ft")
class Conv2DFT(ConvLayer):
    """Convolution: float activations, ternary weights."""

    KIND = "ft"
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


@operation("bin.conv2d_bb")
class Conv2DBB(ConvLayer):
    """Convolution: bit activations, bit weights (xor and popcount)."""

    KIND = "bb"
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


@operation("bin.conv2d_bt")
class Conv2DBT(ConvLayer):
    """Convolution: bit activations, ternary weights."""

    KIND = "bt"
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


@operation("bin.dense_ff")
class DenseFF(DenseLayer):
    """Dense layer: float activations, float weights."""

    KIND = "ff"
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


@operation("bin.dense_fb")
class DenseFB(DenseLayer):
    """Dense layer: float activations, bit weights."""

    KIND = "fb"
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


@operation("bin.dense_ft")
class DenseFT(DenseLayer):
    """Dense layer: float activations, ternary weights."""

    KIND = "ft"
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


@operation("bin.dense_bb")
class DenseBB(DenseLayer):
    """Dense layer: bit activations, bit weights (xor and popcount)."""

    KIND = "bb"
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


@operation("bin.dense_bt")
class DenseBT(DenseLayer):
    """Dense layer: bit activations, ternary weights."""

    KIND = "bt"
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
