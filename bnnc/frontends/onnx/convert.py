# SPDX-License-Identifier: Apache-2.0
"""The table of converters: one function for each operation type of ONNX, QONNX and FINN."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from bnnc.ir import Value

from .arrangement import Arranged
from .graph import Node

if TYPE_CHECKING:
    from .context import Context

Result: TypeAlias = "Value | Arranged"
Converter: TypeAlias = "Callable[[Context], Result | Sequence[Result]]"

_TABLE: dict[str, Converter] = {}
_FAMILIES = (  # the modules of converters/ that register here
    *("activation", "constant", "conv", "dense", "elementwise", "integers"),
    *("norm", "pool", "quantizers", "selection", "shape", "slices"),
)
_STANDARD = ("", "ai.onnx")
# Exporters and versions of QONNX, Brevitas and FINN spell the domain of the same operations so.
QUANTIZER_DOMAINS = (
    *("qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas"),
    *("qonnx", "finn", "brevitas"),
)


def converts(*ops: str) -> Callable[[Converter], Converter]:
    """Register a function as the converter of these operation types."""

    def register(converter: Converter) -> Converter:
        for op in ops:
            if op in _TABLE:
                raise ValueError(f"two converters for {op}")
            _TABLE[op] = converter
        return converter

    return register


def find_converter(node: Node) -> Converter | None:
    """Return the converter of a node, or None."""
    if node.domain in _STANDARD or node.domain in QUANTIZER_DOMAINS:
        return _table().get(node.op)
    return None


def converters() -> dict[str, Converter]:
    """Return the converters of all operation types that can be imported, sorted."""
    return dict(sorted(_table().items()))


@cache
def _table() -> dict[str, Converter]:
    # A module of converters may have been imported before, for its helpers.
    for family in _FAMILIES:
        import_module(f".converters.{family}", __package__)
    return _TABLE
