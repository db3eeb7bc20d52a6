# SPDX-License-Identifier: Apache-2.0
"""Functions of functional models, as Keras 3 (keras.ops) and Keras 2 (TFOpLambda) write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnc.frontends import ImportOptions, load
from bnnc.frontends.keras.converters.functions import FUNCTIONS
from bnnc.ir.diagnostics import ImportFailure
from bnnc.ir.interpreter import interpret

from .files import functional, image, write_h5, write_keras

Array = np.ndarray
_X = np.random.default_rng(8).standard_normal((2, 4, 3, 6)).astype(np.float32)
_TENSOR = {"class_name": "__keras_tensor__", "config": {"keras_history": ["x", 0, 0]}}
_REF = ["x", 0, 0]


def part(start: int | None, stop: int | None, step: int | None) -> dict[str, Any]:
    bounds = {"start": start, "stop": stop, "step": step}
    return {"class_name": "__slice__", "config": bounds}


def run3(folder: Path, kind: str, options: Mapping[str, Any], args: list[Any]) -> Array:
    """A model of one class of keras.ops."""
    config = functional([image(*_X.shape[1:])], ["y"], 3)
    entry: dict[str, Any] = {"module": "keras.src.ops.numpy", "class_name": kind, "name": "y"}
    entry |= {"config": {"name": "y", **options}, "registered_name": kind}
    entry["inbound_nodes"] = [{"args": args, "kwargs": {}}]
    config["config"]["layers"].append(entry)
    path = write_keras(folder / "net.keras", config, [], 3)
    (y,) = interpret(load(path, ImportOptions(batch=2)), {"x": _X}).values()
    return np.asarray(y)


def run2(folder: Path, function: str, calls: list[Any]) -> Array:
    """A model of one function of TensorFlow."""
    kind = "SlicingOpLambda" if function.endswith("getitem") else "TFOpLambda"
    config = functional([image(*_X.shape[1:])], ["y"], 2)
    entry: dict[str, Any] = {"class_name": kind, "name": "y"}
    entry |= {"config": {"name": "y", "function": function}, "inbound_nodes": calls}
    config["config"]["layers"].append(entry)
    path = write_h5(folder / "net.h5", config, [])
    (y,) = interpret(load(path, ImportOptions(batch=2)), {"x": _X}).values()
    return np.asarray(y)


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def softmax(x: Array, axis: int = -1) -> Array:
    return np.asarray(np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True))


def unit(x: Array) -> Array:
    return np.asarray(x / np.sqrt((x**2).sum(axis=-1, keepdims=True)))


Case = tuple[str, dict[str, Any], list[Any], Callable[[Array], Array]]
T: list[Any] = [_TENSOR]
KERAS_3: list[Case] = [
    ("Relu", {}, T, lambda x: np.maximum(x, 0)),
    ("Relu6", {}, T, lambda x: np.clip(x, 0, 6)),
    ("Sigmoid", {}, T, sigmoid),
    ("Tanh", {}, T, np.tanh),
    ("Silu", {}, T, lambda x: x * sigmoid(x)),
    ("HardSigmoid", {}, T, lambda x: np.clip(x / 6 + 0.5, 0, 1)),
    ("HardSilu", {}, T, lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    ("HardTanh", {}, T, lambda x: np.clip(x, -1, 1)),
    ("Softplus", {}, T, lambda x: np.log1p(np.exp(x))),
    ("Softsign", {}, T, lambda x: x / (1 + np.abs(x))),
    ("LogSigmoid", {}, T, lambda x: -np.log1p(np.exp(-x))),
    ("LogSoftmax", {}, T, lambda x: np.log(softmax(x))),
    ("Selu", {}, T, lambda x: 1.05070099 * np.where(x > 0, x, 1.67326324 * np.expm1(x))),
    ("Elu", {"alpha": 0.5}, T, lambda x: np.where(x > 0, x, 0.5 * np.expm1(x))),
    (
        "Gelu",
        {"approximate": True},
        T,
        lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    ),
    ("LeakyRelu", {"negative_slope": 0.1}, T, lambda x: np.where(x < 0, 0.1 * x, x)),
    ("Softmax", {"axis": 1}, T, lambda x: softmax(x, 1)),
    ("Absolute", {}, T, np.abs),
    ("Abs", {}, T, np.abs),
    ("Negative", {}, T, np.negative),
    ("Square", {}, T, np.square),
    ("Sign", {}, T, np.sign),
    ("Exp", {}, T, np.exp),
    ("Round", {"decimals": 0}, T, np.rint),
    ("Reciprocal", {}, T, lambda x: 1 / x),
    ("StopGradient", {}, T, lambda x: x),
    ("Cast", {"dtype": "float32"}, T, lambda x: x),
    ("Clip", {"x_min": 0, "x_max": 0.5}, T, lambda x: np.clip(x, 0, 0.5)),
    ("Power", {}, [_TENSOR, 2], np.square),
    ("Add", {}, [_TENSOR, 1.5], lambda x: x + 1.5),
    (
        "Add",
        {},
        [_TENSOR, {"class_name": "__numpy__", "config": {"value": [1, 2, 3, 4, 5, 6]}}],
        lambda x: x + np.arange(1, 7),
    ),
    ("Subtract", {}, [1.0, _TENSOR], lambda x: 1 - x),
    ("Multiply", {}, [_TENSOR, _TENSOR], np.square),
    ("Divide", {}, [_TENSOR, 3], lambda x: x / 3),
    ("TrueDivide", {}, [1.0, _TENSOR], lambda x: 1 / x),
    ("Maximum", {}, [_TENSOR, 0.25], lambda x: np.maximum(x, 0.25)),
    ("Minimum", {}, [_TENSOR, 0.25], lambda x: np.minimum(x, 0.25)),
    ("Greater", {}, [_TENSOR, 0.0], lambda x: x > 0),
    ("GreaterEqual", {}, [_TENSOR, 0.0], lambda x: x >= 0),
    ("Less", {}, [_TENSOR, 0.0], lambda x: x < 0),
    ("LessEqual", {}, [_TENSOR, 0.0], lambda x: x <= 0),
    ("Equal", {}, [_TENSOR, _TENSOR], lambda x: x == x),
    ("NotEqual", {}, [_TENSOR, _TENSOR], lambda x: x != x),
    ("Mean", {"axis": [1, 2], "keepdims": False}, T, lambda x: x.mean(axis=(1, 2))),
    ("Sum", {"axis": -1, "keepdims": True}, T, lambda x: x.sum(axis=-1, keepdims=True)),
    ("Max", {"axis": 1, "keepdims": False, "initial": None}, T, lambda x: x.max(axis=1)),
    ("Min", {"axis": 3, "keepdims": False}, T, lambda x: x.min(axis=3)),
    ("Argmax", {"axis": -1, "keepdims": False}, T, lambda x: x.argmax(axis=-1)),
    ("Reshape", {"newshape": [-1, 12, 6]}, T, lambda x: x.reshape(2, 12, 6)),
    ("Transpose", {"axes": [0, 3, 1, 2]}, T, lambda x: x.transpose(0, 3, 1, 2)),
    ("ExpandDims", {"axis": -1}, T, lambda x: x[..., None]),
    ("Flip", {"axis": 1}, T, lambda x: x[:, ::-1]),
    ("Repeat", {"repeats": 2, "axis": 1}, T, lambda x: x.repeat(2, axis=1)),
    ("Normalize", {"axis": -1, "order": 2}, T, unit),
    (
        "Pad",
        {"pad_width": [[0, 0], [1, 2], [0, 3], [0, 0]], "mode": "constant"},
        T,
        lambda x: np.pad(x, ((0, 0), (1, 2), (0, 3), (0, 0))),
    ),
    ("Concatenate", {"axis": -1}, [[_TENSOR, _TENSOR]], lambda x: np.concatenate([x, x], axis=-1)),
    ("Stack", {"axis": 1}, [[_TENSOR, _TENSOR]], lambda x: np.stack([x, x], axis=1)),
    (
        "GetItem",
        {},
        [_TENSOR, [part(None, None, None), part(1, None, None), part(None, None, -2), 4]],
        lambda x: x[:, 1:, ::-2, 4],
    ),
    (
        "GetItem",
        {},
        [_TENSOR, [{"class_name": "__ellipsis__", "config": {}}, -1]],
        lambda x: x[..., -1],
    ),
    ("GetItem", {}, [_TENSOR, [part(None, None, None), None]], lambda x: x[:, None]),
]


@pytest.mark.parametrize("case", KERAS_3, ids=lambda case: case[0])
def test_keras_3(tmp_path: Path, case: Case) -> None:
    kind, options, args, reference = case
    found, want = run3(tmp_path, kind, options, args), reference(_X.astype(np.float64))
    np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["Relu", "Add", "Mean"])
def test_keras_3_in_hdf5(tmp_path: Path, kind: str) -> None:
    """There no module is written; a layer would be trainable or not."""
    _, options, args, reference = next(case for case in KERAS_3 if case[0] == kind)
    config = functional([image(*_X.shape[1:])], ["y"], 3)
    entry: dict[str, Any] = {"class_name": kind, "name": "y", "config": {"name": "y", **options}}
    entry["inbound_nodes"] = [{"args": args, "kwargs": {}}]
    config["config"]["layers"].append(entry)
    module = load(write_h5(tmp_path / "net.h5", config, [], 3), ImportOptions(batch=2))
    (found,) = interpret(module, {"x": _X}).values()
    np.testing.assert_allclose(np.asarray(found), reference(_X), rtol=1e-5, atol=1e-5)


def test_every_function_is_tested_in_one_spelling() -> None:
    chained = {"log", "sqrt", "rsqrt", "where", "squeeze", "identity"}
    tested = {kind.lower() for kind, *_ in KERAS_3}
    assert {f for f in FUNCTIONS if f.replace("_", "") not in tested} == chained


def call(**kwargs: object) -> list[Any]:
    return [[*_REF, kwargs]]


KERAS_2: list[tuple[str, list[Any], Callable[[Array], Array]]] = [
    ("nn.relu", call(name=None), lambda x: np.maximum(x, 0)),
    ("identity", call(), lambda x: x),
    ("clip_by_value", call(clip_value_min=0, clip_value_max=6), lambda x: np.clip(x, 0, 6)),
    ("math.reduce_mean", call(axis=[1, 2]), lambda x: x.mean(axis=(1, 2))),
    ("math.reduce_max", call(axis=1, keepdims=True), lambda x: x.max(axis=1, keepdims=True)),
    ("reshape", call(shape=[-1, 12, 6]), lambda x: x.reshape(2, 12, 6)),
    ("compat.v1.transpose", call(perm=[0, 3, 1, 2]), lambda x: x.transpose(0, 3, 1, 2)),
    (
        "__operators__.getitem",
        call(slice_spec=[part(None, None, None)["config"], part(1, 3, None)["config"]]),
        lambda x: x[:, 1:3],
    ),
    (
        "concat",
        [[[*_REF, {"axis": -1}], [*_REF, {"axis": -1}]]],
        lambda x: np.concatenate([x, x], axis=-1),
    ),
    ("__operators__.add", call(y=1.0, name=None), lambda x: x + 1),
    ("__operators__.add", call(y=[1.0, 2, 3, 4, 5, 6]), lambda x: x + np.arange(1, 7)),
    ("math.subtract", [["_CONSTANT_VALUE", -1, 1.0, {"y": _REF}]], lambda x: 1 - x),
    ("math.multiply", call(y=_REF), np.square),
    ("math.truediv", call(y=3.0), lambda x: x / 3),
    ("math.pow", call(y=2), np.square),
    ("nn.leaky_relu", call(alpha=0.1), lambda x: np.where(x < 0, 0.1 * x, x)),
    (
        "compat.v1.pad",
        call(paddings=[[0, 0], [1, 1], [0, 0], [0, 2]], mode="CONSTANT", constant_values=0),
        lambda x: np.pad(x, ((0, 0), (1, 1), (0, 0), (0, 2))),
    ),
    ("nn.bias_add", call(bias=[1.0, 2, 3, 4, 5, 6]), lambda x: x + np.arange(1, 7)),
    ("math.add_n", [[[*_REF, {}], [*_REF, {}]]], lambda x: 2 * x),
    ("nn.silu", call(), lambda x: x * sigmoid(x)),
    ("math.reduce_sum", call(axis=-1), lambda x: x.sum(axis=-1)),
    ("stack", [[[*_REF, {"axis": 1}], [*_REF, {"axis": 1}]]], lambda x: np.stack([x, x], axis=1)),
    ("expand_dims", call(axis=1), lambda x: x[:, None]),
]


@pytest.mark.parametrize(("name", "calls", "reference"), KERAS_2)
def test_keras_2(
    tmp_path: Path, name: str, calls: list[Any], reference: Callable[[Array], Array]
) -> None:
    found = run2(tmp_path, name, calls)
    np.testing.assert_allclose(found, reference(_X.astype(np.float64)), rtol=1e-5, atol=1e-5)


BEHIND: list[tuple[str, dict[str, Any], Callable[[Array], Array]]] = [
    ("Sqrt", {}, np.sqrt),
    ("Rsqrt", {}, lambda x: 1 / np.sqrt(x)),
    ("Log", {}, np.log),
    ("Where", {}, lambda x: x),
    ("Squeeze", {"axis": 3}, lambda x: x.mean(axis=3)),
]


@pytest.mark.parametrize(("name", "options", "inverse"), BEHIND)
def test_behind_another_function(
    tmp_path: Path, name: str, options: dict[str, Any], inverse: Callable[[Array], Array]
) -> None:
    """Of squares, which are positive; a choice by comparison; axes of size one."""
    first = {"Where": "Greater", "Squeeze": "Mean"}.get(name, "Square")
    config = functional([image(*_X.shape[1:])], ["z"], 3)
    y = {"class_name": "__keras_tensor__", "config": {"keras_history": ["y", 0, 0]}}
    between: dict[str, Any] = {"axis": 3, "keepdims": True} if first == "Mean" else {}
    entries: list[tuple[str, str, dict[str, Any], list[Any]]] = [
        (first, "y", between, [_TENSOR, 0.0] if first == "Greater" else [_TENSOR]),
        (name, "z", options, [y, _TENSOR, 0.0] if name == "Where" else [y]),
    ]
    made: list[dict[str, Any]] = [
        {
            "module": "keras.src.ops.numpy",
            "class_name": kind,
            "name": label,
            "config": {"name": label, **given},
            "inbound_nodes": [{"args": args, "kwargs": {}}],
        }
        for kind, label, given, args in entries
    ]
    config["config"]["layers"] += made
    path = write_keras(tmp_path / "net.keras", config, [], 3)
    (found,) = interpret(load(path, ImportOptions(batch=2)), {"x": _X}).values()
    wide = _X.astype(np.float64)
    source = {"Where": np.maximum(wide, 0), "Squeeze": wide}.get(name, wide**2)
    np.testing.assert_allclose(np.asarray(found), inverse(source), rtol=1e-5, atol=1e-5)


REFUSED: list[tuple[str, dict[str, Any], list[Any], str]] = [
    ("Gelu", {"approximate": False}, T, "error function"),
    ("Floor", {}, T, "is not supported"),
    ("Mean", {"axis": None, "keepdims": False}, T, "reduces the batch"),
    ("Cast", {"dtype": "int32"}, T, "int32"),
    ("GetItem", {}, [_TENSOR, [0]], "part of the batch"),
    ("GetItem", {}, [_TENSOR, [part(None, None, None), 9]], "takes element 9 of 4"),
    ("Concatenate", {"axis": 0}, [[_TENSOR, _TENSOR]], "along the batch"),
    ("Power", {}, [_TENSOR, 2.7], "exponent"),
]


@pytest.mark.parametrize(("kind", "options", "args", "why"), REFUSED)
def test_refusal_says_why(
    tmp_path: Path, kind: str, options: dict[str, Any], args: list[Any], why: str
) -> None:
    with pytest.raises(ImportFailure) as caught:
        run3(tmp_path, kind, options, args)
    assert why in "\n".join(map(str, caught.value.diagnostics))


def test_an_unknown_function_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImportFailure) as caught:
        run2(tmp_path, "nn.avg_pool2d", call(ksize=2))
    assert "tf.nn.avg_pool2d" in "\n".join(map(str, caught.value.diagnostics))
