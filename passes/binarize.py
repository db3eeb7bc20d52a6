# SPDX-License-Identifier: Apache-2.0
"""From float operations to layers of a kind: detect bit activations and bit or ternary weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bnnc.ir import bin as bits
from bnnc.ir import nn
from bnnc.ir.diagnostics import PassError
from bnnc.ir.module import Module, Stage
from bnnc.ir.operation import Op
from bnnc.ir.types import BIT, TERN, TensorType
from bnnc.ir.value import Resource, Value

from .base import Pass
from .constants import constant
from .level_values import Grid, grid_after, grid_of, integers_of
from .ranges import rests_at_zero
from .registry import register_pass
from .rewriter import Rewriter
from .weights import WeightClass, classify

_CONVS: dict[str, type[bits.ConvLayer]] = {
    c.KIND: c
    for c in (
        *(bits.Conv2DFF, bits.Conv2DFB, bits.Conv2DFT, bits.Conv2DBB, bits.Conv2DBT),
        *(bits.Conv2DUB, bits.Conv2DUT),
    )
}
_DENSES: dict[str, type[bits.DenseLayer]] = {
    c.KIND: c
    for c in (
        *(bits.DenseFF, bits.DenseFB, bits.DenseFT, bits.DenseBB, bits.DenseBT),
        *(bits.DenseUB, bits.DenseUT),
    )
}
_MOVERS = nn.Transpose | nn.Slice | nn.Split | nn.Concat | nn.Pad
_WEIGHT_LETTER = {"float": "f", "bit": "b", "tern": "t"}


@register_pass
class Binarize(Pass):
    """Give every convolution and dense layer its kind, and carry signs and levels as integers.

    A sign becomes ``pack(sign(x))`` followed by ``unpack``; a rounded bounded value or a Heaviside
    step becomes ``to_levels`` followed by ``dequantize``, which takes in the affine operations
    behind it. Layers, pools and reshapes read the integers instead. Weights that are +-alpha up to
    one ulp count as alpha * sign, hence ``rounding``.
    """

    name = "binarize"
    consumes = Stage.CANONICAL
    produces = Stage.BINARIZED
    exactness = "rounding"

    def run(self, module: Module, rw: Rewriter) -> None:
        """One forward walk: bits and levels are known before their users are met."""
        for op in rw.walk():
            if isinstance(op, nn.Conv2D | nn.Dense):
                self._layer(op, rw)
            elif integers := integers_of(op):
                self._levels(op, integers, rw)
            elif isinstance(op, nn.MultiThreshold):
                self._thresholds(op, rw)
            elif isinstance(op, nn.Sign):
                self._sign(op, rw)
            elif moved := grid_after(op):
                source, grid = moved
                rw.replace(op, _dequantize(source.x, grid, op))
            elif not (self._move_bits(op, rw) or self._repack(op, rw)):
                self._move_levels(op, rw)

    def _sign(self, op: nn.Sign, rw: Rewriter) -> None:
        if op.zero == "keep" and rests_at_zero(op.x):
            rw.remark(op, "zero is a usual value here, not a tie: the sign stays a float")
            return
        sign = nn.Sign(op.x, zero=op.zero, nan=op.nan, loc=op.loc)
        rw.insert(sign)
        nan: bits.Nan = "minus" if op.nan == "minus" else "plus"
        bit = rw.insert(bits.Pack(sign.result, nan=nan, loc=op.loc))
        rw.replace(op, bits.Unpack(bit.result, loc=op.loc))

    def _levels(self, op: Op, integers: tuple[int, int], rw: Rewriter) -> None:
        low, count = integers
        same = rw.insert(op.rebuilt(lambda v: v))
        levels = rw.insert(bits.ToLevels(same.result, low=low, levels=count, loc=op.loc))
        rw.replace(op, _dequantize(levels.result, Grid(count, 1.0, float(low)), op))

    def _thresholds(self, op: nn.MultiThreshold, rw: Rewriter) -> None:
        thr = constant(op.thr)
        if thr is None:
            raise PassError(f"the thresholds of '{op.loc.name}' are computed from the input")
        rows = rw.resource(op.thr.name, np.sort(thr, axis=1))
        levels = rw.insert(bits.Quantize(op.x, rows, nan="minus", loc=op.loc))
        rw.replace(op, _dequantize(levels.result, Grid(thr.shape[1], 1.0, 0.0), op))

    def _move_bits(self, op: Op, rw: Rewriter) -> bool:
        x = packed(op.x) if isinstance(op, nn.MaxPool | nn.Reshape) else None
        if x is None:
            return False
        if isinstance(op, nn.MaxPool):
            size = op.kernel_size
            moved: Op = bits.MaxPool(x, kernel_size=size, stride=op.stride, pad=op.pad)
        else:
            moved = bits.Reshape(x, shape=op.result.shape)
        rw.replace(op, bits.Unpack(rw.insert(moved).result))
        return True

    def _repack(self, op: Op, rw: Rewriter) -> bool:
        """Bits that no kernel moves are moved as floats and packed again for the layers behind."""
        if not isinstance(op, _MOVERS) or any(packed(v) is None for v in op.operands):
            return False
        if isinstance(op, nn.Pad) and abs(op.value) != 1.0:
            return False
        if not any(_reaches_layer(v) for v in op.results):
            return False
        moved = rw.insert(op.rebuilt(lambda v: v))
        again = [rw.insert(bits.Pack(v, nan="plus", loc=op.loc)).result for v in moved.results]
        rw.replace(op, [rw.insert(bits.Unpack(v, loc=op.loc)).result for v in again])
        return True

    def _move_levels(self, op: Op, rw: Rewriter) -> None:
        """Data movement and max pools work on the levels themselves (a larger level is larger)."""
        if not isinstance(op, _MOVERS | nn.Reshape | nn.MaxPool) or isinstance(op, nn.Pad):
            return
        grids = [grid_of(v) for v in op.operands]
        grid = grids[0]
        if grid is None or any(g != grid for g in grids):
            return
        if isinstance(op, nn.MaxPool) and grid.scale <= 0:
            return
        moved = rw.insert(op.rebuilt(_levels_behind))
        floats = [rw.insert(_dequantize(v, grid, op)).result for v in moved.results]
        rw.replace(op, floats)

    def _layer(self, op: nn.Conv2D | nn.Dense, rw: Rewriter) -> None:
        if not isinstance(op.w, Resource):
            raise PassError(
                f"the weights of '{op.loc.name}' are computed from the network's input",
                hint="only constant weights are supported; freeze the model first",
            )
        found = classify(op.w.array)
        if found.noisy:
            rw.remark(op, f"{found.noisy} weights off +-alpha by an ulp are taken as +-alpha")
        weights = self._weights(op.w, found, rw)
        activation = Activation.of(op, floats_only=found.signs is None)
        alpha, bias = found.alpha, op.b
        if activation.scale != 1.0:
            ones = np.ones(op.w.shape[0], np.float32)
            alpha = (ones if alpha is None else alpha) * np.float32(activation.scale)
        if activation.offset != 0.0 and found.signs is not None:
            bias = self._offset_bias(op, activation.offset, found, rw)
        factors = None if alpha is None else rw.resource(f"{op.w.symbol}.alpha", alpha)
        fields: dict[str, Any] = {"loc": op.loc}
        if isinstance(op, nn.Conv2D):
            fields |= {"stride": op.stride, "dilation": op.dilation, "groups": op.groups}
            fields |= {"pad": op.pad, "pad_value": activation.pad_value}
        table = _CONVS if isinstance(op, nn.Conv2D) else _DENSES
        make: Callable[..., bits.Layer] = table[activation.letter + _WEIGHT_LETTER[found.kind]]
        rw.replace(op, make(activation.x, weights, factors, bias, **fields))

    def _weights(self, w: Resource, found: WeightClass, rw: Rewriter) -> Value:
        if found.signs is None:
            return w
        scalar = BIT if found.kind == "bit" else TERN
        name = f"{w.symbol}.{'sign' if found.kind == 'bit' else 'tern'}"
        return rw.resource(name, found.signs, TensorType(w.shape, scalar))

    def _offset_bias(
        self, op: nn.Conv2D | nn.Dense, offset: float, found: WeightClass, rw: Rewriter
    ) -> Value:
        """sum((s * l + o) * w) = s * sum(l * w) + o * sum(w); the last term joins the bias."""
        signs = np.zeros(0) if found.signs is None else found.signs
        total = signs.reshape(signs.shape[0], -1).sum(axis=1).astype(np.float64) * offset
        if found.alpha is not None:
            total = total * found.alpha.astype(np.float64)
        own = constant(op.b)
        bias = total if own is None else total + own.astype(np.float64)
        return rw.resource(f"{op.loc.name}.bias", bias.astype(np.float32))


@dataclass(frozen=True)
class Activation:
    """What a layer reads: kind letter, value, its scale and offset, the pad in its units."""

    letter: str
    x: Value
    scale: float = 1.0
    offset: float = 0.0
    pad_value: float = 0.0

    @classmethod
    def of(cls, op: nn.Conv2D | nn.Dense, *, floats_only: bool) -> Activation:
        """Bits or levels where the layer can read them, else the floats.

        A pad value must be a value of the bits or of the grid.
        """
        padded = isinstance(op, nn.Conv2D) and any(op.pad)
        pad_value = op.pad_value if isinstance(op, nn.Conv2D) else 0.0
        floats = cls("f", op.x, pad_value=pad_value)
        if floats_only:
            return floats
        if (x := packed(op.x)) is not None:
            fits = not padded or pad_value in (-1.0, 0.0, 1.0)
            return cls("b", x, pad_value=pad_value if padded else 0.0) if fits else floats
        grid = grid_of(op.x)
        if grid is None:
            return floats
        level = grid.level_of(pad_value) if padded else 0
        if level is None:
            return floats
        return cls("u", _levels_behind(op.x), grid.scale, grid.offset, float(level))


def _levels_behind(value: Value) -> Value:
    return value.owner.x if isinstance(value.owner, bits.Dequantize) else value


def _dequantize(levels: Value, grid: Grid, like: Op) -> bits.Dequantize:
    return bits.Dequantize(levels, scale=grid.scale, offset=grid.offset, loc=like.loc)


def packed(value: Value) -> Value | None:
    """The bits behind an unpacked value, or None."""
    return value.owner.x if isinstance(value.owner, bits.Unpack) else None


def _reaches_layer(value: Value) -> bool:
    """Whether a layer reads a value, or what is left of it after movements and max pools."""
    return any(
        isinstance(user, nn.Conv2D | nn.Dense)
        or (
            isinstance(user, _MOVERS | nn.Reshape | nn.MaxPool)
            and any(_reaches_layer(v) for v in user.results)
        )
        for user in value.users
    )
