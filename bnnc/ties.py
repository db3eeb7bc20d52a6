# SPDX-License-Identifier: Apache-2.0
"""Where rounding decides: elements whose argument lies at a boundary."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bnnc.ir import Op, Resource, Value, nn, q
from bnnc.ir import bin as bits


def ties_of(op: Op, values: Mapping[Value, np.ndarray], margin: float) -> np.ndarray | None:
    """Elements of an operation's result that lie at a boundary, None for an operation without one.

    Clips and relus before a sign do not bring a value nearer to zero, so the distance is measured
    before them. The place of a large element is at a boundary where another one is nearly as large.

    Args:
        op: any operation.
        values: arrays of the values computed so far.
        margin: fraction of the largest magnitude that counts as at the boundary.
    """
    match op:
        case nn.Sign() | bits.Pack():
            x = _array(_before_clips(op.x), values)
            distance = x
        case nn.Round():
            x = _array(op.x, values)
            distance = x - (np.floor(x) + np.float32(0.5))
        case bits.Threshold():
            x = _array(op.x, values)
            distance = x - _array(op.thr, values)
        case q.Quantize():
            x = _array(op.x, values)
            levels = x / np.float32(op.scale)
            distance = (levels - (np.floor(levels) + np.float32(0.5))) * np.float32(op.scale)
        case nn.ArgMax():
            x = _array(op.x, values)
            distance = _to_next(np.moveaxis(x, op.axis, -1), 1)
            distance = np.moveaxis(distance, -1, op.axis)
        case nn.TopK():
            x = _array(op.x, values)
            distance = _to_next(x, op.k)
        case nn.Compare():
            x, other = (_array(_before_clips(v), values) for v in (op.a, op.b))
            distance = x - other
        case _:
            return None
    return np.asarray(np.abs(distance) <= margin * largest_magnitude(x))


def _to_next(x: np.ndarray, count: int) -> np.ndarray:
    """For each of the largest elements of each row the distance to the nearest in size."""
    ordered = np.sort(x, axis=-1)[..., ::-1]
    gaps = np.abs(np.diff(ordered, axis=-1))
    edge = np.full((*x.shape[:-1], 1), np.inf, x.dtype)
    above, below = np.concatenate([edge, gaps], -1), np.concatenate([gaps, edge], -1)
    return np.asarray(np.minimum(above, below)[..., :count])


def largest_magnitude(array: np.ndarray) -> float:
    """Of the finite elements; 0 where there are none."""
    finite = np.abs(array[np.isfinite(array)].astype(np.float64))
    return float(finite.max(initial=0.0))


def _array(value: Value, values: Mapping[Value, np.ndarray]) -> np.ndarray:
    return value.array if isinstance(value, Resource) else values[value]


def _before_clips(value: Value) -> Value:
    while True:
        owner = value.owner
        if isinstance(owner, nn.Clip | nn.Relu):
            value = owner.x
        elif isinstance(owner, nn.Minimum | nn.Maximum) and isinstance(owner.b, Resource):
            value = owner.a
        elif isinstance(owner, nn.Minimum | nn.Maximum) and isinstance(owner.a, Resource):
            value = owner.b
        else:
            return value
