# SPDX-License-Identifier: Apache-2.0
"""Operators that move data, of floats and of bytes alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bnnc.ir import Value, nn

from ...failures import Unsupported
from ..context import Context
from ..convert import converts, converts_bytes
from .elementwise import fused
from .tensorflow import require_same_quantization, same


@converts("RESHAPE")
def reshape(c: Context) -> Value | Sequence[Value]:
    """The shape is a constant operand or, in old files, an option."""
    if c.maybe(1) is not None:
        return same(c, "Reshape")
    given = c.constant(np.array(c.ints("new_shape"), np.int32), "shape")
    return same(c.with_operands([c.x(0), given]), "Reshape")


@converts_bytes("RESHAPE")
def reshape_bytes(c: Context) -> Value | Sequence[Value]:
    """The same bytes under another shape."""
    require_same_quantization(c)
    return reshape(c)


@converts("CONCATENATION")
def concat(c: Context) -> Value:
    """Along an axis, then the activation."""
    return fused(c, _joined(c))


@converts_bytes("CONCATENATION")
def concat_bytes(c: Context) -> Value:
    """All operands have the scale of the result."""
    require_same_quantization(c)
    if c.text("activation", "NONE") != "NONE":
        raise Unsupported("is fused with an activation")
    return _joined(c)


def _joined(c: Context) -> Value:
    axis = c.axis(c.integer("axis"), c.x(0).type.rank)
    return c.emit(nn.Concat(tuple(c.operands), axis=axis))


@converts("STRIDED_SLICE")
def strided_slice(c: Context) -> Value | Sequence[Value]:
    """x[begin:end:stride, ...] as Python reads it; with ``offset`` the end counts from begin."""
    if c.flag("offset", False):
        raise Unsupported("counts its ends from its begins")
    return same(c, "StridedSlice")


@converts_bytes("STRIDED_SLICE")
def strided_slice_bytes(c: Context) -> Value | Sequence[Value]:
    """The same of bytes."""
    require_same_quantization(c)
    return strided_slice(c)


@converts("PAD", "PADV2")
def pad(c: Context) -> Value | Sequence[Value]:
    """Paddings [rank, 2] are constants; the value is zero or, of PADV2, operand 2."""
    return same(c, "Pad" if c.operator.kind == "PAD" else "PadV2")


@converts_bytes("PAD", "PADV2")
def pad_bytes(c: Context) -> Value:
    """With the zero point, or with the constant byte of PADV2."""
    require_same_quantization(c)
    value = c.quant(0).zero if c.operator.kind == "PAD" else int(c.numbers(2).reshape(-1)[0])
    paddings = np.reshape(c.integers(1), (-1, 2))
    before, after = (tuple(int(p) for p in paddings[:, side]) for side in (0, 1))
    return c.emit(nn.Pad(c.x(0), before=before, after=after, value=float(value)))
