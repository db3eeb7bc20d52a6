# SPDX-License-Identifier: Apache-2.0
"""Small frozen graphs that between them use most of what the TensorFlow frontend reads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bnnc.frontends.tensorflow.tensors import DType
from tests.frontends.graphs import GraphBuilder, function_name

_RNG = np.random.default_rng(5)


def _normal(*shape: int) -> np.ndarray:
    return _RNG.standard_normal(shape).astype(np.float32)


def _image(g: GraphBuilder, channels: int = 3) -> str:
    return g.placeholder("x", (-1, 6, 5, channels))


def _conv(g: GraphBuilder, name: str, x: str, w: str, **attrs: object) -> str:
    options = {"strides": [1, 1, 1, 1], "padding": "SAME", "data_format": "NHWC"}
    return g.node("Conv2D", name, x, w, T=DType.FLOAT, **(options | attrs))


def _straight_through(g: GraphBuilder, name: str, x: str) -> str:
    one, minus = g.const(f"{name}/1", 1.0), g.const(f"{name}/-1", -1.0)
    clipped = g.node("Maximum", f"{name}/c", g.node("Minimum", f"{name}/m", x, one), minus)
    delta = g.node("Sub", f"{name}/d", g.node("Sign", f"{name}/s", clipped), clipped)
    return g.node("AddV2", name, clipped, g.node("StopGradient", f"{name}/g", delta))


def _binary_net() -> GraphBuilder:
    """Convolution, batch norm, pool, straight-through signs, binarized weights, dense layer."""
    g = GraphBuilder()
    y = _conv(g, "conv0", _image(g), g.const("w0", _normal(3, 3, 3, 4)), padding="VALID")
    parts = [g.const(f"bn/{i}", a) for i, a in enumerate((_normal(4), _normal(4), _normal(4)))]
    var = g.const("bn/var", np.abs(_normal(4)))
    y = g.node("FusedBatchNormV3", "bn", y, *parts, var, epsilon=0.001, is_training=False)
    y = _straight_through(g, "sign0", y)
    w = _straight_through(
        g, "w1/sign", g.node("Identity", "w1/read", g.const("w1", _normal(1, 1, 4, 6)))
    )
    y = _conv(g, "conv1", y, w)
    window = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "SAME"}
    y = g.node("MaxPool", "pool", y, **window)
    y = g.node("BiasAdd", "bias", y, g.const("b", _normal(6)))
    shape = g.node("Shape", "shape", y)
    begin, end, by = (g.const(f"cut/{n}", [i], "int32") for n, i in (("a", 0), ("b", 1), ("c", 1)))
    batch = g.node("StridedSlice", "batch", shape, begin, end, by, shrink_axis_mask=1)
    rest = g.const("rest", -1, "int32")
    y = g.node("Reshape", "flat", y, g.node("Pack", "to", batch, rest, N=2, axis=0))
    y = g.node("MatMul", "dense", y, g.const("wd", np.sign(_normal(24, 3))), transpose_b=False)
    g.node("Softmax", "y", y)
    return g


def _larq_net() -> GraphBuilder:
    """Double signs, pads of one, dilation by phases, depthwise layers, written-out batch norm."""
    g = GraphBuilder()
    paddings = g.const("pads", [[0, 0], [1, 1], [1, 1], [0, 0]], "int32")
    y = g.node("PadV2", "pad", _image(g, 4), paddings, g.const("one", 1.0))
    inner = g.node("AddV2", "q/a", g.node("Sign", "q/s", y), g.const("tenth", 0.1))
    y = g.node("IdentityN", "q", g.node("Sign", "q/t", inner), y)
    y = _conv(g, "conv", y, g.const("w", np.sign(_normal(3, 3, 4, 4))), padding="VALID")
    block, none = g.const("block", [2, 2], "int32"), g.const("none", [[2, 2], [2, 3]], "int32")
    y = g.node("SpaceToBatchND", "split", y, block, none)
    y = _conv(g, "dilated", y, g.const("wd", _normal(3, 3, 4, 4)), padding="VALID")
    y = g.node("BatchToSpaceND", "merge", y, block, g.const("crop", [[0, 0], [0, 1]], "int32"))
    depthwise = {"strides": [1, 1, 1, 1], "padding": "SAME", "data_format": "NHWC"}
    y = g.node("DepthwiseConv2dNative", "dw", y, g.const("ww", _normal(3, 3, 4, 2)), **depthwise)
    raised = g.node("AddV2", "bn/ve", g.const("bn/v", np.abs(_normal(8))), g.const("bn/e", 0.001))
    y = g.node("Mul", "bn/m", y, g.node("Rsqrt", "bn/r", raised))
    y = g.node("Relu6", "relu", g.node("Sub", "bn/s", y, g.const("bn/o", _normal(8))))
    g.node("Mean", "y", y, g.const("axes", [1, 2], "int32"), keep_dims=False)
    return g


def _training_net() -> GraphBuilder:
    """Both branches of a training flag, few levels, splits and joins."""
    g = GraphBuilder()
    flag = g.const("is_training", False, "bool")
    x = _image(g)
    g.node("Switch", "sx", x, flag)
    g.node("Neg", "dead", "sx:1")
    y = g.node("Merge", "merged", g.node("Abs", "live", "sx"), "dead")
    y = g.node("Minimum", "lo", y, g.const("1", 1.0))
    y = g.node("Maximum", "hi", y, g.const("0", 0.0))
    y = g.node("Round", "round", g.node("Mul", "up", y, g.const("3", 3.0)))
    y = g.node("RealDiv", "down", y, g.const("3b", 3.0))
    g.node("Split", "halves", g.const("axis", 2, "int32"), y, num_split=5)
    y = g.node("ConcatV2", "joined", "halves:1", "halves:4", g.const("last", -1, "int32"), N=2)
    y = _conv(g, "conv", y, g.const("w", np.sign(_normal(2, 2, 6, 5))), strides=[1, 2, 2, 1])
    y = g.node("Transpose", "turned", y, g.const("perm", [0, 2, 1, 3], "int32"))
    y = g.node("LeakyRelu", "leaky", y, alpha=0.25)
    y = g.node("Pad", "pad", y, g.const("pads", [[0, 0], [0, 1], [2, 0], [0, 0]], "int32"))
    g.node("Squeeze", "y", g.node("Max", "max", y, g.const("ax", [1], "int32"), keep_dims=True))
    return g


def _function_net() -> GraphBuilder:
    """A call to a library function, constants that are computed."""
    body = GraphBuilder()
    body.node("Mul", "product", "a", "b")
    body.node("AddV2", "sum", "product:z:0", "a")
    g = GraphBuilder()
    g.function("f", ["a", "b"], {"out": "sum:z:0"}, body)
    x = g.placeholder("x", (2, 2, 4))
    dims = g.const("dims", [4], "int32")
    two = g.node("Fill", "two", dims, g.const("value", 2.0))
    y = g.node("PartitionedCall", "call", x, two, f=function_name("f"))
    steps = [g.const(n, v, "int32") for n, v in (("r0", 0), ("r1", 4), ("r2", 1))]
    y = g.node(
        "Mul",
        "scaled",
        y,
        g.node("Cast", "cast", g.node("Range", "range", *steps), DstT=DType.FLOAT),
    )
    tiled = g.node("Tile", "tiled", g.const("t", [[1.0], [2.0]]), g.const("by", [1, 4], "int32"))
    w = g.node("ExpandDims", "more", tiled, g.const("at", 0, "int32"))
    y = g.node(
        "AddV2", "shifted", y, g.node("BroadcastTo", "wide", w, g.const("s", [2, 2, 4], "int32"))
    )
    above = g.node("GreaterEqual", "above", y, g.const("zero", 0.0))
    g.node("SelectV2", "y", above, g.const("p", 1.0), g.const("m", -1.0))
    return g


_NETS: tuple[Callable[[], GraphBuilder], ...] = (
    _binary_net,
    _larq_net,
    _training_net,
    _function_net,
)


def graph_files() -> list[bytes]:
    """The graphs as files."""
    return [net().graph.SerializeToString(deterministic=True) for net in _NETS]
