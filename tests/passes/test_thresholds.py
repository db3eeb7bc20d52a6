# SPDX-License-Identifier: Apache-2.0
"""Thresholds against a brute-force evaluation of the same float32 expression, written out here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pytest

from bnnc.ir.operation import Steps
from bnnc.passes.thresholds import NotFoldable, Thresholds, fold_float, fold_integer

F = np.float32
Params: TypeAlias = dict[str, np.ndarray]
SIGN = ("sign", "plus", "plus")


def random_channels(rng: np.random.Generator, n: int, taps: int) -> Params:
    """Parameters with every special case: ties, negative and zero gamma, zero alpha, saturation."""
    scale = np.sqrt(taps)
    p = {
        "alpha": rng.uniform(0.01, 1.0, n),
        "bias": rng.normal(0, 0.5, n),
        "gamma": rng.normal(0, 1, n),
        "beta": rng.normal(0, 1, n),
        "mean": rng.normal(0, scale, n),
        "var": rng.uniform(0.01, taps + 1.0, n),
    }
    kind = rng.integers(0, 8, n)
    tie = kind == 0
    p["alpha"][tie], p["bias"][tie], p["beta"][tie] = 1.0, 0.0, 0.0
    p["gamma"][tie] = rng.choice([-1.0, 1.0], int(tie.sum()))
    p["mean"][tie] = rng.integers(-taps, taps + 1, int(tie.sum()))
    scaled_tie = kind == 1
    p["bias"][scaled_tie], p["beta"][scaled_tie] = 0.0, 0.0
    steps = rng.integers(-taps, taps + 1, int(scaled_tie.sum())).astype(F)
    p["mean"][scaled_tie] = p["alpha"][scaled_tie].astype(F) * steps
    p["gamma"][kind == 2] = 0.0
    p["alpha"][kind == 3] = 0.0
    p["mean"][kind == 4] = rng.choice([-1.0, 1.0], int((kind == 4).sum())) * 10.0 * taps
    p["alpha"][kind == 5] *= -1.0
    edge = kind == 6
    p["alpha"][edge], p["bias"][edge], p["beta"][edge] = 1.0, 0.0, 0.0
    p["mean"][edge] = rng.choice([-taps, taps, -taps - 0.5, taps + 0.5], int(edge.sum()))
    return {k: v.astype(F) for k, v in p.items()}


def normalized(y: np.ndarray, p: Params, epsilon: float = 1e-3) -> np.ndarray:
    """Batch norm in its prescribed order, spelled out."""
    scale = p["gamma"] * (F(1) / np.sqrt(p["var"] + F(epsilon)))
    return y * scale + (p["beta"] - p["mean"] * scale)


def plain(s: np.ndarray, p: Params) -> np.ndarray:
    return normalized(s.astype(F) * p["alpha"] + p["bias"], p)


def relu_inside(s: np.ndarray, p: Params) -> np.ndarray:
    y = s.astype(F) * p["alpha"] + p["bias"]
    return normalized(np.where(y < 0, F(0), y), p)


BATCH_NORM: Steps = (("batch_norm", 1e-3),)
FAMILIES: dict[str, tuple[Steps, Callable[[np.ndarray, Params], np.ndarray]]] = {
    "plain": ((("mul",), ("add",), *BATCH_NORM, SIGN), plain),
    "relu": ((("mul",), ("add",), ("relu",), *BATCH_NORM, SIGN), relu_inside),
}
ORDER = ("alpha", "bias", "gamma", "beta", "mean", "var")


def folded(steps: Steps, p: Params, taps: int) -> Thresholds:
    found = fold_integer(steps, [p[k] for k in ORDER], taps, p["alpha"].size)
    assert isinstance(found, Thresholds)
    return found


def predicted(found: Thresholds, s: np.ndarray) -> np.ndarray:
    return np.where(found.negate, -s, s) >= found.t


def differences(found: Thresholds, p: Params, s: np.ndarray, family: str) -> int:
    want = ~(FAMILIES[family][1](s, p) < 0)
    return int((predicted(found, s) != want).sum())


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("taps", [1, 2, 9, 27, 72, 144, 288, 511, 512])
def test_every_accumulator_of_a_million_channels(family: str, taps: int) -> None:
    """2 families x 9 sizes x 56,000 channels: over a million, every S in [-K, K]."""
    rng = np.random.default_rng(taps)
    wrong = 0
    for _ in range(7):
        p = random_channels(rng, 8000, taps)
        found = folded(FAMILIES[family][0], p, taps)
        assert found.certificate == "exhaustive"
        assert found.t.min() >= -taps
        assert found.t.max() <= taps + 1
        for start in range(-taps, taps + 1, 128):
            s = np.arange(start, min(start + 128, taps + 1))[:, None]
            wrong += differences(found, p, s, family)
    assert wrong == 0


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("taps", [4608, 9216, 25088, 65535])
def test_large_layers_around_the_switch(family: str, taps: int) -> None:
    rng = np.random.default_rng(taps)
    p = random_channels(rng, 1000, taps)
    found = folded(FAMILIES[family][0], p, taps)
    sign = np.where(found.negate, -1, 1)
    near = [np.clip(found.t + d, -taps, taps) * sign for d in range(-3, 4)]
    ends = [np.full(1000, -taps), np.full(1000, taps)]
    inside = list(rng.integers(-taps, taps + 1, (64, 1000)))
    assert differences(found, p, np.stack([*near, *ends, *inside]), family) == 0


@pytest.mark.parametrize("taps", [9, 72, 511])
@pytest.mark.parametrize("place", ["before", "between", "after"])
def test_max_pool_at_every_place(taps: int, place: str) -> None:
    """sign(g(max f(S))) for windows of four accumulators, all signs of alpha and gamma."""
    rng = np.random.default_rng(taps)
    n = 4000
    p = random_channels(rng, n, taps)
    pool = ("max_pool",)
    affine: Steps = (("mul",), ("add",))
    steps: dict[str, Steps] = {
        "before": (pool, *affine, *BATCH_NORM, SIGN),
        "between": (*affine, pool, *BATCH_NORM, SIGN),
        "after": (*affine, *BATCH_NORM, pool, SIGN),
    }
    found = folded(steps[place], p, taps)
    s = rng.integers(-taps, taps + 1, (500, 4, n))
    near = np.clip(found.t + rng.integers(-2, 3, s.shape), -taps, taps)
    s = np.where(rng.random(s.shape) < 0.7, near * np.where(found.negate, -1, 1), s)
    if place == "before":
        y = plain(s.max(axis=1), p)
    elif place == "between":
        y = normalized((s.astype(F) * p["alpha"] + p["bias"]).max(axis=1), p)
    else:
        y = plain(s, p).max(axis=1)
    got = predicted(found, s).any(axis=1) ^ found.flip
    assert int((got != ~(y < 0)).sum()) == 0


@pytest.mark.parametrize("zero", ["plus", "minus", "keep"])
def test_exact_zeros_follow_the_sign(zero: str) -> None:
    mean = np.array([3.0, 4.0, -8.0, 0.5], F)
    found = fold_integer((("add",), ("sign", zero, "plus")), [-mean], 8, 4)
    assert isinstance(found, Thresholds)
    above = [4, 5, -7, 1] if zero == "minus" else [3, 4, -8, 1]
    assert found.t.tolist() == above
    assert found.zero.tolist() == [True, True, True, False]


def test_parity_decides_whether_a_zero_is_reachable() -> None:
    steps: Steps = (("add",), ("sign", "keep", "plus"))
    found = fold_integer(steps, [np.array([-3.0, -4.0], F)], 8, 2, parity=True)
    assert isinstance(found, Thresholds)
    assert found.zero.tolist() == [False, True]


def test_constant_channels_saturate() -> None:
    found = fold_integer((("mul",), ("add",), SIGN), [np.zeros(2, F), np.array([1, -1], F)], 10, 2)
    assert isinstance(found, Thresholds)
    assert found.t.tolist() == [-10, 11]
    assert not found.negate.any()


def test_a_negative_slope_is_enumerated_and_refused() -> None:
    steps: Steps = (("prelu",), ("add",), SIGN)
    found = fold_integer(steps, [np.array([-0.5], F), np.array([-2.0], F)], 12, 1)
    assert isinstance(found, NotFoldable)
    assert "channel 0" in found.reason


def test_a_negative_slope_that_switches_once_is_taken() -> None:
    steps: Steps = (("prelu",), ("add",), SIGN)
    found = fold_integer(steps, [np.array([-0.25], F), np.array([-9.0], F)], 12, 1)
    assert isinstance(found, Thresholds)
    s = np.arange(-12, 13)[:, None]
    y = np.where(s < 0, s.astype(F) * F(-0.25), s.astype(F)) + F(-9)
    assert (predicted(found, s) == ~(y < 0)).all()


def test_nan_parameters_are_refused() -> None:
    found = fold_integer((("mul",), SIGN), [np.array([np.nan], F)], 5, 1)
    assert isinstance(found, NotFoldable)


def test_float_thresholds_are_the_least_float_that_is_positive() -> None:
    rng = np.random.default_rng(5)
    p = random_channels(rng, 20000, 64)
    found = fold_float(FAMILIES["plain"][0], [p[k] for k in ORDER], 20000)
    assert isinstance(found, Thresholds)
    sign = np.where(found.negate, F(-1), F(1))
    finite = np.isfinite(found.t)
    t = np.where(finite, found.t, F(0))
    for acc in (t, np.nextafter(t, F(-np.inf)), np.nextafter(t, F(np.inf))):
        y = normalized((acc * sign) * p["alpha"] + p["bias"], p)
        assert (((acc >= found.t) == ~(y < 0)) | np.isnan(y)).all()
    assert finite.mean() > 0.5


def test_a_cut_by_thresholds_of_its_own() -> None:
    """Unevenly spaced levels, some met exactly, negative and zero factors: all sums by hand."""
    rng = np.random.default_rng(11)
    reach, channels, count = 60, 400, 5
    alpha = rng.choice([-1.0, -0.3, 0.0, 0.25, 1.0], channels).astype(F)
    bias = rng.integers(-4, 5, channels).astype(F)
    limits = np.sort(rng.integers(-80, 80, (channels, count)) / F(2), axis=1).astype(F)
    steps: Steps = (("mul",), ("add",), ("thresholds", count))
    found = fold_integer(steps, [alpha, bias, limits], reach, channels)
    assert isinstance(found, Thresholds)
    assert found.certificate == "exhaustive"
    s = np.arange(-reach, reach + 1)[:, None]
    wanted = ((s.astype(F) * alpha + bias)[..., None] >= limits).sum(axis=-1)
    seen = np.where(found.negate, -s, s)
    np.testing.assert_array_equal((seen[..., None] >= found.t).sum(axis=-1), wanted)
