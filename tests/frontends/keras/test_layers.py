# SPDX-License-Identifier: Apache-2.0
"""Every layer against numpy, from files of all four kinds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnc.frontends import ImportOptions, load
from bnnc.frontends.keras.convert import LAYERS
from bnnc.ir.interpreter import interpret

from .files import Layer, functional, h5py, image, sequential, write_h5, write_keras
from .test_more_layers import MORE

_RNG = np.random.default_rng(5)
Array = np.ndarray
Reference = Callable[[Array], Array]


def normal(*shape: int) -> Array:
    return _RNG.standard_normal(shape).astype(np.float32)


def conv(
    x: Array,
    w: Array,
    pads: tuple[int, int, int, int] = (0, 0, 0, 0),
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
    value: float = 0.0,
) -> Array:
    """NHWC by HWIO, tap by tap in float64."""
    top, left, bottom, right = pads
    x = np.pad(
        x.astype(np.float64), ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=value
    )
    kh, kw, per, out = w.shape
    h = (x.shape[1] - (kh - 1) * dilation[0] - 1) // stride[0] + 1
    v = (x.shape[2] - (kw - 1) * dilation[1] - 1) // stride[1] + 1
    y = np.zeros((x.shape[0], h, v, out))
    for i in range(h):
        for j in range(v):
            for a in range(kh):
                for b in range(kw):
                    at = x[:, i * stride[0] + a * dilation[0], j * stride[1] + b * dilation[1]]
                    for o in range(out):
                        g = o // (out // groups)
                        y[:, i, j, o] += at[:, g * per : (g + 1) * per] @ w[a, b, :, o]
    return y


def windows(x: Array, size: int, stride: int, reduce: Callable[..., Array]) -> Array:
    h, v = ((d - size) // stride + 1 for d in x.shape[1:3])
    cut = [
        [
            reduce(
                x[:, i * stride : i * stride + size, j * stride : j * stride + size], axis=(1, 2)
            )
            for j in range(v)
        ]
        for i in range(h)
    ]
    return np.transpose(np.array(cut), (2, 0, 1, 3))


def signs(x: Array) -> Array:
    return np.where(x >= 0, 1.0, -1.0)


def larq(name: str, **options: Any) -> dict[str, Any]:
    return {"module": "larq.quantizers", "class_name": name, "config": options}


W, WG, WD, WP = normal(3, 2, 3, 5), normal(3, 3, 1, 6), normal(3, 3, 3, 2), normal(1, 1, 6, 5)
W1, B, D = normal(3, 5, 7), normal(5), normal(3, 5)
GAMMA, BETA, MEAN, VAR = normal(3), normal(3), normal(3), np.abs(normal(3)) + np.float32(0.1)
SLOPE, WF, G6, E = normal(1, 1, 3), normal(2, 2, 6, 5), normal(6), normal(5, 5)
C2 = {"filters": 5, "kernel_size": [3, 2], "use_bias": False}
C1 = {"filters": 7, "use_bias": False}
D2 = {"kernel_size": [3, 3], "depth_multiplier": 2, "use_bias": False}


def batch_norm(x: Array) -> Array:
    return np.asarray((x - MEAN) / np.sqrt(VAR + 1e-3) * GAMMA + BETA)


def depthwise(x: Array, w: Array, value: float = 0.0) -> Array:
    hwio = w.reshape(*w.shape[:2], 1, -1)
    return conv(x, hwio, (1, 1, 1, 1), groups=x.shape[3], value=value)


def scaled_signs(w: Array) -> Array:
    return np.asarray(signs(w) * np.abs(w).mean(axis=tuple(range(w.ndim - 1))))


def dorefa_weights(w: Array, bits: int) -> Array:
    n, t = 2**bits - 1, np.tanh(w.astype(np.float64))
    shifted: Array = t / (2 * float(np.abs(t).max())) + 0.5
    levels: Array = np.rint(shifted * n)
    centered: Array = 2 * levels / n - 1
    return centered


SAME2, SHAPE = (1, 0, 1, 1), (6, 5, 3)
CASES: dict[str, tuple[Layer, Reference]] = {
    "Conv2D": (
        Layer("Conv2D", C2 | {"use_bias": True, "activation": "relu"}, [W, B]),
        lambda x: np.maximum(conv(x, W) + B, 0),
    ),
    "Conv2D same, strides": (
        Layer("Conv2D", C2 | {"padding": "same", "strides": [2, 1]}, [W]),
        lambda x: conv(x, W, (0, 0, 1, 1), (2, 1)),
    ),
    "Conv2D dilated": (
        Layer("Conv2D", C2 | {"dilation_rate": [2, 3]}, [W]),
        lambda x: conv(x, W, dilation=(2, 3)),
    ),
    "Conv2D groups": (
        Layer("Conv2D", {"filters": 6, "kernel_size": 3, "groups": 3, "use_bias": False}, [WG]),
        lambda x: conv(x, WG, groups=3),
    ),
    "Conv2D, channels first": (
        Layer(
            "Conv2D",
            C2 | {"data_format": "channels_first", "kernel_size": [2, 2]},
            [WF],
        ),
        lambda x: conv(x.transpose(0, 2, 3, 1), WF).transpose(0, 3, 1, 2),
    ),
    "DepthwiseConv2D": (
        Layer("DepthwiseConv2D", D2 | {"padding": "same"}, [WD]),
        lambda x: depthwise(x, WD),
    ),
    "SeparableConv2D": (
        Layer("SeparableConv2D", D2 | {"filters": 5, "padding": "same"}, [WD, WP]),
        lambda x: conv(depthwise(x, WD), WP),
    ),
    "QuantConv2D": (
        Layer(
            "QuantConv2D",
            C2
            | {"padding": "same", "pad_values": 1.0, "input_quantizer": "ste_sign"}
            | {"kernel_quantizer": larq("SteSign", clip_value=1.0)},
            [W],
            module="larq.layers",
        ),
        lambda x: conv(signs(x), signs(W), (1, 0, 1, 1), value=1.0),
    ),
    "QuantConv2D scaled": (
        Layer("QuantConv2D", C2 | {"kernel_quantizer": "magnitude_aware_sign"}, [W]),
        lambda x: conv(x, scaled_signs(W)),
    ),
    "QuantConv2D ternary": (
        Layer("QuantConv2D", C2 | {"kernel_quantizer": larq("SteTern", threshold_value=0.3)}, [W]),
        lambda x: conv(x, np.where(np.abs(W) < 0.3, 0, np.sign(W))),
    ),
    "QuantConv2D few bits": (
        Layer(
            "QuantConv2D",
            C2
            | {"kernel_quantizer": larq("DoReFa", k_bit=2, mode="weights")}
            | {"input_quantizer": larq("DoReFa", k_bit=2, mode="activations")},
            [W],
        ),
        lambda x: conv(np.round(np.clip(x, 0, 1) * 3) / 3, dorefa_weights(W, 2)),
    ),
    "QuantDepthwiseConv2D": (
        Layer(
            "QuantDepthwiseConv2D",
            D2
            | {"padding": "same", "pad_values": 1.0}
            | {"input_quantizer": "SteSign", "depthwise_quantizer": "approx_sign"},
            [WD],
        ),
        lambda x: depthwise(signs(x), signs(WD), 1.0),
    ),
    "QuantSeparableConv2D": (
        Layer(
            "QuantSeparableConv2D",
            D2
            | {"filters": 5, "padding": "same", "input_quantizer": "ste_heaviside"}
            | {"depthwise_quantizer": "swish_sign", "pointwise_quantizer": "ste_sign"},
            [WD, WP],
        ),
        lambda x: conv(depthwise((x > 0).astype(float), signs(WD)), signs(WP)),
    ),
    "Dense": (Layer("Dense", {"units": 5}, [D, B]), lambda x: x @ D + B),
    "QuantDense": (
        Layer("QuantDense", {"units": 5, "use_bias": False, "kernel_quantizer": "ste_sign"}, [D]),
        lambda x: x @ signs(D),
    ),
    "bnnc>BinaryConv2D": (
        Layer(
            "BinaryConv2D",
            C2 | {"scale": True, "zero": "plus"},
            [np.clip(W, -1, 1)],
            module="bnnc.train",
            registered="bnnc>BinaryConv2D",
        ),
        lambda x: conv(x, scaled_signs(np.clip(W, -1, 1))),
    ),
    "bnnc>BinaryDense": (
        Layer("BinaryDense", {"units": 5, "scale": False}, [D, B], registered="bnnc>BinaryDense"),
        lambda x: x @ signs(D) + B,
    ),
    "bnnc>BinaryDepthwiseConv2D": (
        Layer(
            "BinaryDepthwiseConv2D",
            D2 | {"padding": "same", "scale": True},
            [np.clip(WD, -1, 1)],
            registered="bnnc>BinaryDepthwiseConv2D",
        ),
        lambda x: depthwise(
            x, signs(WD) * np.abs(np.clip(WD, -1, 1)).mean(axis=(0, 1), keepdims=True)
        ),
    ),
    "bnnc>BinaryActivation": (
        Layer("BinaryActivation", {"zero": "minus"}, registered="bnnc>BinaryActivation"),
        lambda x: np.where(x > 0, 1, -1),
    ),
    "BatchNormalization": (
        Layer("BatchNormalization", {"axis": [3], "epsilon": 1e-3}, [GAMMA, BETA, MEAN, VAR]),
        batch_norm,
    ),
    "BatchNormalization, neither scale nor center": (
        Layer("BatchNormalization", {"axis": -1, "scale": False, "center": False}, [MEAN, VAR]),
        lambda x: (x - MEAN) / np.sqrt(VAR + 1e-3),
    ),
    "BatchNormalization, axis 1": (
        Layer(
            "BatchNormalization",
            {"axis": 1, "center": False},
            [G6, 0 * G6, 0 * G6 + 1],
        ),
        lambda x: x / np.sqrt(1 + 1e-3) * G6[:, None, None],
    ),
    "Normalization": (
        Layer("Normalization", {"axis": [-1]}, [MEAN, VAR, np.array(7, np.int64)]),
        lambda x: (x - MEAN) / np.sqrt(VAR),
    ),
    "Rescaling": (
        Layer("Rescaling", {"scale": 0.5, "offset": [1.0, 0, -1]}),
        lambda x: x * 0.5 + np.array([1.0, 0, -1]),
    ),
    "Activation": (Layer("Activation", {"activation": "tanh"}), np.tanh),
    "SteSign": (Layer("SteSign", {}, module="larq.quantizers"), signs),
    "ReLU": (Layer("ReLU", {"max_value": 1, "negative_slope": [0.0]}), lambda x: np.clip(x, 0, 1)),
    "ReLU, leaky and cut": (
        Layer("ReLU", {"max_value": 0.5, "negative_slope": 0.25, "threshold": 0.0}),
        lambda x: np.minimum(np.where(x < 0, x * 0.25, x), 0.5),
    ),
    "ReLU, threshold": (
        Layer("ReLU", {"negative_slope": 0.25, "threshold": 0.3}),
        lambda x: np.where(x >= 0.3, x, 0.25 * (x - 0.3)),
    ),
    "LeakyReLU 2": (Layer("LeakyReLU", {"alpha": 0.2}), lambda x: np.where(x < 0, x * 0.2, x)),
    "LeakyReLU 3": (
        Layer("LeakyReLU", {"negative_slope": 0.1}),
        lambda x: np.where(x < 0, x * 0.1, x),
    ),
    "PReLU": (
        Layer("PReLU", {"shared_axes": [1, 2]}, [SLOPE]),
        lambda x: np.where(x < 0, x * SLOPE, x),
    ),
    "ELU": (Layer("ELU", {"alpha": 0.5}), lambda x: np.where(x < 0, 0.5 * np.expm1(x), x)),
    "Softmax": (
        Layer("Softmax", {"axis": 1}),
        lambda x: np.exp(x) / np.exp(x).sum(axis=1, keepdims=True),
    ),
    "MaxPooling2D": (
        Layer("MaxPooling2D", {"pool_size": [2, 2]}),
        lambda x: windows(x, 2, 2, np.max),
    ),
    "AveragePooling2D": (
        Layer("AveragePooling2D", {"pool_size": 3, "strides": 1}),
        lambda x: windows(x, 3, 1, np.mean),
    ),
    "GlobalAveragePooling2D": (
        Layer("GlobalAveragePooling2D", {"keepdims": True}),
        lambda x: x.mean(axis=(1, 2), keepdims=True),
    ),
    "GlobalMaxPooling2D": (Layer("GlobalMaxPooling2D"), lambda x: x.max(axis=(1, 2))),
    "Flatten": (Layer("Flatten"), lambda x: x.reshape(2, -1)),
    "Flatten, channels first": (
        Layer("Flatten", {"data_format": "channels_first"}),
        lambda x: x.transpose(0, 2, 3, 1).reshape(2, -1),
    ),
    "Reshape": (Layer("Reshape", {"target_shape": [9, -1]}), lambda x: x.reshape(2, 9, 10)),
    "Permute": (Layer("Permute", {"dims": [3, 1, 2]}), lambda x: x.transpose(0, 3, 1, 2)),
    "ZeroPadding2D": (
        Layer("ZeroPadding2D", {"padding": [[1, 0], [2, 3]]}),
        lambda x: np.pad(x, ((0, 0), (1, 0), (2, 3), (0, 0))),
    ),
    "Cropping2D": (Layer("Cropping2D", {"cropping": [1, 2]}), lambda x: x[:, 1:-1, 2:-2]),
    "UpSampling2D": (
        Layer("UpSampling2D", {"size": [2, 3], "interpolation": "nearest"}),
        lambda x: x.repeat(2, axis=1).repeat(3, axis=2),
    ),
    "Dropout": (Layer("Dropout", {"rate": 0.5}), lambda x: x),
    "RandomFlip": (Layer("RandomFlip"), lambda x: x),
}
SEQUENCES: dict[str, tuple[Layer, Reference]] = {
    "Conv1D": (
        Layer(
            "Conv1D", {"filters": 7, "kernel_size": [3], "use_bias": False, "strides": [2]}, [W1]
        ),
        lambda x: conv(x[:, None], W1[None], stride=(1, 2))[:, 0],
    ),
    "Conv1D causal": (
        Layer(
            "Conv1D",
            {"filters": 7, "kernel_size": 3, "use_bias": False, "padding": "causal"}
            | {"dilation_rate": 2},
            [W1],
        ),
        lambda x: conv(x[:, None], W1[None], (0, 4, 0, 0), dilation=(1, 2))[:, 0],
    ),
    "QuantConv1D": (
        Layer(
            "QuantConv1D",
            {"filters": 7, "kernel_size": 3, "use_bias": False, "padding": "same"}
            | {"pad_values": -1.0, "input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign"},
            [W1],
        ),
        lambda x: conv(signs(x)[:, None], signs(W1)[None], (0, 1, 0, 1), value=-1.0)[:, 0],
    ),
    "MaxPooling1D": (
        Layer("MaxPooling1D", {"pool_size": [3]}),
        lambda x: x[:, :9].reshape(2, 3, 3, 5).max(axis=2),
    ),
    "AveragePooling1D": (
        Layer("AveragePooling1D", {"pool_size": 3}),
        lambda x: x[:, :9].reshape(2, 3, 3, 5).mean(axis=2),
    ),
    "GlobalAveragePooling1D": (Layer("GlobalAveragePooling1D"), lambda x: x.mean(axis=1)),
    "GlobalMaxPooling1D": (Layer("GlobalMaxPooling1D"), lambda x: x.max(axis=1)),
    "ZeroPadding1D": (
        Layer("ZeroPadding1D", {"padding": [2, 1]}),
        lambda x: np.pad(x, ((0, 0), (2, 1), (0, 0))),
    ),
    "Cropping1D": (Layer("Cropping1D", {"cropping": 1}), lambda x: x[:, 1:-1]),
    "UpSampling1D": (Layer("UpSampling1D", {"size": 3}), lambda x: x.repeat(3, axis=1)),
}
KINDS = ["h5 of Keras 2", "h5 of Keras 3", "keras of Keras 2", "keras of Keras 3"]


def write(folder: Path, kind: str, config: dict[str, Any], layers: list[Layer]) -> Path:
    keras = int(kind[-1])
    if kind.startswith("h5"):
        return write_h5(folder / "net.h5", config, layers, keras)
    return write_keras(folder / "net.keras", config, layers, keras)


def outputs(path: Path, **inputs: np.ndarray) -> list[np.ndarray]:
    module = load(path, ImportOptions(batch=2))
    return [np.asarray(y) for y in interpret(module, inputs).values()]


def agree(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-5 * max(1.0, float(np.abs(expected).max()))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", [*CASES, *SEQUENCES])
def test_layer(tmp_path: Path, case: str, kind: str) -> None:
    layer, reference = (CASES | SEQUENCES)[case]
    shape = SHAPE if case in CASES else (11, 5)
    layers = [image(*shape), layer]
    x = normal(2, *shape)
    (y,) = outputs(write(tmp_path, kind, sequential(layers, int(kind[-1])), layers), x=x)
    agree(y, reference(x.astype(np.float64) if layer.weights == () else x))


MERGES: dict[str, Callable[[Array, Array], Array]] = {
    "Add": np.add,
    "Subtract": np.subtract,
    "Multiply": np.multiply,
    "Average": lambda a, b: (a + b) / 2,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
    "Concatenate": lambda a, b: np.concatenate([a, b], axis=-1),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", MERGES)
def test_merge(tmp_path: Path, name: str, kind: str) -> None:
    """Two inputs, a layer that is called twice, two outputs."""
    layers = [
        image(4, 3, name="a"),
        image(4, 3, name="b"),
        Layer("Dense", {"units": 5}, [D, B], [[("a", 0)], [("b", 0)]], name="shared"),
        Layer(name, {}, (), [[("shared", 0), ("shared", 1)]], name="merged"),
        Layer("ReLU", {}, (), [[("a", 0)]], name="other"),
    ]
    config = functional(layers, ["merged", "other"], int(kind[-1]))
    a, b = normal(2, 4, 3), normal(2, 4, 3)
    merged, other = outputs(write(tmp_path, kind, config, layers), a=a, b=b)
    agree(merged, MERGES[name](a @ D + B, b @ D + B))
    agree(other, np.maximum(a, 0))


def test_operators(tmp_path: Path) -> None:
    """``x + y * 2`` as Keras 2 and 3 write it."""
    two = Layer("TFOpLambda", {"function": "math.multiply"}, name="twice").config(2)
    two["inbound_nodes"] = [["x", 0, 0, {"y": 2.0, "name": None}]]
    add = Layer("TFOpLambda", {"function": "__operators__.add"}, name="sum").config(2)
    add["inbound_nodes"] = [["x", 0, 0, {"y": ["twice", 0, 0], "name": None}]]
    config = functional([image(5)], ["sum"], 2)
    config["config"]["layers"] += [two, add]
    x = normal(2, 5)
    agree(outputs(write_h5(tmp_path / "two.h5", config, [image(5)]), x=x)[0], x * 3)

    tensor = {"class_name": "__keras_tensor__", "config": {"keras_history": ["x", 0, 0]}}
    config = functional([image(5)], ["sum"], 3)
    operator: dict[str, Any] = {"module": "keras.src.ops.numpy", "class_name": "Add", "name": "sum"}
    operator |= {
        "config": {"name": "sum"},
        "inbound_nodes": [{"args": [tensor, 2.5], "kwargs": {}}],
    }
    config["config"]["layers"] += [operator]
    found = outputs(write_keras(tmp_path / "three.keras", config, [], 3), x=x)[0]
    agree(found, x + np.float32(2.5))


@pytest.mark.parametrize("first", [0, 1])
def test_nested_models(tmp_path: Path, first: int) -> None:
    """A Sequential inside, called twice; Keras counts its own construction as a call or not."""
    inner = [image(5, name="inner_in"), Layer("Dense", {"units": 5}, [E, B])]
    nested: dict[str, Any] = sequential(inner, 2) | {"name": "inner"}
    nested["config"]["name"] = "inner"
    nested["inbound_nodes"] = [[["x", 0, 0, {}]], [["inner", first, 0, {}]]]
    config = functional([image(5)], [], 2)
    config["config"]["layers"].append(nested)
    config["config"]["output_layers"] = [["inner", first + 1, 0]]
    stored = Layer("Sequential", {}, [E, B], name="inner")
    path = write_h5(tmp_path / "net.h5", config, [image(5), stored])
    with h5py.File(path, "r+") as file:
        group = file["model_weights/inner"]
        group.attrs["weight_names"] = [b"layer/kernel:0", b"layer/bias:0"]
        group["layer/kernel:0"], group["layer/bias:0"] = E, B
    x = normal(2, 5)
    agree(outputs(path, x=x)[0], (x @ E + B) @ E + B)
    names = {op.loc.name for op in load(path).func.ops}
    assert {"inner/layer", "inner:1/layer"} <= names


def test_every_class_is_tested_or_a_synonym() -> None:
    tested = {case.partition(",")[0].split(" ")[0] for case in (*CASES, *SEQUENCES)} | {*MERGES}
    synonyms = (
        "Convolution", "MaxPool1D", "MaxPool2D", "AvgPool", "Global", "Random", "BatchNormal",
        "SyncBatch", "Spatial", "Gaussian", "Alpha", "ActivityReg", "Identity", "Separable",
    )  # fmt: skip
    quantizers = {"ApproxSign", "SwishSign", "SteHeaviside", "SteTern", "DoReFa", "NoOp"}
    quantizers |= {"MagnitudeAwareSign"}
    left = {*LAYERS.names()} - tested - quantizers - {*MORE}
    left = {name for name in left if not name.startswith("ops.") and "OpLambda" not in name}
    assert not {name for name in left if not name.startswith(synonyms)}
