# SPDX-License-Identifier: Apache-2.0
"""What is known about the range of a value."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from bnnc.ir import bin as bits
from bnnc.ir import nn
from bnnc.ir.interpreter.steps import apply_steps
from bnnc.ir.value import Value

from .chains import step_of
from .constants import channel_constant, constant

Interval: TypeAlias = tuple[np.float32, np.float32]
_ANYTHING = (np.float32(-np.inf), np.float32(np.inf))


def rests_at_zero(value: Value) -> bool:
    """Whether a value is one-sided, so that zero is one of its usual values and not a tie.

    Holds behind a relu, an absolute value or a clip with a bound at zero, through whatever keeps
    zero: factors, pools, means, reshapes, signs; one such part of a concatenation is enough. The
    sign of such a value is a Heaviside step, not a bit.
    """
    while True:
        match value.owner:
            case nn.Relu() | nn.Abs():
                return True
            case nn.Clip() as clip if clip.lo == 0 or clip.hi == 0:
                return True
            case nn.Clip() as clip if clip.lo < 0 < clip.hi:
                value = clip.x
            case nn.Neg() | nn.MaxPool() | nn.AvgPool() | nn.Reshape() | nn.Transpose() as op:
                value = op.x
            case nn.Reduce() | nn.Slice() | nn.Split() as op:
                value = op.x
            case nn.Concat() as op:
                return any(rests_at_zero(x) for x in op.xs)
            case nn.LeakyRelu() | nn.PRelu() | nn.Round() | nn.Tanh() as op:
                value = op.x
            case bits.Dequantize(offset=0.0):
                return True
            case nn.Sign(zero="keep") as op:
                value = op.x
            case nn.Mul() | nn.Div() as op if constant(op.b) is not None:
                value = op.a
            case _:
                return False


def interval(value: Value) -> Interval:
    """The smallest and the largest float32 that a value can be, infinities where unknown.

    Walks back through monotone operations to a bound and evaluates them, rounded as they are, on
    the ends of the interval.
    """
    owner = value.owner
    match owner:
        case None:
            return _ANYTHING
        case nn.Sign() | nn.Tanh() | bits.Unpack():
            return np.float32(-1), np.float32(1)
        case bits.Dequantize():
            top = owner.x.type.scalar.range() or (0, 0)
            ends = owner.scale * np.array(top, np.float32) + np.float32(owner.offset)
            return ends.min(), ends.max()
        case nn.Sigmoid():
            return np.float32(0), np.float32(1)
        case nn.Reshape() | nn.Transpose() | nn.MaxPool():
            return interval(owner.x)
        case nn.Abs() | nn.BatchNorm() | nn.PRelu():
            return _ANYTHING
        case _:
            pass
    found = step_of(owner)
    if found is None:
        return _ANYTHING
    step, values, source = found
    if source.type.rank == 0:
        return _ANYTHING
    params = [channel_constant(v, source) for v in values]
    known = [p for p in params if p is not None]
    if len(known) != len(values):
        return _ANYTHING
    both = np.array(interval(source), np.float32)[:, None]
    y = apply_steps((step,), known, np.repeat(both, source.shape[-1], 1))
    if np.isnan(y).any():
        return _ANYTHING
    return y.min(), y.max()
