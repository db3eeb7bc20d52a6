# SPDX-License-Identifier: Apache-2.0
"""Bad ONNX files: graphs, functions, inner graphs, packed files. One message each, exit code 3."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper

from bnnc.frontends import load
from bnnc.ir.interpreter import interpret

from ..refusing import refusal
from ..wire import field
from .damaged import (
    FLOAT,
    MATMUL,
    branch,
    call,
    function,
    model,
    node,
    tensor,
    write,
)

_TRUE = tensor(np.array(True), "c")
_ZEROS = tensor(np.zeros((4, 2), np.float32))


def _doubled_input() -> ModelProto:
    found = model()
    found.graph.input.append(helper.make_tensor_value_info("x", FLOAT, [1, 8]))
    return found


def _doubled_output() -> ModelProto:
    found = model()
    found.graph.output.append(found.graph.output[0])
    return found


def _without_outputs() -> ModelProto:
    found = model()
    del found.graph.output[:]
    return found


def _sparse() -> ModelProto:
    found = model(constants=[_TRUE])
    constant = found.graph.sparse_initializer.add(dims=[1 << 40, 2])
    constant.values.CopyFrom(tensor(np.ones(2, np.float32)))
    constant.indices.CopyFrom(tensor(np.array([0, 1 << 40]), "places"))
    return found


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (model(node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]),
               node("Neg", ["a"], ["y"])), "round in circles at node 'it'"),
        (model(node("Add", ["x", "y"], ["y"])), "round in circles"),
        (model(MATMUL, node("Neg", ["x"], ["y"])), "tensor 'y' is defined twice"),
        (model(node("Neg", ["x"], ["x"]), MATMUL), "tensor 'x' is defined twice"),
        (model(node("Neg", ["x"], ["w"]), MATMUL), "tensor 'w' is defined twice"),
        (model(constants=[tensor(), _ZEROS]), "constant 'w' is defined twice"),
        (_doubled_input(), "input 'x' is defined twice"),
        (_doubled_output(), "output 'y' is defined twice"),
        (model(node("Add", ["x", "q"], ["y"])), "node 'it' reads 'q', which is not in the file"),
        (model(node("Neg", ["x"], ["a"])), "output reads 'y', which is not in the file"),
        (model(node("Neg", ["x"], [""])), "output reads 'y', which is not in the file"),
        (_without_outputs(), "no inputs left"),
        (_sparse(), "sparse constants"),
        (model(opset=6), "uses opset 6"),
        (model(opset=99), "uses opset 99"),
        (model(shape=(1, 5)), "5 features, the weights"),
        (model(node("Neg", ["x"], ["y"]), shape=(1, 0)), "input 'x' is a tensor of no elements"),
        (model(node("Neg", ["x"], ["y"]), shape=(1 << 40, 1 << 40)), "input 'x' has the shape"),
        (model(node("Neg", ["x"], ["y"]), kind=TensorProto.STRING), "input 'x' is a string"),
        (model(node("Frobnicate", ["x"], ["y"])), "Frobnicate is not supported: node 'it'"),
        (model(node("Concat", ["x", "x"], ["y"])), "no usable attribute 'axis': node 'it'"),
        (model(node("Add", ["x"], ["y"])), "Add has 1 inputs; number 1 is missing: node 'it'"),
        (model(node("Split", ["x"], ["y", *(f"s{i}" for i in range(99))], axis=1)),
         "and 92 more: node 'it'"),
    ],
)  # fmt: skip
def test_graphs(tmp_path: Path, found: ModelProto, message: str) -> None:
    assert message in refusal(write(tmp_path, found))


@pytest.mark.parametrize(
    ("attrs", "message"),
    [
        ({"pads": [1 << 40] * 4}, "has the shape"),
        ({"pads": [-5] * 4}, "negative pad"),
        ({"pads": [1, 1, 1]}, "has pads [1, 1, 1]"),
        ({"strides": [0, 0]}, "below one"),
        ({"strides": [-1, 1]}, "below one"),
        ({"dilations": [1 << 40, 1]}, "does not fit"),
        ({"group": 0}, "0 groups"),
        ({"group": -1}, "-1 groups"),
        ({"group": 1 << 40}, "groups do not divide"),
        ({"kernel_shape": [5, 5]}, "has kernel_shape [5, 5] and weights of [3, 3]"),
        ({"kernel_shape": [3]}, "has kernel_shape [3]"),
        ({"auto_pad": "ROUND"}, "has auto_pad ROUND"),
    ],
)
def test_attributes(tmp_path: Path, attrs: dict[str, object], message: str) -> None:
    filters = tensor(np.ones((2, 1, 3, 3), np.float32))
    layer = node("Conv", ["x", "w"], ["y"], **attrs)
    text = refusal(write(tmp_path, model(layer, constants=[filters], shape=(1, 1, 8, 8))))
    assert message in text
    assert "node 'it'" in text


@pytest.mark.parametrize(
    ("op", "values"),
    [
        ("Expand", [1 << 20, 1 << 20, 4]),
        ("Pad", [0, 1 << 40, 0, 1 << 40]),
        ("Tile", [1 << 20, 1 << 30]),
        ("ConstantOfShape", [1 << 30, 4]),
        ("Reshape", [1 << 40, -1]),
    ],
)
def test_sizes_that_are_computed(tmp_path: Path, op: str, values: list[int]) -> None:
    made = node(op, ["w"] if op == "ConstantOfShape" else ["x", "w"], ["t"], name="large")
    last = node("Add", ["t", "x"] if op == "ConstantOfShape" else ["t", "one"], ["y"])
    constants = [tensor(values), tensor(np.float32(1), "one")]
    text = refusal(write(tmp_path, model(made, last, constants=constants)))
    assert "node 'large'" in text


def test_resizing_and_counting(tmp_path: Path) -> None:
    scales = tensor(np.array([1, 1, 1e9, 1e9], np.float32))
    found = model(node("Resize", ["x", "", "w"], ["y"]), constants=[scales], shape=(1, 1, 4, 4))
    assert "would be computed" in refusal(write(tmp_path, found))
    numbers = [tensor(np.array(v), n) for n, v in (("a", 0), ("b", 1 << 50), ("d", 1))]
    counted = node("Range", ["a", "b", "d"], ["r"])
    cast = node("Cast", ["r"], ["f"], to=FLOAT)
    found = model(counted, cast, node("Add", ["x", "f"], ["y"]), constants=numbers)
    assert "would be computed" in refusal(write(tmp_path, found))


def test_functions(tmp_path: Path) -> None:
    relu = node("Relu", ["a"], ["b"])
    start = call("f", "x", "y")

    def refused(*functions: object) -> str:
        return refusal(write(tmp_path, model(start, functions=functions)))  # type: ignore[arg-type]

    assert "'f' calls itself" in refused(function("f", call("f")))
    both = function("f", call("g")), function("g", call("f"))
    assert "calls itself" in refused(*both)
    assert "'f' is defined twice" in refused(function("f", relu), function("f", relu))
    chain = [function(f"f{i}", call(f"f{i + 1}")) for i in range(9000)]
    assert "too deep" in refused(function("f", call("f0")), *chain, function("f9000", relu))
    thrice = [
        function(f"f{i}", *(call(f"f{i + 1}", a, b) for a, b in ("ac", "cd", "db")))
        for i in range(18)
    ]
    assert "nodes when they are inlined" in refused(
        function("f", call("f0")), *thrice, function("f18", relu)
    )
    several = helper.make_node("f", ["x", "x", "x"], ["y", "z"], domain="own")
    found = model(several, functions=[function("f", relu)])
    assert "cannot be inlined" in refusal(write(tmp_path, found))


def _if(condition: str = "c", taken: str = "Relu", other: str = "Neg") -> ModelProto:
    made = node(
        "If", [condition], ["y"], then_branch=branch(taken), else_branch=branch(other), name="if"
    )
    return model(made, constants=[_TRUE])


def test_a_constant_condition_chooses_a_branch(tmp_path: Path) -> None:
    x = np.array([[-1.0, 2.0, -3.0, 4.0]], np.float32)
    for value in (True, False):
        found = _if()
        found.graph.initializer[0].CopyFrom(tensor(np.array(value), "c"))
        (y,) = interpret(load(write(tmp_path, found)), {"x": x}).values()
        np.testing.assert_array_equal(y, np.maximum(x, 0) if value else -x)


def test_branches_inside_of_branches(tmp_path: Path) -> None:
    """Two of them use the same names inside, and constants of their own."""
    x = np.ones((1, 4), np.float32)

    def choice(source: str, result: str, deep: int) -> object:
        add = node("Add", [source, "k"], ["t"])
        inner = branch("", add, constants=[tensor(np.float32(10), "k")])
        for _ in range(deep):
            again = node("If", ["c"], ["t"], then_branch=inner, else_branch=branch("Neg"))
            inner = branch("", again)
        return node("If", ["c"], [result], then_branch=inner, else_branch=branch("Neg"))

    found = model(choice("x", "a", 12), choice("a", "y", 2), constants=[_TRUE])  # type: ignore[arg-type]
    (y,) = interpret(load(write(tmp_path, found)), {"x": x}).values()
    np.testing.assert_array_equal(y, x + 20)


def test_control_flow(tmp_path: Path) -> None:
    top = node("ReduceMax", ["x"], ["m"], keepdims=0)
    cast = node("Cast", ["m"], ["c"], to=TensorProto.BOOL)
    found = model(top, cast, *_if().graph.node)
    assert "If is not supported: node 'if'" in refusal(write(tmp_path, found))
    body = helper.make_graph(
        [node("Identity", ["go"], ["on"]), node("Relu", ["v"], ["r"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v", FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("r", FLOAT, None),
        ],
    )
    constants = [_TRUE, tensor(np.array(3), "n")]
    found = model(node("Loop", ["n", "c", "x"], ["y"], body=body), constants=constants)
    assert "Loop is not supported: node 'it'" in refusal(write(tmp_path, found))
    body = helper.make_graph(
        [node("Relu", ["v"], ["r"])],
        "body",
        [helper.make_tensor_value_info("v", FLOAT, None)],
        [helper.make_tensor_value_info("r", FLOAT, None)],
    )
    found = model(node("Scan", ["x"], ["y"], body=body, num_scan_inputs=1))
    assert "Scan is not supported: node 'it'" in refusal(write(tmp_path, found))
    found = model(node("If", ["c"], ["y"], then_branch=branch("", node("Neg", ["q"], ["t"]))))
    found.graph.initializer.append(_TRUE)
    assert "reads 'q', which is not in the file" in refusal(write(tmp_path, found))


def test_nesting_without_end(tmp_path: Path) -> None:
    inner = b""
    for _ in range(5000):  # graph > node > attribute g > graph ...
        inner = field(1, field(5, field(1, b"g") + b"\xa0\x01\x05" + field(6, inner)))
    assert "not an ONNX model" in refusal(write(tmp_path, field(7, inner)))


def test_packed_files(tmp_path: Path) -> None:
    packed = gzip.compress(model().SerializeToString())
    load(write(tmp_path, packed, "good.onnx.gz"))
    for data, message in (
        (packed[:-20], "damaged gzip file"),
        (packed[:30] + bytes(20) + packed[50:], "damaged"),
        (gzip.compress(packed), "packed twice"),
        (gzip.compress(b""), "the file is empty"),
    ):
        assert message in refusal(write(tmp_path, data, "net.onnx.gz"))


@pytest.mark.slow
def test_a_packed_file_that_grows_without_end(tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(1 << 26)) * 8  # half a gigabyte
    assert "unpacks" in refusal(write(tmp_path, bomb, "net.onnx.gz"))


def test_cut_and_other_files(tmp_path: Path) -> None:
    whole = model().SerializeToString()
    refused = 0
    for size in range(0, len(whole), 7):
        try:
            load(write(tmp_path, whole[:size]))
        except Exception:
            refused += 1
            refusal(tmp_path / "net" / "net.onnx")
    assert refused > 10
    for data, cure in (
        (b"", "the file is empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"PK\3\4" + bytes(60), "zip archive"),
        (b"\x10\0\0\0ORTM" + bytes(60), "onnxruntime's own format"),
        (bytes(1000), "cut short or damaged"),
        (b"\xff" * 1000, "cut short or damaged"),
    ):
        assert cure in refusal(write(tmp_path, data))
