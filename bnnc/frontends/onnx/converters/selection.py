# SPDX-License-Identifier: Apache-2.0
"""Operations that find elements, or repeat them; places are i32, where ONNX has i64."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from bnnc.ir import Value, nn
from bnnc.ir.limits import require_affordable

from ...failures import Unsupported
from ..arrangement import Arranged
from ..context import Context
from ..convert import Result, converts


def plain_axes(c: Context, index: int = 0) -> Arranged:
    """An operand whose axes lie one by one, in whatever order."""
    x = c.tensor(index)
    return Arranged.plain(c.whole(x)) if x.is_features else x


def gathered(c: Context, x: Value, axis: int, places: np.ndarray, part: str) -> Value:
    """The elements of a stored axis at these places."""
    if np.array_equal(places, np.arange(x.shape[axis])):
        return x
    indices = c.constant(np.asarray(places, np.int32), f"places/{part}")
    return c.emit(nn.Gather(x, indices, axis=axis))


@converts("ArgMax", "ArgMin")
def arg_max(c: Context) -> Result:
    """The place of the largest or smallest element, of equals the first or the last."""
    x = plain_axes(c)
    axis = c.axis(c.integer("axis", 0), x.rank)
    value = c.emit(nn.Neg(x.value)) if c.node.op == "ArgMin" else x.value
    last = bool(c.integer("select_last_index", 0))
    y = x.like(c.emit(nn.ArgMax(value, axis=x.perm.index(axis), last=last)))
    if c.integer("keepdims", 1):
        return y
    return y.reshaped(tuple(d for a, d in enumerate(y.shape) if a != axis), c.emit)


@converts("TopK")
def top_k(c: Context) -> Sequence[Result]:
    """The k largest or smallest elements of an axis in order, and their places."""
    x = plain_axes(c)
    axis = c.axis(c.integer("axis", -1), x.rank)
    k = c.integers(1)[0] if c.has_input(1) else c.integer("k")
    perm = (*(a for a in range(x.rank) if a != axis), axis)
    rows = x.in_order(perm, c.emit)
    ranked = rows if c.integer("largest", 1) else c.emit(nn.Neg(rows))
    places = c.emit(nn.TopK(ranked, k=k))
    values = c.emit(nn.TakeAlong(rows, places))
    return [Arranged.stored(values, perm), Arranged.stored(places, perm)]


_COORDINATES: dict[str, Callable[[np.ndarray, float, int, int], np.ndarray]] = {
    "half_pixel": lambda i, s, n, m: (i + 0.5) / s - 0.5,
    "half_pixel_symmetric": lambda i, s, n, m: n / 2 * (1 - m / (s * n)) + (i + 0.5) / s - 0.5,
    "pytorch_half_pixel": lambda i, s, n, m: (i + 0.5) / s - 0.5 if m > 1 else i * 0.0,
    "asymmetric": lambda i, s, n, m: i / s,
    "align_corners": lambda i, s, n, m: i * (n - 1) / (m - 1) if m > 1 else i * 0.0,
    "tf_half_pixel_for_nn": lambda i, s, n, m: (i + 0.5) / s,
}
_NEAREST: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


@converts("Resize", "Upsample")
def resize(c: Context) -> Result:
    """To the nearest element; all axes by constant scales or to constant sizes."""
    x = plain_axes(c)
    if c.text("mode", "nearest") != "nearest":
        raise Unsupported(f"has mode {c.text('mode')}", "resize with mode nearest")
    old = c.node.op == "Upsample" or c.opset < 11
    mode = c.text("coordinate_transformation_mode", "asymmetric" if old else "half_pixel")
    rule = c.text("nearest_mode", "floor" if old else "round_prefer_floor")
    if mode not in _COORDINATES or rule not in _NEAREST:
        raise Unsupported(f"has coordinate_transformation_mode {mode} and nearest_mode {rule}")
    value = x.value
    for axis, (scale, size) in _scales(c, x, old=old).items():
        source = x.shape[axis]
        require_affordable((size,))
        at = _COORDINATES[mode](np.arange(size, dtype=np.float64), scale, source, size)
        places = np.clip(_NEAREST[rule](at), 0, source - 1).astype(np.int32)
        value = gathered(c, value, x.perm.index(axis), places, str(axis))
    return x.like(value)


def _scales(c: Context, x: Arranged, *, old: bool) -> dict[int, tuple[float, int]]:
    """Scale and new size of each axis that is resized."""
    axes = [c.axis(a, x.rank) for a in c.ints("axes", tuple(range(x.rank)))]
    if not old and c.has_input(3) and c.tensor(3).shape != (0,):
        sizes = c.integers(3)
        scales = [m / x.shape[a] for a, m in zip(axes, sizes, strict=True)]
        policy = c.text("keep_aspect_ratio_policy", "stretch")
        if policy != "stretch":
            one = min(scales) if policy == "not_larger" else max(scales)
            sizes = tuple(math.floor(one * x.shape[a] + 0.5) for a in axes)
            scales = [one] * len(axes)
    else:
        given = c.float_list("scales") if c.has("scales") else _numbers(c, 1 if old else 2)
        scales = list(given)
        sizes = tuple(math.floor(s * x.shape[a]) for a, s in zip(axes, scales, strict=True))
    if min(sizes, default=1) < 1 or min(scales, default=1) <= 0:
        raise Unsupported(f"resizes {list(x.shape)} to {list(sizes)}")
    return {a: (s, m) for a, s, m in zip(axes, scales, sizes, strict=True)}


def _numbers(c: Context, index: int) -> list[float]:
    return [float(v) for v in c.array(index).reshape(-1)]
