# SPDX-License-Identifier: Apache-2.0
"""The proof that a layer of bytes stays inside of 32 bits."""

from __future__ import annotations

import numpy as np

from ..diagnostics import IRError
from ..value import Resource, Value
from .dynamic import DynamicLayer
from .layer import Layer
from .rounding import LARGEST


def largest_accumulator(op: Layer | DynamicLayer) -> np.ndarray:
    """Bound of the magnitude of the accumulator of each output channel, partial sums included.

    |bias[o]| + sum |w[o]| * max |x - x_zero|; weights whose data is not at hand count as large as
    their type allows. A zero point that is measured at run time may be any byte.

    Returns:
        int64 [oc].
    """
    low, high = op.x.type.scalar.range() or (0, 0)
    reach = high - low
    bias: np.ndarray | None = None
    if isinstance(op, Layer):
        reach = max(op.x_zero - low, high - op.x_zero)
        bias = None if op.bias is None else _data(op.bias)
    weights = _data(op.w)
    if weights is None:
        low, _ = op.w.type.scalar.range() or (0, 0)
        sums = np.full(op.w.shape[0], op.taps * -low, np.int64)
    else:
        sums = np.abs(weights.astype(np.int64)).reshape(len(weights), -1).sum(axis=1)
    return sums * reach + (0 if bias is None else np.abs(bias.astype(np.int64)))


def require_accumulators(op: Layer | DynamicLayer) -> None:
    """Refuse a layer whose accumulator may leave 32 bits.

    Raises:
        IRError: it may.
    """
    found = largest_accumulator(op)
    if isinstance(op, Layer):
        found = _shifted(op, found)
    if found.size and int(found.max()) > LARGEST:
        worst = int(found.argmax())
        raise IRError(
            f"{op.NAME}: the accumulator of output channel {worst} may reach {int(found[worst])}, "
            "beyond 32 bits",
            hint="smaller weights or biases, or fewer inputs, would fit",
        )


def _shifted(op: Layer, found: np.ndarray) -> np.ndarray:
    """Accumulators as the first rounding of ``double`` has them."""
    multiplier, shift = (None if v is None else _data(v) for v in (op.multiplier, op.shift))
    if multiplier is not None and op.rounding != "float" and multiplier.min(initial=0) < 0:
        raise IRError(f"{op.NAME}: a negative multiplier")
    if shift is not None:
        if shift.size and not (shift.min() >= -31 and shift.max() <= 30):
            raise IRError(f"{op.NAME}: shifts are -31 to 30")
        if op.rounding == "double":
            found = found << np.maximum(shift, 0).astype(np.int64)
    return found


def _data(value: Value) -> np.ndarray | None:
    return value.array if isinstance(value, Resource) and value.at_hand else None
