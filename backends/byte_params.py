# SPDX-License-Identifier: Apache-2.0
"""What kernels of quantized bytes are told beside the shapes: zero points, multipliers, bounds."""

from __future__ import annotations

from typing import Any

from bnnc.ir import q
from bnnc.ir.types import Scalar
from bnnc.ir.value import Value


def _unsigned(value: Value) -> int:
    return int(value.type.scalar == Scalar("u8"))


def _range(value: Value) -> tuple[int, int]:
    """The numbers of a type."""
    return value.type.scalar.range() or (0, 0)


def layer_fields(op: Any) -> dict[str, int]:
    """Of a convolution or dense layer; zeros where it has no bytes."""
    if not isinstance(op, q.Layer):
        nothing = dict.fromkeys(("x_zero", "y_zero", "lo", "hi", "x_unsigned", "round_twice"), 0)
        return nothing | {"x_unsigned": int(isinstance(op, q.DynamicLayer))}
    return {
        "x_zero": op.x_zero,
        "y_zero": op.y_zero,
        "lo": op.lo,
        "hi": op.hi,
        "x_unsigned": _unsigned(op.x),
        "round_twice": int(op.rounding == "double"),
    }


def pool_fields(op: Any) -> dict[str, int]:
    """Of a pool; zeros where it has no bytes."""
    if not isinstance(op, q.MaxPool | q.AvgPool):
        return dict.fromkeys(("lo", "hi", "x_unsigned"), 0)
    return {"lo": op.lo, "hi": op.hi, "x_unsigned": _unsigned(op.x)}


def binary_fields(op: q.Binary | q.FloatBinary) -> dict[str, int | float]:
    """Of a sum, difference or product, in integers or in floats."""
    names = ["a_zero", "b_zero", "y_zero", "left_shift", "lo", "hi"]
    names += [f"{slot}_{what}" for slot in "aby" for what in ("multiplier", "shift")]
    found: dict[str, int | float] = {name: int(getattr(op, name, 0)) for name in names}
    found |= {"a_unsigned": _unsigned(op.a), "b_unsigned": _unsigned(op.b)}
    found["kind"] = ("add", "sub", "mul").index(getattr(op, "kind", "add"))
    return found | {f"{slot}_scale": float(getattr(op, f"{slot}_scale", 0.0)) for slot in "aby"}


def mean_fields(op: q.Mean) -> dict[str, int]:
    """Of a mean."""
    lo, hi = _range(op.result)
    return {
        "x_zero": op.x_zero,
        "y_zero": op.y_zero,
        "x_unsigned": _unsigned(op.x),
        "multiplier": op.multiplier,
        "shift": op.shift,
        "lo": lo,
        "hi": hi,
    }


def element_fields(op: Any) -> dict[str, Any]:
    """Of an operation on bytes one by one."""
    lo, hi = (op.lo, op.hi) if isinstance(op, q.Clamp) else _range(op.result)
    zero = int(getattr(op, "zero", 0))
    return {
        "count": op.x.type.size,
        "x_zero": int(getattr(op, "x_zero", zero)),
        "y_zero": int(getattr(op, "y_zero", zero)),
        "lo": lo,
        "hi": hi,
        "x_unsigned": _unsigned(op.x),
        "halves_even": int(getattr(op, "halves", "away") == "even"),
        "multiplier": int(getattr(op, "multiplier", 0)),
        "shift": int(getattr(op, "shift", 0)),
        "round_twice": int(getattr(op, "rounding", "single") == "double"),
        "scale": float(getattr(op, "scale", 0.0)),
    }
