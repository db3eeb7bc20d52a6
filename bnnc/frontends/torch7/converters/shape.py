# SPDX-License-Identifier: Apache-2.0
"""Modules that change shapes; the order of elements is that of Torch, channels first."""

from __future__ import annotations

import math

from bnnc.ir import Value, nn

from ...failures import Unsupported
from ..context import Context
from ..convert import converts


@converts("View", "Reshape")
def view(c: Context) -> Value:
    """The elements of each sample under another shape."""
    x, sizes = c.x, c.sizes("size")
    samples = x.shape[0]
    each = x.type.size // max(samples, 1)
    if sizes.count(-1) == 1:
        # What is left open covers the batch too, unless the module knows the rank of a sample.
        total = each if c.has("numInputDims") else x.type.size
        known = -math.prod(sizes)
        if len(sizes) == 1 and total == x.type.size:
            raise Unsupported("joins the samples of a batch", "name the size: nn.View(features)")
        if known < 1 or total % known:
            raise Unsupported(f"has size {sizes} for {total} elements")
        sizes[sizes.index(-1)] = total // known
    if len(sizes) > 1 and sizes[0] == samples and math.prod(sizes) == x.type.size:
        sizes = sizes[1:]  # the batch is named too
    if min(sizes, default=0) < 1 or math.prod(sizes) != each or len(sizes) not in (1, 3):
        raise Unsupported(f"has size {sizes} for {each} elements of a sample")
    if x.type.rank == 4 and x.shape[1:3] != (1, 1):
        x = c.emit(nn.Transpose(x, perm=(0, 3, 1, 2)))
    y = c.reshape(x, (samples, *sizes))
    return y if len(sizes) == 1 else c.emit(nn.Transpose(y, perm=(0, 2, 3, 1)))
