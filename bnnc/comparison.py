# SPDX-License-Identifier: Apache-2.0
"""Comparing tensors: bit for bit, within a tolerance, and signs away from ties.

Two correct float implementations differ in the last places, so a sign whose argument is almost
zero may fall on either side. Such a *tie* excuses the sign itself, and downstream of it the
output as long as the strongest class stays the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .ties import largest_magnitude


@dataclass(frozen=True)
class Tolerances:
    """How far floats may lie apart: ``atol + rtol * largest``, the largest of the whole tensor.

    A sign or level whose argument lies within ``margin * largest`` of a boundary is a tie.
    """

    atol: float = 0.0
    rtol: float = 1e-4
    margin: float = 1e-5


@dataclass(frozen=True)
class Comparison:
    """The outcome for one tensor of one layer.

    Attributes:
        check: which two things were compared.
        layer: public name of the node.
        max_abs: largest absolute difference.
        max_rel: the same divided by the largest expected magnitude.
        differ: elements that break the rule of the check.
        where: the first of them in words, or what was excused.
        elements: number of elements compared.
    """

    check: str
    layer: str
    max_abs: float = 0.0
    max_rel: float = 0.0
    differ: int = 0
    where: str = ""
    elements: int = 0

    @property
    def ok(self) -> bool:
        """Whether no element breaks the rule."""
        return self.differ == 0


def compare_bits(check: str, layer: str, expected: np.ndarray, actual: np.ndarray) -> Comparison:
    """Every element must have the same bits; one NaN is as good as another."""
    if expected.dtype.kind == "f":
        word = np.dtype(f"u{expected.dtype.itemsize}")
        same = expected.view(word) == actual.view(word)
        bad = ~(same | (np.isnan(expected) & np.isnan(actual)))
    else:
        bad = expected != actual
    return _outcome(check, layer, expected, actual, bad)


def compare_floats(
    check: str, layer: str, expected: np.ndarray, actual: np.ndarray, tolerances: Tolerances
) -> Comparison:
    """Floats must lie within the tolerance; infinities and NaN must be the same."""
    return _outcome(check, layer, expected, actual, _too_far(expected, actual, tolerances))


def compare_signs(
    check: str, layer: str, expected: np.ndarray, actual: np.ndarray, ties: np.ndarray | None
) -> Comparison:
    """Signs and levels must be equal except at ties."""
    different = expected != actual
    excused = different & ties if ties is not None else np.zeros_like(different)
    found = _outcome(check, layer, expected, actual, different & ~excused)
    if found.ok and excused.any():
        found = _outcome(check, layer, expected, actual, excused)
        text = f"excused: {int(excused.sum())} at a tie, the first at {found.where}"
        return Comparison(
            check, layer, found.max_abs, found.max_rel, 0, text, int(np.asarray(expected).size)
        )
    return found


def compare_outputs(
    check: str,
    name: str,
    expected: np.ndarray,
    actual: np.ndarray,
    tolerances: Tolerances,
    tie: Callable[[int], str],
) -> Comparison:
    """Floats end to end; a sample with a tie upstream only needs the same strongest class.

    Args:
        check: which two things are compared.
        name: the output.
        expected: [N, ...].
        actual: the same shape.
        tolerances: for the samples without ties.
        tie: the first tie of a sample in words, empty when it has none.
    """
    bad = _too_far(expected, actual, tolerances)
    excused: list[str] = []
    if bad.ndim:
        for sample in np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1)):
            i = int(sample)
            if np.argmax(expected[i]) == np.argmax(actual[i]) and (why := tie(i)):
                bad[i] = False
                excused.append(f"sample {i} ({why})")
    found = _outcome(check, name, expected, actual, bad)
    if found.ok and excused:
        text = f"excused by a tie, same top-1: {'; '.join(excused)}"
        return Comparison(check, name, found.max_abs, found.max_rel, 0, text, found.elements)
    return found


def _too_far(expected: np.ndarray, actual: np.ndarray, tolerances: Tolerances) -> np.ndarray:
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(actual.astype(np.float64) - expected.astype(np.float64))
        bound = tolerances.atol + tolerances.rtol * largest_magnitude(expected)
        same = (expected == actual) | (np.isnan(expected) & np.isnan(actual))
    return np.asarray(~(same | (apart <= bound)))


def _outcome(
    check: str, layer: str, expected: np.ndarray, actual: np.ndarray, bad: np.ndarray
) -> Comparison:
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(actual.astype(np.float64) - expected.astype(np.float64))
    apart = apart[~np.isnan(apart)]
    max_abs = float(apart.max(initial=0.0))
    largest = largest_magnitude(expected)
    max_rel = max_abs / largest if largest else max_abs
    where = ""
    if bad.any():
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        channel = f" (channel {index[-1]})" if index else ""
        where = f"{list(index)}{channel}: {actual[index]:.9g} instead of {expected[index]:.9g}"
    return Comparison(check, layer, max_abs, max_rel, int(bad.sum()), where, int(expected.size))
