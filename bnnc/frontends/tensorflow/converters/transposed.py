# SPDX-License-Identifier: Apache-2.0
"""Transposed convolutions: the gradients of convolutions. Filters are [height, width, out, in]."""

from __future__ import annotations

from bnnc.ir import Value, nn

from ...failures import Unsupported
from ...transposed import padding_of_forward, transposed_convolution
from ..context import Context
from ..convert import converts
from .images import from_nhwc, is_nchw, per_image_axis, to_nhwc

_OHWI_OF_HWOI = (2, 0, 1, 3)


@converts("Conv2DBackpropInput")
def conv2d_backprop_input(c: Context) -> Value:
    """The size of the result is a constant; filters do not depend on an input."""
    x, hwoi, shape = to_nhwc(c, c.x(2)), c.x(1), c.integers(0)
    if not c.is_constant(hwoi):
        raise Unsupported("has weights that depend on an input")
    if x.type.rank != 4 or hwoi.type.rank != 4 or len(shape) not in (2, 4):
        raise Unsupported(f"reads {list(x.shape)} with weights {list(hwoi.shape)}")
    size = shape if len(shape) == 2 else shape[2:] if is_nchw(c) else shape[1:3]
    stride = per_image_axis(c, "strides")
    dilation = per_image_axis(c, "dilations", (1, 1, 1, 1))
    covered = [(k - 1) * d + 1 for k, d in zip(hwoi.shape[:2], dilation, strict=True)]
    y = transposed_convolution(
        c,
        x,
        c.emit(nn.Transpose(hwoi, perm=_OHWI_OF_HWOI)),
        None,
        stride=stride,
        dilation=dilation,
        cut=padding_of_forward(
            c.text("padding"),
            (size[0], size[1]),
            (x.shape[1], x.shape[2]),
            (covered[0], covered[1]),
            stride,
        ),
        size=(size[0], size[1]),
    )
    return from_nhwc(c, y)
