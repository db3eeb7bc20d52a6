# SPDX-License-Identifier: Apache-2.0
"""What is known about the range of a value."""

from __future__ import annotations

from bnnc.ir import nn
from bnnc.ir.value import Value

from .constants import constant


def rests_at_zero(value: Value) -> bool:
    """Whether a value is one-sided, so that zero is one of its usual values and not a tie.

    Holds behind a relu, an absolute value or a clip with a bound at zero, through whatever keeps
    zero: factors, pools, reshapes, signs. The sign of such a value is a Heaviside step, not a bit.
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
            case nn.LeakyRelu() | nn.PRelu() | nn.Round() | nn.Tanh() as op:
                value = op.x
            case nn.Sign(zero="keep") as op:
                value = op.x
            case nn.Mul() | nn.Div() as op if constant(op.b) is not None:
                value = op.a
            case _:
                return False
