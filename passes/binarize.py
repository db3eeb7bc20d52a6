# SPDX-License-Identifier: Apache-2.0
"""From float operations to layers of a kind: detect bit activations and bit or ternary weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bnnc.ir import bin as bits
from bnnc.ir import nn
from bnnc.ir.diagnostics import PassError
from bnnc.ir.module import Module, Stage
from bnnc.ir.types import BIT, TERN, TensorType
from bnnc.ir.value import Resource, Value

from .base import Pass
from .ranges import rests_at_zero
from .registry import register_pass
from .rewriter import Rewriter
from .weights import WeightClass, classify

_CONVS: dict[str, type[bits.ConvLayer]] = {
    c.KIND: c for c in (bits.Conv2DFF, bits.Conv2DFB, bits.Conv2DFT, bits.Conv2DBB, bits.Conv2DBT)
}
_DENSES: dict[str, type[bits.DenseLayer]] = {
    c.KIND: c for c in (bits.DenseFF, bits.DenseFB, bits.DenseFT, bits.DenseBB, bits.DenseBT)
}


@register_pass
class Binarize(Pass):
    """Give every convolution and dense layer its kind, and carry signs as bits.

    A sign becomes ``pack(sign(x))`` followed by ``unpack``; layers, pools and reshapes that read
    an unpacked value read the bits instead. Weights that are +-alpha up to one ulp count as
    alpha * sign, hence ``rounding``.
    """

    name = "binarize"
    consumes = Stage.CANONICAL
    produces = Stage.BINARIZED
    exactness = "rounding"

    def run(self, module: Module, rw: Rewriter) -> None:
        """One forward walk: bits are known before their users are met."""
        for op in rw.walk():
            if isinstance(op, nn.Sign):
                if op.zero == "keep" and rests_at_zero(op.x):
                    rw.remark(op, "is a step from 0 to 1, not a sign: stays a float")
                else:
                    self._sign(op, rw)
            elif isinstance(op, nn.Conv2D | nn.Dense):
                self._layer(op, rw)
            elif isinstance(op, nn.MaxPool) and (x := packed(op.x)):
                pooled = bits.MaxPool(x, kernel_size=op.kernel_size, stride=op.stride, pad=op.pad)
                rw.replace(op, bits.Unpack(rw.insert(pooled).result))
            elif isinstance(op, nn.Reshape) and (x := packed(op.x)):
                rw.replace(op, bits.Unpack(rw.insert(bits.Reshape(x, shape=op.shape)).result))

    def _sign(self, op: nn.Sign, rw: Rewriter) -> None:
        sign = nn.Sign(op.x, zero=op.zero, nan=op.nan, loc=op.loc)
        rw.insert(sign)
        nan: bits.Nan = "minus" if op.nan == "minus" else "plus"
        bit = rw.insert(bits.Pack(sign.result, nan=nan, loc=op.loc))
        rw.replace(op, bits.Unpack(bit.result, loc=op.loc))

    def _layer(self, op: nn.Conv2D | nn.Dense, rw: Rewriter) -> None:
        if not isinstance(op.w, Resource):
            raise PassError(
                f"the weights of '{op.loc.name}' are computed from the network's input",
                hint="only constant weights are supported; freeze the model first",
            )
        found = classify(op.w.array)
        if found.noisy:
            rw.remark(op, f"{found.noisy} weights off +-alpha by an ulp are taken as +-alpha")
        x = packed(op.x) if found.kind != "float" and _bit_pad(op) else None
        kind = ("f" if x is None else "b") + {"float": "f", "bit": "b", "tern": "t"}[found.kind]
        weights = self._weights(op.w, found, rw)
        alpha = None
        if found.alpha is not None:
            alpha = rw.resource(f"{op.w.symbol}.alpha", found.alpha)
        fields: dict[str, Any] = {"loc": op.loc}
        if isinstance(op, nn.Conv2D):
            fields |= {
                "stride": op.stride,
                "dilation": op.dilation,
                "groups": op.groups,
                "pad": op.pad,
                "pad_value": op.pad_value,
            }
        make: Callable[..., bits.Layer] = (_CONVS if isinstance(op, nn.Conv2D) else _DENSES)[kind]
        rw.replace(op, make(op.x if x is None else x, weights, alpha, op.b, **fields))

    def _weights(self, w: Resource, found: WeightClass, rw: Rewriter) -> Value:
        if found.signs is None:
            return w
        scalar = BIT if found.kind == "bit" else TERN
        name = f"{w.symbol}.{'sign' if found.kind == 'bit' else 'tern'}"
        return rw.resource(name, found.signs, TensorType(w.shape, scalar))


def packed(value: Value) -> Value | None:
    """The bits behind an unpacked value, or None."""
    return value.owner.x if isinstance(value.owner, bits.Unpack) else None


def _bit_pad(op: nn.Conv2D | nn.Dense) -> bool:
    return isinstance(op, nn.Dense) or not any(op.pad) or op.pad_value in (-1.0, 0.0, 1.0)


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
    rw.remark(sign, f"the graph's sign gives 0 for an exact zero; taken as +1 ({why})")
