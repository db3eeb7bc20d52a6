# SPDX-License-Identifier: Apache-2.0
"""The table of converters: one function for each operation type of TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from bnnc.ir import Value

if TYPE_CHECKING:
    from .context import Context

Converter: TypeAlias = "Callable[[Context], Value | Sequence[Value]]"

_TABLE: dict[str, Converter] = {}
_FAMILIES = (  # the modules of converters/ that register here
    *("activation", "constant", "conv", "dense", "elementwise"),
    *("norm", "pool", "shape", "slices"),
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


def find_converter(op: str) -> Converter | None:
    """Return the converter of an operation type, or None."""
    return _table().get(op)


def supported_operations() -> list[str]:
    """Return the names of all operation types that can be imported, sorted."""
    return sorted(_table())


@cache
def _table() -> dict[str, Converter]:
    # Another frontend may have imported some of them for their helpers already.
    for family in _FAMILIES:
        import_module(f".converters.{family}", __package__)
    return _TABLE
