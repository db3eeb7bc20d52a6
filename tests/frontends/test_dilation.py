# SPDX-License-Identifier: Apache-2.0
"""Dilated convolutions in the form SpaceToBatchND, Conv2D, BatchToSpaceND.

The oracle moves the data as TensorFlow does, phase by phase, and convolves each phase.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnc.ir import Module, nn
from bnnc.ir.diagnostics import ImportFailure

from .graphs import GraphBuilder

_rng = np.random.default_rng(11)
_Pads = list[list[int]]


def _normal(*shape: int) -> np.ndarray:
    return _rng.standard_normal(shape).astype(np.float32)


def _to_phases(x: np.ndarray, block: tuple[int, int], paddings: _Pads) -> np.ndarray:
    """Phase (r, q) of image n is image (r * bw + q) * N + n."""
    x = np.pad(x, [(0, 0), *((a, b) for a, b in paddings), (0, 0)])
    phases = itertools.product(range(block[0]), range(block[1]))
    return np.concatenate([x[:, r :: block[0], q :: block[1]] for r, q in phases])


def _from_phases(y: np.ndarray, block: tuple[int, int], crops: _Pads) -> np.ndarray:
    n, h, w, c = y.shape[0] // (block[0] * block[1]), *y.shape[1:]
    whole = np.zeros((n, h * block[0], w * block[1], c), y.dtype)
    for i, (r, q) in enumerate(itertools.product(range(block[0]), range(block[1]))):
        whole[:, r :: block[0], q :: block[1]] = y[i * n : (i + 1) * n]
    (top, bottom), (left, right) = crops
    return whole[:, top : whole.shape[1] - bottom, left : whole.shape[2] - right]


def _valid(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    kh, kw = w.shape[:2]
    view = np.lib.stride_tricks.sliding_window_view(x.astype(np.float64), (kh, kw), axis=(1, 2))
    return np.asarray(np.einsum("nhwcij,ijco->nhwo", view, w.astype(np.float64)))


def _same(size: int, kernel: int, block: int) -> tuple[list[int], list[int]]:
    """Paddings and crops of one axis as tf.nn.convolution makes them for SAME."""
    total = (kernel - 1) * block
    low, high = total // 2, total - total // 2
    more = -(size + total) % block
    return [low, high + more], [0, more]


class _Dilated(GraphBuilder):
    """x -> split -> (conv) -> merge; both need block and amounts."""

    def __init__(self, shape: tuple[int, ...], block: list[int], paddings: _Pads) -> None:
        super().__init__()
        self.placeholder("x", (-1, *shape[1:]))
        self.const("block", block, "int32")
        self.node("SpaceToBatchND", "split", "x", "block", self.const("pads", paddings, "int32"))

    def conv(self, source: str, w: np.ndarray, op: str = "Conv2D", **attrs: Any) -> str:
        given: dict[str, Any] = {"strides": [1, 1, 1, 1], "padding": "VALID"} | attrs
        return self.node(op, "conv", source, self.const("w", w), **given)

    def merge(self, source: str, crops: _Pads, name: str = "merge") -> str:
        return self.node("BatchToSpaceND", name, source, "block", self.const("c", crops, "int32"))


def _only_conv(module: Module) -> nn.Conv2D:
    (conv,) = [op for op in module.func.ops if isinstance(op, nn.Conv2D)]
    return conv


@pytest.mark.parametrize("block", [(2, 2), (3, 2), (1, 4)])
@pytest.mark.parametrize("kernel", [(3, 3), (2, 3), (1, 1)])
def test_same_padding(tmp_path: Path, kernel: tuple[int, int], block: tuple[int, int]) -> None:
    x, w = _normal(2, 7, 9, 3), _normal(*kernel, 3, 4)
    sides = [_same(n, k, b) for n, k, b in zip((7, 9), kernel, block, strict=True)]
    paddings, crops = [p for p, _ in sides], [c for _, c in sides]
    g = _Dilated(x.shape, list(block), paddings)
    g.merge(g.conv("split", w), crops)
    conv = _only_conv(g.load(tmp_path))
    assert conv.dilation == block
    assert conv.pad == (sides[0][0][0], sides[1][0][0], *_high(kernel, block))
    (y,) = g.run(tmp_path, {"x": x}, batch=2)
    want = _from_phases(_valid(_to_phases(x, block, paddings), w), block, crops)
    assert y.shape == (2, 7, 9, 4)
    np.testing.assert_allclose(y, want, atol=1e-5)


def _high(kernel: tuple[int, int], block: tuple[int, int]) -> tuple[int, int]:
    """SAME needs this much behind, whatever the blocks had to be filled up with."""
    total = [(k - 1) * b for k, b in zip(kernel, block, strict=True)]
    return total[0] - total[0] // 2, total[1] - total[1] // 2


@pytest.mark.parametrize("crops", [[[0, 0], [0, 0]], [[1, 0], [0, 2]], [[1, 2], [2, 1]]])
def test_any_paddings_and_crops(tmp_path: Path, crops: _Pads) -> None:
    x, w, paddings = _normal(1, 6, 5, 2), _normal(2, 2, 2, 3), [[1, 3], [2, 2]]
    g = _Dilated(x.shape, [2, 3], paddings)
    g.merge(g.conv("split", w), crops)
    (y,) = g.run(tmp_path, {"x": x})
    want = _from_phases(_valid(_to_phases(x, (2, 3), paddings), w), (2, 3), crops)
    np.testing.assert_allclose(y, want, atol=1e-5)


def test_depthwise(tmp_path: Path) -> None:
    x, w, paddings = _normal(1, 6, 6, 2), _normal(3, 3, 2, 2), [[2, 2], [2, 2]]
    g = _Dilated(x.shape, [2, 2], paddings)
    g.merge(g.conv("split", w, "DepthwiseConv2dNative"), [[0, 0], [0, 0]])
    (y,) = g.run(tmp_path, {"x": x})
    phases = _to_phases(x, (2, 2), paddings)
    per_channel = [_valid(phases[..., k : k + 1], w[:, :, k : k + 1]) for k in range(2)]
    want = _from_phases(np.concatenate(per_channel, -1), (2, 2), [[0, 0], [0, 0]])
    np.testing.assert_allclose(y, want, atol=1e-5)


def test_one_block_number_for_both_axes(tmp_path: Path) -> None:
    """The first SpaceToBatch had its block size as an attribute."""
    x, w, paddings = _normal(1, 6, 6, 2), _normal(3, 3, 2, 2), [[2, 2], [2, 2]]
    g = GraphBuilder()
    image, pads = g.placeholder("x", x.shape), g.const("pads", paddings, "int32")
    split = g.node("SpaceToBatch", "split", image, pads, block_size=2)
    attrs: dict[str, Any] = {"strides": [1, 1, 1, 1], "padding": "VALID"}
    conv = g.node("Conv2D", "conv", split, g.const("w", w), **attrs)
    crops = g.const("crops", [[0, 0], [0, 0]], "int32")
    g.node("BatchToSpace", "merge", conv, crops, block_size=2)
    (y,) = g.run(tmp_path, {"x": x})
    want = _from_phases(_valid(_to_phases(x, (2, 2), paddings), w), (2, 2), [[0, 0], [0, 0]])
    np.testing.assert_allclose(y, want, atol=1e-5)


@pytest.mark.parametrize("block", [[2], [1, 1, 2]])
def test_blocks_over_other_axes(tmp_path: Path, block: list[int]) -> None:
    """One number splits rows only; three numbers on NCHW leave the channels whole."""
    x, w = _normal(1, 5, 6, 3), _normal(2, 2, 3, 4)
    nchw = len(block) == 3
    fed = np.ascontiguousarray(np.moveaxis(x, 3, 1)) if nchw else x
    paddings = [[0, 0], [0, 0], [0, 2]] if nchw else [[1, 2]]
    g = _Dilated(fed.shape, block, paddings)
    g.merge(g.conv("split", w, data_format="NCHW" if nchw else "NHWC"), [[0, 0]] * len(block))
    (y,) = g.run(tmp_path, {"x": fed})
    both = (1, 2) if nchw else (2, 1)
    pads = [[0, 0], [0, 2]] if nchw else [[1, 2], [0, 0]]
    want = _from_phases(_valid(_to_phases(x, both, pads), w), both, [[0, 0], [0, 0]])
    np.testing.assert_allclose(np.moveaxis(y, 1, 3) if nchw else y, want, atol=1e-5)


def test_pointwise_work_between(tmp_path: Path) -> None:
    """Bias and activation may be applied to the phases; the pixels do not know the difference."""
    x, w, bias, factor = _normal(1, 4, 4, 2), _normal(3, 3, 2, 3), _normal(3), _normal(3)
    g = _Dilated(x.shape, [2, 2], [[2, 2], [2, 2]])
    y = g.node("BiasAdd", "biased", g.conv("split", w), g.const("b", bias))
    y = g.node("Mul", "scaled", g.const("factor", factor), y)
    g.merge(g.node("Relu", "relu", g.node("Identity", "wire", y)), [[0, 0], [0, 0]])
    module = g.load(tmp_path)
    names = [op.loc.names for op in module.func.ops[-4:]]
    assert names == [("conv",), ("biased",), ("scaled",), ("relu", "merge")]
    (got,) = g.run(tmp_path, {"x": x})
    conv = _valid(_to_phases(x, (2, 2), [[2, 2], [2, 2]]), w)
    want = _from_phases(conv, (2, 2), [[0, 0], [0, 0]])
    np.testing.assert_allclose(got, np.maximum((want + bias) * factor, 0), atol=1e-5)


def test_a_padded_image_in_front(tmp_path: Path) -> None:
    """Padding with ones stays an operation of its own; only the split's zeros are absorbed."""
    g = _Dilated((1, 6, 6, 2), [2, 2], [[0, 0], [0, 0]])
    pads = g.const("ones/pads", [[0, 0], [1, 1], [1, 1], [0, 0]], "int32")
    g.node("PadV2", "ones", "x", pads, g.const("one", 1.0))
    next(node for node in g.graph.node if node.name == "split").input[0] = "ones"
    g.merge(g.conv("split", _normal(3, 3, 2, 2)), [[0, 0], [0, 0]])
    kinds = [type(op) for op in g.load(tmp_path).func.ops]
    assert kinds == [nn.Pad, nn.Transpose, nn.Conv2D]


def test_amounts_computed_from_the_shape(tmp_path: Path) -> None:
    """Without a static shape TensorFlow 1 left their computation in the graph."""
    x, w = _normal(1, 5, 5, 2), _normal(3, 3, 2, 2)
    g = GraphBuilder()
    g.placeholder("x", (-1, -1, -1, 2))
    g.const("block", [2, 2], "int32")
    g.const("base", [2, 2], "int32")
    one, three = g.const("one", [1], "int32"), g.const("three", [3], "int32")
    size = g.node("StridedSlice", "size", g.node("Shape", "shape", "x"), one, three, one)
    full = g.node("AddV2", "full", g.node("AddV2", "low", size, "base"), "base")
    missing = g.node("FloorMod", "rest", g.node("Sub", "minus", "block", full), "block")
    after = g.node("AddV2", "after", "base", missing)
    zeros = g.const("zeros", [0, 0], "int32")
    pads = g.node("Pack", "pads", "base", after, axis=1)
    split = g.node("SpaceToBatchND", "split", "x", "block", pads)
    attrs: dict[str, Any] = {"strides": [1, 1, 1, 1], "padding": "VALID"}
    conv = g.node("Conv2D", "conv", split, g.const("w", w), **attrs)
    crops = g.node("Pack", "crops", zeros, missing, axis=1)
    g.node("BatchToSpaceND", "merge", conv, "block", crops)
    shapes = {"x": (1, 5, 5, 2)}
    assert _only_conv(g.load(tmp_path, input_shapes=shapes)).pad == (2, 2, 2, 2)
    (y,) = g.run(tmp_path, {"x": x}, input_shapes=shapes)
    want = _from_phases(_valid(_to_phases(x, (2, 2), [[2, 3]] * 2), w), (2, 2), [[0, 1]] * 2)
    np.testing.assert_allclose(y, want, atol=1e-5)


_WHOLE: _Pads = [[0, 0], [0, 0]]
_ADVICE = "only dilated convolutions are read in this form"


def _odd(kind: str) -> GraphBuilder:
    g = _Dilated((1, 4, 4, 3), [2, 2], [[0, 1], [0, 0]] if kind == "odd size" else _WHOLE)
    w = _normal(1, 1, 3, 3)
    match kind:
        case "stride":
            g.merge(g.conv("split", w, strides=[1, 2, 2, 1]), _WHOLE)
        case "padding":
            g.merge(g.conv("split", w, padding="SAME"), _WHOLE)
        case "other block":
            conv = g.conv("split", w)
            other = g.const("other", [2, 1], "int32")
            g.node("BatchToSpaceND", "merge", conv, other, g.const("c", _WHOLE, "int32"))
        case "no convolution":
            g.merge("split", _WHOLE)
        case "relu first":
            g.merge(g.conv(g.node("Relu", "relu", "split"), w), _WHOLE)
        case "pool":
            pool = {"ksize": [1, 2, 2, 1], "strides": [1, 1, 1, 1], "padding": "VALID"}
            g.merge(g.node("MaxPool", "pool", g.conv("split", w), **pool), _WHOLE)
        case "image between":
            g.merge(
                g.node("Add", "sum", g.conv("split", w), g.const("i", _normal(2, 2, 3))), _WHOLE
            )
        case "two of them":
            conv = g.conv("split", w)
            g.merge(g.node("Add", "sum", conv, conv), _WHOLE)
        case "crops":
            g.merge(g.conv("split", w), [[1, 0], [0, 0]])
        case "never merged":
            g.node("Mean", "mean", g.conv("split", w), g.const("axes", [1, 2], "int32"))
        case _:
            g.merge(g.conv("split", w), _WHOLE)
    return g


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("stride", "Conv2D strides over or pads the phases of a SpaceToBatchND: node 'conv'"),
        ("padding", "Conv2D strides over or pads the phases of a SpaceToBatchND: node 'conv'"),
        ("other block", "BatchToSpaceND does not close a dilated convolution: node 'merge'"),
        ("no convolution", "BatchToSpaceND does not close a dilated convolution: node 'merge'"),
        ("relu first", "Relu works on the phases of a SpaceToBatchND: node 'relu'"),
        ("pool", "MaxPool works on the phases of a SpaceToBatchND: node 'pool'"),
        ("image between", "Add works on the phases of a SpaceToBatchND: node 'sum'"),
        ("two of them", "Add works on the phases of a SpaceToBatchND: node 'sum'"),
        ("crops", "BatchToSpaceND crops more than its SpaceToBatchND padded: node 'merge'"),
        ("never merged", "Mean works on the phases of a SpaceToBatchND: node 'mean'"),
        ("odd size", "SpaceToBatchND does not divide [1, 4, 4, 3] into blocks: node 'split'"),
    ],
)
def test_other_uses_are_refused(tmp_path: Path, kind: str, message: str) -> None:
    with pytest.raises(ImportFailure) as caught:
        _odd(kind).load(tmp_path)
    assert message in str(caught.value)
    assert _ADVICE in str(caught.value)


def test_phases_are_no_output(tmp_path: Path) -> None:
    g = _Dilated((1, 4, 4, 3), [2, 2], _WHOLE)
    with pytest.raises(ImportFailure, match="has no output 0 that can be imported: node 'split'"):
        g.load(tmp_path)


def test_a_merge_alone_is_refused(tmp_path: Path) -> None:
    g = GraphBuilder()
    crops = g.const("crops", _WHOLE, "int32")
    g.node(
        "BatchToSpaceND",
        "y",
        g.placeholder("x", (4, 2, 2, 1)),
        g.const("b", [2, 2], "int32"),
        crops,
    )
    with pytest.raises(ImportFailure, match="does not close a dilated convolution"):
        g.load(tmp_path)
