# SPDX-License-Identifier: Apache-2.0
"""Transposed and one-dimensional convolutions, normalizations, activations, against numpy."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnc.frontends import ImportOptions, load
from bnnc.frontends.keras.activations import activation_names
from bnnc.ir.diagnostics import ImportFailure
from bnnc.ir.interpreter import interpret

from .files import Layer, functional, image, sequential, write_h5, write_keras

MORE = {
    *("Conv1DTranspose", "Conv2DTranspose", "QuantConv2DTranspose", "DepthwiseConv1D"),
    *("SeparableConv1D", "QuantSeparableConv1D", "LayerNormalization", "RMSNormalization"),
    *("UnitNormalization", "GroupNormalization", "ThresholdedReLU", "RepeatVector", "Dot"),
}
_RNG = np.random.default_rng(6)
Array = np.ndarray


def normal(*shape: int) -> Array:
    return _RNG.standard_normal(shape).astype(np.float32)


def run(folder: Path, layer: Layer, x: Array, keras: int = 3) -> Array:
    layers = [image(*x.shape[1:]), layer]
    path = write_keras(folder / "net.keras", sequential(layers, keras), layers, keras)
    (y,) = interpret(load(path, ImportOptions(batch=len(x))), {"x": x}).values()
    return np.asarray(y)


def agree(found: Array, expected: Array) -> None:
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 2e-5 * max(1.0, float(np.abs(expected).max()))


def transposed(x: Array, w: Array, stride: int, dilation: int, cut: int, size: int) -> Array:
    """One axis, [n, l, i] by [k, o, i]: each pixel adds its taps where they fall."""
    y = np.zeros((len(x), size, w.shape[1]))
    for i in range(x.shape[1]):
        for k in range(len(w)):
            p = i * stride + k * dilation - cut
            if 0 <= p < size:
                y[:, p] += x[:, i] @ w[k].T
    return y


def transposed_size(n: int, k: int, stride: int, extra: int | None, *, same: bool) -> int:
    """The length that Keras gives a transposed convolution."""
    if extra is None:
        return n * stride if same else n * stride + max(k - stride, 0)
    return (n - 1) * stride + k - 2 * (k // 2 if same else 0) + extra


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize(
    ("stride", "kernel", "dilation", "extra"),
    [
        *((1, 1, 1, None), (1, 3, 1, None), (1, 4, 1, None), (1, 3, 2, None), (2, 2, 1, None)),
        *((2, 3, 1, None), (2, 3, 1, 1), (3, 2, 1, None), (3, 1, 1, None), (3, 5, 1, 2)),
        *((3, 5, 1, 0), (4, 3, 1, None)),
    ],
)
def test_transposed_in_one_dimension(
    tmp_path: Path, stride: int, kernel: int, dilation: int, extra: int | None, same: bool
) -> None:
    x, w, b = normal(2, 5, 3), normal(kernel, 4, 3), normal(4)
    options: dict[str, Any] = {
        "filters": 4,
        "kernel_size": kernel,
        "strides": stride,
        "dilation_rate": dilation,
    }
    options |= {"padding": "same" if same else "valid", "output_padding": extra}
    covered = (kernel - 1) * dilation + 1
    size = transposed_size(5, covered, stride, extra, same=same)
    cut = max(4 * stride + covered - size, 0) // 2 if same else 0
    found = run(tmp_path, Layer("Conv1DTranspose", options, [w, b]), x)
    agree(found, transposed(x, w, stride, dilation, cut, size) + b)


@pytest.mark.parametrize("kind", ["Conv2DTranspose", "QuantConv2DTranspose"])
@pytest.mark.parametrize("first", [False, True])
def test_transposed_in_two_dimensions(tmp_path: Path, kind: str, first: bool) -> None:
    """A filter that is an outer product works axis by axis."""
    x, a, b = normal(2, 4, 5, 1), normal(3, 1, 1), normal(2, 1, 1)
    w = np.einsum("hoi,woi->hwoi", a, b)
    options: dict[str, Any] = {"filters": 1, "kernel_size": [3, 2], "strides": [2, 3]}
    options |= {"use_bias": False, "padding": "same", "activation": "relu"}
    if kind.startswith("Quant"):
        options |= {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign"}
    if first:
        options["data_format"] = "channels_first"
    fed = x.transpose(0, 3, 1, 2) if first else x
    found = run(tmp_path, Layer(kind, options, [w], module="larq.layers"), fed, 2)
    if kind.startswith("Quant"):
        x, a, b = (np.where(v >= 0, 1.0, -1.0) for v in (x, a, b))
    rows = transposed(x.transpose(0, 2, 1, 3).reshape(-1, 4, 1), a, 2, 1, 0, 8)
    rows = rows.reshape(2, 5, 8, 1).transpose(0, 2, 1, 3).reshape(-1, 5, 1)
    want = np.maximum(transposed(rows, b, 3, 1, 0, 15).reshape(2, 8, 15, 1), 0)
    agree(found, want.transpose(0, 3, 1, 2) if first else want)


@pytest.mark.parametrize("kind", ["SeparableConv1D", "QuantSeparableConv1D", "DepthwiseConv1D"])
def test_depthwise_in_one_dimension(tmp_path: Path, kind: str) -> None:
    x, depth, point = normal(2, 9, 3), normal(4, 3, 2), normal(1, 6, 5)
    options: dict[str, Any] = {"kernel_size": [4], "depth_multiplier": 2, "use_bias": False}
    weights = [depth] if kind.startswith("Depth") else [depth, point]
    options |= {"strides": 2} | ({} if kind.startswith("Depth") else {"filters": 5})
    if kind.startswith("Quant"):
        options |= {"input_quantizer": "ste_sign", "depthwise_quantizer": "ste_sign"}
        options |= {"pointwise_quantizer": "ste_sign"}
    found = run(tmp_path, Layer(kind, options, weights), x, 2)
    if kind.startswith("Quant"):
        x, depth, point = (np.where(v >= 0, 1.0, -1.0) for v in (x, depth, point))
    windows = np.stack([x[:, i : i + 4] for i in (0, 2, 4)], axis=1)
    want = np.einsum("nokc,kcm->nocm", windows, depth).reshape(2, 3, 6)
    agree(found, want if kind.startswith("Depth") else want @ point[0])


def standard(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return np.asarray((x - mean) / np.sqrt(var + epsilon))


GAMMA, BETA, G2 = normal(6), normal(6), normal(3, 6)
NORMS: dict[str, tuple[Layer, Callable[[Array], Array]]] = {
    "layer": (
        Layer("LayerNormalization", {"axis": [-1], "epsilon": 1e-3}, [GAMMA, BETA]),
        lambda x: standard(x, (3,), 1e-3) * GAMMA + BETA,
    ),
    "layer over two axes": (
        Layer("LayerNormalization", {"axis": [2, 3], "center": False}, [G2]),
        lambda x: standard(x, (2, 3), 1e-3) * G2,
    ),
    "rms": (
        Layer("RMSNormalization", {"axis": -1, "epsilon": 1e-6}, [GAMMA]),
        lambda x: x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-6) * GAMMA,
    ),
    "unit": (
        Layer("UnitNormalization", {"axis": [1, 2]}),
        lambda x: x / np.sqrt((x**2).sum(axis=(1, 2), keepdims=True)),
    ),
    "group": (
        Layer("GroupNormalization", {"groups": 3, "epsilon": 1e-3}, [GAMMA, BETA]),
        lambda x: (
            standard(x.reshape(2, 4, 3, 3, 2), (1, 2, 4), 1e-3).reshape(x.shape) * GAMMA + BETA
        ),
    ),
    "instance": (
        Layer("GroupNormalization", {"groups": -1, "scale": False, "center": False}),
        lambda x: standard(x, (1, 2), 1e-3),
    ),
    "thresholded": (Layer("ThresholdedReLU", {"theta": 0.4}), lambda x: np.where(x > 0.4, x, 0)),
}


@pytest.mark.parametrize("name", NORMS)
def test_normalization(tmp_path: Path, name: str) -> None:
    layer, reference = NORMS[name]
    x = normal(2, 4, 3, 6)
    agree(run(tmp_path, layer, x), reference(x.astype(np.float64)))


def test_repeat_vector(tmp_path: Path) -> None:
    x = normal(2, 5)
    agree(run(tmp_path, Layer("RepeatVector", {"n": 3}), x), x[:, None].repeat(3, axis=1))


def softplus(x: Array) -> Array:
    return np.asarray(np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0))


def elu(x: Array, alpha: float = 1.0) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(x))


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x < 0, 0.2 * x, x),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "tanh": np.tanh,
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "leaky_tanh": lambda x: np.clip(x, -1, 1) + 0.2 * (x - np.clip(x, -1, 1)),
    "exponential": np.exp,
    "elu": elu,
    "celu": elu,
    "selu": lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772),
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True),
    "log_softmax": lambda x: x - np.log(np.exp(x).sum(axis=-1, keepdims=True)),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "swish": lambda x: x / (1 + np.exp(-x)),
    "hard_silu": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "hard_swish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "mish": lambda x: x * np.tanh(softplus(x)),
    "softplus": softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "log_sigmoid": lambda x: -softplus(-x),
    "squareplus": lambda x: (x + np.sqrt(x * x + 4)) / 2,
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "soft_shrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "tanh_shrink": lambda x: x - np.tanh(x),
}


@pytest.mark.parametrize("name", activation_names())
def test_activation(tmp_path: Path, name: str) -> None:
    x = normal(2, 40) * 3
    found = run(tmp_path, Layer("Activation", {"activation": name}), x)
    agree(found, ACTIVATIONS[name](x.astype(np.float64)))


def test_hard_sigmoid_of_keras_2_has_another_slope(tmp_path: Path) -> None:
    x = normal(2, 40) * 3
    found = run(tmp_path, Layer("Activation", {"activation": "hard_sigmoid"}), x, keras=2)
    agree(found, np.clip(0.2 * x + 0.5, 0, 1))


DOTS: list[tuple[object, tuple[int, ...], tuple[int, ...], str]] = [
    (1, (5,), (5,), "ni,ni->n"),
    (2, (4, 5), (6, 5), "nai,nbi->nab"),
    ([2, 1], (4, 5), (5, 6), "nai,nib->nab"),
    (1, (4, 5), (4, 6), "nia,nib->nab"),
    ([2, 1], (4, 5), (5,), "nai,ni->na"),
    ([1, 1], (5,), (5, 3), "ni,nib->nb"),
]


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize(("axes", "a", "b", "formula"), DOTS)
def test_dot(
    tmp_path: Path,
    axes: object,
    a: tuple[int, ...],
    b: tuple[int, ...],
    formula: str,
    normalize: bool,
) -> None:
    dot = Layer("Dot", {"axes": axes, "normalize": normalize}, (), [[("a", 0), ("b", 0)]], "dot")
    layers = [image(*a, name="a"), image(*b, name="b"), dot]
    path = write_h5(tmp_path / "net.h5", functional(layers, ["dot"], 2), layers)
    x, y = normal(2, *a), normal(2, *b)
    (found,) = interpret(load(path, ImportOptions(batch=2)), {"a": x, "b": y}).values()
    if normalize:
        left, right = formula.partition("->")[0].split(",")
        x = x / np.sqrt((x**2).sum(axis=left.index("i"), keepdims=True))
        y = y / np.sqrt((y**2).sum(axis=right.index("i"), keepdims=True))
    want = np.einsum(formula, x, y)
    agree(np.asarray(found), want[:, None] if want.ndim == 1 else want)


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("Activation", {"activation": "gelu"}, "error function"),
    ("Activation", {"activation": "sparsemax"}, "sparsemax"),
    ("UpSampling2D", {"interpolation": "bilinear"}, "bilinear"),
    ("GroupNormalization", {"groups": 4}, "6 channels in 4 groups"),
    ("Conv2DTranspose", {"filters": 1, "kernel_size": 1, "output_padding": 1}, "output_padding"),
    *(
        (kind, {}, "is not supported")
        for kind in ("LSTM", "Bidirectional", "MultiHeadAttention", "QuantLocallyConnected2D")
    ),
    *((kind, {}, "three spatial dimensions") for kind in ("Conv3D", "MaxPooling3D")),
    ("Embedding", {}, "words to numbers"),
]


@pytest.mark.parametrize(("kind", "options", "why"), REFUSED)
def test_refusal_says_why(tmp_path: Path, kind: str, options: dict[str, Any], why: str) -> None:
    with pytest.raises(ImportFailure) as caught:
        run(tmp_path, Layer(kind, options, [normal(1, 1, 1, 6), normal(1)]), normal(1, 4, 4, 6))
    assert why in "\n".join(map(str, caught.value.diagnostics))


def test_softplus_of_large_numbers_is_finite(tmp_path: Path) -> None:
    x = np.array([[-200.0, -90.0, 0.0, 90.0, 200.0]], np.float32)
    found = run(tmp_path, Layer("Activation", {"activation": "softplus"}), x)
    agree(found, np.array([[0.0, 0.0, math.log(2), 90.0, 200.0]]))
