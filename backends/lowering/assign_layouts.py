# SPDX-License-Identifier: Apache-2.0
"""Give every tensor between kernels its layout."""

from __future__ import annotations

from typing import ClassVar

from bnnc.ir import Module, Stage
from bnnc.passes import Pass, Rewriter

from ..kernel_table import activation_layout


class AssignLayouts(Pass):
    """Pack bit tensors to bytes; floats, function inputs and outputs stay plain."""

    name: ClassVar[str] = "assign-layouts"
    consumes: ClassVar[Stage | None] = Stage.BINARIZED

    def run(self, module: Module, rw: Rewriter) -> None:
        """Set the layout of every result; kernels were chosen to fit these layouts."""
        for op in module.func.ops:
            for result in op.results:
                layout = activation_layout(result.type)
                rw.retype(result, result.type.with_layout(layout))
