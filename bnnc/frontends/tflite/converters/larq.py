# SPDX-License-Identifier: Apache-2.0
"""The operators of Larq Compute Engine: binary layers.

Bits are packed into int32 words along the channels, 32 to a word, channel 0 lowest; a 1 means -1.
Here they are the floats -1 and +1 again, so that the passes find the layers as they find any other.
"""

from __future__ import annotations

import numpy as np

from bnnc.ir import Value, nn

from ...failures import Unsupported
from ...shapes import same_padding
from ..context import Context
from ..convert import converts


@converts("LceQuantize")
def quantize(c: Context) -> Value:
    """-1 for x < 0, else +1, for zeros of both signs and NaN as well."""
    return c.emit(nn.Sign(c.x(0), zero="plus", nan="plus"))


@converts("LceDequantize")
def dequantize(c: Context) -> Value:
    """Bits to -1 and +1, which they already are."""
    return c.x(0)


def _unpacked(words: np.ndarray, channels: int) -> np.ndarray:
    """Int32 words [..., ceil(channels / 32)] as -1.0 and +1.0 [..., channels]."""
    if words.dtype != np.int32 or words.ndim != 4 or words.shape[3] != -(-channels // 32):
        raise Unsupported(f"has filters {words.dtype}{list(words.shape)} for {channels} channels")
    octets = np.ascontiguousarray(words.astype("<i4")).view(np.uint8)
    bits = np.unpackbits(octets, axis=-1, bitorder="little")[..., :channels]
    return np.where(bits != 0, np.float32(-1), np.float32(1))


def _pad(
    c: Context,
    x: Value,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
) -> tuple[int, int, int, int]:
    match c.integer("padding"):
        case 1:
            return 0, 0, 0, 0
        case 0:
            sizes = zip(x.shape[1:3], kernel, stride, dilation, strict=True)
            height, width = (same_padding(n, k, s, d) for n, k, s, d in sizes)
            top, left = height // 2, width // 2
            return top, left, height - top, width - left
        case other:
            raise Unsupported(f"has padding {other}")


@converts("LceBconv2d")
def bconv2d(c: Context) -> Value:
    """The sum of products; a relu of it; times multiplier, plus bias; or a cut at a threshold."""
    x, words = c.x(0), c.numbers(1)
    if x.type.rank != 4:
        raise Unsupported(f"reads a tensor of shape {list(x.shape)} instead of an image")
    stride = c.integer("stride_height"), c.integer("stride_width")
    dilation = c.integer("dilation_height_factor", 1), c.integer("dilation_width_factor", 1)
    channels, per_filter = c.integer("channels_in"), x.shape[3]
    if channels != x.shape[3]:
        raise Unsupported(f"has {x.shape[3]} input channels where channels_in is {channels}")
    if words.ndim == 4 and words.shape[3] != -(-channels // 32):
        # Grouped convolutions keep the words of one group.
        groups = -(-channels // (32 * max(words.shape[3], 1)))
        if channels % groups or channels // groups % 32:
            raise Unsupported(f"has filters {list(words.shape)} for {channels} channels")
        per_filter = channels // groups
    w = _unpacked(words, per_filter)
    pad = _pad(c, x, (w.shape[1], w.shape[2]), stride, dilation)
    pad_value = float(c.integer("pad_values", 0))
    y = c.emit(
        nn.Conv2D(
            x,
            c.constant(w, "filter"),
            stride=stride,
            dilation=dilation,
            groups=channels // per_filter,
            pad=pad,
            pad_value=pad_value,
        )
    )
    if c.maybe(4) is not None:
        return _cut(c, y, taps=w[0].size, padded_with_zero=any(pad) and pad_value == 0.0)
    match c.integer("fused_activation_function", 0):
        case 0:
            pass
        case 1:
            y = c.emit(nn.Relu(y))
        case other:
            raise Unsupported(f"is fused with activation number {other}")
    if c.maybe(2) is not None:
        y = c.emit(nn.Mul(y, c.x(2)))
    return y if c.maybe(3) is None else c.emit(nn.Add(y, c.x(3)))


def _cut(c: Context, y: Value, *, taps: int, padded_with_zero: bool) -> Value:
    """Bit 1, that is -1, where the count of unequal bits is above the threshold.

    With p unequal bits among K the sum is S = K - 2 p, so p > t is S < K - 2 t.
    """
    if padded_with_zero:
        raise Unsupported("cuts to bits with padding of zeros")
    # A threshold below every count or above all of them need only stay so.
    t = np.clip(c.numbers(4).astype(np.int64), -1, taps)
    least = c.constant((taps - 2 * t).astype(np.float32), "least")
    return c.emit(nn.Sign(c.emit(nn.Sub(y, least)), zero="plus", nan="plus"))


@converts("LceBMaxPool2d")
def bmax_pool(c: Context) -> Value:
    """+1 where any bit of the window is; padding never counts."""
    kernel = c.integer("filter_height"), c.integer("filter_width")
    stride = c.integer("stride_height"), c.integer("stride_width")
    pad = _pad(c, c.x(0), kernel, stride, (1, 1))
    return c.emit(nn.MaxPool(c.x(0), kernel_size=kernel, stride=stride, pad=pad))
