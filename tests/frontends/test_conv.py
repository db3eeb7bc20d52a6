# SPDX-License-Identifier: Apache-2.0
"""Convolutions, pools, dense layers and batch normalization against sums written out in numpy."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnc.ir import nn
from bnnc.ir.diagnostics import ImportFailure

from .graphs import GraphBuilder

_rng = np.random.default_rng(7)


def _normal(*shape: int) -> np.ndarray:
    return _rng.standard_normal(shape).astype(np.float32)


def _same(n: int, k: int, s: int, d: int) -> tuple[int, int]:
    """(low, outputs): output o looks at taps o * s - low + i * d."""
    outputs = int(np.ceil(n / s))
    total = max((outputs - 1) * s + (k - 1) * d + 1 - n, 0)
    return total // 2, outputs


def _naive_conv(
    x: np.ndarray, hwio: np.ndarray, stride: tuple[int, int], dilation: tuple[int, int], mode: Any
) -> np.ndarray:
    """Scatter-free definition in float64; mode is SAME, VALID or (top, bottom, left, right)."""
    n, h, w, c = x.shape
    kh, kw, per_group, oc = hwio.shape
    groups = c // per_group
    lows: list[int] = []
    sizes: list[int] = []
    for axis, (size, k) in enumerate(((h, kh), (w, kw))):
        s, d = stride[axis], dilation[axis]
        if mode == "SAME":
            low, out = _same(size, k, s, d)
        else:
            low, high = (0, 0) if mode == "VALID" else mode[2 * axis : 2 * axis + 2]
            out = (size + low + high - (k - 1) * d - 1) // s + 1
        lows.append(low)
        sizes.append(out)
    y = np.zeros((n, *sizes, oc))
    for i, j, o in itertools.product(range(sizes[0]), range(sizes[1]), range(oc)):
        first = o // (oc // groups) * per_group
        for a, b in itertools.product(range(kh), range(kw)):
            r = i * stride[0] - lows[0] + a * dilation[0]
            q = j * stride[1] - lows[1] + b * dilation[1]
            if 0 <= r < h and 0 <= q < w:
                patch = x[:, r, q, first : first + per_group].astype(np.float64)
                y[:, i, j, o] += patch @ hwio[a, b, :, o].astype(np.float64)
    return y


_CASES: list[Any] = [
    ((1, 7, 6, 3), (3, 3, 3, 4), (1, 1), (1, 1), "SAME"),
    ((2, 7, 6, 3), (3, 2, 3, 5), (2, 2), (1, 1), "SAME"),
    ((1, 8, 8, 2), (2, 2, 2, 3), (1, 1), (1, 1), "SAME"),
    ((1, 9, 8, 4), (3, 3, 4, 2), (2, 3), (1, 1), "VALID"),
    ((1, 9, 9, 2), (3, 3, 2, 2), (1, 1), (2, 3), "SAME"),
    ((1, 9, 9, 2), (3, 3, 2, 2), (1, 1), (2, 2), "VALID"),
    ((1, 6, 6, 6), (3, 3, 2, 9), (1, 1), (1, 1), "SAME"),
    ((1, 6, 6, 2), (3, 3, 2, 3), (2, 2), (1, 1), (1, 2, 0, 3)),
    ((1, 1, 1, 5), (1, 1, 5, 3), (1, 1), (1, 1), "SAME"),
]


def _axes(data_format: str, h: int, w: int) -> list[int]:
    return [1, h, w, 1] if data_format == "NHWC" else [1, 1, h, w]


@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
@pytest.mark.parametrize(("shape", "kernel", "stride", "dilation", "mode"), _CASES)
def test_conv2d(
    tmp_path: Path, data_format: str, shape: Any, kernel: Any, stride: Any, dilation: Any, mode: Any
) -> None:
    x, w = _normal(*shape), _normal(*kernel)
    explicit = not isinstance(mode, str)
    attrs: dict[str, Any] = {"padding": "EXPLICIT" if explicit else mode}
    if explicit:
        pads = list(mode)
        order = [0, 0, *pads, 0, 0] if data_format == "NHWC" else [0, 0, 0, 0, *pads]
        attrs["explicit_paddings"] = order
    if dilation != (1, 1):
        attrs["dilations"] = _axes(data_format, *dilation)
    if data_format == "NCHW":
        attrs["data_format"] = data_format
    g = GraphBuilder()
    fed = x if data_format == "NHWC" else np.moveaxis(x, 3, 1)
    image = g.placeholder("x", (-1, *fed.shape[1:]))
    g.node("Conv2D", "y", image, g.const("w", w), strides=_axes(data_format, *stride), **attrs)
    (y,) = g.run(tmp_path, {"x": np.ascontiguousarray(fed)}, batch=shape[0])
    if data_format == "NCHW":
        y = np.moveaxis(y, 1, 3)
    np.testing.assert_allclose(y, _naive_conv(x, w, stride, dilation, mode), atol=1e-4)


@pytest.mark.parametrize("multiplier", [1, 2])
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_depthwise(tmp_path: Path, multiplier: int, padding: str) -> None:
    x, w = _normal(1, 6, 7, 3), _normal(3, 3, 3, multiplier)
    g = GraphBuilder()
    image = g.placeholder("x", (-1, 6, 7, 3))
    g.node(
        "DepthwiseConv2dNative", "y", image, g.const("w", w), strides=[1, 2, 2, 1], padding=padding
    )
    (y,) = g.run(tmp_path, {"x": x})
    for k, m in itertools.product(range(3), range(multiplier)):
        want = _naive_conv(
            x[..., k : k + 1], w[:, :, k : k + 1, m : m + 1], (2, 2), (1, 1), padding
        )
        np.testing.assert_allclose(y[..., k * multiplier + m], want[..., 0], atol=1e-4)


def test_weights_keep_their_chain(tmp_path: Path) -> None:
    """Binarization of weights stays visible for the passes; nothing is folded."""
    g = GraphBuilder()
    image = g.placeholder("x", (-1, 4, 4, 2))
    sign = g.node("Sign", "sign", g.node("Identity", "w/read", g.const("w", _normal(3, 3, 2, 4))))
    g.node("Conv2D", "y", image, sign, strides=[1, 1, 1, 1], padding="SAME")
    ops = g.load(tmp_path).func.ops
    assert [type(op) for op in ops] == [nn.Sign, nn.Transpose, nn.Conv2D]
    assert isinstance(ops[0], nn.Sign)
    assert (ops[0].zero, ops[0].nan) == ("keep", "propagate")
    assert ops[1].loc.name == ops[2].loc.name == "y"


def test_a_shared_constant_is_one_resource(tmp_path: Path) -> None:
    g = GraphBuilder()
    w, x = g.const("w", _normal(4, 4)), g.placeholder("x", (1, 4))
    g.node("MatMul", "y", g.node("MatMul", "hidden", x, w), g.node("Identity", "again", w))
    assert list(g.load(tmp_path).resources) == ["w"]


@pytest.mark.parametrize(
    ("attrs", "message"),
    [
        ({"strides": [1, 1, 1, 2], "padding": "SAME"}, "moves over batch or channels"),
        ({"strides": [1, 1, 1, 1], "padding": "CIRCULAR"}, "has padding CIRCULAR"),
        ({"padding": "SAME"}, "no usable attribute 'strides'"),
        ({"strides": [1, 1, 1, 1], "padding": "SAME", "data_format": "NHCW"}, "NHCW"),
    ],
)
def test_odd_attributes(tmp_path: Path, attrs: dict[str, Any], message: str) -> None:
    g = GraphBuilder()
    image = g.placeholder("x", (-1, 4, 4, 2))
    g.node("Conv2D", "y", image, g.const("w", _normal(3, 3, 2, 4)), **attrs)
    with pytest.raises(ImportFailure, match=message):
        g.load(tmp_path)


@pytest.mark.parametrize("op", ["MaxPool", "AvgPool"])
@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [
        (6, 2, 2, "VALID"),
        (7, 3, 2, "SAME"),
        (7, 3, 2, "VALID"),
        (5, 2, 1, "SAME"),
        (4, 4, 4, "SAME"),
    ],
)
def test_pools(
    tmp_path: Path, op: str, data_format: str, size: int, kernel: int, stride: int, padding: str
) -> None:
    x = _normal(1, size, size, 2)
    if padding == "SAME":
        low, out = _same(size, kernel, stride, 1)
    else:
        low, out = 0, (size - kernel) // stride + 1
    want = np.zeros((1, out, out, 2))
    for i, j in itertools.product(range(out), repeat=2):
        r, q = (max(v * stride - low, 0) for v in (i, j))
        window = x[:, r : i * stride - low + kernel, q : j * stride - low + kernel]
        want[:, i, j] = window.max((1, 2)) if op == "MaxPool" else window.mean((1, 2))
    g = GraphBuilder()
    fed = x if data_format == "NHWC" else np.ascontiguousarray(np.moveaxis(x, 3, 1))
    image = g.placeholder("x", (-1, *fed.shape[1:]))
    g.node(
        op,
        "y",
        image,
        ksize=_axes(data_format, kernel, kernel),
        strides=_axes(data_format, stride, stride),
        padding=padding,
        data_format=data_format,
    )
    (y,) = g.run(tmp_path, {"x": fed})
    if data_format == "NCHW":
        y = np.moveaxis(y, 1, 3)
    np.testing.assert_allclose(y, want, atol=1e-6)


@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
def test_matmul(tmp_path: Path, transpose_a: bool, transpose_b: bool) -> None:
    x, w = _normal(3, 5), _normal(5, 4)
    fed = np.ascontiguousarray(x.T) if transpose_a else x
    g = GraphBuilder()
    g.node(
        "MatMul",
        "y",
        g.placeholder("x", fed.shape),
        g.const("w", w.T if transpose_b else w),
        transpose_a=transpose_a,
        transpose_b=transpose_b,
    )
    (y,) = g.run(tmp_path, {"x": fed})
    np.testing.assert_allclose(y, x.astype(np.float64) @ w, atol=1e-5)


def _batch_norm(x: np.ndarray, p: list[np.ndarray], epsilon: float) -> np.ndarray:
    gamma, beta, mean, var = (v.astype(np.float64) for v in p)
    return (x - mean) / np.sqrt(var + epsilon) * gamma + beta


def _parameters(channels: int) -> list[np.ndarray]:
    gamma, beta, mean = (_normal(channels) for _ in range(3))
    return [gamma, beta, mean, np.abs(_normal(channels)) + np.float32(0.1)]


@pytest.mark.parametrize("op", ["FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"])
@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
def test_batch_norm(tmp_path: Path, op: str, data_format: str) -> None:
    x, p = _normal(1, 2, 3, 4), _parameters(4)
    g = GraphBuilder()
    fed = x if data_format == "NHWC" else np.ascontiguousarray(np.moveaxis(x, 3, 1))
    names = [g.const(f"p{i}", v) for i, v in enumerate(p)]
    image = g.placeholder("x", fed.shape)
    g.node(op, "y", image, *names, is_training=False, epsilon=0.01, data_format=data_format)
    (y,) = g.run(tmp_path, {"x": fed})
    if data_format == "NCHW":
        y = np.moveaxis(y, 1, 3)
    np.testing.assert_allclose(y, _batch_norm(x, p, 0.01), atol=1e-5)


@pytest.mark.parametrize("attrs", [{}, {"is_training": True}])
def test_training_batch_norm_is_refused(tmp_path: Path, attrs: dict[str, Any]) -> None:
    g = GraphBuilder()
    names = [g.const(f"p{i}", v) for i, v in enumerate(_parameters(4))]
    g.node("FusedBatchNormV3", "bn", g.placeholder("x", (1, 2, 2, 4)), *names, **attrs)
    with pytest.raises(ImportFailure, match="--set is_training=false"):
        g.load(tmp_path)


def test_an_empty_mean_belongs_to_training(tmp_path: Path) -> None:
    """Training graphs give their batch norms no statistics; the flag alone may lie."""
    g = GraphBuilder()
    gamma, beta, *_ = _parameters(4)
    names = [g.const("gamma", gamma), g.const("beta", beta), g.const("mean", []), g.const("v", [])]
    g.node("FusedBatchNorm", "bn", g.placeholder("x", (1, 2, 2, 4)), *names, is_training=False)
    with pytest.raises(ImportFailure, match="computes its mean from the batch"):
        g.load(tmp_path)


@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
def test_fused_batch_norm_with_side_input(tmp_path: Path, data_format: str) -> None:
    x, p = _normal(1, 2, 3, 4), _parameters(4)
    fed = x if data_format == "NHWC" else np.ascontiguousarray(np.moveaxis(x, 3, 1))
    g = GraphBuilder()
    image = g.placeholder("x", fed.shape)
    names = [g.const(f"p{i}", v) for i, v in enumerate(p)]
    g.node(
        "_FusedBatchNormEx",
        "y",
        image,
        *names,
        image,
        is_training=False,
        epsilon=0.01,
        num_side_inputs=1,
        activation_mode="Relu",
        data_format=data_format,
    )
    (y,) = g.run(tmp_path, {"x": fed})
    if data_format == "NCHW":
        y = np.moveaxis(y, 1, 3)
    np.testing.assert_allclose(y, np.maximum(_batch_norm(x, p, 0.01) + x, 0), atol=1e-5)


def test_fused_conv2d(tmp_path: Path) -> None:
    x, w, p = _normal(1, 5, 5, 3), _normal(3, 3, 3, 4), _parameters(4)
    conv = _naive_conv(x, w, (1, 1), (1, 1), "SAME")
    wants = {
        "biased": (["BiasAdd", "Relu"], [p[1]], np.maximum(conv + p[1], 0)),
        "normed": (["FusedBatchNorm", "Relu6"], p, np.clip(_batch_norm(conv, p, 0.02), 0, 6)),
    }
    g = GraphBuilder()
    image, weights = g.placeholder("x", x.shape), g.const("w", w)
    for name, (ops, parameters, _) in wants.items():
        names = [g.const(f"{name}/p{i}", v) for i, v in enumerate(parameters)]
        attrs: dict[str, Any] = {"fused_ops": ops, "epsilon": 0.02, "num_args": len(names)}
        attrs |= {"strides": [1, 1, 1, 1], "padding": "SAME"}
        g.node("_FusedConv2D", name, image, weights, *names, **attrs)
    for y, (_, _, want) in zip(g.run(tmp_path, {"x": x}), wants.values(), strict=True):
        np.testing.assert_allclose(y, want, atol=1e-4)


def test_fused_matmul(tmp_path: Path) -> None:
    x, w, b = _normal(2, 5), _normal(5, 3), _normal(3)
    g = GraphBuilder()
    names = [g.placeholder("x", (2, 5)), g.const("w", w), g.const("b", b)]
    g.node("_FusedMatMul", "y", *names, fused_ops=["BiasAdd", "Relu"])
    (y,) = g.run(tmp_path, {"x": x})
    np.testing.assert_allclose(y, np.maximum(x @ w + b, 0), atol=1e-5)


@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
def test_bias_add(tmp_path: Path, data_format: str) -> None:
    x = _normal(1, 3, 2, 3)
    b = _normal(3)
    g = GraphBuilder()
    image, bias = g.placeholder("x", x.shape), g.const("b", b)
    g.node("BiasAdd", "y", image, bias, data_format=data_format)
    (y,) = g.run(tmp_path, {"x": x})
    want = x + b if data_format == "NHWC" else x + b[:, None, None]
    np.testing.assert_array_equal(y, want)
