# SPDX-License-Identifier: Apache-2.0
"""Pipeline strings: ``fold-constants,fold-thresholds{check=exhaustive}``."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Sequence

from bnnc.ir.diagnostics import PassError, did_you_mean

from .base import Pass
from .registry import find_pass

_ITEM = re.compile(r"\s*([A-Za-z0-9_.-]+)\s*(?:\{([^{}]*)\})?\s*(,|$)")


def split_pipeline(text: str) -> list[tuple[str, dict[str, str]]]:
    """Split a pipeline string to (pass name, option texts)."""
    items: list[tuple[str, dict[str, str]]] = []
    position = 0
    while position < len(text):
        match = _ITEM.match(text, position)
        if match is None:
            raise PassError(
                f"pipeline '{text}' cannot be read at '{text[position:]}'",
                hint="write name,name{option=value,option=value}",
            )
        options: dict[str, str] = {}
        for option in filter(None, (o.strip() for o in (match[2] or "").split(","))):
            key, equals, value = option.partition("=")
            options[key.strip()] = value.strip() if equals else "true"
        items.append((match[1], options))
        position = match.end()
    return items


def parse_pipeline(text: str, default: str = "") -> list[Pass]:
    """Make the passes of a pipeline string; ``default`` in it stands for the given pipeline."""
    passes: list[Pass] = []
    for name, options in split_pipeline(text):
        if name == "default":
            passes += parse_pipeline(default)
        else:
            passes.append(make_pass(find_pass(name), options))
    return passes


def make_pass(cls: type[Pass], options: dict[str, str]) -> Pass:
    """Make a pass from option texts, checked against the types of its fields."""
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    hints = typing.get_type_hints(cls)
    values: dict[str, object] = {}
    for key, text in options.items():
        name = key.replace("-", "_")
        if name not in fields:
            known = ", ".join(fields) or "none"
            raise PassError(
                f"pass '{cls.name}' has no option '{key}'",
                hint=did_you_mean(name, fields) or f"its options: {known}",
            )
        values[name] = _option_value(cls, key, text, hints[name])
    missing = [n for n, f in fields.items() if n not in values and f.default is dataclasses.MISSING]
    if missing:
        raise PassError(f"pass '{cls.name}' needs the option '{missing[0]}'")
    return cls(**values)


def _option_value(cls: type[Pass], key: str, text: str, hint: object) -> object:
    choices = typing.get_args(hint) if typing.get_origin(hint) is typing.Literal else ()
    try:
        if hint is bool:
            return {"true": True, "false": False}[text.lower()]
        if hint is int:
            return int(text)
        if hint is float:
            return float(text)
    except (ValueError, KeyError):
        wanted = "true or false" if hint is bool else "a number"
        raise PassError(f"option {key} of '{cls.name}' takes {wanted}, not '{text}'") from None
    if choices and text not in choices:
        raise PassError(
            f"option {key} of '{cls.name}' is one of {', '.join(map(str, choices))}, not '{text}'"
        )
    return text


def format_pipeline(passes: Sequence[Pass]) -> str:
    """The pipeline string of passes."""
    return ",".join(p.spec() for p in passes)
