# SPDX-License-Identifier: Apache-2.0
"""exp, log, tanh, sigmoid, round, softmax: C against numpy bit for bit, both against float64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bnnc.ir.interpreter import elementary

from .library import Kernels
from .naive import F32

SPECIAL = np.array(
    [
        *(0.0, 1.0, 0.5, 1.5, 2.5, 0.625, 9.0109129, 9.010912, 88.72284, 88.722847, 103.97208),
        *(87.33654, 87.4, 4194304.5, 4194303.5, 8388607.5, 8388608.0, 0.70710677, 1e-40, 1e-45),
        *(np.inf, np.nan, np.finfo(F32).max, np.finfo(F32).tiny, 0.49999997, 1e-38, 3.4e38),
    ],
    F32,
)
TWINS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "exp": elementary.exp,
    "log": elementary.log,
    "tanh": elementary.tanh,
    "sigmoid": elementary.sigmoid,
    "round": elementary.round_half_even,
}


def values() -> np.ndarray:
    """Random bit patterns, values where the functions bend, and special ones: 3 million."""
    rng = np.random.default_rng(5)
    patterns = rng.integers(0, 2**32, 1_000_000, dtype=np.uint32).view(F32)
    near = (rng.standard_normal(1_000_000) * 3).astype(F32)
    wide = rng.uniform(-110, 110, 1_000_000).astype(F32)
    return np.concatenate([patterns, near, wide, SPECIAL, -SPECIAL])


def ulps(got: np.ndarray, want: np.ndarray) -> float:
    """Largest error in units in the last place of the exact float64 result."""
    with np.errstate(all="ignore"):
        unit = np.spacing(np.abs(want).astype(F32)).astype(np.float64)
        error = np.abs(got.astype(np.float64) - want) / unit
    finite = np.isfinite(want) & (np.abs(want) <= np.finfo(F32).max)
    return float(error[finite].max())


@pytest.mark.parametrize("name", TWINS)
def test_kernel_and_interpreter_agree_in_every_bit(kernels: Kernels, name: str) -> None:
    x = values()
    y = kernels.call(f"{name}_f32", "unary", {"count": x.size}, x, np.empty_like(x))
    np.testing.assert_array_equal(y.view(np.uint32), TWINS[name](x).view(np.uint32))


@pytest.mark.parametrize(
    ("name", "exact", "bound"),
    [("exp", np.exp, 2), ("log", np.log, 4), ("tanh", np.tanh, 4), ("sigmoid", None, 4)],
)
def test_accuracy(
    name: str, exact: Callable[[np.ndarray], np.ndarray] | None, bound: float
) -> None:
    x = values()
    x = x[~np.isnan(x)]
    wide = x.astype(np.float64)
    with np.errstate(all="ignore"):
        if exact is None:
            want = np.where(wide < 0, np.exp(wide) / (1 + np.exp(wide)), 1 / (1 + np.exp(-wide)))
        else:
            want = exact(wide)
    got = TWINS[name](x)
    assert got.dtype == F32
    assert ulps(got, want) <= bound


def test_limits() -> None:
    x = np.array([np.inf, -np.inf, 89, -104, 0.0], F32)
    assert elementary.exp(x).tolist() == [np.inf, 0, np.inf, 0, 1]
    assert elementary.tanh(x).tolist() == [1, -1, 1, -1, 0]
    assert elementary.sigmoid(x).tolist() == [1, 0, 1, 0, 0.5]
    low = elementary.log(np.array([0.0, -0.0, -1.0, np.inf, 1.0], F32))
    assert low[[0, 1, 3, 4]].tolist() == [-np.inf, -np.inf, np.inf, 0]
    assert np.isnan(low[2])
    for function in TWINS.values():
        assert np.isnan(function(np.array([np.nan], F32)))[0]


def test_round_is_rint() -> None:
    x = values()
    x = x[~np.isnan(x)]
    got = elementary.round_half_even(x)
    np.testing.assert_array_equal(got.view(np.uint32), np.rint(x).view(np.uint32))


def test_exp_rounds_denormals_once() -> None:
    x = np.linspace(-103.9, -87.4, 100_001).astype(F32)
    want = np.exp(x.astype(np.float64))
    error = np.abs(elementary.exp(x).astype(np.float64) - want) / 2.0**-149
    assert error.max() < 1.5


@pytest.mark.parametrize("c", [1, 2, 10, 1000])
def test_softmax(kernels: Kernels, c: int) -> None:
    x = (np.random.default_rng(c).standard_normal((7, c)) * 9).astype(F32)
    y = kernels.call("softmax_f32", "rows", {"rows": 7, "c": c}, x, np.empty_like(x))
    np.testing.assert_array_equal(y.view(np.uint32), elementary.softmax(x).view(np.uint32))
    e = np.exp(x.astype(np.float64) - x.max(axis=1, keepdims=True))
    np.testing.assert_allclose(y, e / e.sum(axis=1, keepdims=True), rtol=1e-5, atol=1e-7)
    moved = elementary.softmax(np.ascontiguousarray(x.T), axis=0)
    np.testing.assert_array_equal(moved.T.copy().view(np.uint32), y.view(np.uint32))
