# SPDX-License-Identifier: Apache-2.0
"""Threshold expressions: the float32 steps between an accumulator and a sign.

A layer's ``steps`` are tuples of a name and constants, its ``params`` per-channel arrays that the
steps consume in order. Each step is the operation of the same name, rounded the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..diagnostics import IRError, did_you_mean
from ..operation import Step, Steps
from . import elementary, elementwise


@dataclass(frozen=True)
class StepKind:
    """How many constants and parameters a step takes, and what it computes."""

    constants: int
    parameters: int
    compute: Callable[..., np.ndarray]


def _subtracted_from(x: np.ndarray, p: np.ndarray) -> np.ndarray:
    return np.asarray(p - x)


def _identity(x: np.ndarray) -> np.ndarray:
    return x


def _batch_norm(
    x: np.ndarray,
    epsilon: float,
    gamma: np.ndarray,
    beta: np.ndarray,
    mean: np.ndarray,
    var: np.ndarray,
) -> np.ndarray:
    return elementwise.batch_norm(x, gamma, beta, mean, var, epsilon)


KINDS: dict[str, StepKind] = {
    "mul": StepKind(0, 1, np.multiply),
    "scale": StepKind(1, 0, np.multiply),
    "add": StepKind(0, 1, np.add),
    "sub": StepKind(0, 1, np.subtract),
    "rsub": StepKind(0, 1, _subtracted_from),
    "div": StepKind(0, 1, np.divide),
    "batch_norm": StepKind(1, 4, _batch_norm),
    "prelu": StepKind(0, 1, elementwise.leaky_relu),
    "leaky_relu": StepKind(1, 0, elementwise.leaky_relu),
    "relu": StepKind(0, 0, elementwise.relu),
    "clip": StepKind(2, 0, elementwise.clip),
    "maximum": StepKind(1, 0, elementwise.maximum),
    "minimum": StepKind(1, 0, elementwise.minimum),
    "neg": StepKind(0, 0, np.negative),
    "abs": StepKind(0, 0, np.abs),
    "round": StepKind(0, 0, elementary.round_half_even),
    "tanh": StepKind(0, 0, elementary.tanh),
    "sigmoid": StepKind(0, 0, elementary.sigmoid),
    "max_pool": StepKind(0, 0, _identity),
}
"""A pool of one value is that value: pooling is the caller's business."""


def parameters_of(step: Step) -> int:
    """How many per-channel parameters a step consumes.

    Raises:
        IRError: the step is unknown or has the wrong number of constants.
    """
    return _kind(step).parameters


def apply_steps(steps: Steps, params: Sequence[np.ndarray], acc: np.ndarray) -> np.ndarray:
    """Evaluate the expression up to, and without, its ``sign``.

    Args:
        steps: ``("mul",), ("batch_norm", epsilon), ("clip", lo, hi), ..., ("sign", zero, nan)``.
        params: float32 arrays, scalar or [C], consumed in order.
        acc: accumulators as float32 [..., C] (integers are exact up to 2^24).

    Returns:
        float32 [..., C].

    Raises:
        IRError: an unknown step, wrong constants, or too few or too many parameters.
    """
    y, rest = acc, list(params)
    with np.errstate(all="ignore"):
        for step in steps:
            if step[0] == "sign":
                break
            kind = _kind(step)
            if len(rest) < kind.parameters:
                raise IRError(f"step '{step[0]}' lacks a parameter")
            mine, rest = rest[: kind.parameters], rest[kind.parameters :]
            constants = [np.float32(c) for c in step[1:]]
            y = np.asarray(kind.compute(y, *constants, *mine))
    if rest:
        raise IRError(f"the steps leave {len(rest)} parameters unused")
    return y


def split_at_pool(
    steps: Steps, params: Sequence[np.ndarray]
) -> tuple[tuple[Steps, list[np.ndarray]], tuple[Steps, list[np.ndarray]]]:
    """Steps and parameters before and after the first ``max_pool``; no pool: all before."""
    names = [step[0] for step in steps]
    where = names.index("max_pool") if "max_pool" in names else len(steps)
    used = sum(parameters_of(step) for step in steps[:where] if step[0] != "sign")
    rest = list(params)
    return (steps[:where], rest[:used]), (steps[where + 1 :], rest[used:])


def _kind(step: Step) -> StepKind:
    name = str(step[0]) if step else ""
    kind = KINDS.get(name)
    if kind is None:
        raise IRError(f"unknown step '{name}'", hint=did_you_mean(name, KINDS))
    if len(step) - 1 != kind.constants:
        raise IRError(f"step '{name}' takes {kind.constants} constants, not {len(step) - 1}")
    return kind
