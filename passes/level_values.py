# SPDX-License-Identifier: Apache-2.0
"""Values on a grid of few levels: found behind rounding and steps, carried as integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bnnc.ir import bin as bits
from bnnc.ir import nn
from bnnc.ir.interpreter.steps import apply_steps
from bnnc.ir.operation import Op
from bnnc.ir.value import Value

from .chains import step_of
from .constants import scalar_constant
from .ranges import interval, rests_at_zero

MOST_LEVELS = 255
# Scale and offset of a grid may be off the graph's own values by this, relative to the largest.
GRID_ERROR = 2.0**-22


@dataclass(frozen=True)
class Grid:
    """The reals scale * level + offset for level = 0 ... count, each product and sum rounded."""

    count: int
    scale: float
    offset: float

    def values(self) -> np.ndarray:
        """The float32 value of every level."""
        levels = np.arange(self.count + 1, dtype=np.float32)
        return levels * np.float32(self.scale) + np.float32(self.offset)

    def level_of(self, value: float) -> int | None:
        """The level that stands for exactly this value, or None."""
        found = np.flatnonzero(self.values() == np.float32(value))
        return int(found[0]) if found.size else None


def integers_of(op: Op) -> tuple[int, int] | None:
    """(low, count) of an operation whose results are integers low ... low + count, few of them.

    Rounded bounded values, and the sign of a value that is never negative (a Heaviside step).
    """
    match op:
        case nn.Round():
            low, high = (float(e) for e in interval(op.result))
            if np.isfinite([low, high]).all() and 1 <= high - low <= MOST_LEVELS:
                return int(low), int(high - low)
        case nn.Sign(zero="keep") if rests_at_zero(op.x) and interval(op.x)[0] >= 0:
            return 0, 1
        case nn.Cast() if step_at_zero(op) is not None:
            return 0, 1
        case _:
            pass
    return None


def step_at_zero(op: nn.Cast) -> nn.Compare | None:
    """The comparison of ``cast(x > 0)`` or ``cast(x >= 0)``, which is 1 there and 0 elsewhere."""
    compare = op.x.owner
    if not isinstance(compare, nn.Compare) or compare.predicate not in ("gt", "ge"):
        return None
    same = op.to == "f32" and compare.a.shape == op.result.shape
    return compare if same and scalar_constant(compare.b) == 0.0 else None


def grid_of(value: Value) -> Grid | None:
    """The grid that a value lies on when it is a dequantized level tensor."""
    owner = value.owner
    if not isinstance(owner, bits.Dequantize):
        return None
    top = owner.x.type.scalar.range()
    producer = owner.x.owner
    match producer:
        case bits.ToLevels():
            count = producer.levels
        case bits.Quantize():
            count = producer.thr.shape[1]
        case _:
            count = top[1] if top else 0
    return Grid(count, owner.scale, owner.offset)


def grid_after(op: Op) -> tuple[bits.Dequantize, Grid] | None:
    """The grid of an elementwise operation on a grid, when its results are evenly spaced too."""
    found = step_of(op)
    if found is None or isinstance(op, nn.MaxPool | nn.Round | nn.BatchNorm | nn.PRelu):
        return None
    step, values, source = found
    grid, owner = grid_of(source), source.owner
    numbers = [scalar_constant(v) for v in values]
    known = [np.full(1, n, np.float32) for n in numbers if n is not None]
    if grid is None or not isinstance(owner, bits.Dequantize) or len(known) != len(values):
        return None
    fitted = fit_grid(apply_steps((step,), known, grid.values()[:, None])[:, 0])
    return (owner, fitted) if fitted else None


def fit_grid(values: np.ndarray) -> Grid | None:
    """Scale and offset that give these float32 values for levels 0, 1, ...

    Exact where some candidate is; else the nearest one within `GRID_ERROR` of the largest.
    """
    count = values.size - 1
    offset = values[0]
    mean = np.float32((values[-1].astype(np.float64) - float(offset)) / count)
    best: Grid | None = None
    least = float(np.abs(values).max()) * GRID_ERROR
    for scale in (np.float32(values[1] - offset), mean, np.nextafter(mean, np.float32(np.inf))):
        grid = Grid(count, float(scale), float(offset))
        error = float(np.abs(grid.values().astype(np.float64) - values).max())
        if error == 0.0:
            return grid
        if error <= least:
            best, least = grid, error
    return best
