# SPDX-License-Identifier: Apache-2.0
"""Ranges and 8-bit levels against numpy on the numbers themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnc.ir.diagnostics import UsageError
from bnnc.passes.calibration import (
    CALIBRATORS,
    Histogram,
    Statistics,
    find_calibrator,
    levels_of,
    observe,
)
from bnnc.passes.calibration.calibrators import mse, percentile

from .rewriting import module

FLOATS = st.floats(-(2.0**100), 2.0**100, width=32)


def statistics(*batches: np.ndarray) -> Statistics:
    found = Statistics()
    for batch in batches:
        found.add(batch)
    return found


@given(FLOATS, FLOATS)
def test_levels_cover_the_range_and_hold_zero(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    levels = levels_of(low, high)
    assert np.float32(levels.scale) == levels.scale > 0
    assert -128 <= levels.zero <= 127
    assert levels.dequantize(levels.quantize(np.zeros(1))) == 0
    ends = np.array([low, high])
    off = np.abs(levels.dequantize(levels.quantize(ends)) - ends)
    assert (off <= levels.scale * 1.001).all()


@pytest.mark.parametrize(
    ("low", "high", "scale", "zero"),
    [
        (-1.0, 1.0, 2 / 255, -1),
        (0.0, 255.0, 1.0, -128),
        (-255.0, 0.0, 1.0, 127),
        (3.0, 51.0, 0.2, -128),
    ],
)
def test_levels_by_hand(low: float, high: float, scale: float, zero: int) -> None:
    levels = levels_of(low, high)
    assert levels.scale == np.float32(scale)
    assert levels.zero == zero


def test_nothing_but_zero_is_exact() -> None:
    levels = levels_of(0.0, 0.0)
    assert levels.scale == 1.0
    assert levels.dequantize(levels.quantize(np.zeros(3))).tolist() == [0, 0, 0]


def test_ranges_below_the_normal_numbers() -> None:
    assert levels_of(0.0, 1e-44).scale == np.finfo(np.float32).tiny


@pytest.mark.parametrize("bounds", [(0.0, np.inf), (np.nan, 1.0), (2.0, 1.0)])
def test_no_range(bounds: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="no range"):
        levels_of(*bounds)


@given(st.lists(st.lists(FLOATS, max_size=20), max_size=5))
def test_a_histogram_loses_nothing(batches: list[list[float]]) -> None:
    histogram = Histogram()
    for batch in batches:
        histogram.add(np.array(batch, np.float32))
    numbers = np.array([x for batch in batches for x in batch])
    assert histogram.total == numbers.size
    assert histogram.zeros == np.count_nonzero(numbers == 0)
    assert histogram.counts[: histogram.counts.size // 2].sum() == np.count_nonzero(numbers < 0)
    if numbers.any():
        assert np.abs(numbers).max() <= histogram.limit


def test_a_histogram_does_not_depend_on_the_order() -> None:
    rng = np.random.default_rng(5)
    batches = [rng.normal(0, 2.0**e, 500).astype(np.float32) for e in range(-3, 6)]
    up, down = Histogram(), Histogram()
    for batch in batches:
        up.add(batch)
    for batch in reversed(batches):
        down.add(batch)
    assert up.limit == down.limit
    assert np.abs(np.cumsum(up.counts) - np.cumsum(down.counts)).max() <= 1


@pytest.mark.parametrize("one_sided", [False, True])
def test_percentile(one_sided: bool) -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(0, 1, 200_000).astype(np.float32)
    x = np.maximum(x, 0) if one_sided else x
    x[7] = 1000.0
    low, high = percentile(statistics(x))
    width = 2 * 1024 / 4096
    assert abs(high - np.percentile(x, 99.995)) <= width
    assert abs(low - np.percentile(x, 0.005)) <= width
    if one_sided:
        assert low == 0.0


def test_mse_is_as_good_as_the_best_of_a_search_over_the_numbers() -> None:
    rng = np.random.default_rng(7)
    x = rng.standard_t(4, 50_000).astype(np.float32)

    def error(low: float, high: float) -> float:
        levels = levels_of(low, high)
        return float(((levels.dequantize(levels.quantize(x)) - x) ** 2).mean())

    chosen = error(*mse(statistics(x)))
    best = min(error(float(x.min()) * s, float(x.max()) * s) for s in np.linspace(0.1, 1, 91))
    assert chosen <= 1.02 * best
    assert chosen < 0.9 * error(float(x.min()), float(x.max()))


@pytest.mark.parametrize("name", CALIBRATORS)
@pytest.mark.parametrize("value", [0.0, 3.5, -2.0])
def test_constants(name: str, value: float) -> None:
    found = statistics(np.full((2, 3), value, np.float32), np.full((2, 3), value, np.float32))
    low, high = find_calibrator(name)(found)
    levels = levels_of(low, high)
    assert levels.dequantize(levels.quantize(np.array([value]))) == pytest.approx(value, rel=1e-6)


def test_average_moves_slowly() -> None:
    found = statistics(np.array([-1, 1], np.float32), np.array([-101, 201], np.float32))
    assert find_calibrator("average")(found) == pytest.approx((-2.0, 3.0))


def test_unknown_calibrators() -> None:
    with pytest.raises(UsageError, match="did you mean 'percentile'"):
        find_calibrator("percentil")


BODY = "%a = nn.relu(%x) : tensor<2x6xf32>\n%y = nn.neg(%a) : tensor<2x6xf32>"
ROW = "tensor<2x6xf32> -> tensor<2x6xf32>"


def test_observation() -> None:
    net = module("imported", ROW, BODY)
    rng = np.random.default_rng(8)
    data = [{"x": rng.normal(size=(2, 6)).astype(np.float32)} for _ in range(3)]
    done: list[int] = []
    found = observe(net, data, progress=done.append)
    assert done == [1, 2, 3]
    x, a, y = found.values()
    numbers = np.stack([d["x"] for d in data])
    assert (x.low, x.high) == (numbers.min(), numbers.max())
    assert (a.low, a.high) == (0.0, max(0.0, numbers.max()))
    assert (y.low, y.high) == (-a.high, 0.0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "no calibration data"),
        (
            [{"x": np.full((2, 6), np.nan, np.float32)}],
            "batch 0: input 'x' has a value that is not",
        ),
        ([{"x": np.zeros((2, 5), np.float32)}], "does not have the declared shape"),
        ([{"z": np.zeros((2, 6), np.float32)}], "no input 'z'"),
    ],
)
def test_bad_calibration_data(data: list[dict[str, np.ndarray]], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        observe(module("imported", ROW, BODY), data)
