# SPDX-License-Identifier: Apache-2.0
"""Transposed convolutions. Keras's kernels are [height, width, out, in], the IR's OHWI."""

from __future__ import annotations

from bnnc.ir import Value

from ...failures import Unsupported
from ...transposed import padding_of_forward, transposed_convolution
from ..activations import activate
from ..context import Context
from ..convert import converts
from ..quantizers import quantize
from ..windows import Image, Pair
from .conv import kernel_and_bias, quantized_image

_OHWI_OF_HWOI = (2, 0, 1, 3)


@converts("Conv2DTranspose", "Convolution2DTranspose", "QuantConv2DTranspose")
def conv2d_transpose(c: Context) -> Value:
    """With output_padding and dilation; input and kernel quantized where the layer says so."""
    return _transposed(c, 2)


@converts("Conv1DTranspose", "Convolution1DTranspose")
def conv1d_transpose(c: Context) -> Value:
    """The same over one dimension."""
    return _transposed(c, 1)


def _transposed(c: Context, spatial: int) -> Value:
    image = quantized_image(c, spatial)
    filters = c.integer("filters")
    shape = (*image.pair(c, "kernel_size"), filters, image.channels)
    kernel, bias = kernel_and_bias(c, shape[2 - spatial :], filters)
    hwoi = c.reshape(quantize(c, "kernel_quantizer", kernel), shape)
    stride, dilation = image.pair(c, "strides", 1), image.pair(c, "dilation_rate", 1)
    covered = (
        (shape[0] - 1) * dilation[0] + 1,
        (shape[1] - 1) * dilation[1] + 1,
    )
    mode = c.text("padding", "valid").upper()
    size = _outputs(c, image, covered, stride, same=mode == "SAME")
    y = transposed_convolution(
        c,
        image.value,
        c.transpose(hwoi, _OHWI_OF_HWOI),
        bias,
        stride=stride,
        dilation=dilation,
        cut=padding_of_forward(mode, size, image.size, covered, stride),
        size=size,
    )
    return activate(c, image.result(c, y))


def _outputs(c: Context, image: Image, kernel: Pair, stride: Pair, *, same: bool) -> Pair:
    """Height and width of the result; output_padding is what lies behind the last window."""
    given = c.option("output_padding")
    extra: list[int | None] = [None, None]
    if given is not None:
        extra = list(image.pair(c, "output_padding", least=0))
        if image.spatial == 1:
            extra[0] = None
    found: list[int] = []
    for n, k, s, e in zip(image.size, kernel, stride, extra, strict=True):
        if e is not None and e >= s:
            raise Unsupported(f"has output_padding {given} for the stride {list(stride)}")
        if e is None:
            found.append(n * s if same else (n - 1) * s + max(k, s))
        else:
            found.append((n - 1) * s + e + (k % 2 if same else k))
    return found[0], found[1]
