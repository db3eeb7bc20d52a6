# SPDX-License-Identifier: Apache-2.0
"""Attribute values and their text, guided by the annotation of the declared attribute.

``float`` attributes are float32 values kept as Python floats. Values of literal types stand bare
(``zero = plus``), other strings quoted. Undeclared attributes (those of a module) are spelled by
the type of their value; their floats keep all digits of a double.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeAlias, Union, cast

import numpy as np

from ..operation import AttrSpec, Op
from ..spelling import quoted
from ..types import format_f32

Annotation: TypeAlias = Any  # whatever Python allows as an annotation

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_NOT_BARE = {"inf", "nan", "none", "true", "false"}
_KERNEL = AttrSpec("kernel", str | None, None)
_AT = AttrSpec("at", tuple[int, ...] | None, None)


_DECLARED: dict[type[Op], Mapping[str, AttrSpec]] = {}


def declared(cls: type[Op]) -> Mapping[str, AttrSpec]:
    """The attributes that text may give an operation, by name."""
    found = _DECLARED.get(cls)
    if found is None:
        found = _DECLARED[cls] = {spec.name: spec for spec in (*cls.ATTRS, _KERNEL, _AT)}
    return found


def is_name(text: str) -> bool:
    """Whether a text can be the name of an attribute, or stand bare as its value."""
    return _BARE.fullmatch(text) is not None and text not in _NOT_BARE


@cache
def origin_of(annotation: Annotation) -> Annotation:
    """`typing.get_origin` without its many overloads, which know nothing of runtime values."""
    return typing.get_origin(annotation)


@cache
def members(annotation: Annotation) -> tuple[Annotation, ...]:
    """The members of a union, or the annotation alone."""
    if origin_of(annotation) in (Union, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)


def elements(annotation: Annotation, count: int) -> tuple[Annotation, ...] | None:
    """The annotations of `count` elements of a tuple; None when it has another number."""
    args = typing.get_args(annotation)
    if len(args) == 2 and args[1] is Ellipsis:
        return (args[0],) * count
    return args if len(args) == count else None


def fits(value: object, annotation: Annotation) -> bool:
    """Whether a Python value may stand in an attribute of this annotation."""
    if type(value) is annotation:
        return True
    return any(_fits(value, member) for member in members(annotation))


def _fits(value: object, kind: Annotation) -> bool:
    origin = origin_of(kind)
    if kind is None or kind is type(None):
        return value is None
    if origin is typing.Literal:
        return value in typing.get_args(kind)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        items = cast("tuple[object, ...]", value)
        kinds = elements(kind, len(items))
        return kinds is not None and all(map(fits, items, kinds))
    if isinstance(value, bool | np.bool_):
        return kind is bool
    if kind is float:
        return isinstance(value, float | int | np.floating | np.integer)
    if kind is int:
        return isinstance(value, int | np.integer)
    return isinstance(kind, type) and isinstance(value, kind)


def spell(value: object, annotation: Annotation = None) -> str:
    """The text of an attribute's value; without annotation by the value's own type."""
    if value is None:
        return "none"
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    kind = next((m for m in members(annotation) if fits(value, m)), None)
    if isinstance(value, str):
        bare = origin_of(kind) is typing.Literal and is_name(value)
        return value if bare else quoted(value)
    if isinstance(value, tuple):
        items = cast("tuple[object, ...]", value)
        kinds = elements(kind, len(items)) if kind is not None else None
        return f"[{', '.join(map(spell, items, kinds or [None] * len(items)))}]"
    if kind is float:
        return format_f32(cast("float", value))
    if isinstance(value, float | np.floating):
        return repr(float(cast("float", value)))
    return str(value)


def spelled_attributes(op: Op) -> dict[str, str]:
    """Name and text of each attribute of an operation that differs from its default.

    The text of a flag that is set is empty; ``at`` of a single result is one integer.
    """
    found: dict[str, str] = {}
    for name, spec in declared(type(op)).items():
        value: object = getattr(op, name)
        if not spec.required and value is spec.default:
            continue
        text = spell(value, spec.annotation)
        if not spec.required and text == spell(spec.default, spec.annotation):
            continue
        if value is True:
            text = ""
        elif name == "at" and isinstance(value, tuple) and len(cast("tuple[int, ...]", value)) == 1:
            text = text.strip("[]")
        found[name] = text
    return found


def spelled_pairs(pairs: Mapping[str, str]) -> str:
    """``{a = 1, flag}``, or nothing when there is no pair."""
    if not pairs:
        return ""
    return "{" + ", ".join(f"{k} = {v}" if v else k for k, v in pairs.items()) + "}"


_ONE: dict[Annotation, str] = {
    int: "an integer",
    float: "a number",
    str: "a string",
    bool: "true or false",
}
_MANY: dict[Annotation, str] = {int: "integers", float: "numbers", str: "strings"}


def describe(annotation: Annotation) -> str:
    """What an attribute of this annotation takes, in words."""
    words: list[str] = []
    for member in members(annotation):
        args = typing.get_args(member)
        if origin_of(member) is typing.Literal:
            words += map(str, args)
        elif origin_of(member) is tuple:
            count = "" if args[-1] is Ellipsis else f"{len(args)} "
            words.append(f"a list of {count}{_MANY.get(args[0], 'lists')}")
        elif member is not None and member is not type(None):
            words.append(_ONE.get(member, str(member)))
    return " or ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)
