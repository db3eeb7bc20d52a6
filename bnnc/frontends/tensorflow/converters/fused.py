# SPDX-License-Identifier: Apache-2.0
"""The tails of Grappler's fused nodes: bias, batch normalization, activation."""

from __future__ import annotations

from bnnc.ir import Value, nn

from ..context import Context
from .activation import activation
from .images import to_nhwc
from .norm import batch_norm


def apply_fused(c: Context, y: Value) -> Value:
    """Apply the node's ``fused_ops`` in order; their parameters are inputs 2, 3, ...

    y is NHWC or [n, o]. ``Add`` takes a second summand in the node's own format.
    """
    position = 2
    for name in c.texts("fused_ops"):
        if name == "BiasAdd":
            y = c.emit(nn.Add(y, c.x(position)))
            position += 1
        elif name == "Add":
            other = c.x(position)
            y = c.emit(nn.Add(y, to_nhwc(c, other) if other.type.rank == 4 else other))
            position += 1
        elif name == "FusedBatchNorm":
            parameters = [c.x(position + i) for i in range(4)]
            y = batch_norm(c, y, parameters, epsilon=c.number("epsilon", 1e-4))
            position += 4
        else:
            y = activation(c, name, y)
    return y
