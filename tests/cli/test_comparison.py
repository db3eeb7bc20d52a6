# SPDX-License-Identifier: Apache-2.0
"""The rules by which two tensors agree."""

from __future__ import annotations

import numpy as np
import pytest

from bnnc.comparison import (
    Tolerances,
    compare_bits,
    compare_floats,
    compare_outputs,
    compare_signs,
)

NAN, INF = np.nan, np.inf


def _f(*values: float) -> np.ndarray:
    return np.array([values], np.float32)


@pytest.mark.parametrize(
    ("expected", "actual", "differ"),
    [
        (_f(1, 2), _f(1, 2), 0),
        (_f(0, 2), _f(-0.0, 2), 1),
        (_f(1, 2), _f(1, np.nextafter(np.float32(2), np.float32(3))), 1),
        (_f(NAN, INF), _f(NAN, INF), 0),
        (_f(NAN, INF), _f(1, -INF), 2),
        (np.array([1, -1], np.int8), np.array([-1, -1], np.int8), 1),
    ],
)
def test_bits(expected: np.ndarray, actual: np.ndarray, differ: int) -> None:
    found = compare_bits("check", "layer", expected, actual)
    assert found.differ == differ
    assert found.ok == (differ == 0)
    assert bool(found.where) == (differ > 0)


def test_the_first_difference_is_told_with_index_and_channel() -> None:
    expected = np.zeros((1, 2, 3), np.float32)
    actual = expected.copy()
    actual[0, 1, 2] = 0.5
    found = compare_bits("check", "layer", expected, actual)
    assert found.where == "[0, 1, 2] (channel 2): 0.5 instead of 0"
    assert (found.max_abs, found.max_rel, found.elements) == (0.5, 0.5, 6)


@pytest.mark.parametrize(
    ("actual", "tolerances", "ok"),
    [
        (_f(100, 0.009), Tolerances(), True),  # 1e-4 of the largest is 0.01
        (_f(100, 0.011), Tolerances(), False),
        (_f(100, 0.011), Tolerances(atol=0.002), True),
        (_f(100, 0.9), Tolerances(rtol=1e-2), True),
        (_f(100, NAN), Tolerances(), False),
        (_f(INF, 0), Tolerances(), False),
    ],
)
def test_floats(actual: np.ndarray, tolerances: Tolerances, ok: bool) -> None:
    assert compare_floats("check", "layer", _f(100, 0), actual, tolerances).ok is ok


def test_equal_infinities_do_not_widen_the_bound() -> None:
    found = compare_floats("check", "layer", _f(INF, 1), _f(INF, 1.1), Tolerances())
    assert found.differ == 1
    assert np.isfinite(found.max_abs)


def test_signs_differ_at_ties_only() -> None:
    ties = np.array([True, False, False])
    expected, actual = np.array([1, 1, -1]), np.array([-1, 1, -1])
    excused = compare_signs("check", "layer", expected, actual, ties)
    assert excused.ok
    assert excused.where == "excused: 1 at a tie, the first at [0] (channel 0): -1 instead of 1"
    assert not compare_signs("check", "layer", expected, actual, ~ties).ok
    assert not compare_signs("check", "layer", expected, actual, None).ok


def test_outputs_with_a_tie_upstream_need_the_same_class() -> None:
    expected = np.array([[0, 1, 0], [0, 1, 0], [0, 1, 0]], np.float32)
    actual = np.array([[0, 1, 0], [0, 0.9, 0.1], [0, 0.1, 0.9]], np.float32)

    def compare(tied: set[int]) -> tuple[int, str]:
        found = compare_outputs(
            "check", "y", expected, actual, Tolerances(), lambda i: "a tie" if i in tied else ""
        )
        return found.differ, found.where

    assert compare(set())[0] == 4
    assert compare({0}) == compare(set())
    assert compare({1})[0] == 2
    assert compare({1, 2})[0] == 2  # another class is never excused
    found = compare_outputs("check", "y", expected[:2], actual[:2], Tolerances(), lambda _: "tie")
    assert found.ok
    assert found.where == "excused by a tie, same top-1: sample 1 (tie)"
