# SPDX-License-Identifier: Apache-2.0
"""Weights of quantized layers that are +1 and -1 alone become bits."""

from __future__ import annotations

import numpy as np

from bnnc.ir import q
from bnnc.ir.module import Stage
from bnnc.ir.types import BIT, TensorType
from bnnc.ir.value import Resource

from .base import Pass, pattern
from .registry import register_pass
from .rewriter import Rewriter


@register_pass
class BitWeights(Pass):
    """Store weights of +1 and -1 as bits.

    Weights of +-alpha, quantized with the scale alpha, are such weights; alpha is part of the
    layer's multiplier then.
    """

    name = "bit-weights"
    consumes = Stage.BINARIZED

    @pattern
    def layer(self, op: q.Layer, rw: Rewriter) -> None:
        """A convolution or dense layer."""
        if not isinstance(op.w, Resource) or op.w.type.scalar == BIT:
            return
        w = op.w.array
        if w.size and bool((np.abs(w.astype(np.int32)) == 1).all()):
            signs = rw.resource(op.w.symbol, w.astype(np.int8), TensorType(w.shape, BIT))
            rw.update(op, w=signs)
