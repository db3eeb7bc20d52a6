# SPDX-License-Identifier: Apache-2.0
"""A small ONNX model, and ways to spoil it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT
WEIGHTS = np.arange(8, dtype=np.float32).reshape(4, 2) - 3
MATMUL = helper.make_node("MatMul", ["x", "w"], ["y"], name="mm")


def node(op: str, inputs: Sequence[str], outputs: Sequence[str], **attrs: Any) -> NodeProto:
    return helper.make_node(op, inputs, outputs, name=attrs.pop("name", "it"), **attrs)


def model(
    *nodes: NodeProto,
    constants: Sequence[TensorProto] = (),
    shape: Sequence[int | str] = (1, 4),
    kind: int = FLOAT,
    opset: int = 17,
    functions: Sequence[FunctionProto] = (),
) -> ModelProto:
    """From x to y, with the constant w unless others are given."""
    inputs = [helper.make_tensor_value_info("x", kind, shape)]
    outputs = [helper.make_tensor_value_info("y", FLOAT, None)]
    graph = helper.make_graph(nodes or [MATMUL], "net", inputs, outputs, constants or [tensor()])
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, opset_imports=opsets, functions=functions, ir_version=10)


def tensor(values: object = WEIGHTS, name: str = "w") -> TensorProto:
    return numpy_helper.from_array(np.asarray(values), name)


def raw(kind: int, dims: Sequence[int], data: bytes = b"", **fields: Any) -> TensorProto:
    return TensorProto(name="w", data_type=kind, dims=dims, raw_data=data, **fields)


def external(location: str, dims: Sequence[int] = (4, 2), **entries: object) -> TensorProto:
    """The weights in a file."""
    found = TensorProto(name="w", data_type=FLOAT, dims=dims)
    found.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        found.external_data.add(key=key, value=str(value))
    return found


def branch(op: str, *inner: NodeProto, constants: Sequence[TensorProto] = ()) -> GraphProto:
    """A branch that gives t; without inner nodes that is an operation on x."""
    nodes = inner or [node(op, ["x"], ["t"], name="inner")]
    result = helper.make_tensor_value_info("t", FLOAT, None)
    return helper.make_graph(nodes, "branch", [], [result], constants)


def function(name: str, *body: NodeProto) -> FunctionProto:
    """A function from a to b."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    return helper.make_function("own", name, ["a"], ["b"], body, opsets)


def call(name: str, source: str = "a", result: str = "b") -> NodeProto:
    return helper.make_node(name, [source], [result], name=f"to_{name}", domain="own")


def write(folder: Path, found: ModelProto | bytes, name: str = "net.onnx") -> Path:
    """Put a model into a folder of its own."""
    path = folder / "net" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(found if isinstance(found, bytes) else found.SerializeToString())
    return path
