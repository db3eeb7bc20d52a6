# SPDX-License-Identifier: Apache-2.0
"""Models as small typed objects."""

from __future__ import annotations

import gzip
import io
import itertools
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from google.protobuf.message import DecodeError
from onnx import (
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    ValueInfoProto,
    inliner,
)

from bnnc.ir.diagnostics import UsageError

from .tensors import Tensor

_OLDEST_OPSET = 7
# A compressed file may claim to be anything; the largest networks stay far below.
_LARGEST = 1 << 31


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


def read_model(path: Path) -> Model:
    """Read a binary model, gzipped or not.

    Raises:
        UsageError: The file cannot be read, is no ONNX model, or is damaged.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    if data.startswith(b"\x1f\x8b"):
        data = _unzip(data, path)
    model = ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError:
        raise UsageError(f"{path} is not an ONNX model", hint=_cure(data)) from None
    if not model.graph.node and not model.graph.output:
        raise UsageError(f"{path} holds no graph", hint=_cure(data))
    if model.functions:
        try:
            model = inliner.inline_local_functions(model)
        except (RuntimeError, ValueError, TypeError, DecodeError) as error:  # it is C++
            reason = str(error).splitlines()[0] if str(error) else "no reason given"
            raise UsageError(f"{path}: its functions cannot be inlined: {reason}") from None
    return wrap_model(model, path)


def _unzip(data: bytes, path: Path) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            # In parts: reading all at once would set aside as much as is allowed.
            parts = itertools.takewhile(bool, iter(lambda: stream.read(1 << 20), None))
            plain = b"".join(itertools.islice(parts, (_LARGEST >> 20) + 1))
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path} is a damaged gzip file: {error}") from None
    if len(plain) > _LARGEST:
        raise UsageError(f"{path} unpacks to more than {_LARGEST >> 30} GiB")
    return plain


def wrap_model(model: ModelProto, path: Path) -> Model:
    """Turn a message into a `Model`; `path` is for messages and external data."""
    graph = model.graph
    for name in _names(model):
        if not isinstance(name, str):  # the parser's way to hand out what is not UTF-8
            raise UsageError(f"{path} holds a damaged graph: {name!r} is no name")
    opsets = {o.domain: o.version for o in model.opset_import}
    opset = max(opsets.get("", 0), opsets.get("ai.onnx", 0)) or max(model.ir_version, 0)
    if opset < _OLDEST_OPSET:
        raise UsageError(
            f"{path} uses opset {opset}; {_OLDEST_OPSET} is the oldest that is read",
            hint="export the model again, or convert it: onnx.version_converter",
        )
    folder = path.parent
    constants = {t.name: Tensor(t, folder) for t in graph.initializer}
    if graph.sparse_initializer:
        raise UsageError(f"{path} holds sparse constants, which are not supported")
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
    _check(found, graph, path)
    return found


def _names(model: ModelProto) -> Iterator[object]:
    graph = model.graph
    yield model.producer_name
    for opset in model.opset_import:
        yield opset.domain
    for value in (*graph.input, *graph.output, *graph.value_info):
        yield value.name
    for tensor in graph.initializer:
        yield from _names_of(tensor)
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        for attribute in node.attribute:
            yield attribute.name
            yield from _names_of(attribute.t)


def _names_of(tensor: TensorProto) -> Iterator[object]:
    yield tensor.name
    for entry in tensor.external_data:
        yield from (entry.key, entry.value)


def _check(model: Model, graph: GraphProto, path: Path) -> None:
    known = {*(v.name for v in graph.input), *model.constants}
    for node in model.nodes:
        for name in filter(None, node.outputs):
            if name in known:
                raise UsageError(
                    f"{path} holds a damaged graph: tensor '{name}' is defined twice",
                    hint="export the model again",
                )
            known.add(name)
    for reader, names in [
        *((f"node '{node.name}'", node.inputs) for node in model.nodes),
        ("the graph's output", model.outputs),
    ]:
        for name in filter(None, names):
            if name not in known:
                raise UsageError(
                    f"{path} is incomplete: {reader} reads '{name}', which is not in the file",
                    hint="the file may be cut short; copy or export it again",
                )


def _declared(proto: ValueInfoProto) -> Declared:
    tensor = proto.type.tensor_type
    if not tensor.HasField("shape"):
        return Declared(tensor.elem_type, None)
    dims = (d.dim_value if d.HasField("dim_value") else -1 for d in tensor.shape.dim)
    return Declared(tensor.elem_type, tuple(d if d >= 0 else -1 for d in dims))


def _wrap_node(proto: NodeProto, folder: Path) -> Node:
    name = proto.name or next(iter(filter(None, proto.output)), proto.op_type)
    attrs = {a.name: _wrap_attr(a, folder) for a in proto.attribute}
    return Node(name, proto.op_type, proto.domain, tuple(proto.input), tuple(proto.output), attrs)


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


def _cure(data: bytes) -> str:
    """Guess what a file that is no ONNX model is, and say what to do."""
    if not data:
        return "the file is empty"
    if b"version https://git-lfs" in data[:200]:
        return "this is a git-lfs pointer; fetch the file itself: git lfs pull"
    if data[:4] == b"PK\x03\x04":
        return "this is a zip archive; unpack it, or name it .keras if it is a Keras model"
    if data[4:8] == b"ORTM":
        return "this is onnxruntime's own format; give the .onnx file that it was made from"
    return "the file may be cut short or damaged; copy or export it again"
