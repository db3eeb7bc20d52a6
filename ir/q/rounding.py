# SPDX-License-Identifier: Apache-2.0
"""What multiplying an integer by a real number means, and what all operations check alike.

A multiplier m (0 <= m < 2^31) with a shift s in -31 ... 30 stands for m * 2^(s - 31).
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from ..diagnostics import IRError
from ..operation import Op
from ..types import BIT, F32, I32, Scalar
from ..value import Value

Rounding: TypeAlias = Literal["double", "single", "float"]
Byte: TypeAlias = Literal["i8", "u8"]
BYTES = (Scalar("i8"), Scalar("u8"))
WEIGHTS = (Scalar("i8"), Scalar("i16"), BIT)
LARGEST = 2**31 - 1
SHIFTS = (-31, 30)


def require_byte(op: Op, name: str, value: Value) -> Scalar:
    """An operand of quantized bytes."""
    if value.type.scalar not in BYTES:
        raise IRError(f"{op.NAME} takes i8 or u8 as {name}, not {value.type}")
    return value.type.scalar


def require_in_range(op: Op, scalar: Scalar, **numbers: int) -> None:
    """Zero points and bounds are values of the tensor that they belong to."""
    bounds = scalar.range() or (0, 0)
    for name, number in numbers.items():
        if not bounds[0] <= number <= bounds[1]:
            raise IRError(f"{op.NAME}: {name} = {number} is no value of {scalar}")
    if numbers.get("lo", 0) > numbers.get("hi", 0):
        raise IRError(f"{op.NAME} needs lo <= hi, not {numbers['lo']} and {numbers['hi']}")


def require_multiplier(op: Op, multiplier: int, shift: int, name: str = "multiplier") -> None:
    """A multiplier and its shift given as attributes."""
    if not 0 <= multiplier <= LARGEST or not SHIFTS[0] <= shift <= SHIFTS[1]:
        raise IRError(
            f"{op.NAME}: {name} {multiplier} with shift {shift}",
            hint=f"a multiplier is 0 to {LARGEST}, a shift {SHIFTS[0]} to {SHIFTS[1]}",
        )


def require_scalar(op: Op, name: str, value: Value, scalar: Scalar) -> None:
    """An operand of one scalar type."""
    if value.type.scalar != scalar:
        raise IRError(f"{op.NAME} takes {scalar} as {name}, not {value.type}")


def require_multipliers(
    op: Op, multiplier: Value, shift: Value | None, rounding: Rounding, channels: int
) -> None:
    """One multiplier for each channel: i32 with shifts, or for rounding float f32 alone."""
    require_scalar(op, "multiplier", multiplier, F32 if rounding == "float" else I32)
    if (shift is None) != (rounding == "float"):
        raise IRError(f"{op.NAME}: shifts belong to rounding double and single, and only there")
    for name, value in (("multiplier", multiplier), ("shift", shift)):
        if value is not None and value.shape != (channels,):
            raise IRError(f"{name} is {value}, expected one value for each of {channels} channels")
    if shift is not None:
        require_scalar(op, "shift", shift, I32)
