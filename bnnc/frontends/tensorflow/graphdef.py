# SPDX-License-Identifier: Apache-2.0
"""Frozen graphs as small typed objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from google.protobuf.message import DecodeError

from bnnc.ir.diagnostics import ImportFailure, UsageError

from .schema import message_class
from .tensors import DType, TensorAttr, read_shape


class TensorRef(NamedTuple):
    """An output of a node, by its number."""

    node: str
    output: int = 0

    @classmethod
    def parse(cls, text: str) -> TensorRef:
        """Read ``name`` or ``name:1``."""
        name, colon, index = text.rpartition(":")
        return cls(name, int(index)) if colon and index.isdecimal() else cls(text)

    def __str__(self) -> str:
        return f"{self.node}:{self.output}" if self.output else self.node


@dataclass(frozen=True)
class ShapeAttr:
    """A shape attribute: dimensions with -1 for unknown ones, or None for an unknown rank."""

    dims: tuple[int, ...] | None


@dataclass(frozen=True)
class FuncAttr:
    """A reference to a function of the library, with the attributes that its body asks for."""

    name: str
    attrs: Mapping[str, Attr] = field(default_factory=dict[str, "Attr"])


@dataclass(frozen=True)
class CallerAttr:
    """Inside a function: the caller's attribute of this name."""

    name: str


_Plain: TypeAlias = bool | int | float | str | DType | ShapeAttr | TensorAttr
Attr: TypeAlias = "_Plain | FuncAttr | CallerAttr | tuple[Attr, ...]"


@dataclass(frozen=True)
class Node:
    """One node; `inputs` are its data inputs, `controls` the nodes that only run before it."""

    name: str
    op: str
    inputs: tuple[TensorRef, ...] = ()
    controls: tuple[str, ...] = ()
    attrs: Mapping[str, Attr] = field(default_factory=dict[str, Attr])


@dataclass(frozen=True)
class Function:
    """A function of the library.

    References inside the body read ``arg``, or ``node:output_name`` for `TensorRef.node`, with the
    number inside that named output beside it.

    Attributes:
        args: Parameter names.
        results: (name, reference) of each result.
        nodes: The body by name.
        takes_lists: Whether a parameter or result is a list of tensors.
    """

    args: tuple[str, ...]
    results: tuple[tuple[str, TensorRef], ...]
    nodes: Mapping[str, Node]
    takes_lists: bool = False


@dataclass
class Graph:
    """Nodes by name in file order, and the library's functions by name.

    `kept_calls` tells of each call that could not be inlined what is wrong, and a cure.
    """

    nodes: dict[str, Node]
    functions: Mapping[str, Function] = field(default_factory=dict[str, Function])
    kept_calls: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])


def read_graph(path: Path) -> Graph:
    """Read a binary GraphDef.

    Raises:
        UsageError: The file cannot be read.
        ImportFailure: It is no GraphDef, or is cut short.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    return parse_graph(data, path)


def parse_graph(data: bytes, path: Path) -> Graph:
    """Read a binary GraphDef that is in memory; `path` is for messages.

    Raises:
        ImportFailure: It is no GraphDef, or is cut short.
    """
    graph: Any = message_class("GraphDef")()
    try:
        graph.ParseFromString(data)
    except DecodeError:
        raise ImportFailure(f"{path} is not a frozen GraphDef", hint=_cure(data)) from None
    if not graph.node:
        raise ImportFailure(f"{path} holds no graph nodes", hint=_cure(data))
    return wrap_graph(graph, path)


def wrap_graph(graph: Any, path: Path) -> Graph:
    """Turn a GraphDef message into a `Graph`; `path` is for messages."""
    nodes: dict[str, Node] = {}
    for proto in graph.node:
        if not proto.name or not proto.op or proto.name in nodes:
            raise ImportFailure(
                f"{path} holds a damaged graph: node '{proto.name}' is unnamed or doubled",
                hint="export the model again",
            )
        nodes[proto.name] = _wrap_node(proto)
    for node in nodes.values():
        for source in (*(ref.node for ref in node.inputs), *node.controls):
            if source not in nodes:
                raise ImportFailure(
                    f"{path} is incomplete: node '{node.name}' reads '{source}', "
                    "which is not in the file",
                    hint="the file may be cut short; copy or export it again",
                )
    functions = {f.signature.name: _wrap_function(f) for f in graph.library.function}
    return Graph(nodes, functions)


def _wrap_function(proto: Any) -> Function:
    args, results = proto.signature.input_arg, proto.signature.output_arg
    return Function(
        tuple(arg.name for arg in args),
        tuple((out.name, TensorRef.parse(proto.ret[out.name])) for out in results),
        {node.name: _wrap_node(node) for node in proto.node_def},
        any(arg.number_attr or arg.type_list_attr for arg in (*args, *results)),
    )


def _wrap_node(proto: Any) -> Node:
    texts: Sequence[str] = proto.input
    return Node(
        proto.name,
        proto.op,
        tuple(TensorRef.parse(t) for t in texts if not t.startswith("^")),
        tuple(t[1:] for t in texts if t.startswith("^")),
        {k: _wrap_attr(v) for k, v in proto.attr.items() if not k.startswith("_output_shapes")},
    )


def _wrap_attr(proto: Any) -> Attr:
    kind: str | None = proto.WhichOneof("value")
    if kind is None:
        return ()
    if kind == "list":
        for name in ("i", "s", "f", "b", "type", "shape", "tensor", "func"):
            if values := getattr(proto.list, name):
                return tuple(_wrap_plain(name, v) for v in values)
        return ()
    return _wrap_plain(kind, getattr(proto, kind))


def _wrap_plain(kind: str, value: Any) -> Attr:
    match kind:
        case "s":
            return str(value.decode("utf-8", "replace"))
        case "i":
            return int(value)
        case "f":
            return float(value)
        case "b":
            return bool(value)
        case "type":
            return DType.of(value)
        case "shape":
            return ShapeAttr(read_shape(value))
        case "tensor":
            return TensorAttr(value)
        case "func":
            return FuncAttr(value.name, {k: _wrap_attr(v) for k, v in value.attr.items()})
        case "placeholder":
            return CallerAttr(value)
        case _:
            return str(value)


def _cure(data: bytes) -> str:
    """Guess what a file that is no GraphDef is, and say what to do."""
    head = data[:4096]
    if not data:
        return "the file is empty"
    if head.lstrip().startswith((b"node {", b"node{", b"versions", b"library")):
        return "this is a text graph; write it in binary: tf.io.write_graph(..., as_text=False)"
    if head.startswith(b"\x89HDF"):
        return "this is an HDF5 file; name it .h5"
    if head.startswith(b"PK\x03\x04"):
        return "this is a zip archive; name it .keras if it is a Keras model"
    if head.startswith(b"\x08\x01\x12") or b"saved_model" in head:
        return "this looks like a SavedModel; give its folder"
    if b"version https://git-lfs" in head:
        return "this is a git-lfs pointer; fetch the file itself: git lfs pull"
    return "give a binary frozen graph; the file may be cut short or damaged"
