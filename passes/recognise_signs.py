# SPDX-License-Identifier: Apache-2.0
"""Recognise the many ways to write sign and straight-through estimators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bnnc.ir import nn
from bnnc.ir.operation import Op
from bnnc.ir.value import Value

from .base import Pass, pattern
from .constants import scalar_constant
from .registry import register_pass
from .rewriter import Rewriter

_EQUALITY = ("eq", "ne")
_SWAPPED: dict[nn.Predicate, nn.Predicate] = {
    "ge": "le",
    "gt": "lt",
    "le": "ge",
    "lt": "gt",
    "eq": "eq",
    "ne": "ne",
}


@register_pass
class RecogniseStraightThrough(Pass):
    """Rewrite ``c + (q - c)`` to ``q``, the value of a straight-through estimator.

    With c in [-1, 1] and q = sign(c) the sum is exactly q: fl(q - c) lies in [0, 2] in magnitude
    and adding c back rounds to q (checked for every positive float up to 1). For scaled weights
    q = alpha * sign(w) the sum may be one ulp off, hence ``rounding``.
    """

    name = "recognise-straight-through"
    exactness = "rounding"

    @pattern
    def rewrite(self, op: nn.Add, rw: Rewriter) -> None:
        """Either operand order of the sum."""
        for base, delta in ((op.a, op.b), (op.b, op.a)):
            inner = delta.owner
            if isinstance(inner, nn.Sub) and inner.b is base and inner.a.type == op.result.type:
                quantized = inner.a.owner
                if isinstance(quantized, nn.Sign) and not _within_unit(base):
                    rw.remark(
                        op,
                        "straight-through sign without a clip is taken as the sign itself; "
                        "the float sum differs from it only beyond magnitude 2^24",
                    )
                rw.replace(op, inner.a)
                return


def _within_unit(value: Value) -> bool:
    """Whether a value is the result of a clip to [-1, 1], in any spelling."""
    owner = value.owner
    if isinstance(owner, nn.Clip):
        return owner.lo >= -1 and owner.hi <= 1
    bounds: set[float] = set()
    while isinstance(owner, nn.Minimum | nn.Maximum):
        for bound, rest in ((owner.b, owner.a), (owner.a, owner.b)):
            number = scalar_constant(bound)
            if number is not None:
                bounds.add(number)
                owner = rest.owner
                break
        else:
            break
    return {-1.0, 1.0} <= bounds


@register_pass
class RecogniseSigns(Pass):
    """Rewrite select/compare/cast idioms, double signs and clipped signs to one ``nn.sign``."""

    name = "recognise-signs"

    @pattern
    def double_sign(self, op: nn.Sign, rw: Rewriter) -> None:
        """sign(sign(x) + c) with 0 < |c| < 1: zeros of the inner sign go to the side of c."""
        inner = op.x.owner
        if isinstance(inner, nn.Sign) and inner.zero != "keep":
            rw.replace(op, inner.result)
            return
        if not isinstance(inner, nn.Add | nn.Sub):
            return
        sign, offset = inner.a.owner, scalar_constant(inner.b)
        if not isinstance(sign, nn.Sign) and isinstance(inner, nn.Add):
            sign, offset = inner.b.owner, scalar_constant(inner.a)
        if not isinstance(sign, nn.Sign) or offset is None or not 0 < abs(offset) < 1:
            return
        if sign.result.shape != op.result.shape:
            return
        upward = (offset > 0) == isinstance(inner, nn.Add)
        zero: Literal["plus", "minus"] = "plus" if upward else "minus"
        rw.replace(
            op,
            nn.Sign(
                sign.x,
                zero=sign.zero if sign.zero != "keep" else zero,
                nan=op.nan if sign.nan == "propagate" else sign.nan,
                loc=op.loc.fuse([sign.loc]),
            ),
        )

    @pattern
    def clipped_sign(self, op: nn.Sign, rw: Rewriter) -> None:
        """The sign of a value clipped to an interval around zero is the sign of the value."""
        inner = op.x.owner
        if isinstance(inner, nn.Clip) and inner.lo < 0 < inner.hi:
            rw.update(op, x=inner.x)
        elif isinstance(inner, nn.Minimum | nn.Maximum):
            for bound, rest in ((inner.b, inner.a), (inner.a, inner.b)):
                number = scalar_constant(bound)
                beyond = 1 if isinstance(inner, nn.Minimum) else -1
                same = rest.shape == op.result.shape
                if same and number is not None and number * beyond > 0:
                    rw.update(op, x=rest)
                    return

    @pattern
    def selected(self, op: nn.Select, rw: Rewriter) -> None:
        """``x >= 0 ? 1 : -1`` and its kin; NaN compares false."""
        yes, no = scalar_constant(op.a), scalar_constant(op.b)
        compare = op.condition.owner
        if isinstance(compare, nn.Compare) and {yes, no} == {1.0, -1.0}:
            sign = _sign_of_comparison(compare, positive=yes == 1.0)
            if sign is not None and sign.x.shape == op.result.shape:
                _replace(op, sign, rw)

    @pattern
    def step(self, op: nn.Select, rw: Rewriter) -> None:
        """``x > 0 ? 1 : 0`` is a cast, ``x > 0 ? 0 : 1`` one minus it."""
        yes, no = scalar_constant(op.a), scalar_constant(op.b)
        if {yes, no} != {1.0, 0.0} or op.condition.shape != op.result.shape:
            return
        if not isinstance(op.condition.owner, nn.Compare):
            return
        cast = nn.Cast(op.condition, to="f32", loc=op.loc)
        if yes == 1.0:
            rw.replace(op, cast)
            return
        one = rw.resource(f"{op.loc.name}.one", np.ones(1, np.float32))
        rw.replace(op, nn.Sub(one, rw.insert(cast).result))

    @pattern
    def rising_step(self, op: nn.Cast, rw: Rewriter) -> None:
        """``cast(x < 0)`` is ``cast(-x > 0)``, and so where zero is the first operand."""
        compare = op.x.owner
        if not isinstance(compare, nn.Compare) or op.to != "f32" or compare.predicate in _EQUALITY:
            return
        left = scalar_constant(compare.b) == 0.0
        x, zero = (compare.a, compare.b) if left else (compare.b, compare.a)
        if scalar_constant(zero) != 0.0 or x.shape != op.result.shape:
            return
        predicate = compare.predicate if left else _SWAPPED[compare.predicate]
        if left and predicate in ("gt", "ge"):
            return
        if predicate in ("lt", "le"):
            x, predicate = rw.insert(nn.Neg(x)).result, _SWAPPED[predicate]
        rising = rw.insert(nn.Compare(x, zero, predicate=predicate, loc=compare.loc))
        rw.update(op, x=rising.result)

    @pattern
    def scaled_cast(self, op: nn.Sub | nn.Add, rw: Rewriter) -> None:
        """``2 * cast(x >= 0) - 1``."""
        product, offset = op.a.owner, scalar_constant(op.b)
        if not isinstance(product, nn.Mul) or offset != (1.0 if isinstance(op, nn.Sub) else -1.0):
            return
        for factor, other in ((product.a, product.b), (product.b, product.a)):
            cast = other.owner
            if scalar_constant(factor) == 2.0 and isinstance(cast, nn.Cast) and cast.to == "f32":
                compare = cast.x.owner
                if isinstance(compare, nn.Compare):
                    sign = _sign_of_comparison(compare, positive=True)
                    if sign is not None and sign.x.shape == op.result.shape:
                        _replace(op, sign, rw)
                        return


@dataclass(frozen=True)
class _Sign:
    """A sign of x, or of -x when it `falls` as x grows."""

    x: Value
    falls: bool
    zero: Literal["plus", "minus"]
    nan: Literal["plus", "minus"]


def _replace(op: Op, sign: _Sign, rw: Rewriter) -> None:
    x = rw.insert(nn.Neg(sign.x)).result if sign.falls else sign.x
    rw.replace(op, nn.Sign(x, zero=sign.zero, nan=sign.nan))


def _sign_of_comparison(compare: nn.Compare, *, positive: bool) -> _Sign | None:
    """The sign that ``(x predicate 0) ? p : -p`` is, p = +1 when `positive`, else -1."""
    predicate, x = compare.predicate, compare.a
    if scalar_constant(compare.b) != 0.0:
        if scalar_constant(compare.a) != 0.0:
            return None
        predicate, x = _SWAPPED[compare.predicate], compare.b
    if predicate in _EQUALITY:
        return None
    falls = (predicate in ("ge", "gt")) != positive
    zero_true = predicate in ("ge", "le")
    zero: Literal["plus", "minus"] = "plus" if zero_true == positive else "minus"
    nan: Literal["plus", "minus"] = "minus" if positive else "plus"
    return _Sign(x, falls, zero, nan)
