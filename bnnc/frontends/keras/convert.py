# SPDX-License-Identifier: Apache-2.0
"""The table of converters: one function for each class of layer."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from bnnc.ir import Value

if TYPE_CHECKING:
    from .context import Context

Converter: TypeAlias = "Callable[[Context], Value]"

_TABLE: dict[str, Converter] = {}
_FAMILIES = (  # the modules of converters/ that register here
    *("activation", "conv", "dense", "merging", "norm", "pool", "shape", "training"),
)


def converts(*classes: str) -> Callable[[Converter], Converter]:
    """Register a function as the converter of these classes."""

    def register(converter: Converter) -> Converter:
        for name in classes:
            if name in _TABLE:
                raise ValueError(f"two converters for {name}")
            _TABLE[name] = converter
        return converter

    return register


def find_converter(kind: str) -> Converter | None:
    """Return the converter of a class, or None."""
    return _table().get(kind)


def supported_layers() -> list[str]:
    """Return the classes of all layers that can be imported, sorted."""
    return sorted(_table())


@cache
def _table() -> dict[str, Converter]:
    # A module of converters may have been imported before, for its helpers.
    for family in _FAMILIES:
        import_module(f".converters.{family}", __package__)
    return _TABLE
