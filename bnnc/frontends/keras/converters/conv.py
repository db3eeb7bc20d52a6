# SPDX-License-Identifier: Apache-2.0
"""Convolutions. Keras's kernels are HWIO (depthwise: HWIM), the IR's OHWI."""

from __future__ import annotations

from bnnc.ir import Value, nn

from ...failures import Unsupported
from ..activations import activate
from ..context import Context
from ..convert import converts
from ..quantizers import quantize, trained_weights
from ..windows import Image, convolve

_OHWI_OF_HWIO = (3, 0, 1, 2)


def _quantized(c: Context, image: Image) -> Image:
    return Image(quantize(c, "input_quantizer", image.value), image.spatial, image.first)


def _pad_value(c: Context) -> float:
    return c.number("pad_values", 0.0)


def _conv(c: Context, spatial: int) -> Value:
    image = _quantized(c, Image.of(c, spatial))
    groups, filters = c.integer("groups", 1), c.integer("filters")
    kh, kw = image.pair(c, "kernel_size")
    if groups < 1 or image.channels % groups:
        raise Unsupported(f"has {image.channels} input channels in {groups} groups")
    shape = (kh, kw, image.channels // groups, filters)
    kernel, bias = _kernel(c, shape if spatial == 2 else shape[1:], filters)
    if c.node.layer.kind == "bnnc>BinaryConv2D":
        kernel = trained_weights(c, kernel)
    kernel = c.reshape(quantize(c, "kernel_quantizer", kernel), shape)
    ohwi = c.transpose(kernel, _OHWI_OF_HWIO)
    y = convolve(c, image, ohwi, bias, groups=groups, pad_value=_pad_value(c))
    return activate(c, image.result(c, y))


def _kernel(c: Context, shape: tuple[int, ...], filters: int) -> tuple[Value, Value | None]:
    if not c.flag("use_bias", True):
        return c.variables(("kernel", shape))[0], None
    kernel, bias = c.variables(("kernel", shape), ("bias", (filters,)))
    return kernel, bias


@converts("Conv2D", "Convolution2D", "QuantConv2D", "bnnc>BinaryConv2D")
def conv2d(c: Context) -> Value:
    """Input and kernel quantized where the layer says so; groups, dilation, any padding."""
    return _conv(c, 2)


@converts("Conv1D", "Convolution1D", "QuantConv1D")
def conv1d(c: Context) -> Value:
    """The same over one dimension; ``causal`` padding too."""
    return _conv(c, 1)


@converts("DepthwiseConv2D", "QuantDepthwiseConv2D", "bnnc>BinaryDepthwiseConv2D")
def depthwise(c: Context) -> Value:
    """Channel k with kernel [:, :, k, m] gives channel k * multiplier + m."""
    image = _quantized(c, Image.of(c, 2))
    multiplier = c.integer("depth_multiplier", 1)
    shape = (*image.pair(c, "kernel_size"), image.channels, multiplier)
    kernel, bias = _kernel(c, shape, image.channels * multiplier)
    if c.node.layer.kind == "bnnc>BinaryDepthwiseConv2D":
        kernel = trained_weights(c, kernel, channel_axes=2)
    y = _depthwise(c, image, quantize(c, "depthwise_quantizer", kernel), bias)
    return activate(c, image.result(c, y))


def _depthwise(c: Context, image: Image, hwim: Value, bias: Value | None) -> Value:
    kh, kw, channels, multiplier = hwim.shape
    hwio = c.reshape(hwim, (kh, kw, 1, channels * multiplier))
    ohwi = c.transpose(hwio, _OHWI_OF_HWIO)
    return convolve(c, image, ohwi, bias, groups=channels, pad_value=_pad_value(c))


@converts("SeparableConv2D", "SeparableConvolution2D", "QuantSeparableConv2D")
def separable(c: Context) -> Value:
    """Depthwise, then 1 x 1; each with a quantizer of its own, the input with one."""
    image = _quantized(c, Image.of(c, 2))
    multiplier, filters = c.integer("depth_multiplier", 1), c.integer("filters")
    between = image.channels * multiplier
    shapes: list[tuple[str, tuple[int, ...]]] = [
        ("depthwise_kernel", (*image.pair(c, "kernel_size"), image.channels, multiplier)),
        ("pointwise_kernel", (1, 1, between, filters)),
    ]
    if c.flag("use_bias", True):
        shapes.append(("bias", (filters,)))
    depth, point, *bias = c.variables(*shapes)
    y = _depthwise(c, image, quantize(c, "depthwise_quantizer", depth), None)
    ohwi = c.transpose(quantize(c, "pointwise_quantizer", point), _OHWI_OF_HWIO)
    y = c.emit(
        nn.Conv2D(
            y,
            ohwi,
            bias[0] if bias else None,
            stride=(1, 1),
            pad=(0, 0, 0, 0),
            pad_value=0.0,
        )
    )
    return activate(c, image.result(c, y))
