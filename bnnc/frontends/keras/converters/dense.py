# SPDX-License-Identifier: Apache-2.0
"""Dense layers."""

from __future__ import annotations

from bnnc.ir import Value, nn

from ..activations import activate
from ..context import Context
from ..convert import converts
from ..quantizers import quantize, trained_weights


@converts("Dense", "QuantDense", "bnnc>BinaryDense")
def dense(c: Context) -> Value:
    """Over the last axis; input and kernel quantized where the layer says so."""
    x = quantize(c, "input_quantizer", c.x)
    *outer, size = x.shape
    units = c.integer("units")
    shapes = [("kernel", (size, units)), ("bias", (units,))]
    kernel, *bias = c.variables(*shapes[: 2 if c.flag("use_bias", True) else 1])
    if c.node.layer.kind == "bnnc>BinaryDense":
        kernel = trained_weights(c, kernel)
    w = c.transpose(quantize(c, "kernel_quantizer", kernel), (1, 0))
    flat = c.reshape(x, (x.type.size // max(size, 1), size))
    y = c.emit(nn.Dense(flat, w, bias[0] if bias else None))
    return activate(c, c.reshape(y, (*outer, units)))
