# SPDX-License-Identifier: Apache-2.0
"""Small ONNX models that between them use much of what the frontend reads."""

from __future__ import annotations

import gzip
from typing import Any

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

_RNG = np.random.default_rng(6)


class _Model:
    """Nodes and constants in order; each node gives one tensor, named after it."""

    def __init__(self, *shape: int) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self.shape = shape

    def constant(self, array: object, dtype: str = "float32") -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array, dtype), name))
        return name

    def normal(self, *shape: int) -> str:
        return self.constant(_RNG.standard_normal(shape))

    def signs(self, *shape: int) -> str:
        return self.constant(_RNG.choice([-1.0, 1.0], shape))

    def add(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        name = f"{op.lower()}{len(self.nodes)}"
        names = [name, *(f"{name}.{i}" for i in range(1, outputs))]
        self.nodes.append(helper.make_node(op, list(inputs), names, name=name, **attributes))
        return name

    def graph(self, output: str) -> GraphProto:
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)
        y = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
        return helper.make_graph(self.nodes, "net", [x], [y], self.constants)

    def file(self, output: str) -> bytes:
        model = helper.make_model(self.graph(output), opset_imports=[helper.make_opsetid("", 17)])
        return model.SerializeToString(deterministic=True)


def _torch_net() -> bytes:
    """Signs by comparison, hardtanh, batch norm, a pool, a flattened image, a dense layer."""
    m = _Model(1, 3, 6, 5)
    y = m.add("Conv", "x", m.normal(4, 3, 3, 3), m.normal(4), kernel_shape=[3, 3], pads=[1] * 4)
    above = m.add("GreaterOrEqual", y, m.constant(0.0))
    y = m.add("Where", above, m.constant(1.0), m.constant(-1.0))
    y = m.add(
        "Conv", y, m.signs(8, 4, 3, 3), kernel_shape=[3, 3], strides=[2, 1], pads=[1, 0, 1, 0]
    )
    y = m.add("MaxPool", y, kernel_shape=[2, 2], strides=[1, 1])
    var = m.constant(np.abs(_RNG.standard_normal(8)) + 0.1)
    y = m.add("BatchNormalization", y, m.normal(8), m.normal(8), m.normal(8), var, epsilon=1e-5)
    clipped = m.add("Clip", y, m.constant(-1.0), m.constant(1.0))
    y = m.add("Add", clipped, m.add("Sub", m.add("Sign", clipped), clipped))
    y = m.add("Flatten", y, axis=1)
    return m.file(m.add("Gemm", y, m.signs(3, 32), m.normal(3), transB=1))


def _general_net() -> bytes:
    """Groups, pads of one, few levels, shape arithmetic, splits, joins, means."""
    m = _Model(2, 4, 5, 6)
    pads = m.constant([0, 0, 1, 1, 0, 0, 1, 1], "int64")
    y = m.add("Pad", "x", pads, m.constant(1.0), mode="constant")
    y = m.add("Conv", y, m.normal(6, 2, 3, 3), group=2, kernel_shape=[3, 3], dilations=[1, 2])
    y = m.add("Mul", m.add("Clip", y, m.constant(0.0), m.constant(1.0)), m.constant(3.0))
    y = m.add("Div", m.add("Round", y), m.constant(3.0))
    y = m.add("Conv", y, m.signs(4, 6, 1, 1), kernel_shape=[1, 1], auto_pad="SAME_UPPER")
    first = m.add("Split", y, m.constant([1, 3], "int64"), outputs=2, axis=1)
    y = m.add("Concat", f"{first}.1", first, axis=1)
    y = m.add("LeakyRelu", m.add("Transpose", y, perm=[0, 2, 3, 1]), alpha=0.25)
    shape = m.add("Shape", y)
    batch = m.add("Gather", shape, m.constant(0, "int64"), axis=0)
    batch = m.add("Unsqueeze", batch, m.constant([0], "int64"))
    to = m.add("Concat", batch, m.constant([-1], "int64"), axis=0)
    y = m.add("Reshape", y, to)
    wide = m.add("Expand", m.constant([[0.5]]), m.constant([2, 1], "int64"))
    tiled = m.add("Tile", wide, m.constant([1, 1], "int64"))
    y = m.add("Add", y, tiled)
    part = [m.constant([v], "int64") for v in (0, 9, 1, 2)]
    y = m.add("Slice", y, *part)
    filled = m.add("ConstantOfShape", m.constant([2, 5], "int64"))
    y = m.add("Softmax", m.add("Sub", m.add("Slice", y, *part[:3]), filled), axis=-1)
    return m.file(m.add("ReduceMean", y, axes=[1], keepdims=0))


def _function_net() -> bytes:
    """A call of a function that the model itself brings."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    body = [
        helper.make_node("Mul", ["a", "b"], ["p"]),
        helper.make_node("LeakyRelu", ["p"], ["q"], alpha=0.5),
    ]
    function = helper.make_function("own", "f", ["a", "b"], ["q"], body, opsets[:1])
    m = _Model(2, 3)
    m.nodes.append(helper.make_node("f", ["x", m.normal(3)], ["y"], name="call", domain="own"))
    model = helper.make_model(m.graph("y"), opset_imports=opsets, functions=[function])
    return model.SerializeToString(deterministic=True)


def _branching_net() -> bytes:
    """Two branches under a constant condition, one of them with another inside."""
    m = _Model(2, 3)
    yes = m.constant(True, "bool")
    inner = _branch(helper.make_node("Neg", ["x"], ["t"]))
    again = helper.make_node("If", [yes], ["t"], then_branch=inner, else_branch=inner)
    y = m.add("If", yes, then_branch=_branch(again), else_branch=inner)
    return m.file(m.add("Mul", y, m.normal(3)))


def _branch(node: NodeProto) -> GraphProto:
    result = helper.make_tensor_value_info("t", TensorProto.FLOAT, None)
    return helper.make_graph([node], "branch", [], [result])


def _integer_net() -> bytes:
    """Layers on bytes: operations of their own, and floats between dequantize and quantize."""
    m = _Model(1, 3, 5, 5)
    scale, zero = m.constant(0.05), m.constant(3, "uint8")
    small, none = m.constant(0.02), m.constant(0, "int8")
    each, zeros = m.constant([0.02, 0.01, 0.03, 0.02]), m.constant([0] * 4, "int8")
    x = m.add("QuantizeLinear", "x", scale, zero)
    w = m.constant(_RNG.integers(-60, 60, (4, 3, 3, 3)), "int8")
    y = m.add("QLinearConv", x, scale, zero, w, each, zeros, scale, zero, pads=[1] * 4)
    filters = m.constant(_RNG.integers(-60, 60, (4, 1, 3, 3)), "int8")
    f = m.add("DequantizeLinear", filters, each, zeros, axis=0)
    y = m.add("Conv", m.add("DequantizeLinear", y, scale, zero), f, m.normal(4), group=4)
    y = m.add("QuantizeLinear", m.add("Relu", y), scale, zero)
    y = m.add("DequantizeLinear", y, scale, zero)
    y = m.add("QuantizeLinear", m.add("GlobalAveragePool", y), scale, zero)
    y = m.add("Flatten", y)
    dense = m.constant(_RNG.integers(-60, 60, (4, 2)), "int8")
    y = m.add("QLinearMatMul", y, scale, zero, dense, small, none, scale, zero)
    return m.file(m.add("DequantizeLinear", y, scale, zero))


def _net_in_two_files() -> dict[str, bytes]:
    """Weights beside the model."""
    m = _Model(2, 8)
    y = m.add("MatMul", m.add("Sign", m.add("MatMul", "x", m.normal(8, 6))), m.signs(6, 3))
    place = 0
    data = b""
    for tensor in m.constants:
        content = tensor.raw_data
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        entries = {"location": "w.bin", "offset": place, "length": len(content)}
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=str(value))
        data += content
        place += len(content)
    return {"net.onnx": m.file(y), "w.bin": data}


def onnx_files() -> list[bytes | dict[str, bytes]]:
    """The models as files, one of them also packed, one with its weights in another file."""
    models = [_torch_net(), _general_net(), _function_net(), _branching_net(), _integer_net()]
    return [*models, gzip.compress(models[0], mtime=0), _net_in_two_files()]
