# SPDX-License-Identifier: Apache-2.0
"""Names of tensors: that they are texts, that each is defined once, and all that are read too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from onnx import GraphProto, ModelProto, TensorProto

from bnnc.ir.diagnostics import ImportFailure


def check_texts(model: ModelProto, path: Path) -> None:
    """Refuse a model with names that are not UTF-8.

    Raises:
        ImportFailure: There is one.
    """
    for name in _texts(model):
        if not isinstance(name, str):  # the parser's way to hand out what is not UTF-8
            raise ImportFailure(f"{path} holds a damaged graph: {name!r} is no name")


def _texts(model: ModelProto) -> Iterator[object]:
    yield model.producer_name
    for opset in model.opset_import:
        yield opset.domain
    for function in model.functions:
        yield from (function.name, function.domain, function.overload)
        yield from (*function.input, *function.output, *function.attribute)
    yield from _graph_texts(model.graph)


def _graph_texts(graph: GraphProto) -> Iterator[object]:
    for value in (*graph.input, *graph.output, *graph.value_info):
        yield value.name
    for tensor in graph.initializer:
        yield from _tensor_texts(tensor)
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        for attribute in node.attribute:
            yield attribute.name
            yield from _tensor_texts(attribute.t)
            yield from _graph_texts(attribute.g)


def _tensor_texts(tensor: TensorProto) -> Iterator[object]:
    yield tensor.name
    for entry in tensor.external_data:
        yield from (entry.key, entry.value)


def captured(graph: GraphProto) -> set[str]:
    """Return what an inner graph reads from around it."""
    read = {value.name for value in graph.output}
    defined = {tensor.name for tensor in graph.initializer}
    defined.update(value.name for value in graph.input)
    for node in graph.node:
        read.update(node.input)
        defined.update(node.output)
        for attribute in node.attribute:
            read |= captured(attribute.g)
    return read - defined - {""}


def check_names(graph: GraphProto, path: Path) -> None:
    """Refuse a graph that defines a tensor twice, or reads one that it does not define.

    Raises:
        ImportFailure: It does.
    """
    known: set[str] = set()
    for kind, names in (
        ("input", [value.name for value in graph.input]),
        ("constant", [tensor.name for tensor in graph.initializer]),
        ("output", [value.name for value in graph.output]),
    ):
        if len(names) > len(set(names)):
            ((name, _),) = Counter(names).most_common(1)
            raise _doubled(path, f"{kind} '{name}'")
        known.update(names if kind != "output" else ())
    for node in graph.node:
        for name in filter(None, node.output):
            if name in known:
                raise _doubled(path, f"tensor '{name}'")
            known.add(name)
    for node in graph.node:
        inner = (name for attribute in node.attribute for name in captured(attribute.g))
        for name in filter(None, (*node.input, *inner)):
            if name not in known:
                reader = node.name or next(iter(node.output), node.op_type)
                raise _unknown(path, f"node '{reader}'", name)
    for value in graph.output:
        if value.name not in known:
            raise _unknown(path, "the graph's output", value.name)


def _doubled(path: Path, what: str) -> ImportFailure:
    return ImportFailure(
        f"{path} holds a damaged graph: {what} is defined twice", hint="export the model again"
    )


def _unknown(path: Path, reader: str, name: str) -> ImportFailure:
    return ImportFailure(
        f"{path} is incomplete: {reader} reads '{name}', which is not in the file",
        hint="the file may be cut short; copy or export it again",
    )
