# SPDX-License-Identifier: Apache-2.0
"""The tables of converters: one function for each operator of TensorFlow Lite.

An operator that reads or writes quantized bytes is looked up in a table of its own: there is no
float meaning that it could fall back to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from bnnc.ir import Value

if TYPE_CHECKING:
    from .context import Context

Converter: TypeAlias = "Callable[[Context], Value | Sequence[Value]]"

_FLOAT: dict[str, Converter] = {}
_BYTES: dict[str, Converter] = {}
_FAMILIES = (  # the modules of converters/ that register here
    *("elementwise", "larq", "layer", "pool", "shape", "tensorflow"),
    *("quantized_elementwise", "quantized_layer", "quantized_pool", "quantized_values"),
)


def converts(*operators: str) -> Callable[[Converter], Converter]:
    """Register a function as the converter of these operators on floats."""
    return lambda converter: _register(_FLOAT, operators, converter)


def converts_bytes(*operators: str) -> Callable[[Converter], Converter]:
    """Register a function as the converter of these operators on quantized bytes."""
    return lambda converter: _register(_BYTES, operators, converter)


def _register(
    table: dict[str, Converter], operators: Sequence[str], converter: Converter
) -> Converter:
    for operator in operators:
        if operator in table:
            raise ValueError(f"two converters for {operator}")
        table[operator] = converter
    return converter


def find_converter(operator: str, *, on_bytes: bool = False) -> Converter | None:
    """Return the converter of an operator, or None."""
    _load()
    return (_BYTES if on_bytes else _FLOAT).get(operator)


def supported_operators(*, on_bytes: bool = False) -> list[str]:
    """Return the names of all operators that can be imported, sorted."""
    _load()
    return sorted(_BYTES if on_bytes else _FLOAT)


@cache
def _load() -> None:
    for family in _FAMILIES:
        import_module(f".converters.{family}", __package__)
