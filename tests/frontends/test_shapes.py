# SPDX-License-Identifier: Apache-2.0
"""Operations that move data, and shape arithmetic that is done while importing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnc.frontends.tensorflow.tensors import DType
from bnnc.ir import nn
from bnnc.ir.diagnostics import ImportFailure

from .graphs import GraphBuilder, f32

_X = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)


def _one(
    folder: Path, op: str, *constants: tuple[object, str], x_at: int = 0, **attrs: object
) -> list[np.ndarray]:
    """Run one node on _X with constant operands around it."""
    g = GraphBuilder()
    names = [g.const(f"c{i}", value, dtype) for i, (value, dtype) in enumerate(constants)]
    names.insert(x_at, g.placeholder("x", _X.shape))
    g.node(op, "y", *names, **attrs)
    return g.run(folder, {"x": _X})


@pytest.mark.parametrize("target", [[2, 12], [-1, 6], [4, -1, 2], [24], [2, 3, 4, 1]])
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_reshape(tmp_path: Path, target: list[int], dtype: str) -> None:
    (y,) = _one(tmp_path, "Reshape", (target, dtype))
    np.testing.assert_array_equal(y, _X.reshape(target))


@pytest.mark.parametrize("target", [[5, -1], [-1, -1], [7]])
def test_impossible_reshape(tmp_path: Path, target: list[int]) -> None:
    with pytest.raises(ImportFailure, match=r"brings?.*\[2, 3, 4\]"):
        _one(tmp_path, "Reshape", (target, "int32"))


@pytest.mark.parametrize("axis", [0, 1, 3, -1, -4])
def test_expand_dims_and_squeeze(tmp_path: Path, axis: int) -> None:
    g = GraphBuilder()
    wide = g.node(
        "ExpandDims", "wide", g.placeholder("x", _X.shape), g.const("axis", axis, "int32")
    )
    g.node("Squeeze", "back", wide, squeeze_dims=[axis])
    assert g.load(tmp_path, output_names=("wide",)).outputs["wide"].shape == (
        np.expand_dims(_X, axis).shape
    )
    (y,) = g.run(tmp_path, {"x": _X})
    np.testing.assert_array_equal(y, _X)


def test_squeeze_keeps_a_batch_of_one(tmp_path: Path) -> None:
    g = GraphBuilder()
    g.node("Squeeze", "y", g.placeholder("x", (-1, 1, 1, 5)), squeeze_dims=[])
    assert g.load(tmp_path).outputs["y"].shape == (1, 5)


def test_transpose(tmp_path: Path) -> None:
    g = GraphBuilder()
    g.node("Transpose", "y", g.placeholder("x", _X.shape), g.const("perm", [0, 2, 1], "int32"))
    (y,) = g.run(tmp_path, {"x": _X})
    np.testing.assert_array_equal(y, _X.transpose(0, 2, 1))


@pytest.mark.parametrize("axis", [1, -1])
def test_concat(tmp_path: Path, axis: int) -> None:
    g = GraphBuilder()
    x, n = g.placeholder("x", _X.shape), g.const("axis", axis, "int32")
    neg = g.node("Neg", "neg", x)
    g.node("ConcatV2", "new", x, neg, n)
    g.node("Concat", "old", n, neg, x)
    new, old = g.run(tmp_path, {"x": _X})
    np.testing.assert_array_equal(new, np.concatenate([_X, -_X], axis))
    np.testing.assert_array_equal(old, np.concatenate([-_X, _X], axis))


@pytest.mark.parametrize("axis", [1, 2, -1])
def test_pack_and_unpack(tmp_path: Path, axis: int) -> None:
    g = GraphBuilder()
    x = g.placeholder("x", _X.shape)
    both = g.node("Pack", "both", x, g.node("Neg", "neg", x), axis=axis, N=2)
    g.node("Unpack", "parts", both, axis=axis, num=2)
    both_y, second = g.run(tmp_path, {"x": _X}, output_names=("both", "parts:1"))
    np.testing.assert_array_equal(both_y, np.stack([_X, -_X], axis))
    np.testing.assert_array_equal(second, -_X)


def test_split(tmp_path: Path) -> None:
    g = GraphBuilder()
    x, axis = g.placeholder("x", _X.shape), g.const("axis", -1, "int32")
    g.node("Split", "even", axis, x, num_split=2)
    g.node("SplitV", "odd", x, g.const("sizes", [1, -1], "int32"), axis, num_split=2)
    names = ("even", "even:1", "odd:0", "odd:1")
    module = g.load(tmp_path, output_names=names)
    assert list(module.outputs) == ["even", "even:1", "odd", "odd:1"]
    parts = g.run(tmp_path, {"x": _X}, output_names=names)
    wants = [_X[..., :2], _X[..., 2:], _X[..., :1], _X[..., 1:]]
    for part, want in zip(parts, wants, strict=True):
        np.testing.assert_array_equal(part, want)


@pytest.mark.parametrize(("op", "value"), [("Pad", 0.0), ("PadV2", -1.5)])
def test_pad(tmp_path: Path, op: str, value: float) -> None:
    paddings = [[0, 0], [1, 2], [0, 3]]
    constants: list[Any] = [(paddings, "int32")]
    constants += [(value, "float32")] if op == "PadV2" else []
    (y,) = _one(tmp_path, op, *constants)
    np.testing.assert_array_equal(y, np.pad(_X, paddings, constant_values=value))


def test_slice(tmp_path: Path) -> None:
    (y,) = _one(tmp_path, "Slice", ([0, 1, 2], "int32"), ([-1, 2, 1], "int32"))
    np.testing.assert_array_equal(y, _X[:, 1:3, 2:3])


def _spec(*entries: Any) -> tuple[list[Any], dict[str, int]]:
    """Encode an index as TensorFlow does: three vectors and five masks."""
    vectors: list[list[int]] = [[], [], []]
    masks = dict.fromkeys(("begin", "end", "ellipsis", "new_axis", "shrink_axis"), 0)
    for i, entry in enumerate(entries):
        begin, end, step = 0, 0, 1
        if entry is Ellipsis:
            masks["ellipsis"] |= 1 << i
        elif entry is None:
            masks["new_axis"] |= 1 << i
        elif isinstance(entry, int):
            begin, end = entry, entry + 1
            masks["shrink_axis"] |= 1 << i
        else:
            step = entry.step or 1
            begin, end = entry.start or 0, entry.stop or 0
            masks["begin"] |= (entry.start is None) << i
            masks["end"] |= (entry.stop is None) << i
        for vector, number in zip(vectors, (begin, end, step), strict=True):
            vector.append(number)
    return [(v, "int32") for v in vectors], {f"{k}_mask": v for k, v in masks.items()}


@pytest.mark.parametrize(
    "index",
    [
        np.s_[:, 1:],
        np.s_[:, ::2, 1:3],
        np.s_[:, 1],
        np.s_[:, -1, ::-1],
        np.s_[..., 0],
        np.s_[:, None, ..., 2:4],
        np.s_[..., None],
        np.s_[:, -2:, :-1],
        np.s_[:, 5:1:-2],
        np.s_[0:2, 2::-1, 3:0:-2],
        np.s_[:, :100],
    ],
)
def test_strided_slice(tmp_path: Path, index: Any) -> None:
    constants, masks = _spec(*index)
    (y,) = _one(tmp_path, "StridedSlice", *constants, **masks)
    np.testing.assert_array_equal(y, _X[index])


def test_space_to_depth_and_back(tmp_path: Path) -> None:
    x = np.arange(4 * 6 * 2, dtype=np.float32).reshape(1, 4, 6, 2)
    g = GraphBuilder()
    deep = g.node("SpaceToDepth", "deep", g.placeholder("x", x.shape), block_size=2)
    g.node("DepthToSpace", "back", deep, block_size=2)
    deep_y, back = g.run(tmp_path, {"x": x}, output_names=("deep", "back"))
    want = np.stack([x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)], -2).reshape(1, 2, 3, 8)
    np.testing.assert_array_equal(deep_y, want)
    np.testing.assert_array_equal(back, x)


def test_space_to_depth_of_channels_first(tmp_path: Path) -> None:
    """The order of the new channels does not depend on the data format."""
    x = np.arange(4 * 6 * 2, dtype=np.float32).reshape(1, 4, 6, 2)
    fed = np.ascontiguousarray(np.moveaxis(x, 3, 1))
    g = GraphBuilder()
    image = g.placeholder("x", fed.shape)
    deep = g.node("SpaceToDepth", "deep", image, block_size=2, data_format="NCHW")
    g.node("DepthToSpace", "back", deep, block_size=2, data_format="NCHW")
    deep_y, back = g.run(tmp_path, {"x": fed}, output_names=("deep", "back"))
    want = np.stack([x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)], -2).reshape(1, 2, 3, 8)
    np.testing.assert_array_equal(np.moveaxis(deep_y, 1, 3), want)
    np.testing.assert_array_equal(back, fed)


@pytest.mark.parametrize("op", ["SpaceToDepth", "DepthToSpace"])
def test_blocks_that_do_not_fit(tmp_path: Path, op: str) -> None:
    g = GraphBuilder()
    g.node(op, "y", g.placeholder("x", (1, 4, 5, 6)), block_size=2)
    with pytest.raises(ImportFailure, match="blocks of 2"):
        g.load(tmp_path)


@pytest.mark.parametrize(
    ("mode", "numpy_mode"), [("REFLECT", "reflect"), ("SYMMETRIC", "symmetric")]
)
def test_mirror_pad(tmp_path: Path, mode: str, numpy_mode: Any) -> None:
    paddings = [(0, 0), (2, 1), (0, 3)]
    g = GraphBuilder()
    amounts = g.const("paddings", paddings, "int32")
    g.node("MirrorPad", "y", g.placeholder("x", _X.shape), amounts, mode=mode)
    (y,) = g.run(tmp_path, {"x": _X})
    np.testing.assert_array_equal(y, np.pad(_X, paddings, mode=numpy_mode))


@pytest.mark.parametrize(("mode", "amount"), [("REFLECT", 3), ("SYMMETRIC", 4), ("EDGE", 1)])
def test_mirror_pad_has_only_so_much_to_show(tmp_path: Path, mode: str, amount: int) -> None:
    g = GraphBuilder()
    amounts = g.const("paddings", [[0, 0], [0, amount], [0, 0]], "int32")
    g.node("MirrorPad", "y", g.placeholder("x", (2, 3, 4)), amounts, mode=mode)
    with pytest.raises(ImportFailure, match=mode):
        g.load(tmp_path)


def test_flatten_by_shape_arithmetic(tmp_path: Path) -> None:
    """What Keras' Flatten and TF 1's flatten leave behind comes down to one reshape."""
    g = GraphBuilder()
    x = g.placeholder("x", (-1, 3, 4))
    shape = g.node("Shape", "shape", x, out_type=DType.INT32)
    for name, value in (("zero", [0]), ("one", [1]), ("end", [3])):
        g.const(name, value, "int32")
    batch = g.node("StridedSlice", "batch", shape, "zero", "one", "one", shrink_axis_mask=1)
    rest = g.node("Slice", "rest", shape, "one", g.const("minus", [-1], "int32"))
    axis = g.const("axis", 0, "int32")
    features = g.node("Prod", "features", rest, axis, keep_dims=False)
    half = g.node("FloorDiv", "half", features, g.const("two", 2, "int32"))
    twice = g.node("Mul", "twice", half, "two")
    wide = g.node("Cast", "wide", g.node("Pack", "pack", batch, twice), DstT=DType.INT64)
    g.node("Reshape", "y", x, wide)
    module = g.load(tmp_path, batch=2)
    assert [type(op) for op in module.func.ops] == [nn.Reshape]
    assert not module.resources
    (y,) = g.run(tmp_path, {"x": _X}, batch=2)
    np.testing.assert_array_equal(y, _X.reshape(2, 12))


def test_constants_of_computed_shapes(tmp_path: Path) -> None:
    g = GraphBuilder()
    x = g.placeholder("x", (2, 3, 4))
    filled = g.node("Fill", "filled", g.node("Shape", "s", x), g.const("v", 0.5))
    row = g.node(
        "Range", "row", *(g.const(n, v, "int32") for n, v in (("a", 1), ("b", 9), ("d", 2)))
    )
    taken = g.node("GatherV2", "t", row, g.const("i", [3, 0], "int32"), g.const("ax", 0, "int32"))
    tiled = g.node("Tile", "tiled", taken, g.const("m", [2], "int32"))
    floats = g.node("Cast", "floats", tiled, SrcT=DType.INT32, DstT=DType.FLOAT)
    total = g.node("Add", "total", g.node("Mul", "p", x, filled), floats)
    g.node("BroadcastTo", "y", total, g.const("shape", [2, 3, 4], "int32"))
    (y,) = g.run(tmp_path, {"x": _X})
    np.testing.assert_array_equal(y, _X / 2 + f32([7, 1, 7, 1]))


@pytest.mark.parametrize(
    ("op", "a", "b", "want"),
    [
        ("FloorDiv", -7, 2, -4),
        ("FloorMod", -7, 2, 1),
        ("TruncateDiv", -7, 2, -3),
        ("Div", -7, 2, -3),
        ("Sub", 7, 2, 5),
        ("Maximum", 7, 2, 7),
    ],
)
def test_integer_arithmetic(tmp_path: Path, op: str, a: int, b: int, want: int) -> None:
    g = GraphBuilder()
    x = g.placeholder("x", (1, 1))
    number = g.node(op, "n", g.const("a", a, "int32"), g.const("b", b, "int32"))
    g.node("Mul", "y", x, g.node("Cast", "c", number, SrcT=DType.INT32, DstT=DType.FLOAT))
    (y,) = g.run(tmp_path, {"x": f32([[1]])})
    assert y.item() == want


def test_a_shape_from_the_input_is_refused(tmp_path: Path) -> None:
    g = GraphBuilder()
    x = g.placeholder("x", (1, 4))
    shape = g.placeholder("shape", (2,), DType.INT32)
    g.node("Reshape", "y", x, shape)
    with pytest.raises(ImportFailure, match="needs a constant"):
        g.load(tmp_path)
    assert g.load(tmp_path, set_values={"shape": "2,2"}).outputs["y"].shape == (2, 2)
