# SPDX-License-Identifier: Apache-2.0
"""Exact thresholds: search the float32 expression behind a sign for its switching accumulator.

Between an integer accumulator S and a sign stand float32 operations, each rounded once. Rounding
is monotone, so is every step used here, hence the set of S whose result is positive is a half-line
of the integers: a constant bit, S >= t, or S <= u. A half-line S <= u becomes S' >= -u for
S' = -S, the accumulator of the negated weights. No formula for t is needed (dividing by a folded
scale rounds differently and is wrong at ties): t is found by evaluating the expression itself.

A max pool among the steps splits them in f (before) and g (after): the layer computes
sign(g(max f(S))). Pooling is done on the bits q = [sign(g(f(S))) > 0] xor flip, where flip is set
exactly where g decreases, since then sign(g(max y)) = min over the window = not(max of nots).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from bnnc.ir.interpreter.steps import apply_steps
from bnnc.ir.operation import Step, Steps

ENUMERATE_UP_TO = 4096
_CHUNK = 1 << 21
_INCREASING = frozenset(
    {"relu", "clip", "round", "tanh", "sigmoid", "leaky_relu", "add", "max_pool"}
)
PARAMETERS = {"mul": 1, "add": 1, "sub": 1, "rsub": 1, "div": 1, "prelu": 1, "batch_norm": 4}

Bits: TypeAlias = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Thresholds:
    """The thresholds of one layer.

    ``t``: int32 or float32 [C], bit = [acc >= t] on the accumulator of the weights after
    ``negate`` (bool [C]); ``flip`` (bool [C]) is applied after the pool. ``zero`` marks channels
    where the float result is exactly zero for some reachable accumulator. ``certificate`` is
    ``exhaustive`` when every reachable accumulator was compared.
    """

    t: np.ndarray
    negate: np.ndarray
    flip: np.ndarray
    zero: np.ndarray
    certificate: Literal["exhaustive", "search"]


@dataclass(frozen=True)
class NotFoldable:
    """Why an expression has no threshold."""

    reason: str


def fold_integer(
    steps: Steps, params: Sequence[np.ndarray], taps: int, channels: int, *, parity: bool = False
) -> Thresholds | NotFoldable:
    """Thresholds of integer accumulators S in [-taps, taps].

    Args:
        steps: the expression, ending in ``("sign", zero, nan)``.
        params: float32 parameters of the steps, each scalar or [channels].
        taps: K, products per accumulator; at most 2^24 so that float(S) is exact.
        channels: number of output channels.
        parity: only S with the parity of K occur (no zero padding, no zero weights); matters
            for ``zero`` alone, never for t.
    """
    if taps >= 2**24:
        return NotFoldable(f"{taps} taps exceed the 2^24 that a float accumulator holds exactly")
    expression = Expression(steps, params, channels)
    monotone = expression.monotone()
    if not monotone and (taps > ENUMERATE_UP_TO or expression.pooled):
        return NotFoldable(f"{expression.obstacle()} is not monotone")

    def bits(s: np.ndarray) -> np.ndarray:
        return expression.bits(s.astype(np.float32))

    low, high = np.full(channels, -taps), np.full(channels, taps)
    first, last = bits(low[None])[0], bits(high[None])[0]
    flip = expression.decreasing_after_pool() & (first != last)
    sign = np.where((first ^ flip) & ~(last ^ flip), -1, 1)

    def ordered(s: np.ndarray) -> np.ndarray:
        return bits(s * sign) ^ flip

    t = search(ordered, low, high)
    certificate: Literal["exhaustive", "search"] = "search"
    if taps <= ENUMERATE_UP_TO:
        certificate = "exhaustive"
        failed = mismatches(ordered, t, taps)
        if failed.any():
            return NotFoldable(f"channel {int(failed.argmax())} switches more than once")
    if not expression.finite(np.stack([low, high]).astype(np.float32)):
        return NotFoldable("the expression gives NaN")
    zero = _reaches_zero(expression, sign, t, taps, parity=parity)
    return Thresholds(t.astype(np.int32), sign < 0, flip, zero, certificate)


def fold_float(
    steps: Steps, params: Sequence[np.ndarray], channels: int
) -> Thresholds | NotFoldable:
    """Thresholds (float32) of float accumulators, by search over all finite float32 numbers."""
    expression = Expression(steps, params, channels)
    if not expression.monotone():
        return NotFoldable(f"{expression.obstacle()} is not monotone")

    top = int(np.float32(np.finfo(np.float32).max).view(np.int32))
    low, high = np.full(channels, -top, np.int64), np.full(channels, top, np.int64)

    def bits(keys: np.ndarray) -> np.ndarray:
        return expression.bits(float_of_key(keys))

    first, last = bits(low[None])[0], bits(high[None])[0]
    flip = expression.decreasing_after_pool() & (first != last)
    sign = np.where((first ^ flip) & ~(last ^ flip), -1, 1)
    keys = search(lambda k: bits(k * sign) ^ flip, low, high)
    t = float_of_key(np.clip(keys, -top, top))
    t[keys > top] = np.inf
    t[keys == -top] = -np.inf
    # At the far ends large scales overflow although every usual value is finite.
    if not expression.finite(np.stack([np.where(np.isfinite(t), t, 0), np.zeros_like(t)])):
        return NotFoldable("the expression gives NaN")
    return Thresholds(t, sign < 0, flip, np.zeros(channels, np.bool_), "search")


def float_of_key(keys: np.ndarray) -> np.ndarray:
    """The float32 number of an ordered integer key; key(-x) = -key(x), 0 is zero."""
    magnitude = np.abs(keys).astype(np.int32).view(np.float32)
    return np.where(keys < 0, -magnitude, magnitude).astype(np.float32)


def search(bits: Bits, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Per channel the least k in [low, high] with bit 1, or high + 1; bits must increase in k."""
    lo, hi = low.astype(np.int64).copy(), high.astype(np.int64) + 1
    while bool((lo < hi).any()):
        middle = (lo + hi) // 2
        hit = bits(np.minimum(middle, high)[None])[0]
        active = lo < hi
        hi = np.where(active & hit, middle, hi)
        lo = np.where(active & ~hit, middle + 1, lo)
    return lo


def mismatches(bits: Bits, t: np.ndarray, taps: int) -> np.ndarray:
    """Channels where [S >= t] differs from the expression for some S in [-taps, taps]."""
    failed = np.zeros(t.shape, np.bool_)
    rows = max(1, _CHUNK // max(1, t.size))
    for start in range(-taps, taps + 1, rows):
        s = np.arange(start, min(start + rows, taps + 1))[:, None]
        failed |= (bits(np.broadcast_to(s, (s.shape[0], t.size))) != (s >= t)).any(axis=0)
    return failed


def _reaches_zero(
    expression: Expression, sign: np.ndarray, t: np.ndarray, taps: int, *, parity: bool
) -> np.ndarray:
    """Channels with y(S) == 0 for a reachable S: the zeros of a monotone y surround the switch."""
    zero = np.zeros(t.shape, np.bool_)
    for offset in (-2, -1, 0, 1):
        s = np.clip(t + offset, -taps, taps) * sign
        y = expression.values(s.astype(np.float32)[None])[0]
        reachable = ((s + taps) % 2 == 0) if parity else np.ones(t.shape, np.bool_)
        zero |= (y == 0) & reachable
    return zero


class Expression:
    """The float32 steps of one layer with their parameters."""

    def __init__(self, steps: Steps, params: Sequence[np.ndarray], channels: int) -> None:
        self.steps = steps[:-1]
        _, self.zero, self.nan = steps[-1]
        self.params = [np.asarray(p, np.float32) for p in params]
        self.channels = channels
        names = [step[0] for step in self.steps]
        self.pooled = "max_pool" in names

    def values(self, acc: np.ndarray) -> np.ndarray:
        """The float32 value before the sign, for accumulators [n, C]."""
        return apply_steps(self.steps, self.params, acc)

    def bits(self, acc: np.ndarray) -> np.ndarray:
        """Whether the sign is +1; an exact zero counts as the sign says, ``keep`` as +1."""
        y = self.values(acc)
        return y > 0 if self.zero == "minus" else ~(y < 0)

    def finite(self, acc: np.ndarray) -> bool:
        """Whether no accumulator gives NaN."""
        return not bool(np.isnan(self.values(acc)).any())

    def directions(self) -> list[tuple[Step, np.ndarray | None]]:
        """Each step with its direction per channel: +1, 0, -1; None where not monotone."""
        rest = list(self.params)
        found: list[tuple[Step, np.ndarray | None]] = []
        for step in self.steps:
            count = PARAMETERS.get(str(step[0]), 0)
            mine, rest = rest[:count], rest[count:]
            found.append((step, _direction(step, mine, self.channels)))
        return found

    def monotone(self) -> bool:
        """Whether every step is monotone in every channel."""
        return all(d is not None for _, d in self.directions())

    def obstacle(self) -> str:
        """The first step that is not monotone."""
        return next((str(s[0]) for s, d in self.directions() if d is None), "nothing")

    def decreasing_after_pool(self) -> np.ndarray:
        """Channels (bool) where the steps behind the max pool decrease."""
        product = np.ones(self.channels)
        if not self.pooled:
            return product < 0
        behind = False
        for step, direction in self.directions():
            if behind and direction is not None:
                product = product * direction
            behind = behind or step[0] == "max_pool"
        return product < 0


def _direction(step: Step, params: Sequence[np.ndarray], channels: int) -> np.ndarray | None:
    name = step[0]
    ones = np.ones(channels)
    if name == "leaky_relu" and float(step[1]) < 0:
        return None
    if name in _INCREASING or name == "sub":
        return ones
    if name in ("neg", "rsub"):
        return -ones
    if name in ("mul", "div"):
        return ones * np.sign(params[0])
    if name == "prelu":
        return ones if bool((params[0] >= 0).all()) else None
    if name == "batch_norm":
        return ones * np.sign(params[0])
    return None
