# SPDX-License-Identifier: Apache-2.0
"""What becomes of signs that no threshold took over."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from bnnc.ir import bin as bits
from bnnc.ir import nn
from bnnc.ir.diagnostics import PassError, Remark
from bnnc.ir.module import Module, Stage
from bnnc.ir.types import BIT, TensorType

from .base import Pass
from .registry import register_pass
from .rewriter import Rewriter

_ZERO = "the graph's sign gives 0 for an exact zero; taken as +1"


@register_pass
class SimplifySigns(Pass):
    """Turn the ``pack(sign(x))`` that no threshold took over into one cut of x.

    Runs after threshold folding. A sign that keeps zero becomes +1 at zero here.
    """

    name = "simplify-signs"
    consumes = Stage.BINARIZED
    strict_sign: bool = False

    def run(self, module: Module, rw: Rewriter) -> None:
        """Rewrite every ``pack(sign(x))``."""
        for op in rw.walk():
            if not isinstance(op, bits.Pack) or not isinstance(op.x.owner, nn.Sign):
                continue
            sign = op.x.owner
            if sign.zero == "keep":
                refuse_or_remark_zero(rw, sign, "its input is a float", strict=self.strict_sign)
            if sign.zero != "minus":
                rw.update(op, x=sign.x)
                continue
            # sign(x) with zero -> -1 is -sign(-x) with zero -> +1.
            mirrored = rw.insert(bits.Pack(rw.insert(nn.Neg(sign.x)).result, nan=_other(op.nan)))
            minus = np.full(op.result.shape[-1], -1, np.int8)
            flip = rw.resource(f"{sign.loc.name}.flip", minus, TensorType(minus.shape, BIT))
            rw.replace(op, bits.Flip(mirrored.result, flip))


def _other(nan: bits.Nan) -> bits.Nan:
    return "minus" if nan == "plus" else "plus"


def refuse_or_remark_zero(rw: Rewriter, sign: nn.Sign, why: str, *, strict: bool) -> None:
    """A sign that keeps zero is cut to bits: say so once, or refuse when asked to."""
    if strict:
        raise PassError(
            f"sign '{sign.loc.name}' gives 0 for an exact zero and that can happen: {why}",
            hint="drop --strict-sign to take zero as +1",
        )
    rw.remark(sign, f"{_ZERO} ({why})")


def taken_as_plus(module: Module, remarks: Iterable[Remark]) -> Module:
    """A copy in which zero gives +1 at the signs that remarks of these passes name.

    Args:
        module: a module from before the passes.
        remarks: what they said.
    """
    names = {r.where for r in remarks if r.message.startswith(_ZERO)}
    copy = module.clone()
    for op in copy.func.ops:
        if isinstance(op, nn.Sign) and op.zero == "keep" and op.loc.name in names:
            op.zero = "plus"
    return copy
