# SPDX-License-Identifier: Apache-2.0
"""Whether the tensors of an imported network have sizes that something can be computed with."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bnnc.ir import Module, TensorType
from bnnc.ir.diagnostics import ImportFailure

_MOST = (1 << 31) - 1  # sizes in generated code have 32 bits


def check_sizes(module: Module) -> None:
    """Refuse tensors that are too large, and inputs and outputs of no elements.

    Raises:
        ImportFailure: There is one; it is named.
    """
    _check("input", module.inputs)
    for op in module.func.ops:
        for value in op.results:
            if value.type.size > _MOST:
                raise _too_large(f"a result of {op.loc.op} at node '{op.loc.name}'", value.shape)
    _check("output", module.outputs)


def _check(kind: str, types: Mapping[str, TensorType]) -> None:
    for name, type_ in types.items():
        if type_.size == 0:
            shape = list(type_.shape)
            raise ImportFailure(f"{kind} '{name}' is a tensor of no elements, {shape}")
        if type_.size > _MOST:
            raise _too_large(f"{kind} '{name}'", type_.shape)


def _too_large(what: str, shape: tuple[int, ...]) -> ImportFailure:
    return ImportFailure(
        f"{what} has the shape {list(shape)}, which is {math.prod(shape)} elements",
        hint=f"the file is damaged, or larger than {_MOST} elements and any use",
    )
