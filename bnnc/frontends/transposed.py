# SPDX-License-Identifier: Apache-2.0
"""Transposed convolutions as convolutions.

Output p receives x[i] w[k] where p + cut = i stride + k dilation. With stride - 1 zeros between the
pixels of x that is a correlation with w turned around, padded by (kernel - 1) dilation - cut in
front and by as much behind as the output is long. Source: Dumoulin and Visin, A guide to
convolution arithmetic for deep learning, 2016, arXiv:1603.07285.
"""

from __future__ import annotations

from collections.abc import Sequence

from bnnc.ir import Value, nn

from .context import NodeContext
from .failures import Unsupported

Pair = tuple[int, int]


def transposed_convolution(
    c: NodeContext,
    x: Value,
    ohwi: Value,
    bias: Value | None,
    *,
    stride: Pair,
    cut: Pair,
    size: Pair,
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Value:
    """Emit a transposed convolution.

    Args:
        c: The node.
        x: [n, h, w, i].
        ohwi: Filters [o, kh, kw, i / groups], not turned.
        bias: [o], or None.
        stride: How far apart two neighbours of x are in the result.
        cut: Rows and columns that are cut off in front.
        size: Height and width of the result.
        dilation: How far apart two taps are in the result.
        groups: Groups of channels.

    Returns:
        [n, *size, o].

    Raises:
        Unsupported: A number is no size.
    """
    x, w, pad = as_convolution(c, x, ohwi, stride=stride, cut=cut, size=size, dilation=dilation)
    return c.emit(
        nn.Conv2D(
            x,
            w,
            bias,
            stride=(1, 1),
            dilation=dilation,
            groups=groups,
            pad=pad,
            pad_value=0.0,
        )
    )


def as_convolution(
    c: NodeContext,
    x: Value,
    ohwi: Value,
    *,
    stride: Pair,
    cut: Pair,
    size: Pair,
    dilation: Pair = (1, 1),
    zero: float = 0.0,
) -> tuple[Value, Value, tuple[int, int, int, int]]:
    """Emit what goes into the convolution that stands for a transposed one.

    Args:
        c: The node.
        x: As of `transposed_convolution`, like all others.
        ohwi: Filters.
        stride: Stride.
        cut: Cut.
        size: Size.
        dilation: Dilation.
        zero: What stands between the pixels; a zero point where they are bytes.

    Returns:
        The image, the filters and [top, left, bottom, right]; the stride is one.

    Raises:
        Unsupported: A number is no size.
    """
    if min(*stride, *dilation, *size) < 1:
        raise Unsupported(f"has stride {stride}, dilation {dilation} and {size} outputs")
    spans = [(k - 1) * d for k, d in zip(ohwi.shape[1:3], dilation, strict=True)]
    low = [span - front for span, front in zip(spans, cut, strict=True)]
    spread = [(n - 1) * s + 1 for n, s in zip(x.shape[1:3], stride, strict=True)]
    lengths = zip(size, spans, spread, low, strict=True)
    high = [out + span - n - front for out, span, n, front in lengths]
    image = _cropped(c, _spread(c, x, stride, zero), low, high)
    pad = (max(low[0], 0), max(low[1], 0), max(high[0], 0), max(high[1], 0))
    return image, _turned(c, ohwi), pad


def _spread(c: NodeContext, x: Value, stride: Pair, zero: float) -> Value:
    """Put stride - 1 zeros between the pixels."""
    if stride == (1, 1):
        return x
    n, h, w, ch = x.shape
    cut = c.emit(nn.Reshape(x, shape=(n, h, 1, w, 1, ch)))
    after = (0, 0, stride[0] - 1, 0, stride[1] - 1, 0)
    padded = c.emit(nn.Pad(cut, before=(0,) * 6, after=after, value=zero))
    wide = c.emit(nn.Reshape(padded, shape=(n, h * stride[0], w * stride[1], ch)))
    size = (n, (h - 1) * stride[0] + 1, (w - 1) * stride[1] + 1, ch)
    return c.emit(nn.Slice(wide, begin=(0,) * 4, size=size, step=(1,) * 4))


def _cropped(c: NodeContext, x: Value, low: Sequence[int], high: Sequence[int]) -> Value:
    """Drop the pixels that no output sees: where the padding would be negative."""
    if min(*low, *high) >= 0:
        return x
    begin = [max(-front, 0) for front in low]
    size = [n - b - max(-back, 0) for n, b, back in zip(x.shape[1:3], begin, high, strict=True)]
    if min(size) < 1:
        raise Unsupported(f"cuts all pixels off {list(x.shape)}")
    n, ch = x.shape[0], x.shape[3]
    return c.emit(nn.Slice(x, begin=(0, *begin, 0), size=(n, *size, ch), step=(1,) * 4))


def _turned(c: NodeContext, ohwi: Value) -> Value:
    """Filters in reverse order along height and width."""
    _, kh, kw, _ = ohwi.shape
    if kh * kw == 1:
        return ohwi
    begin, step = (0, kh - 1, kw - 1, 0), (1, -1, -1, 1)
    return c.emit(nn.Slice(ohwi, begin=begin, size=ohwi.shape, step=step))


def padding_of_forward(mode: str, outputs: Pair, inputs: Pair, kernel: Pair, stride: Pair) -> Pair:
    """What is cut off in front of a transposed convolution of TensorFlow.

    It is the gradient of a convolution of `outputs` to `inputs`; what that pads in front.

    Args:
        mode: ``SAME`` or ``VALID``.
        outputs: Size of the transposed convolution's result.
        inputs: Size of its operand.
        kernel: Rows and columns that a filter covers, dilation included.
        stride: The stride.

    Raises:
        Unsupported: No such convolution gives `inputs`.
    """
    if mode not in ("SAME", "VALID"):
        raise Unsupported(f"has padding {mode}")
    cut: list[int] = []
    for out, n, k, s in zip(outputs, inputs, kernel, stride, strict=True):
        fits = -(-out // s) if mode == "SAME" else (out - k) // s + 1
        if fits != n:
            raise Unsupported(f"gives {out} outputs of {n} with stride {s} and padding {mode}")
        cut.append(max((n - 1) * s + k - out, 0) // 2 if mode == "SAME" else 0)
    return cut[0], cut[1]
