# SPDX-License-Identifier: Apache-2.0
"""Which attributes a converter reads: found in its source and in what it calls.

A name counts where it is given to one of the methods by which converters ask for attributes.
Functions and classes are followed as far as the package of frontends goes.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from types import FunctionType, ModuleType

_PACKAGE = "bnnc.frontends."
_GENERAL = ("bnnc.frontends.context",)
_READERS = frozenset(
    ("attached", "dtype", "flag", "float_list", "has", "integer", "ints", "number", "option")
) | frozenset(("pair", "shape", "tensor", "text", "texts"))
_WITH_CONTEXT = frozenset(("_parameter", "_sides", "per_image_axis", "quantize"))
"""Functions that are given the context and the name of an attribute."""


def attributes_of(converter: Callable[..., object]) -> list[str]:
    """Return the names of the attributes that a converter asks for, sorted."""
    found: set[str] = set()
    seen: set[object] = set()
    waiting: list[object] = [converter]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        names, called = _read_and_called(one)
        found.update(names)
        waiting.extend(called)
    return sorted(found)


@cache
def _read_and_called(what: object) -> tuple[frozenset[str], tuple[object, ...]]:
    """The attributes that a function or class reads itself, and what it calls."""
    names: set[str] = set()
    called: list[object] = []
    scope = _globals(what)
    for call in _calls(what):
        constants = [a.value for a in call.args if isinstance(a, ast.Constant)]
        texts = [v for v in constants if isinstance(v, str) and v.replace("_", "").isalnum()]
        match call.func:
            case ast.Attribute(attr=method) if method in _READERS and texts:
                names.add(texts[0])
            case ast.Name(id=function):
                if function in _WITH_CONTEXT:
                    names.update(texts)
                called.append(scope.get(function))
            case ast.Attribute(value=ast.Name(id=owner), attr=method):
                called.append(getattr(scope.get(owner), method, None))
            case _:
                pass
    return frozenset(names), tuple(one for one in called if _is_ours(one))


def _is_ours(what: object) -> bool:
    what = getattr(what, "__func__", what)
    module = getattr(what, "__module__", None) or ""
    return (
        isinstance(what, FunctionType | type)
        and module.startswith(_PACKAGE)
        and module not in _GENERAL
        and not module.endswith(".context")
    )


def _globals(what: object) -> dict[str, object]:
    module = inspect.getmodule(what)
    return vars(module) if isinstance(module, ModuleType) else {}


def _calls(what: object) -> Iterator[ast.Call]:
    function = getattr(what, "__func__", what)
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))  # type: ignore[arg-type]
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))
