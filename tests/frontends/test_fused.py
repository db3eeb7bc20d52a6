# SPDX-License-Identifier: Apache-2.0
"""Grappler's private operations: what it hangs behind convolutions, products and batch norms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnc.ir.diagnostics import ImportFailure

from .graphs import GraphBuilder

_rng = np.random.default_rng(13)


def _normal(*shape: int) -> np.ndarray:
    return _rng.standard_normal(shape).astype(np.float32)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-x)))


def _gelu(x: np.ndarray) -> np.ndarray:
    return np.asarray(x * _sigmoid(np.sqrt(8 / np.pi) * (x + 0.044715 * x**3)))


_ACTIVATIONS: dict[str, Callable[[np.ndarray], Any]] = {
    "Elu": lambda x: np.where(x < 0, np.expm1(x), x),
    "GeluApproximate": _gelu,
    "LeakyRelu": lambda x: np.where(x < 0, 0.3 * x, x),
    "Relu": lambda x: np.maximum(x, 0),
    "Relu6": lambda x: np.clip(x, 0, 6),
    "Sigmoid": _sigmoid,
    "Tanh": np.tanh,
}
_X = 3 * _normal(1, 4, 5, 3)
_W = _normal(1, 1, 3, 4)  # 1 x 1, so that the convolution is a product
_BIAS, _SIDE = _normal(4), _normal(1, 4, 5, 4)
_NORM = [_normal(4), _normal(4), _normal(4), np.abs(_normal(4)) + np.float32(0.1)]
_PRODUCT = _X.astype(np.float64) @ _W[0, 0].astype(np.float64)


def _normed(x: np.ndarray) -> np.ndarray:
    gamma, beta, mean, var = (p.astype(np.float64) for p in _NORM)
    return np.asarray((x - mean) / np.sqrt(var + 0.02) * gamma + beta)


def _fused(op: str, weights: np.ndarray, ops: list[str], *args: np.ndarray) -> GraphBuilder:
    """A fused convolution of _X; its arguments are constants."""
    g = GraphBuilder()
    names = [g.placeholder("x", _X.shape), g.const("w", weights)]
    names += [g.const(f"args/{i}", arg) for i, arg in enumerate(args)]
    attrs: dict[str, Any] = {"fused_ops": ops, "epsilon": 0.02, "leakyrelu_alpha": 0.3}
    g.node(op, "y", *names, strides=[1, 1, 1, 1], padding="SAME", num_args=len(args), **attrs)
    return g


@pytest.mark.parametrize("activation", _ACTIVATIONS)
def test_bias_and_activation(tmp_path: Path, activation: str) -> None:
    g = _fused("_FusedConv2D", _W, ["BiasAdd", activation], _BIAS)
    (y,) = g.run(tmp_path, {"x": _X})
    np.testing.assert_allclose(y, _ACTIVATIONS[activation](_PRODUCT + _BIAS), atol=2e-5)


@pytest.mark.parametrize("activation", ["Relu", "LeakyRelu", "Elu"])
def test_batch_norm_and_activation(tmp_path: Path, activation: str) -> None:
    g = _fused("_FusedConv2D", _W, ["FusedBatchNorm", activation], *_NORM)
    (y,) = g.run(tmp_path, {"x": _X})
    np.testing.assert_allclose(y, _ACTIVATIONS[activation](_normed(_PRODUCT)), atol=1e-4)


@pytest.mark.parametrize("then", [[], ["Relu"]])
def test_bias_and_shortcut(tmp_path: Path, then: list[str]) -> None:
    g = _fused("_FusedConv2D", _W, ["BiasAdd", "Add", *then], _BIAS, _SIDE)
    (y,) = g.run(tmp_path, {"x": _X})
    want = _PRODUCT + _BIAS + _SIDE
    np.testing.assert_allclose(y, np.maximum(want, 0) if then else want, atol=2e-5)


def test_a_shortcut_of_channels_first(tmp_path: Path) -> None:
    fed, side = (np.ascontiguousarray(np.moveaxis(a, 3, 1)) for a in (_X, _SIDE))
    g = GraphBuilder()
    names = [g.placeholder("x", fed.shape), g.const("w", _W), g.const("b", _BIAS)]
    attrs: dict[str, Any] = {"fused_ops": ["BiasAdd", "Add"], "data_format": "NCHW"}
    attrs |= {"strides": [1, 1, 1, 1], "padding": "VALID"}
    g.node("_FusedConv2D", "y", *names, g.const("side", side), **attrs)
    (y,) = g.run(tmp_path, {"x": fed})
    np.testing.assert_allclose(np.moveaxis(y, 1, 3), _PRODUCT + _BIAS + _SIDE, atol=2e-5)


def test_depthwise(tmp_path: Path) -> None:
    w = _normal(1, 1, 3, 2)
    bias = _normal(6)
    g = _fused("_FusedDepthwiseConv2dNative", w, ["BiasAdd", "Relu6"], bias)
    (y,) = g.run(tmp_path, {"x": _X})
    want = np.einsum("nhwc,cm->nhwcm", _X, w[0, 0]).reshape(1, 4, 5, 6) + bias
    np.testing.assert_allclose(y, np.clip(want, 0, 6), atol=1e-5)


@pytest.mark.parametrize("activation", _ACTIVATIONS)
def test_matmul(tmp_path: Path, activation: str) -> None:
    x = _X.reshape(-1, 3)
    g = GraphBuilder()
    names = [g.placeholder("x", x.shape), g.const("w", _W[0, 0]), g.const("b", _BIAS)]
    ops = ["BiasAdd", activation]
    g.node("_FusedMatMul", "y", *names, fused_ops=ops, leakyrelu_alpha=0.3, num_args=1)
    (y,) = g.run(tmp_path, {"x": x})
    want = _ACTIVATIONS[activation](_PRODUCT + _BIAS).reshape(-1, 4)
    np.testing.assert_allclose(y, want, atol=2e-5)


def test_what_is_not_known_is_refused(tmp_path: Path) -> None:
    g = _fused("_FusedConv2D", _W, ["BiasAdd", "Erf"], _BIAS)
    with pytest.raises(ImportFailure, match="is fused with Erf: node 'y'"):
        g.load(tmp_path)
    g = _fused("_FusedConv2D", _W, ["FusedBatchNorm"], *_NORM[:3])
    with pytest.raises(ImportFailure, match="number 5 is missing"):
        g.load(tmp_path)


def test_other_filter_orders_are_refused(tmp_path: Path) -> None:
    g = _fused("_FusedConv2D", _W, ["BiasAdd"], _BIAS)
    g.graph.node[-1].attr["filter_format"].s = b"OHWI"
    with pytest.raises(ImportFailure, match="has filters in the order OHWI"):
        g.load(tmp_path)
