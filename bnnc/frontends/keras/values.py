# SPDX-License-Identifier: Apache-2.0
"""Values of a configuration, by what they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast


def plain(value: object) -> object:
    """A value with tuples in the place of lists."""
    if isinstance(value, list):
        return tuple(plain(v) for v in cast("list[object]", value))
    return value


def as_tuple(value: object) -> tuple[object, ...] | None:
    """The entries of a list or tuple; None for anything else."""
    return tuple(cast("list[object]", value)) if isinstance(value, list | tuple) else None


def as_mapping(value: object) -> Mapping[str, object] | None:
    """A JSON object; None for anything else."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def as_number(value: object) -> float | None:
    """A number, written with a point or without; None for anything else, a bool among it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def class_and_options(value: object) -> tuple[object, Mapping[str, object]]:
    """A function or object that an option names: by name, or by class and options."""
    entry = as_mapping(value)
    if entry is None:
        return value, {}
    name, options = entry.get("class_name"), entry.get("config")
    if name == "function" and isinstance(options, str):
        return options, {}
    return name, as_mapping(options) or {}
