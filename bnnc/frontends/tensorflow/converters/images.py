# SPDX-License-Identifier: Apache-2.0
"""What convolutions and pools share: data formats, per-axis attributes, padding."""

from __future__ import annotations

from bnnc.ir import Value, nn

from ...failures import Unsupported
from ...shapes import same_padding
from ..context import Context

_TO_NHWC = (0, 2, 3, 1)
_TO_NCHW = (0, 3, 1, 2)


def is_nchw(c: Context) -> bool:
    """Whether the node's images are NCHW.

    Raises:
        Unsupported: The format is neither NHWC nor NCHW.
    """
    data_format = c.text("data_format", "NHWC")
    if data_format not in ("NHWC", "NCHW"):
        raise Unsupported(f"has data_format {data_format}")
    return data_format == "NCHW"


def to_nhwc(c: Context, x: Value) -> Value:
    """Return the image as NHWC, transposed when the node works on NCHW."""
    return c.emit(nn.Transpose(x, perm=_TO_NHWC)) if is_nchw(c) else x


def from_nhwc(c: Context, y: Value) -> Value:
    """Return an NHWC result in the node's own format."""
    return c.emit(nn.Transpose(y, perm=_TO_NCHW)) if is_nchw(c) else y


def per_image_axis(
    c: Context, name: str, default: tuple[int, ...] | None = None
) -> tuple[int, int]:
    """Return the height and width entries of a list attribute with one entry per axis.

    Raises:
        Unsupported: The list has not four entries, or touches batch or channels.
    """
    values = c.ints(name, default)
    h, w, rest = (2, 3, (0, 1)) if is_nchw(c) else (1, 2, (0, 3))
    if len(values) != 4 or any(values[i] != 1 for i in rest):
        raise Unsupported(f"has {name} {list(values)}, which moves over batch or channels")
    return values[h], values[w]


def padding(
    c: Context,
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> tuple[int, int, int, int]:
    """Return [top, left, bottom, right] of the node's padding for an image of this size.

    SAME gives ceil(n / s) outputs; of the total max((o - 1) s + (k - 1) d + 1 - n, 0) the smaller
    half goes in front.
    """
    mode = c.text("padding")
    if mode == "VALID":
        return 0, 0, 0, 0
    if mode == "EXPLICIT":
        pads = c.ints("explicit_paddings")
        first = 4 if is_nchw(c) else 2
        if len(pads) != 8 or any(pads[i] for i in range(8) if not first <= i < first + 4):
            raise Unsupported(f"has explicit_paddings {list(pads)} over batch or channels")
        top, bottom, left, right = pads[first : first + 4]
        return top, left, bottom, right
    if mode != "SAME":
        raise Unsupported(f"has padding {mode}")
    low: list[int] = []
    high: list[int] = []
    for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
        total = same_padding(n, k, s, d)
        low.append(total // 2)
        high.append(total - total // 2)
    return low[0], low[1], high[0], high[1]
