# SPDX-License-Identifier: Apache-2.0
"""The float32 expression between an accumulator and its cut to a bit or to levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bnnc.ir.interpreter.steps import apply_steps, parameters_of
from bnnc.ir.operation import Step, Steps

Mask: TypeAlias = npt.NDArray[np.bool_]
Floats: TypeAlias = npt.NDArray[np.float32]

_INCREASING = frozenset(
    {"relu", "clip", "round", "tanh", "sigmoid", "leaky_relu", "add", "sub", "max_pool"}
)


class Expression:
    """Steps with their per-channel parameters, ending in a cut.

    The cut is ``("sign", zero, nan)``, one bit, or ``("levels", low, count)``, the integer
    value - low in 0 ... count, or ``("thresholds", count)``, how many of the last parameter's
    [C, count] the value reaches; they ascend. Bit k of a cut is +1, or level > k, from some value
    on.
    """

    def __init__(self, steps: Steps, params: Sequence[np.ndarray], channels: int) -> None:
        self.steps = steps[:-1]
        self.cut = steps[-1]
        self.params = [np.asarray(p, np.float32) for p in params]
        self.limits = self.params.pop() if self.cut[0] == "thresholds" else None
        self.channels = channels
        self.pooled = any(step[0] == "max_pool" for step in self.steps)
        self.levels = 1 if self.cut[0] == "sign" else int(self.cut[-1])

    def values(self, acc: np.ndarray) -> Floats:
        """The float32 value before the cut, for accumulators [n, C]."""
        return apply_steps(self.steps, self.params, np.asarray(acc, np.float32))

    def reached(self, acc: np.ndarray, k: int) -> Mask:
        """Whether accumulators [n, C] reach bit or level k (from 0).

        An exact zero under a sign counts as the sign says, ``keep`` as +1.
        """
        y = self.values(acc)
        if self.limits is not None:
            return np.asarray(y >= self.limits[:, k])
        if self.cut[0] == "levels":
            # As `bin.to_levels` has it: the difference is rounded, which may lead to an integer.
            distance = y - np.float32(self.cut[1])
            return np.asarray(distance >= np.float32(k + 1))
        return np.asarray(y > 0 if self.cut[1] == "minus" else ~(y < 0))

    def has_nan(self, acc: np.ndarray) -> bool:
        """Whether some accumulator gives NaN."""
        return bool(np.isnan(self.values(acc)).any())

    def directions(self) -> list[tuple[Step, np.ndarray | None]]:
        """Each step with its direction per channel: +1, 0, -1; None where not monotone."""
        rest = list(self.params)
        found: list[tuple[Step, np.ndarray | None]] = []
        for step in self.steps:
            count = parameters_of(step)
            mine, rest = rest[:count], rest[count:]
            found.append((step, _direction(step, mine, self.channels)))
        return found

    def obstacle(self) -> str:
        """The name of the first step that is not monotone, or an empty string."""
        return next((str(s[0]) for s, d in self.directions() if d is None), "")

    def decreasing_after_pool(self) -> Mask:
        """Channels where the steps behind the max pool decrease; none without a pool."""
        product = np.ones(self.channels)
        behind = False
        for step, direction in self.directions():
            if behind and direction is not None:
                product = product * direction
            behind = behind or step[0] == "max_pool"
        return np.asarray(product < 0)


def _direction(step: Step, params: Sequence[np.ndarray], channels: int) -> np.ndarray | None:
    name = step[0]
    ones = np.ones(channels)
    if name == "leaky_relu" and float(step[1]) < 0:
        return None
    if name in _INCREASING:
        return ones
    if name == "scale":
        return np.asarray(ones * np.sign(float(step[1])))
    if name in ("neg", "rsub"):
        return -ones
    if name in ("mul", "div", "batch_norm"):
        return np.asarray(ones * np.sign(params[0]))
    if name == "prelu" and bool((params[0] >= 0).all()):
        return ones
    return None
