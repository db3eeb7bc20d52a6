# SPDX-License-Identifier: Apache-2.0
"""Convolutions. ONNX's filters are OIHW (transposed: IOHW), the IR's OHWI."""

from __future__ import annotations

from bnnc.ir import Value, nn

from ...failures import Unsupported
from ...transposed import transposed_convolution
from ..arrangement import Arranged
from ..context import Context
from ..convert import converts
from .windows import Image, Pair, Window


def filters_of(c: Context, image: Image, index: int = 1) -> Value:
    """The constant filters [o, kh, kw, i] of a convolution; `index` is their place."""
    _check_filters(c, image, index)
    ohwi = c.channels_last(index)
    if image.rank == 3:
        o, k, i = ohwi.shape
        ohwi = c.reshape(ohwi, (o, 1, k, i))
    return ohwi


def _check_filters(c: Context, image: Image, index: int = 1) -> None:
    if not c.is_constant(index):
        raise Unsupported("has weights that depend on an input")
    if c.tensor(index).rank != image.rank:
        raise Unsupported(f"has weights of shape {list(c.shape(index))}")


def _bias(c: Context) -> Value | None:
    return c.x(2) if c.has_input(2) else None


@converts("Conv")
def conv(c: Context) -> Arranged:
    """Cross-correlation in one or two dimensions, with groups, dilations and any padding."""
    image = Image.of(c)
    w = filters_of(c, image)
    window = Window.of(c, image, image.kernel(c, (w.shape[1], w.shape[2])))
    return convolution(c, image, w, _bias(c), window)


def convolution(c: Context, image: Image, w: Value, bias: Value | None, window: Window) -> Arranged:
    """Float convolution of an image with filters [o, kh, kw, i / groups]."""
    y = nn.Conv2D(
        image.value,
        w,
        bias,
        stride=window.stride,
        dilation=window.dilation,
        groups=c.integer("group", 1),
        pad=window.pad,
        pad_value=0.0,
    )
    return image.result(c, c.emit(y))


@converts("ConvTranspose")
def conv_transpose(c: Context) -> Arranged:
    """In one or two dimensions, with groups, dilations, any padding and output_padding."""
    image = Image.of(c)
    _check_filters(c, image)
    group = c.integer("group", 1)
    w = _grouped_filters(c, image, group)
    window = Window.of(c, image, image.kernel(c, (w.shape[1], w.shape[2])))
    cut, size = _transposed_size(c, image, window)
    y = transposed_convolution(
        c,
        image.value,
        w,
        _bias(c),
        stride=window.stride,
        dilation=window.dilation,
        groups=group,
        cut=cut,
        size=size,
    )
    return image.result(c, y)


def _grouped_filters(c: Context, image: Image, group: int) -> Value:
    """[i, o / g, kh, kw] to [o, kh, kw, i / g]."""
    w = c.x(1)
    if image.rank == 3:
        w = c.reshape(w, (*w.shape[:2], 1, w.shape[2]))
    i, per_group, kh, kw = w.shape
    if group < 1 or i % group:
        raise Unsupported(f"has {i} input channels in {group} groups")
    w = c.reshape(w, (group, i // group, per_group, kh, kw))
    w = c.emit(nn.Transpose(w, perm=(0, 2, 3, 4, 1)))
    return c.reshape(w, (group * per_group, kh, kw, i // group))


def _transposed_size(c: Context, image: Image, window: Window) -> tuple[Pair, Pair]:
    """What is cut off in front, and the size that is left."""
    zeros = (0,) * (image.rank - 2)
    extra = image.pair(c.ints("output_padding", zeros), "output_padding", fill=0)
    spans = [(k - 1) * d for k, d in zip(window.kernel, window.dilation, strict=True)]
    full = [
        (n - 1) * s + span + 1 + e
        for n, s, span, e in zip(image.size, window.stride, spans, extra, strict=True)
    ]
    mode = c.text("auto_pad", "NOTSET")
    if c.has("output_shape"):
        shape = c.ints("output_shape")
        wanted = image.pair(shape[-(image.rank - 2) :], "output_shape")
    elif mode in ("SAME_UPPER", "SAME_LOWER"):
        wanted = (image.size[0] * window.stride[0], image.size[1] * window.stride[1])
    else:
        sizes = [f - window.pad[a] - window.pad[a + 2] for a, f in enumerate(full)]
        return (window.pad[0], window.pad[1]), (sizes[0], sizes[1])
    # The larger half is cut in front, unless SAME_UPPER says otherwise.
    totals = [f - w for f, w in zip(full, wanted, strict=True)]
    cut = [t // 2 if mode == "SAME_UPPER" else t - t // 2 for t in totals]
    return (cut[0], cut[1]), wanted
