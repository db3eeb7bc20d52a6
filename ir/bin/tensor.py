# SPDX-License-Identifier: Apache-2.0
"""Operations on bit tensors, and between bits and floats."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Literal

from ..diagnostics import IRError
from ..operation import Op, operation
from ..shapes import pool_shape, require_channels, same_size
from ..types import BIT, F32, TensorType
from ..value import Value


def _require(value: Value, scalar_is_bit: bool, name: str) -> None:
    want = BIT if scalar_is_bit else F32
    if value.type.scalar != want:
        raise IRError(f"{name} takes {want}, not {value.type}")


@operation("bin.pack")
class Pack(Op):
    """Cut floats to bits: -1 iff x < 0; NaN gives what ``nan`` says."""

    x: Value
    _: KW_ONLY
    nan: Literal["plus", "minus"]

    def infer(self) -> list[TensorType]:
        """The shape of x with scalar bit."""
        _require(self.x, False, self.NAME)
        return [self.x.type.with_scalar(BIT)]


@operation("bin.threshold")
class Threshold(Op):
    """Cut floats to bits by channel: +1 iff x >= thr[c]; NaN gives what ``nan`` says."""

    x: Value
    thr: Value
    _: KW_ONLY
    nan: Literal["plus", "minus"]

    def infer(self) -> list[TensorType]:
        """The shape of x with scalar bit."""
        _require(self.x, False, self.NAME)
        require_channels("thr", self.thr.type, self.x.shape[-1])
        return [self.x.type.with_scalar(BIT)]


@operation("bin.unpack")
class Unpack(Op):
    """Bits to the floats -1.0 and +1.0."""

    x: Value

    def infer(self) -> list[TensorType]:
        """The shape of x with scalar f32."""
        _require(self.x, True, self.NAME)
        return [self.x.type.with_scalar(F32)]


@operation("bin.flip")
class Flip(Op):
    """Multiply bits by a per-channel bit vector."""

    x: Value
    flip: Value

    def infer(self) -> list[TensorType]:
        """The type of x."""
        _require(self.x, True, self.NAME)
        require_channels("flip", self.flip.type, self.x.shape[-1])
        return [self.x.type.with_scalar(BIT)]


@operation("bin.max_pool")
class MaxPool(Op):
    """+1 iff any element of the window is +1, then times flip[c]; padding never counts."""

    x: Value
    flip: Value | None = None
    _: KW_ONLY
    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int, int, int]

    def infer(self) -> list[TensorType]:
        """[n, oh, ow, c] of bits."""
        _require(self.x, True, self.NAME)
        shape = pool_shape(self.x.type, self.kernel_size, self.stride, self.pad)
        if self.flip is not None:
            require_channels("flip", self.flip.type, shape[3])
        return [TensorType(shape, BIT)]


@operation("bin.reshape")
class Reshape(Op):
    """The same bits in row-major order under another shape."""

    x: Value
    _: KW_ONLY
    shape: tuple[int, ...]

    def infer(self) -> list[TensorType]:
        """The given shape of bits."""
        _require(self.x, True, self.NAME)
        return [TensorType(same_size(self.x.type, self.shape), BIT)]


@operation("bin.affine")
class Affine(Op):
    """y = fl(fl(x * scale[c]) + offset[c]) over the last axis."""

    x: Value
    scale: Value
    offset: Value

    def infer(self) -> list[TensorType]:
        """The type of x."""
        _require(self.x, False, self.NAME)
        for name in ("scale", "offset"):
            require_channels(name, getattr(self, name).type, self.x.shape[-1])
        return [self.x.type.with_scalar(F32)]
