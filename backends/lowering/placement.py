# SPDX-License-Identifier: Apache-2.0
"""Packing intervals of time and bytes: offline dynamic storage allocation.

Finding the least peak is NP-hard (Garey and Johnson, problem SR2); placing the largest first and
then improving the order by hill climbing reaches the lower bound for most networks.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

STEPS = 400
SEED = 1


@dataclass(frozen=True)
class Interval:
    """A buffer of `size` bytes that is alive from step `start` to step `end`, both included."""

    size: int
    start: int
    end: int


@dataclass(frozen=True)
class Placement:
    """Where each interval goes.

    Attributes:
        offsets: in the order of the intervals.
        peak: the bytes that all of them take.
        bound: no placement takes fewer bytes: the largest sum of bytes alive at one step.
    """

    offsets: tuple[int, ...]
    peak: int
    bound: int


def place(intervals: Sequence[Interval], steps: int = STEPS, seed: int = SEED) -> Placement:
    """Place buffers so that no two that are alive together overlap; deterministic.

    Sizes must be multiples of the alignment, then the offsets are too.
    """
    count = len(intervals)
    clash = [
        [j for j in range(count) if j != i and _together(intervals[i], intervals[j])]
        for i in range(count)
    ]
    starts = {interval.start for interval in intervals}
    bound = max(
        (sum(b.size for b in intervals if b.start <= s <= b.end) for s in starts), default=0
    )
    order = sorted(range(count), key=lambda i: (-intervals[i].size, intervals[i].start, i))
    offsets, peak = _in_order(intervals, clash, order)
    rng = random.Random(seed)
    for _ in range(steps if count > 1 else 0):
        if peak == bound:
            break
        trial = list(order)
        moved = trial.pop(rng.randrange(count))
        trial.insert(rng.randrange(count), moved)
        new_offsets, new_peak = _in_order(intervals, clash, trial)
        if new_peak <= peak:
            order, offsets, peak = trial, new_offsets, new_peak
    return Placement(tuple(offsets), peak, bound)


def _together(a: Interval, b: Interval) -> bool:
    return a.start <= b.end and b.start <= a.end


def _in_order(
    intervals: Sequence[Interval], clash: Sequence[Sequence[int]], order: Sequence[int]
) -> tuple[list[int], int]:
    """Put each buffer at the lowest offset that is free during its whole life."""
    offsets = [-1] * len(intervals)
    peak = 0
    for i in order:
        taken = sorted((offsets[j], intervals[j].size) for j in clash[i] if offsets[j] >= 0)
        at = 0
        for offset, size in taken:
            if at + intervals[i].size <= offset:
                break
            at = max(at, offset + size)
        offsets[i] = at
        peak = max(peak, at + intervals[i].size)
    return offsets, peak
