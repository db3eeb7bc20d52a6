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


def quantized_image(c: Context, spatial: int) -> Image:
    """The layer's input as an image, quantized where the layer says so."""
    image = Image.of(c, spatial)
    return Image(quantize(c, "input_quantizer", image.value), image.spatial, image.first)


def _pad_value(c: Context) -> float:
    return c.number("pad_values", 0.0)


def _conv(c: Context, spatial: int) -> Value:
    image = quantized_image(c, spatial)
    groups, filters = c.integer("groups", 1), c.integer("filters")
    kh, kw = image.pair(c, "kernel_size")
    if groups < 1 or image.channels % groups:
        raise Unsupported(f"has {image.channels} input channels in {groups} groups")
    shape = (kh, kw, image.channels // groups, filters)
    kernel, bias = kernel_and_bias(c, shape[2 - spatial :], filters)
    if c.node.layer.kind == "bnnc>BinaryConv2D":
        kernel = trained_weights(c, kernel)
    kernel = c.reshape(quantize(c, "kernel_quantizer", kernel), shape)
    ohwi = c.transpose(kernel, _OHWI_OF_HWIO)
    y = convolve(c, image, ohwi, bias, groups=groups, pad_value=_pad_value(c))
    return activate(c, image.result(c, y))


def kernel_and_bias(c: Context, shape: tuple[int, ...], filters: int) -> tuple[Value, Value | None]:
    """The kernel of this shape, and the bias if the layer has one."""
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
def depthwise2d(c: Context) -> Value:
    """Channel k with kernel [:, :, k, m] gives channel k * multiplier + m."""
    return _depthwise_layer(c, 2)


@converts("DepthwiseConv1D")
def depthwise1d(c: Context) -> Value:
    """The same over one dimension."""
    return _depthwise_layer(c, 1)


def _depthwise_layer(c: Context, spatial: int) -> Value:
    image = quantized_image(c, spatial)
    multiplier = c.integer("depth_multiplier", 1)
    shape = (*image.pair(c, "kernel_size"), image.channels, multiplier)
    kernel, bias = kernel_and_bias(c, shape[2 - spatial :], image.channels * multiplier)
    if c.node.layer.kind == "bnnc>BinaryDepthwiseConv2D":
        kernel = trained_weights(c, kernel, channel_axes=2)
    hwim = c.reshape(quantize(c, "depthwise_quantizer", kernel), shape)
    return activate(c, image.result(c, _depthwise(c, image, hwim, bias)))


def _depthwise(c: Context, image: Image, hwim: Value, bias: Value | None) -> Value:
    kh, kw, channels, multiplier = hwim.shape
    hwio = c.reshape(hwim, (kh, kw, 1, channels * multiplier))
    ohwi = c.transpose(hwio, _OHWI_OF_HWIO)
    return convolve(c, image, ohwi, bias, groups=channels, pad_value=_pad_value(c))


@converts("SeparableConv2D", "SeparableConvolution2D", "QuantSeparableConv2D")
def separable2d(c: Context) -> Value:
    """Depthwise, then 1 x 1; each with a quantizer of its own, the input with one."""
    return _separable(c, 2)


@converts("SeparableConv1D", "SeparableConvolution1D", "QuantSeparableConv1D")
def separable1d(c: Context) -> Value:
    """The same over one dimension."""
    return _separable(c, 1)


def _separable(c: Context, spatial: int) -> Value:
    image = quantized_image(c, spatial)
    multiplier, filters = c.integer("depth_multiplier", 1), c.integer("filters")
    between = image.channels * multiplier
    deep = (*image.pair(c, "kernel_size"), image.channels, multiplier)
    flat = (1, 1, between, filters)
    shapes = [
        ("depthwise_kernel", deep[2 - spatial :]),
        ("pointwise_kernel", flat[2 - spatial :]),
        ("bias", (filters,)),
    ]
    depth, point, *bias = c.variables(*shapes[: 3 if c.flag("use_bias", True) else 2])
    hwim = c.reshape(quantize(c, "depthwise_quantizer", depth), deep)
    y = _depthwise(c, image, hwim, None)
    hwio = c.reshape(quantize(c, "pointwise_quantizer", point), flat)
    y = c.emit(
        nn.Conv2D(
            y,
            c.transpose(hwio, _OHWI_OF_HWIO),
            bias[0] if bias else None,
            stride=(1, 1),
            pad=(0, 0, 0, 0),
            pad_value=0.0,
        )
    )
    return activate(c, image.result(c, y))
