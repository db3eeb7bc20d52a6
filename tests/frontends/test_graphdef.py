# SPDX-License-Identifier: Apache-2.0
"""Reading files: the wire format, tensors in all their spellings, and files that are none."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import numpy as np
import pytest

from bnnc.frontends.tensorflow.graphdef import TensorRef, read_graph
from bnnc.frontends.tensorflow.schema import new
from bnnc.frontends.tensorflow.tensors import DType, TensorAttr
from bnnc.ir.diagnostics import ImportFailure

from .graphs import GraphBuilder, f32
from .wire import field


def test_wire_format(tmp_path: Path) -> None:
    """Field numbers as graph.proto, node_def.proto, attr_value.proto and tensor.proto have them."""
    dim = field(2, b"\x08\x02")  # TensorShapeProto.dim, size 2
    floats = field(5, struct.pack("<2f", 1.5, -2.0))  # TensorProto.float_val, packed
    value = field(8, b"\x08\x01" + field(2, dim) + floats)  # AttrValue.tensor, DT_FLOAT
    attr = field(1, b"value") + field(2, value)
    const = field(1, b"w") + field(2, b"Const") + field(5, attr)
    reader = field(1, b"y") + field(2, b"Identity") + field(3, b"w:0") + field(3, b"^w")
    path = tmp_path / "hand.pb"
    path.write_bytes(field(1, const) + field(1, reader) + b"\x18\x07")
    graph = read_graph(path)
    assert list(graph.nodes) == ["w", "y"]
    assert graph.nodes["y"].inputs == (TensorRef("w"),)
    assert graph.nodes["y"].controls == ("w",)
    tensor = graph.nodes["w"].attrs["value"]
    assert isinstance(tensor, TensorAttr)
    np.testing.assert_array_equal(tensor.array(), f32([1.5, -2.0]))


@pytest.mark.parametrize(
    ("text", "ref", "public"),
    [
        ("a/b", TensorRef("a/b", 0), "a/b"),
        ("a:0", TensorRef("a", 0), "a"),
        ("a:2", TensorRef("a", 2), "a:2"),
    ],
)
def test_tensor_names(text: str, ref: TensorRef, public: str) -> None:
    assert TensorRef.parse(text) == ref
    assert str(ref) == public


def _proto(dtype: DType, shape: tuple[int, ...], **values: object) -> TensorAttr:
    proto = new("TensorProto", dtype=int(dtype), **values)
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    return TensorAttr(proto)


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        (_proto(DType.FLOAT, (2, 2), float_val=[0.5]), np.full((2, 2), 0.5, np.float32)),
        (_proto(DType.FLOAT, (4,), float_val=[1, 2]), f32([1, 2, 2, 2])),
        (_proto(DType.FLOAT, (3,)), np.zeros(3, np.float32)),
        (_proto(DType.FLOAT, (), float_val=[-0.0]), f32(-0.0)),
        (_proto(DType.FLOAT, (0, 3)), np.zeros((0, 3), np.float32)),
        (_proto(DType.DOUBLE, (1,), double_val=[0.1]), f32([0.1])),
        (_proto(DType.HALF, (2,), half_val=[0x3C00, 0xC000]), f32([1, -2])),
        (_proto(DType.HALF, (1,), tensor_content=b"\x00\x3c"), f32([1])),
        (_proto(DType.BFLOAT16, (2,), half_val=[0x3F80, 0xC0A0]), f32([1, -5])),
        (_proto(DType.BFLOAT16, (1,), tensor_content=b"\x80\x3f"), f32([1])),
        (_proto(DType.INT32, (2,), int_val=[-1, 7]), np.array([-1, 7], np.int32)),
        (_proto(DType.INT8, (2,), int_val=[-128, 127]), np.array([-128, 127], np.int8)),
        (_proto(DType.UINT8, (1,), int_val=[255]), np.array([255], np.uint8)),
        (_proto(DType.INT16, (1,), tensor_content=b"\xff\xff"), np.array([-1], np.int16)),
        (_proto(DType.INT64, (1,), int64_val=[-(2**40)]), np.array([-(2**40)], np.int64)),
        (_proto(DType.UINT32, (1,), uint32_val=[2**32 - 1]), np.array([2**32 - 1], np.uint32)),
        (_proto(DType.UINT64, (1,), uint64_val=[2**64 - 1]), np.array([2**64 - 1], np.uint64)),
        (_proto(DType.BOOL, (2,), bool_val=[True, False]), np.array([True, False])),
        (_proto(DType.BOOL, (2,), tensor_content=b"\x01\x00"), np.array([True, False])),
    ],
)
def test_constants(tensor: TensorAttr, expected: np.ndarray) -> None:
    array = tensor.array()
    assert (array.dtype, array.shape) == (expected.dtype, expected.shape)
    assert array.tobytes() == expected.tobytes()  # -0.0 too


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (_proto(DType.STRING, (1,)), "type string"),
        (_proto(DType.FLOAT, (2,), tensor_content=b"1234"), "4 bytes of data instead of 8"),
        (_proto(DType.FLOAT, (1,), float_val=[1, 2]), "2 values instead of 1"),
        (_proto(DType.FLOAT, (-1,), float_val=[1]), "without a static shape"),
    ],
)
def test_damaged_constants(tensor: TensorAttr, message: str) -> None:
    with pytest.raises(ImportFailure, match=message):
        tensor.array()


@pytest.mark.parametrize(
    ("data", "cure"),
    [
        (b"", "the file is empty"),
        (b'node {\n  name: "x"\n  op: "Placeholder"\n}\n', "text graph"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
        (b"PK\x03\x04" + bytes(100), ".keras"),
        (b"\x08\x01\x12\x04\x0a\x02\x2a\x00", "SavedModel"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (np.random.default_rng(0).bytes(4000), "cut short or damaged"),
    ],
)
def test_files_that_are_no_graph(tmp_path: Path, data: bytes, cure: str) -> None:
    path = tmp_path / "odd.pb"
    path.write_bytes(data)
    with pytest.raises(ImportFailure) as caught:
        read_graph(path)
    assert "odd.pb" in str(caught.value)
    assert cure in str(caught.value)


def _chain(length: int) -> GraphBuilder:
    g = GraphBuilder()
    last = g.placeholder("x", (1, 4))
    for i in range(length):
        last = g.node("Relu", f"relu{i}", last)
    return g


def test_every_truncation_is_an_error_or_a_whole_prefix(tmp_path: Path) -> None:
    data = _chain(3).save(tmp_path / "whole.pb").read_bytes()
    path = tmp_path / "cut.pb"
    whole_prefixes = 0
    for length in range(1, len(data)):
        path.write_bytes(data[:length])
        try:
            nodes = read_graph(path).nodes
        except ImportFailure as error:
            assert "cut.pb" in str(error)
        else:
            whole_prefixes += 1
            assert list(nodes) == ["x", "relu0", "relu1", "relu2"][: len(nodes)]
    assert whole_prefixes <= 6


def test_dangling_input(tmp_path: Path) -> None:
    g = GraphBuilder()
    g.node("Relu", "y", "gone")
    with pytest.raises(ImportFailure, match="'y' reads 'gone'"):
        read_graph(g.save(tmp_path / "g.pb"))


def test_doubled_node(tmp_path: Path) -> None:
    g = _chain(1)
    g.node("Relu", "relu0", "x")
    with pytest.raises(ImportFailure, match="'relu0' is unnamed or doubled"):
        read_graph(g.save(tmp_path / "g.pb"))


@pytest.mark.slow
def test_large_files_are_quick(tmp_path: Path) -> None:
    g = _chain(300)
    for i in range(14):
        g.const(f"w{i}", np.zeros((1000, 1000)))
    path = g.save(tmp_path / "large.pb")
    assert path.stat().st_size > 56_000_000
    start = time.perf_counter()
    for node in read_graph(path).nodes.values():
        if node.op == "Const":
            tensor = node.attrs["value"]
            assert isinstance(tensor, TensorAttr)
            assert tensor.array().shape == (1000, 1000)
    assert time.perf_counter() - start < 2
