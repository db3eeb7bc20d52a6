# SPDX-License-Identifier: Apache-2.0
"""What convolutions and pools share: images of one and two dimensions, windows, padding."""

from __future__ import annotations

from dataclasses import dataclass

from bnnc.ir import Value, nn

from ..failures import Unsupported
from ..shapes import same_padding
from .context import Context
from .values import as_tuple

Pair = tuple[int, int]
Pads = tuple[int, int, int, int]


@dataclass(frozen=True)
class Image:
    """The layer's input as an image [n, h, w, c]; a sequence has height one."""

    value: Value
    spatial: int
    first: bool
    """Whether the layer has its channels in front."""

    @classmethod
    def of(cls, c: Context, spatial: int) -> Image:
        """The operand of a layer over one or two dimensions.

        Raises:
            Unsupported: It has another rank.
        """
        x = c.x
        if x.type.rank != spatial + 2:
            raise Unsupported(f"reads a tensor of shape {list(x.shape)}")
        first = is_channels_first(c)
        if first:
            x = c.transpose(x, (0, *range(2, spatial + 2), 1))
        if spatial == 1:
            n, length, channels = x.shape
            x = c.reshape(x, (n, 1, length, channels))
        return cls(x, spatial, first)

    @property
    def size(self) -> Pair:
        """Height and width."""
        return self.value.shape[1], self.value.shape[2]

    @property
    def channels(self) -> int:
        """Channels."""
        return self.value.shape[3]

    def result(self, c: Context, y: Value) -> Value:
        """An image that was computed from this one, in the layer's own shape."""
        if self.spatial == 1:
            y = c.reshape(y, (y.shape[0], *y.shape[2:]))
        if self.first:
            y = c.transpose(y, (0, self.spatial + 1, *range(1, self.spatial + 1)))
        return y

    def pair(self, c: Context, name: str, default: int | None = None, *, least: int = 1) -> Pair:
        """An option with one entry for each dimension, as height and width; one where missing."""
        if self.spatial == 2:
            found = c.pair(name, default)
        else:
            value = c.option(name)
            entries = as_tuple(value)
            if entries is not None and len(entries) == 1:
                (value,) = entries
            if value is None:
                value = default
            if type(value) is not int:
                raise Unsupported(f"has {name}={c.option(name)}")
            found = (1, value)
        if min(found) < least:
            raise Unsupported(f"has {name}={c.option(name)}")
        return found


def is_channels_first(c: Context) -> bool:
    """Whether images have their channels in front.

    Raises:
        Unsupported: The format is unknown.
    """
    layout = c.text("data_format", "channels_last")
    if layout not in ("channels_last", "channels_first"):
        raise Unsupported(f"has data_format {layout}")
    return layout == "channels_first"


def padding(c: Context, size: Pair, kernel: Pair, stride: Pair, dilation: Pair = (1, 1)) -> Pads:
    """Return [top, left, bottom, right] of the layer's padding for an image of this size.

    ``same`` gives ceil(n / s) outputs, with the smaller half of the padding in front; ``causal``
    pads in front alone, so that no output sees what comes after it.
    """
    mode = c.text("padding", "valid").lower()
    if mode == "valid":
        return 0, 0, 0, 0
    if mode == "causal":
        return 0, (kernel[1] - 1) * dilation[1], 0, 0
    if mode != "same":
        raise Unsupported(f"has padding {mode}")
    totals = [
        same_padding(n, k, s, d) for n, k, s, d in zip(size, kernel, stride, dilation, strict=True)
    ]
    low = [total // 2 for total in totals]
    return low[0], low[1], totals[0] - low[0], totals[1] - low[1]


def convolve(
    c: Context, image: Image, ohwi: Value, bias: Value | None, *, groups: int, pad_value: float
) -> Value:
    """Emit the convolution under the layer's strides, dilations and padding."""
    stride, dilation = image.pair(c, "strides", 1), image.pair(c, "dilation_rate", 1)
    pad = padding(c, image.size, (ohwi.shape[1], ohwi.shape[2]), stride, dilation)
    return c.emit(
        nn.Conv2D(
            image.value,
            ohwi,
            bias,
            stride=stride,
            dilation=dilation,
            groups=groups,
            pad=pad,
            pad_value=pad_value,
        )
    )
