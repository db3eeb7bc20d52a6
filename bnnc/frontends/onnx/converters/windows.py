# SPDX-License-Identifier: Apache-2.0
"""What convolutions and pools share: images of one and two dimensions, padding, windows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bnnc.ir import Value, nn
from bnnc.ir.limits import require_affordable

from ...failures import Unsupported
from ...shapes import same_padding
from ..arrangement import Arranged, channels_last
from ..context import Context

Pair = tuple[int, int]
_MOST_TAPS = 1024  # each becomes an operation


@dataclass(frozen=True)
class Image:
    """An operand as an image [n, h, w, c]; a sequence [n, c, l] has height one."""

    value: Value
    rank: int

    @classmethod
    def of(cls, c: Context, tensor: Arranged | None = None) -> Image:
        """The operand 0 of a convolution or pool, or what was made of it.

        Raises:
            Unsupported: It has neither one nor two spatial dimensions.
        """
        x = tensor or c.tensor(0)
        if x.rank not in (3, 4):
            raise Unsupported(f"reads a tensor of shape {list(x.shape)} instead of an image")
        value = x.in_order(channels_last(x.rank), c.emit)
        if x.rank == 3:
            n, length, channels = value.shape
            value = c.reshape(value, (n, 1, length, channels))
        return cls(value, x.rank)

    @property
    def size(self) -> Pair:
        """Height and width."""
        return self.value.shape[1], self.value.shape[2]

    def result(self, c: Context, y: Value) -> Arranged:
        """An image that was computed from this one, as a tensor of the same rank."""
        if self.rank == 3:
            n, _, length, channels = y.shape
            y = c.reshape(y, (n, length, channels))
        return Arranged.stored(y, channels_last(self.rank))

    def kernel(self, c: Context, stored: Pair) -> Pair:
        """The size that the weights have.

        Raises:
            Unsupported: ``kernel_shape`` says another one.
        """
        if c.has("kernel_shape"):
            said = self.pair(c.ints("kernel_shape"), "kernel_shape")
            if said != stored:
                raise Unsupported(f"has kernel_shape {list(said)} and weights of {list(stored)}")
        return stored

    def pair(self, values: tuple[int, ...], name: str, fill: int = 1) -> Pair:
        """A list attribute with one entry for each spatial dimension, as height and width."""
        if len(values) != self.rank - 2:
            raise Unsupported(f"has {name} {list(values)} for an image of rank {self.rank}")
        return (fill, values[0]) if self.rank == 3 else (values[0], values[1])


@dataclass(frozen=True)
class Window:
    """Kernel size, stride, dilation and [top, left, bottom, right] of a node over its image."""

    kernel: Pair
    stride: Pair
    dilation: Pair
    pad: tuple[int, int, int, int]
    given: tuple[int, int, int, int]
    """The padding that the node gives; ``ceil_mode`` lets windows reach beyond."""

    @property
    def grown(self) -> bool:
        """Whether they do."""
        return self.pad != self.given

    def outputs(self, size: Pair) -> Pair:
        """Height and width of the result."""
        spans = [(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True)]
        room = [n + self.pad[a] + self.pad[a + 2] - spans[a] for a, n in enumerate(size)]
        if min(room) < 0:
            raise Unsupported(f"has windows of {spans} for an image of {list(size)}")
        outputs = room[0] // self.stride[0] + 1, room[1] // self.stride[1] + 1
        require_affordable(outputs)
        return outputs

    @classmethod
    def of(cls, c: Context, image: Image, kernel: Pair) -> Window:
        """The window that the node's attributes describe."""
        ones = (1,) * (image.rank - 2)
        stride = image.pair(c.ints("strides", ones), "strides")
        dilation = image.pair(c.ints("dilations", ones), "dilations")
        if min(*kernel, *stride, *dilation) < 1:
            raise Unsupported("has a kernel, stride or dilation below one")
        given = _pad(c, image, kernel, stride, dilation)
        pad = given
        if c.integer("ceil_mode", 0):
            bottom, right = (
                _grown(n, low, high, s, (k - 1) * d + 1)
                for n, low, high, s, k, d in zip(
                    image.size, given[:2], given[2:], stride, kernel, dilation, strict=True
                )
            )
            pad = (*given[:2], bottom, right)
        return cls(kernel, stride, dilation, pad, given)


def _pad(
    c: Context, image: Image, kernel: Pair, stride: Pair, dilation: Pair
) -> tuple[int, int, int, int]:
    mode = c.text("auto_pad", "NOTSET")
    if mode == "NOTSET":
        count = image.rank - 2
        pads = c.ints("pads", (0,) * 2 * count)
        if len(pads) != 2 * count:
            raise Unsupported(f"has pads {list(pads)} for an image of rank {image.rank}")
        (top, left), (bottom, right) = (
            image.pair(half, "pads", fill=0) for half in (pads[:count], pads[count:])
        )
        return top, left, bottom, right
    if mode == "VALID":
        return 0, 0, 0, 0
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        raise Unsupported(f"has auto_pad {mode}")
    halves: list[Pair] = []
    for n, k, s, d in zip(image.size, kernel, stride, dilation, strict=True):
        total = same_padding(n, k, s, d)
        smaller, larger = total // 2, total - total // 2
        halves.append((smaller, larger) if mode == "SAME_UPPER" else (larger, smaller))
    (top, bottom), (left, right) = halves
    return top, left, bottom, right


def _grown(n: int, low: int, high: int, stride: int, span: int) -> int:
    """The padding behind that gives ceil instead of floor outputs.

    A last window that would begin in the padding behind the image is left out.
    """
    outputs = -(-(n + low + high - span) // stride) + 1
    if (outputs - 1) * stride >= n + low:
        outputs -= 1
    return max((outputs - 1) * stride + span - n - low, 0)


def tap_values(c: Context, image: Image, window: Window, padding: float) -> list[Value]:
    """For each tap, row by row, its element of every window: what no pool of the IR covers."""
    if math.prod(window.kernel) > _MOST_TAPS:
        raise Unsupported(f"has a kernel of {list(window.kernel)} with dilation or ceil_mode")
    outputs, pad = window.outputs(image.size), window.pad
    x = image.value
    if any(pad):
        before, after = (0, pad[0], pad[1], 0), (0, pad[2], pad[3], 0)
        x = c.emit(nn.Pad(x, before=before, after=after, value=padding))
    size = (x.shape[0], *outputs, x.shape[3])
    step = (1, *window.stride, 1)
    found: list[Value] = []
    for i, j in np.ndindex(*window.kernel):
        begin = (0, i * window.dilation[0], j * window.dilation[1], 0)
        found.append(c.emit(nn.Slice(x, begin=begin, size=size, step=step)))
    return found


def tap_counts(image: Image, window: Window, *, padding: bool) -> np.ndarray:
    """How many taps of each window lie in the image, or in the padding that the node gives.

    Returns:
        float32 [1, oh, ow, 1].
    """
    counts: list[np.ndarray] = []
    for axis, outputs in enumerate(window.outputs(image.size)):
        low, high = (window.given[axis], window.given[axis + 2]) if padding else (0, 0)
        taps = np.arange(window.kernel[axis]) * window.dilation[axis]
        at = np.arange(outputs)[:, None] * window.stride[axis] - window.pad[axis] + taps
        counts.append(((at >= -low) & (at < image.size[axis] + high)).sum(axis=1))
    rows, columns = (count.astype(np.float32) for count in counts)
    return np.asarray(rows[None, :, None, None] * columns[None, None, :, None])
