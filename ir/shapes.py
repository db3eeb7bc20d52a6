# SPDX-License-Identifier: Apache-2.0
"""Shape arithmetic shared by operations of both dialects."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .diagnostics import IRError
from .types import Scalar, TensorType, level_scalar


def window_outputs(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    pad: tuple[int, int, int, int],
) -> tuple[int, int]:
    """Output height and width of a sliding window; pad = [top, left, bottom, right]."""
    if min(*kernel, *stride, *dilation) < 1:
        raise IRError("kernel, stride and dilation must be at least 1")
    if min(pad) < 0:
        raise IRError(f"negative pad {list(pad)}", hint="crop the input with nn.slice instead")
    out: list[int] = []
    for axis in range(2):
        span = (kernel[axis] - 1) * dilation[axis] + 1
        room = size[axis] + pad[axis] + pad[axis + 2] - span
        if room < 0:
            raise IRError(f"a window of {span} does not fit into {size[axis]} with pad {list(pad)}")
        out.append(room // stride[axis] + 1)
    return out[0], out[1]


def conv2d_shape(
    x: TensorType,
    w: TensorType,
    *,
    stride: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    pad: tuple[int, int, int, int],
) -> tuple[int, int, int, int]:
    """Output shape [n, oh, ow, oc] of x [n, h, w, c] with weights [oc, kh, kw, c / groups]."""
    if x.rank != 4 or w.rank != 4:
        raise IRError(f"a convolution needs two tensors of rank 4, not {x} and {w}")
    n, h, width, c = x.shape
    oc, kh, kw, group_c = w.shape
    if groups < 1 or c % groups or oc % groups:
        raise IRError(f"{groups} groups do not divide {c} input and {oc} output channels")
    if group_c != c // groups:
        raise IRError(
            f"weights {w} take {group_c} input channels per group, the input has {c // groups}"
        )
    oh, ow = window_outputs((h, width), (kh, kw), stride, dilation, pad)
    return n, oh, ow, oc


def dense_shape(x: TensorType, w: TensorType) -> tuple[int, int]:
    """Output shape [n, o] of x [n, i] with weights [o, i]."""
    if x.rank != 2 or w.rank != 2:
        raise IRError(f"a dense layer needs two tensors of rank 2, not {x} and {w}")
    if x.shape[1] != w.shape[1]:
        raise IRError(f"the input has {x.shape[1]} features, the weights {w} take {w.shape[1]}")
    return x.shape[0], w.shape[0]


def pool_shape(
    x: TensorType,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pad: tuple[int, int, int, int],
) -> tuple[int, int, int, int]:
    """Output shape of pooling x [n, h, w, c]; every window must meet the image."""
    if x.rank != 4:
        raise IRError(f"pooling needs a tensor of rank 4, not {x}")
    if any(p >= k for p, k in zip(pad, (*kernel, *kernel), strict=True)):
        raise IRError(f"pad {list(pad)} leaves windows of {list(kernel)} without any element")
    n, h, w, c = x.shape
    oh, ow = window_outputs((h, w), kernel, stride, (1, 1), pad)
    return n, oh, ow, c


def broadcast_shape(a: TensorType, b: TensorType) -> tuple[int, ...]:
    """Numpy broadcasting of two shapes."""
    try:
        return tuple(np.broadcast_shapes(a.shape, b.shape))
    except ValueError:
        raise IRError(f"{a} and {b} do not broadcast") from None


def require_channels(name: str, value: TensorType, channels: int) -> None:
    """A per-channel parameter has exactly one axis with one element per channel."""
    if value.shape != (channels,):
        raise IRError(f"{name} is {value}, expected one value for each of {channels} channels")


def require_levels(thr: TensorType, channels: int) -> Scalar:
    """The scalar of the levels that thresholds [channels, levels] tell apart."""
    if thr.rank != 2 or thr.shape[0] != channels:
        raise IRError(f"thr is {thr}, expected one row for each of {channels} channels")
    return level_scalar(thr.shape[1])


def same_size(x: TensorType, shape: Sequence[int]) -> tuple[int, ...]:
    """The target of a reshape; it must keep the number of elements."""
    if math.prod(shape) != x.size:
        raise IRError(f"cannot reshape {x} to {list(shape)}: {x.size} != {math.prod(shape)}")
    return tuple(shape)


def normal_axis(axis: int, rank: int) -> int:
    """An axis counted from the front; out of range is an error."""
    if not -rank <= axis < rank:
        raise IRError(f"axis {axis} is out of range for rank {rank}")
    return axis % rank


def reduced_shape(x: TensorType, axes: Sequence[int], keep_dims: bool) -> tuple[int, ...]:
    """The shape without the reduced axes, or with ones in their place."""
    reduced = {normal_axis(a, x.rank) for a in axes}
    return tuple(
        1 if i in reduced else d for i, d in enumerate(x.shape) if keep_dims or i not in reduced
    )
