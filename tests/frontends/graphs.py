# SPDX-License-Identifier: Apache-2.0
"""Builds GraphDefs for tests, without TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bnnc.frontends import ImportOptions, load
from bnnc.frontends.tensorflow.schema import new
from bnnc.frontends.tensorflow.tensors import DType
from bnnc.ir import Module
from bnnc.ir.interpreter import interpret

_OF_NUMPY = {
    "float32": DType.FLOAT,
    "float64": DType.DOUBLE,
    "float16": DType.HALF,
    "int8": DType.INT8,
    "uint8": DType.UINT8,
    "int16": DType.INT16,
    "int32": DType.INT32,
    "int64": DType.INT64,
    "bool": DType.BOOL,
}


_FIELD_OF = {"TensorProto": "tensor", "TensorShapeProto": "shape", "NameAttrList": "func"}


def f32(values: object) -> np.ndarray:
    """An array of float32."""
    return np.asarray(values, dtype=np.float32)


def function_name(name: str) -> Any:
    """The attribute that names a function."""
    return new("NameAttrList", name=name)


def tensor(array: np.ndarray) -> Any:
    """A TensorProto with the data in tensor_content."""
    proto = new("TensorProto", dtype=int(_OF_NUMPY[array.dtype.name]))
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    proto.tensor_content = array.tobytes()
    return proto


class GraphBuilder:
    """Nodes are added in order; each method returns the name of its node."""

    def __init__(self) -> None:
        self.graph = new("GraphDef")
        self.graph.versions.producer = 1645

    def node(self, op: str, name: str, *inputs: str, **attrs: object) -> str:
        proto = self.graph.node.add(name=name, op=op)
        proto.input.extend(inputs)
        for key, value in attrs.items():
            _set_attr(proto.attr[key], value)
        return name

    def const(self, name: str, value: object, dtype: str = "float32") -> str:
        array = np.asarray(value, dtype=dtype)
        return self.node("Const", name, dtype=_OF_NUMPY[dtype], value=tensor(array))

    def placeholder(
        self, name: str, shape: tuple[int, ...] | None, dtype: DType = DType.FLOAT
    ) -> str:
        proto = new("TensorShapeProto", unknown_rank=shape is None)
        for size in shape or ():
            proto.dim.add(size=size)
        return self.node("Placeholder", name, dtype=dtype, shape=proto)

    def function(
        self, name: str, args: list[str], results: dict[str, str], body: GraphBuilder
    ) -> str:
        """Add a function to the library; references in the body are ``arg`` or ``node:out:0``."""
        proto = self.graph.library.function.add()
        proto.signature.name = name
        for arg in args:
            proto.signature.input_arg.add(name=arg, type=int(DType.FLOAT))
        for result, ref in results.items():
            proto.signature.output_arg.add(name=result, type=int(DType.FLOAT))
            proto.ret[result] = ref
        proto.node_def.extend(body.graph.node)
        return name

    def save(self, path: Path) -> Path:
        path.write_bytes(self.graph.SerializeToString())
        return path

    def load(self, folder: Path, **options: Any) -> Module:
        return load(self.save(folder / "net.pb"), ImportOptions(**options))

    def run(self, folder: Path, feeds: dict[str, np.ndarray], **options: Any) -> list[np.ndarray]:
        """Import, interpret, and return the outputs in order."""
        return list(interpret(self.load(folder, **options), feeds).values())


def _set_attr(attr: Any, value: object) -> None:
    match value:
        case bool():
            attr.b = value
        case DType():
            attr.type = int(value)
        case int():
            attr.i = value
        case float():
            attr.f = value
        case str():
            attr.s = value.encode()
        case list():
            attr.list.SetInParent()
            for one in value:  # pyright: ignore[reportUnknownVariableType]
                if isinstance(one, str):
                    attr.list.s.append(one.encode())
                else:
                    attr.list.i.append(one)
        case _:
            getattr(attr, _FIELD_OF[type(value).__name__]).CopyFrom(value)
