# SPDX-License-Identifier: Apache-2.0
"""Exact thresholds: search the float32 expression behind a cut for its switching accumulators.

Between an integer accumulator S and a sign stand float32 operations, each rounded once. Rounding
is monotone, so is every step used here, hence the set of S whose result is positive is a half-line
of the integers: a constant bit, S >= t, or S <= u. A half-line S <= u becomes S' >= -u for
S' = -S, the accumulator of the negated weights. No formula for t is needed (dividing by a folded
scale rounds differently and is wrong at ties): t is found by evaluating the expression itself.
A cut to levels is the same once for each level.

A max pool among the steps splits them in f (before) and g (after): the layer computes
sign(g(max f(S))). Pooling is done on the bits q = [sign(g(f(S))) > 0] xor flip, where flip is set
exactly where g decreases, since then sign(g(max y)) = min over the window = not(max of nots).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from bnnc.ir.operation import Steps

from .expression import Expression, Floats, Mask

ENUMERATE_UP_TO = 4096
_CHUNK = 1 << 21
Integers: TypeAlias = npt.NDArray[np.int64]
Reached: TypeAlias = Callable[[Integers, int], Mask]
Certificate: TypeAlias = Literal["exhaustive", "search"]


@dataclass(frozen=True)
class Thresholds:
    """The thresholds of one layer.

    ``t``: int32 or float32, [C] for a sign (bit = [acc >= t]) and [C, L] for levels (level =
    number of t <= acc), on the accumulator of the weights after ``negate`` (bool [C]). ``flip``
    (bool [C]) is applied after the pool. ``zero`` marks channels where the float result is exactly
    zero for some reachable accumulator. ``certificate`` is ``exhaustive`` when every reachable
    accumulator was compared.
    """

    t: np.ndarray
    negate: Mask
    flip: Mask
    zero: Mask
    certificate: Certificate


@dataclass(frozen=True)
class NotFoldable:
    """Why an expression has no threshold."""

    reason: str


def fold_integer(
    steps: Steps, params: Sequence[np.ndarray], reach: int, channels: int, *, parity: bool = False
) -> Thresholds | NotFoldable:
    """Thresholds of integer accumulators S in [-reach, reach].

    Args:
        steps: the expression, ending in a cut (see `Expression`).
        params: float32 parameters of the steps, each scalar or [channels], and of the cut.
        reach: the largest |S|. Beyond 2^24 float(S) is rounded, to the nearest and halves to even,
            as kernels do; that is monotone, too.
        channels: number of output channels.
        parity: only S with the parity of K occur (no zero padding, no zero weights); matters
            for ``zero`` alone, never for t.
    """
    if reach >= 2**31 - 1:
        return NotFoldable(f"accumulators up to {reach} leave no room for a threshold above them")
    expression = Expression(steps, params, channels)
    obstacle = expression.obstacle()
    if obstacle and (reach > ENUMERATE_UP_TO or expression.pooled):
        return NotFoldable(f"{obstacle} is not monotone")
    low, high = np.full(channels, -reach), np.full(channels, reach)
    if expression.has_nan(np.stack([low, high])):
        return NotFoldable("the expression gives NaN")
    turned = _turn(expression, low, high, lambda s: s)
    if isinstance(turned, NotFoldable):
        return turned
    sign, flip = turned

    def reached(s: Integers, k: int) -> Mask:
        return np.asarray(expression.reached(s * sign, k) ^ flip)

    t = np.stack([_search(reached, k, low, high) for k in range(expression.levels)], axis=1)
    certificate: Certificate = "search"
    if reach <= ENUMERATE_UP_TO:
        certificate = "exhaustive"
        failed = _mismatches(reached, t, reach)
        if failed.any():
            return NotFoldable(f"channel {int(failed.argmax())} switches more than once")
    zero = _reaches_zero(expression, sign, t[:, 0], reach, parity=parity)
    shaped = (t[:, 0] if expression.cut[0] == "sign" else t).astype(np.int32)
    return Thresholds(shaped, np.asarray(sign < 0), flip, zero, certificate)


def fold_float(
    steps: Steps, params: Sequence[np.ndarray], channels: int
) -> Thresholds | NotFoldable:
    """Thresholds (float32) of float accumulators, by search over all finite float32 numbers."""
    expression = Expression(steps, params, channels)
    if obstacle := expression.obstacle():
        return NotFoldable(f"{obstacle} is not monotone")
    top = int(np.float32(np.finfo(np.float32).max).view(np.int32))
    low, high = np.full(channels, -top, np.int64), np.full(channels, top, np.int64)
    turned = _turn(expression, low, high, float_of_key)
    if isinstance(turned, NotFoldable):
        return turned
    sign, flip = turned

    def reached(keys: Integers, k: int) -> Mask:
        return np.asarray(expression.reached(float_of_key(keys * sign), k) ^ flip)

    keys = np.stack([_search(reached, k, low, high) for k in range(expression.levels)], axis=1)
    t = float_of_key(np.clip(keys, -top, top))
    t[keys > top] = np.inf
    t[keys == -top] = -np.inf
    # At the far ends large scales overflow although every usual value is finite.
    inner = np.where(np.isfinite(t), t, np.float32(0)).T
    if expression.has_nan(np.concatenate([inner * sign, np.zeros_like(inner)])):
        return NotFoldable("the expression gives NaN")
    shaped = t[:, 0] if expression.cut[0] == "sign" else t
    zero = np.zeros(channels, np.bool_)
    return Thresholds(shaped, np.asarray(sign < 0), flip, zero, "search")


def _turn(
    expression: Expression, low: Integers, high: Integers, acc: Callable[[Integers], np.ndarray]
) -> tuple[Integers, Mask] | NotFoldable:
    """Per channel the sign (+1, -1) of the accumulator that makes all cuts increase, and flips."""
    behind = expression.decreasing_after_pool()
    flip = np.zeros_like(behind)
    falls = np.zeros_like(behind)
    for k in range(expression.levels):
        first = expression.reached(acc(low)[None], k)[0]
        last = expression.reached(acc(high)[None], k)[0]
        flip |= behind & (first != last)
        falls |= (first ^ flip) & ~(last ^ flip)
    if flip.any() and expression.cut[0] != "sign":
        return NotFoldable("a max pool is followed by a decreasing step")
    return np.where(falls, -1, 1), flip


def float_of_key(keys: Integers) -> Floats:
    """The float32 number of an ordered integer key; key(-x) = -key(x), 0 is zero."""
    magnitude = np.abs(keys).astype(np.int32).view(np.float32)
    return np.where(keys < 0, -magnitude, magnitude).astype(np.float32)


def _search(reached: Reached, k: int, low: Integers, high: Integers) -> Integers:
    """Per channel the least n in [low, high] that reaches k, or high + 1; must increase in n."""
    lo, hi = low.astype(np.int64), high.astype(np.int64) + 1
    while bool((lo < hi).any()):
        middle = (lo + hi) // 2
        hit = reached(np.minimum(middle, high)[None], k)[0]
        active = lo < hi
        hi = np.where(active & hit, middle, hi)
        lo = np.where(active & ~hit, middle + 1, lo)
    return lo


def _mismatches(reached: Reached, t: Integers, reach: int) -> Mask:
    """Channels where [S >= t] differs from the expression for some S in [-reach, reach]."""
    channels, levels = t.shape
    failed = np.zeros(channels, np.bool_)
    rows = max(1, _CHUNK // max(1, channels))
    for start in range(-reach, reach + 1, rows):
        s = np.arange(start, min(start + rows, reach + 1))[:, None]
        for k in range(levels):
            failed |= (reached(s, k) != (s >= t[:, k])).any(axis=0)
    return failed


def _reaches_zero(
    expression: Expression, sign: Integers, t: Integers, reach: int, *, parity: bool
) -> Mask:
    """Channels with y(S) == 0 for a reachable S: the zeros of a monotone y surround the switch."""
    zero = np.zeros(t.shape, np.bool_)
    for offset in (-2, -1, 0, 1):
        s = np.clip(t + offset, -reach, reach) * sign
        reachable = (s + reach) % 2 == 0 if parity else np.ones(t.shape, np.bool_)
        zero |= (expression.values(s[None])[0] == 0) & reachable
    return zero
