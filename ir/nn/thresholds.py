# SPDX-License-Identifier: Apache-2.0
"""Counting thresholds, as quantized networks write activations of a few levels."""

from __future__ import annotations

from ..diagnostics import IRError
from ..operation import Op, operation
from ..types import F32, TensorType
from ..value import Value


@operation("nn.multi_threshold")
class MultiThreshold(Op):
    """How many of thr[c, 0], ... thr[c, n - 1] have x >= thr, as a float; NaN reaches none."""

    x: Value
    thr: Value

    def infer(self) -> list[TensorType]:
        """The type of x."""
        channels = self.x.shape[-1] if self.x.type.rank else 0
        thr = self.thr.type
        if thr.scalar != F32 or self.x.type.scalar != F32:
            raise IRError(f"{self.NAME} takes f32, not {self.x.type} and {thr}")
        if thr.rank != 2 or thr.shape[0] != channels or not 1 <= thr.shape[1] <= 255:
            raise IRError(f"thr is {thr}, expected 1 to 255 thresholds for {channels} channels")
        return [self.x.type.with_scalar(F32)]
