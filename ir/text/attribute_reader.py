# SPDX-License-Identifier: Apache-2.0
"""Reading attribute values: from nodes of the syntax tree to what the annotation wants.

A number in text becomes the float32 next to it. Strings are taken bare or quoted.
"""

from __future__ import annotations

import typing
from typing import cast

import numpy as np
from lark import Token

from ..diagnostics import did_you_mean
from ..operation import AttrValue
from ..spelling import unquoted
from .attributes import Annotation, describe, elements, members, origin_of
from .syntax import ListNode, ValueNode

_NO = object()
_INT_BITS = 64


class BadValue(Exception):
    """A value in text that does not fit; carries the token to point at."""

    def __init__(self, token: Token, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.token = token
        self.message = message
        self.hint = hint


def read_string(token: Token) -> str:
    """The string of a quoted or bare token.

    Raises:
        BadValue: for an unknown escape.
    """
    if token.type != "STRING":
        return str(token)
    try:
        return unquoted(token)
    except ValueError:
        raise BadValue(
            token, "unknown escape in a string", r"write \\ for a backslash, \", \n or \u0041"
        ) from None


def read_int(token: Token) -> int:
    """The integer of a token.

    Raises:
        BadValue: when it takes more than 64 bits.
    """
    value = int(token) if len(token) <= _INT_BITS else 1 << _INT_BITS
    if not -(1 << (_INT_BITS - 1)) <= value < 1 << _INT_BITS:
        raise BadValue(token, f"{token[:24]} takes more than {_INT_BITS} bits")
    return value


def read_float32(token: Token) -> float:
    """The float32 next to the number of a token.

    Raises:
        BadValue: when a finite number overflows.
    """
    value = float(token)
    with np.errstate(over="ignore"):
        single = float(np.float32(value))
    if np.isinf(single) and "inf" not in token:
        raise BadValue(token, f"{token[:24]} is beyond float32", "write inf if that is meant")
    return single


def read_attribute(node: ValueNode, annotation: Annotation = None) -> AttrValue | None:
    """The value of an attribute.

    Args:
        node: the syntax.
        annotation: what is declared; without one the value is read by its own spelling.

    Raises:
        BadValue: when it does not fit.
    """
    if annotation is not None:
        return cast("AttrValue | None", _read(node, annotation))
    try:
        return _read_undeclared(node)
    except RecursionError:
        token = node.bracket if isinstance(node, ListNode) else node
        raise BadValue(token, "lists are nested too deeply") from None


def _read_undeclared(node: ValueNode) -> AttrValue:
    if isinstance(node, ListNode):
        return tuple(map(_read_undeclared, node.items))
    if node.type == "INT":
        return read_int(node)
    if node.type == "FLOAT":
        return float(node)
    if node.type == "NAME" and node in ("true", "false"):
        return str(node) == "true"
    return read_string(node)


def _read(node: ValueNode, annotation: Annotation) -> object:
    for member in members(annotation):
        value = _read_as(node, member)
        if value is not _NO:
            return value
    raise _misfit(node, annotation)


def _read_as(node: ValueNode, kind: Annotation) -> object:
    """The value, or `_NO` when this kind is spelled in another way."""
    origin = origin_of(kind)
    if isinstance(node, ListNode):
        kinds = elements(kind, len(node.items)) if origin is tuple else None
        return _NO if kinds is None else tuple(map(_read, node.items, kinds))
    if node.type in ("INT", "FLOAT"):
        if kind is float:
            return read_float32(node)
        return read_int(node) if kind is int and node.type == "INT" else _NO
    if node.type == "NAME":
        if kind is None or kind is type(None):
            return None if node == "none" else _NO
        if kind is bool:
            return node == "true" if node in ("true", "false") else _NO
    text = read_string(node)
    if origin is typing.Literal:
        return text if text in typing.get_args(kind) else _NO
    return text if kind is str else _NO


def _misfit(node: ValueNode, annotation: Annotation) -> BadValue:
    wanted = describe(annotation)
    if isinstance(node, ListNode):
        return BadValue(node.bracket, f"expected {wanted}, found a list of {len(node.items)}")
    choices = [str(v) for m in members(annotation) if origin_of(m) is typing.Literal
               for v in typing.get_args(m)]  # fmt: skip
    hint = did_you_mean(read_string(node), choices)
    return BadValue(node, f"expected {wanted}, found {node}", hint)
