# SPDX-License-Identifier: Apache-2.0
"""A model's own functions are inlined, once it is clear that this ends and how large it gets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from google.protobuf.message import DecodeError, EncodeError
from onnx import FunctionProto, ModelProto, NodeProto, checker, inliner

from bnnc.ir.diagnostics import ImportFailure

_MOST_NODES = 1_000_000
_DEEPEST = 200  # calls inside of calls: the library goes down by recursion

Key: TypeAlias = tuple[str, str, str]


def inline_functions(model: ModelProto, path: Path) -> ModelProto:
    """Return a model without functions; `path` is for messages.

    Raises:
        ImportFailure: They call themselves, become too much, or are damaged.
    """
    if not model.functions:
        return model
    functions: dict[Key, FunctionProto] = {}
    for function in model.functions:
        key = (function.domain, function.name, function.overload)
        if key in functions:
            raise ImportFailure(f"{path}: function '{function.name}' is defined twice")
        functions[key] = function
    count = _count(model.graph.node, functions, {}, (), path)
    if count > _MOST_NODES:
        raise ImportFailure(f"{path}: its functions become {count} nodes when they are inlined")
    try:
        return inliner.inline_local_functions(model)
    except (
        *(RuntimeError, ValueError, TypeError, DecodeError, EncodeError),
        checker.ValidationError,
    ) as error:
        reason = str(error).splitlines()[0] if str(error) else "no reason given"
        raise ImportFailure(
            f"{path}: its functions cannot be inlined: {reason}", hint="export the model again"
        ) from None


def _count(
    nodes: Iterable[NodeProto],
    functions: Mapping[Key, FunctionProto],
    known: dict[Key, int],
    inside: tuple[Key, ...],
    path: Path,
) -> int:
    """How many nodes these become; `known` are functions that were counted before."""
    total = 0
    for node in _all_nodes(nodes):
        key = (node.domain, node.op_type, node.overload)
        total += 1
        if key not in functions:
            continue
        if key in inside or len(inside) >= _DEEPEST:
            what = "calls itself" if key in inside else "is called too deep inside of others"
            raise ImportFailure(f"{path}: function '{node.op_type}' {what}")
        if key not in known:
            known[key] = _count(functions[key].node, functions, known, (*inside, key), path)
        total += known[key]
    return total


def _all_nodes(nodes: Iterable[NodeProto]) -> Iterator[NodeProto]:
    """The nodes, and those of the graphs that are their attributes."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            yield from _all_nodes(attribute.g.node)
            for graph in attribute.graphs:
                yield from _all_nodes(graph.node)
