# SPDX-License-Identifier: Apache-2.0
"""Which elements lie at a boundary, so that rounding decides about them."""

from __future__ import annotations

import numpy as np
import pytest

from bnnc.ir import F32, Op, TensorType, Value, nn, q
from bnnc.ties import ties_of

X = Value(TensorType((4,), F32))


def _sign(x: Value) -> Op:
    return nn.Sign(x, zero="keep", nan="propagate")


@pytest.mark.parametrize(
    ("op", "x", "ties"),
    [
        (_sign(X), [100, 0.0009, -0.0009, 0.0011], [False, True, True, False]),
        (q.Quantize(X, scale=2.0, zero=1, halves="even"), [99, 96.9, 1.0005, 5], [1, 0, 1, 1]),
        (nn.ArgMax(X, axis=0), [5, 9, -9, 8.99992], [True]),
        (nn.ArgMax(X, axis=-1, last=True), [5, 9, -9, 8.999], [False]),
        (nn.TopK(X, k=2), [5, 9, 4.99999, 8], [False, False]),
        (nn.TopK(X, k=3), [5, 9, 4.99999, 8], [False, False, True]),
        (nn.TopK(X, k=3), [5, 9, 3, 8.99999], [True, True, False]),
        (nn.Round(X), [100.2, 0.5005, 1.4995, 0.52], [False, True, True, False]),
    ],
)
def test_what_lies_at_a_boundary(op: Op, x: list[float], ties: list[bool]) -> None:
    found = ties_of(op, {X: np.array(x, np.float32)}, 1e-5)
    assert found is not None
    assert found.tolist() == ties


def test_clips_and_relus_bring_nothing_to_a_boundary() -> None:
    relu = nn.Relu(X)
    clip = nn.Clip(relu.result, lo=-1.0, hi=1.0)
    values = {X: np.array([-3, 100, 0.0002, 1], np.float32)}
    found = ties_of(_sign(clip.result), values, 1e-5)
    assert found is not None
    assert found.tolist() == [False, False, True, False]


def test_other_operations_have_no_boundary() -> None:
    assert ties_of(nn.Relu(X), {X: np.zeros(4, np.float32)}, 1e-5) is None
