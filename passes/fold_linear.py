# SPDX-License-Identifier: Apache-2.0
"""Fold affine operations behind a layer, where no sign follows, into its alpha and bias."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TypeAlias

import numpy as np

from bnnc.ir import bin as bits
from bnnc.ir import nn
from bnnc.ir.module import Stage
from bnnc.ir.operation import Op
from bnnc.ir.value import Resource, Value

from .base import Pass, pattern
from .chains import step_of
from .constants import channel_constant
from .registry import register_pass
from .rewriter import Rewriter

AffineOp: TypeAlias = nn.Add | nn.Mul | nn.Sub | nn.Div | nn.BatchNorm


@dataclass(frozen=True)
class Affine:
    """y = x * scale + offset per channel, in float64; `x` is the input value."""

    x: Value
    _: KW_ONLY
    scale: np.ndarray
    offset: np.ndarray


def affine_of(op: Op) -> Affine | None:
    """An operation as one affine map per channel, or None."""
    found = step_of(op)
    if found is None or op.result.shape != found[2].shape:
        return None
    step, values, x = found
    params = [channel_constant(v, x) for v in values]
    doubles = [p.astype(np.float64) for p in params if p is not None]
    if len(doubles) != len(values) or x.type.rank == 0:
        return None
    one, zero = np.ones(x.shape[-1]), np.zeros(x.shape[-1])
    match step[0]:
        case "mul":
            return Affine(x, scale=doubles[0], offset=zero)
        case "div" if bool((doubles[0] != 0).all()):
            return Affine(x, scale=1 / doubles[0], offset=zero)
        case "add":
            return Affine(x, scale=one, offset=doubles[0])
        case "sub":
            return Affine(x, scale=one, offset=-doubles[0])
        case "batch_norm":
            gamma, beta, mean, var = doubles
            scale = gamma / np.sqrt(var + float(step[1]))
            return Affine(x, scale=scale, offset=beta - mean * scale)
        case _:
            return None


@register_pass
class FoldLinear(Pass):
    """Fold scale, offset and batch norm behind a layer into the layer.

    Computed in float64 and rounded once: y = (acc * alpha + b) * s + o = acc * (alpha * s) +
    (b * s + o). Layers with float weights take the scale into the weights. Runs after threshold
    folding, which needs the expression as imported.
    """

    name = "fold-linear"
    consumes = Stage.BINARIZED
    exactness = "rounding"

    @pattern
    def into_layer(self, op: AffineOp, rw: Rewriter) -> None:
        """Fold one affine operation into the layer that feeds it."""
        affine = affine_of(op)
        layer = affine.x.owner if affine else None
        if affine is None or not isinstance(layer, bits.Layer):
            return
        if layer.thr is not None or layer.result.use_count > 1 or not isinstance(layer.w, Resource):
            return
        ones, zeros = np.ones_like(affine.scale), np.zeros_like(affine.scale)
        alpha = _doubles(layer.alpha, ones) * affine.scale
        bias = _doubles(layer.bias, zeros) * affine.scale + affine.offset
        name, weights = layer.loc.name, layer.w
        spread = alpha.reshape(-1, *[1] * (weights.type.rank - 1))
        if not _in_range(alpha, bias, weights.array * spread):
            if isinstance(op, nn.BatchNorm):
                _to_affine(op, rw)
            return
        factors: Value | None = None
        if layer.KIND == "ff":
            if not bool((affine.scale == 1).all()):
                scaled = (weights.array * spread).astype(np.float32)
                weights = rw.resource(weights.symbol, scaled)
        elif not bool((alpha == 1).all()):
            factors = rw.resource(f"{name}.alpha", alpha.astype(np.float32))
        offsets = None
        if layer.bias is not None or bool((bias != 0).any()):
            offsets = rw.resource(f"{name}.bias", bias.astype(np.float32))
        merged = layer.rebuilt(
            lambda v: v, w=weights, alpha=factors, bias=offsets, loc=layer.loc.fuse([op.loc])
        )
        rw.insert(merged)
        rw.replace(op, merged.results)

    @pattern
    def batch_norm(self, op: nn.BatchNorm, rw: Rewriter) -> None:
        """Batch norm behind anything else becomes scale and offset, in its own float order."""
        owner = op.x.owner
        if isinstance(owner, bits.Layer) and op.x.use_count == 1 and owner.thr is None:
            return
        _to_affine(op, rw)


def _to_affine(op: nn.BatchNorm, rw: Rewriter) -> None:
    parts = [channel_constant(v, op.x) for v in (op.gamma, op.beta, op.mean, op.var)]
    if any(p is None for p in parts):
        return
    gamma, beta, mean, var = (p for p in parts if p is not None)
    scale = gamma * (np.float32(1) / np.sqrt(var + np.float32(op.epsilon)))
    offset = beta - mean * scale
    name = op.loc.name
    factors, offsets = rw.resource(f"{name}.scale", scale), rw.resource(f"{name}.offset", offset)
    rw.replace(op, bits.Affine(op.x, factors, offsets))


def _in_range(*numbers: np.ndarray) -> bool:
    """Whether folded numbers fit float32: the operations that they stand for may well do so."""
    return all(bool((np.abs(n) <= np.finfo(np.float32).max).all()) for n in numbers)


def _doubles(value: Value | None, default: np.ndarray) -> np.ndarray:
    if isinstance(value, Resource):
        return value.array.astype(np.float64)
    return default
