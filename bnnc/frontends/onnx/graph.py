# SPDX-License-Identifier: Apache-2.0
"""Models as small typed objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from onnx import (
    AttributeProto,
    ModelProto,
    NodeProto,
    ValueInfoProto,
)

from bnnc.ir.diagnostics import ImportFailure

from .names import captured, check_names
from .tensors import Tensor

_OLDEST_OPSET = 7
_NEWEST_OPSET = 28


@dataclass(frozen=True)
class Graph:
    """A graph: inner ones (of If, Loop, Scan) are told from other attributes, but not read."""


Attr: TypeAlias = int | float | str | Tensor | Graph | tuple[int | float | str, ...]


@dataclass(frozen=True)
class Node:
    """One node; an empty input or output name stands for one that is left out."""

    name: str
    op: str
    domain: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    attrs: Mapping[str, Attr] = field(default_factory=dict[str, Attr])


@dataclass(frozen=True)
class Declared:
    """What the model says of a tensor: element type, dimensions (-1 open, None: unknown rank)."""

    kind: int
    dims: tuple[int, ...] | None


@dataclass
class Model:
    """Nodes in file order, and what they read and give.

    Attributes:
        nodes: The nodes.
        inputs: Tensors to feed, by name; those with a default (an initializer) are not among them.
        outputs: Names of the tensors to compute.
        constants: Initializers by name.
        declared: What is said of inner tensors and outputs.
        opset: Version of ONNX's own operations.
        producer: The program that wrote the model.
    """

    nodes: list[Node]
    inputs: dict[str, Declared]
    outputs: list[str]
    constants: dict[str, Tensor]
    declared: dict[str, Declared]
    opset: int
    producer: str


def wrap_model(model: ModelProto, path: Path) -> Model:
    """Turn a message into a `Model`; `path` is for messages and external data."""
    graph = model.graph
    opsets = {o.domain: o.version for o in model.opset_import}
    opset = max(opsets.get("", 0), opsets.get("ai.onnx", 0)) or max(model.ir_version, 0)
    if opset > _NEWEST_OPSET:
        raise ImportFailure(
            f"{path} uses opset {opset}; {_NEWEST_OPSET} is the newest that is known",
            hint="export the model with an older opset, or convert it: onnx.version_converter",
        )
    if opset < _OLDEST_OPSET:
        raise ImportFailure(
            f"{path} uses opset {opset}; {_OLDEST_OPSET} is the oldest that is read",
            hint="export the model again, or convert it: onnx.version_converter",
        )
    folder = path.parent
    constants = {t.name: Tensor(t, folder) for t in graph.initializer}
    if graph.sparse_initializer:
        raise ImportFailure(f"{path} holds sparse constants, which are not supported")
    nodes = [_wrap_node(node, folder) for node in graph.node]
    found = Model(
        nodes,
        {v.name: _declared(v) for v in graph.input if v.name not in constants},
        [v.name for v in graph.output],
        constants,
        {v.name: _declared(v) for v in (*graph.value_info, *graph.output, *graph.input)},
        opset,
        model.producer_name,
    )
    check_names(graph, path)
    return found


def _declared(proto: ValueInfoProto) -> Declared:
    tensor = proto.type.tensor_type
    if not tensor.HasField("shape"):
        return Declared(tensor.elem_type, None)
    dims = (d.dim_value if d.HasField("dim_value") else -1 for d in tensor.shape.dim)
    return Declared(tensor.elem_type, tuple(d if d >= 0 else -1 for d in dims))


def _wrap_node(proto: NodeProto, folder: Path) -> Node:
    name = proto.name or next(iter(filter(None, proto.output)), proto.op_type)
    attrs = {a.name: _wrap_attr(a, folder) for a in proto.attribute}
    # What inner graphs read from around them is needed as the operands are.
    inputs = (*proto.input, *(read for a in proto.attribute for read in captured(a.g)))
    return Node(name, proto.op_type, proto.domain, inputs, tuple(proto.output), attrs)


def _wrap_attr(proto: AttributeProto, folder: Path) -> Attr:
    kinds = AttributeProto
    match proto.type:
        case kinds.INT:
            return proto.i
        case kinds.FLOAT:
            return proto.f
        case kinds.STRING:
            return proto.s.decode("utf-8", "replace")
        case kinds.TENSOR:
            return Tensor(proto.t, folder)
        case kinds.INTS:
            return tuple(proto.ints)
        case kinds.FLOATS:
            return tuple(proto.floats)
        case kinds.STRINGS:
            return tuple(s.decode("utf-8", "replace") for s in proto.strings)
        case _:
            return Graph()
