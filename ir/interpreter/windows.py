# SPDX-License-Identifier: Apache-2.0
"""Sliding windows over NHWC images, as views."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..shapes import window_outputs


@dataclass(frozen=True)
class Window:
    """Geometry of a sliding window; pad = [top, left, bottom, right]."""

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    pad: tuple[int, int, int, int] = (0, 0, 0, 0)

    def over(self, x: np.ndarray, fill: float) -> np.ndarray:
        """View [n, oh, ow, kh, kw, c] of x [n, h, w, c]; elements outside of x read `fill`."""
        n, h, w, c = x.shape
        oh, ow = window_outputs((h, w), self.kernel, self.stride, self.dilation, self.pad)
        top, left, bottom, end = self.pad
        if any(self.pad):
            image = x
            x = np.full((n, h + top + bottom, w + left + end, c), fill, image.dtype)
            x[:, top : top + h, left : left + w] = image
        sn, sh, sw, sc = x.strides
        down, right = sh * self.dilation[0], sw * self.dilation[1]
        strides = (sn, sh * self.stride[0], sw * self.stride[1], down, right, sc)
        return np.lib.stride_tricks.as_strided(
            x, (n, oh, ow, *self.kernel, c), strides, False, False
        )

    def inside(self, size: tuple[int, int]) -> np.ndarray:
        """Whether each element of each window lies in the image: bool [oh, ow, kh, kw, 1]."""
        image = np.ones((1, *size, 1), np.bool_)
        return np.asarray(self.over(image, fill=False)[0])


def blocks(view: np.ndarray, pixels: int) -> Iterator[tuple[slice, slice]]:
    """Cut [n, oh, ow, ...] into (samples, rows) of about `pixels` output pixels, in order."""
    n, oh, ow = view.shape[:3]
    if oh * ow <= pixels:
        step = max(1, pixels // max(1, oh * ow))
        yield from ((slice(i, i + step), slice(0, oh)) for i in range(0, n, step))
    else:
        step = max(1, pixels // ow)
        for i in range(n):
            yield from ((slice(i, i + 1), slice(r, r + step)) for r in range(0, oh, step))
