# SPDX-License-Identifier: Apache-2.0
"""Convolutions. ONNX's filters are OIHW (transposed: IOHW), the IR's OHWI."""

from __future__ import annotations

from bnnc.ir import Value, nn

from ...failures import Unsupported
from ..arrangement import Arranged
from ..context import Context
from ..convert import converts
from .windows import Image, Window


def _filters(c: Context, image: Image) -> Value:
    """The filters [o, kh, kw, i] of a convolution."""
    _check_filters(c, image)
    ohwi = c.channels_last(1)
    if image.rank == 3:
        o, k, i = ohwi.shape
        ohwi = c.reshape(ohwi, (o, 1, k, i))
    return ohwi


def _check_filters(c: Context, image: Image) -> None:
    if not c.is_constant(1):
        raise Unsupported("has weights that depend on an input")
    if c.tensor(1).rank != image.rank:
        raise Unsupported(f"has weights of shape {list(c.shape(1))}")


def _bias(c: Context) -> Value | None:
    return c.x(2) if c.has_input(2) else None


@converts("Conv")
def conv(c: Context) -> Arranged:
    """Cross-correlation in one or two dimensions, with groups, dilations and any padding."""
    image = Image.of(c)
    w = _filters(c, image)
    window = Window.of(c, image, (w.shape[1], w.shape[2]))
    y = nn.Conv2D(
        image.value,
        w,
        _bias(c),
        stride=window.stride,
        dilation=window.dilation,
        groups=c.integer("group", 1),
        pad=window.pad,
        pad_value=0.0,
    )
    return image.result(c, c.emit(y))


@converts("ConvTranspose")
def conv_transpose(c: Context) -> Arranged:
    """A convolution with turned filters over the image with stride - 1 zeros between its pixels.

    Output p receives x[i] w[k] where p + pad = i s + k d; with the zeros in place that is a
    correlation with w turned around, padded by (kernel - 1) d - pad.
    """
    image = Image.of(c)
    _check_filters(c, image)
    group = c.integer("group", 1)
    w = _turned_filters(c, image, group)
    kernel = (w.shape[1], w.shape[2])
    window = Window.of(c, image, kernel)
    zeros = (0,) * (image.rank - 2)
    extra = image.pair(c.ints("output_padding", zeros), "output_padding", fill=0)
    x = _spread(c, image.value, window.stride)
    low, high = _transposed_pad(c, image, window, extra)
    pad = (*low, *high)
    if min(pad) < 0:
        raise Unsupported("cuts more off its output than its kernel is wide")
    y = nn.Conv2D(
        x,
        w,
        _bias(c),
        stride=(1, 1),
        dilation=window.dilation,
        groups=group,
        pad=(pad[0], pad[1], pad[2], pad[3]),
        pad_value=0.0,
    )
    return image.result(c, c.emit(y))


def _turned_filters(c: Context, image: Image, group: int) -> Value:
    """[i, o / g, kh, kw] to [o, kh, kw, i / g], turned around in height and width."""
    w = c.x(1)
    if image.rank == 3:
        w = c.reshape(w, (*w.shape[:2], 1, w.shape[2]))
    i, per_group, kh, kw = w.shape
    if group < 1 or i % group:
        raise Unsupported(f"has {i} input channels in {group} groups")
    w = c.reshape(w, (group, i // group, per_group, kh, kw))
    w = c.emit(nn.Transpose(w, perm=(0, 2, 3, 4, 1)))
    w = c.reshape(w, (group * per_group, kh, kw, i // group))
    if kh * kw > 1:
        begin, step = (0, kh - 1, kw - 1, 0), (1, -1, -1, 1)
        w = c.emit(nn.Slice(w, begin=begin, size=w.shape, step=step))
    return w


def _spread(c: Context, x: Value, stride: tuple[int, int]) -> Value:
    """Put stride - 1 zeros between the pixels."""
    if stride == (1, 1):
        return x
    n, h, w, ch = x.shape
    cut = c.reshape(x, (n, h, 1, w, 1, ch))
    after = (0, 0, stride[0] - 1, 0, stride[1] - 1, 0)
    padded = c.emit(nn.Pad(cut, before=(0,) * 6, after=after, value=0.0))
    wide = c.reshape(padded, (n, h * stride[0], w * stride[1], ch))
    size = (n, (h - 1) * stride[0] + 1, (w - 1) * stride[1] + 1, ch)
    return c.emit(nn.Slice(wide, begin=(0,) * 4, size=size, step=(1,) * 4))


def _transposed_pad(
    c: Context, image: Image, window: Window, extra: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Padding in front and behind of the convolution that stands for a transposed one."""
    spans = [(k - 1) * d for k, d in zip(window.kernel, window.dilation, strict=True)]
    full = [
        (n - 1) * s + span + 1 + e
        for n, s, span, e in zip(image.size, window.stride, spans, extra, strict=True)
    ]
    cut = [(window.pad[a], window.pad[a + 2]) for a in range(2)]
    mode = c.text("auto_pad", "NOTSET")
    wanted: tuple[int, int] | None = None
    if c.has("output_shape"):
        shape = c.ints("output_shape")
        wanted = image.pair(shape[-(image.rank - 2) :], "output_shape")
    elif mode in ("SAME_UPPER", "SAME_LOWER"):
        wanted = (image.size[0] * window.stride[0], image.size[1] * window.stride[1])
    if wanted is not None:
        totals = [f - w for f, w in zip(full, wanted, strict=True)]
        # The larger half is cut in front, unless SAME_UPPER says otherwise.
        small_first = mode == "SAME_UPPER"
        cut = [(t // 2, t - t // 2) if small_first else (t - t // 2, t // 2) for t in totals]
    low, high = zip(*cut, strict=True)
    return (
        (spans[0] - low[0], spans[1] - low[1]),
        (spans[0] - high[0] + extra[0], spans[1] - high[1] + extra[1]),
    )
