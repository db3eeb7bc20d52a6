# SPDX-License-Identifier: Apache-2.0
"""Modules that the AlexNets do not have, and what is said of those that are not supported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnc.frontends import ImportOptions, load
from bnnc.ir.diagnostics import ImportFailure, UsageError
from bnnc.ir.interpreter import interpret
from examples.alexnet.torch_file import Module, Storage, save, sequential

_RANDOM = np.random.default_rng(11)
_X = _RANDOM.normal(size=(2, 7, 6, 3)).astype(np.float32)
_W = _RANDOM.normal(size=(4, 3, 3, 3)).astype(np.float32)


def _conv(**others: Any) -> Module:
    sizes = {"nInputPlane": 3, "nOutputPlane": 4, "kW": 3, "kH": 3, "dW": 1, "dH": 1}
    return Module("nn.SpatialConvolution", {**sizes, "weight": _W, **others})


def _size(*numbers: int) -> Storage:
    return Storage(np.array(numbers, np.int64))


def _run(folder: Path, *modules: Module, x: np.ndarray = _X, **set_values: Any) -> np.ndarray:
    save(folder / "net.t7", sequential(*modules))
    options = ImportOptions(input_shapes={"input": x.shape}, set_values=set_values)
    return interpret(load(folder / "net.t7", options), {"input": x})["output"]


def _convolved(x: np.ndarray, pad: int = 0) -> np.ndarray:
    x = np.pad(x.astype(np.float64), ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    views = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    return np.asarray(np.einsum("nhwcij,ocij->nhwo", views, _W))


def test_spatial_convolution_mm_and_padding(tmp_path: Path) -> None:
    flat = Module(
        "nn.SpatialConvolutionMM", {**_conv(padW=1, padH=1).fields, "weight": _W.reshape(4, 27)}
    )
    assert np.allclose(_run(tmp_path, flat), _convolved(_X, 1), atol=1e-4)


def test_flattening_is_channels_first(tmp_path: Path) -> None:
    weight = _RANDOM.normal(size=(5, 4 * 5 * 4)).astype(np.float32)
    bias = _RANDOM.normal(size=5).astype(np.float32)
    linear = Module("nn.Linear", {"weight": weight, "bias": bias})
    expected = np.moveaxis(_convolved(_X), 3, 1).reshape(2, -1) @ weight.T + bias
    sizes: list[tuple[int, ...]] = [(80,), (-1, 80), (2, 80)]
    for size in sizes:
        found = _run(tmp_path, _conv(), Module("nn.View", {"size": _size(*size)}), linear)
        assert np.allclose(found, expected, atol=1e-4)
    view = Module("nn.View", {"size": _size(-1), "numInputDims": 3})
    assert np.allclose(_run(tmp_path, _conv(), view, linear), expected, atol=1e-4)
    back = Module("nn.Reshape", {"size": _size(4, 5, 4)})
    view = Module("nn.View", {"size": _size(80)})
    assert np.allclose(_run(tmp_path, _conv(), view, back), _convolved(_X), atol=1e-4)


@pytest.mark.parametrize("pad", [0, 1])
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("size", [5, 6, 7, 8])
def test_pools_round_as_torch_does(pad: int, ceil_mode: bool, size: int, tmp_path: Path) -> None:
    x = _RANDOM.normal(size=(1, size, size, 2)).astype(np.float32)
    sizes = {"kW": 3, "kH": 3, "dW": 2, "dH": 2, "padW": pad, "padH": pad}
    pool = Module("nn.SpatialMaxPooling", {**sizes, "ceil_mode": ceil_mode})
    count = (size + 2 * pad - 3) / 2
    out = int(np.ceil(count) if ceil_mode else np.floor(count)) + 1
    if pad and (out - 1) * 2 >= size + pad:
        out -= 1
    wide = np.pad(x, ((0, 0), (pad, 9), (pad, 9), (0, 0)), constant_values=-np.inf)
    expected = np.stack(
        [
            [wide[0, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3].max(axis=(0, 1)) for j in range(out)]
            for i in range(out)
        ]
    )
    found = _run(tmp_path, pool, Module("nn.ReLU6"), x=x)
    assert np.array_equal(found[0], np.clip(expected, 0, 6).astype(np.float32))


@pytest.mark.parametrize("counts", [False, True])
def test_average_pool(counts: bool, tmp_path: Path) -> None:
    sizes = {"kW": 3, "kH": 3, "dW": 3, "dH": 3, "padW": 1, "padH": 1}
    pool = Module("nn.SpatialAveragePooling", {**sizes, "count_include_pad": counts})
    found = _run(tmp_path, pool)
    corner = _X[0, :2, :2].astype(np.float64).sum(axis=(0, 1)) / (9 if counts else 4)
    assert np.allclose(found[0, 0, 0], corner, atol=1e-5)


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (Module("nn.Dropout", {"p": 0.3, "v2": True}), _X),
        (Module("nn.Dropout", {"p": 0.3}), _X * 0.7),
        (Module("nn.SpatialDropout", {"p": 0.1}), _X * 0.9),
        (Module("nn.Identity"), _X),
        (Module("nn.Tanh"), np.tanh(_X)),
        (Module("nn.Sigmoid"), 1 / (1 + np.exp(-_X))),
        (Module("nn.HardTanh", {"min_val": -0.5, "max_val": 2}), np.clip(_X, -0.5, 2)),
        (Module("nn.Threshold", {"threshold": 0, "val": 0}), np.maximum(_X, 0)),
        (Module("nn.LeakyReLU", {"negval": 0.2}), np.where(_X < 0, _X * 0.2, _X)),
        (Module("nn.ELU", {"alpha": 0.5}), np.where(_X < 0, 0.5 * np.expm1(_X), _X)),
        (
            Module("nn.SpatialZeroPadding", {"pad_l": 1, "pad_r": 2, "pad_t": 0, "pad_b": 3}),
            np.pad(_X, ((0, 0), (0, 3), (1, 2), (0, 0))),
        ),
        (
            Module("nn.SpatialSoftMax"),
            np.exp(_X) / np.exp(_X).sum(axis=3, keepdims=True),
        ),
    ],
    ids=lambda value: value.kind if isinstance(value, Module) else "",
)
def test_elementwise(module: Module, expected: np.ndarray, tmp_path: Path) -> None:
    assert np.allclose(_run(tmp_path, module), expected, atol=1e-5)


def test_batch_norm_without_scale(tmp_path: Path) -> None:
    mean, var = np.array([1, 2, 3], np.float32), np.array([1, 4, 9], np.float32)
    fields = {"eps": 1e-3, "affine": False, "running_mean": mean, "running_var": var}
    found = _run(tmp_path, Module("nn.SpatialBatchNormalization", fields))
    assert np.allclose(found, (_X - mean) / np.sqrt(var + 1e-3), atol=1e-5)


def test_a_network_for_several_processors_in_a_table(tmp_path: Path) -> None:
    inner = sequential(_conv(), Module("nn.ReLU"))
    network = Module("nn.DataParallelTable", {"modules": [inner, inner]})
    save(tmp_path / "net.t7", {"epoch": 3, "model": network})
    module = load(tmp_path / "net.t7", ImportOptions(input_shapes={"input": (2, 7, 6, 3)}))
    assert [op.loc.name for op in module.func.ops if op.loc][-1] == "1.2"
    found = interpret(module, {"input": _X})["output"]
    assert np.allclose(found, np.maximum(_convolved(_X), 0), atol=1e-4)


def test_normalization_and_outputs(tmp_path: Path) -> None:
    save(tmp_path / "net.t7", sequential(_conv(), Module("nn.ReLU"), Module("nn.Tanh")))
    options = ImportOptions(
        input_shapes={"input": (-1, 7, 6, 3)},
        batch=2,
        output_names=("1", "output"),
        set_values={"mean": "1,2,3", "std": 2},
    )
    found = interpret(load(tmp_path / "net.t7", options), {"input": _X})
    assert list(found) == ["1", "output"]
    expected = _convolved((_X - np.array([1, 2, 3])) / 2)
    assert np.allclose(found["1"], expected, atol=1e-4)
    assert np.allclose(found["output"], np.tanh(np.maximum(expected, 0)), atol=1e-4)


def test_all_that_is_unsupported_is_listed(tmp_path: Path) -> None:
    modules = [_conv(), Module("nn.SpatialFullConvolution"), Module("nn.Tanh"), Module("nn.CMul")]
    with pytest.raises(ImportFailure) as caught:
        _run(tmp_path, *modules)
    text = str(caught.value)
    assert "2 nodes in the way" in text
    assert "SpatialFullConvolution is not supported: node '2'" in text and "CMul" in text


@pytest.mark.parametrize(
    ("modules", "words"),
    [
        ([Module("nn.ReLU"), _conv(), _conv()], "takes 3 channels"),
        ([_conv(weight=_W[:3])], "has a weight of shape [3, 3, 3, 3] where [4, 3, 3, 3] fits"),
        ([_conv(weight=_W * np.float32(np.nan))], "is not finite"),
        ([_conv(weight=None)], "has no tensor 'weight'"),
        ([_conv(dW=0)], "stride"),
        ([Module("nn.View", {"size": _size(7)})], "has size [7] for 126 elements"),
        ([Module("nn.View", {"size": _size(-1)})], "nn.View(features)"),
        ([_conv(), Module("nn.Linear", {"weight": _W[0, 0]})], "not [n, features]"),
        ([Module("nn.SpatialMaxPooling", {"kW": 9, "kH": 9})], "SpatialMaxPooling"),
        ([Module("nn.Threshold", {"threshold": 1})], "threshold 1"),
    ],
)
def test_modules_that_do_not_fit(modules: list[Module], words: str, tmp_path: Path) -> None:
    with pytest.raises(ImportFailure) as caught:
        _run(tmp_path, *modules)
    assert words in str(caught.value)


def test_the_shape_has_to_be_said(tmp_path: Path) -> None:
    save(tmp_path / "net.t7", sequential(_conv()))
    with pytest.raises(ImportFailure) as caught:
        load(tmp_path / "net.t7")
    assert "--input-shape input=1,32,32,3" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"set_values": {"mena": 1}}, "no setting 'mena'"),
        ({"set_values": {"std": 0}}, "deviations above zero"),
        ({"set_values": {"mean": "1,2"}}, "shape"),
        ({"set_values": {"binary_weights": 2}}, "true or false"),
        ({"input_names": ("x",)}, "is called 'input'"),
        ({"output_names": ("9",)}, "no layer '9'"),
        ({"output_names": ("1", "1")}, "given twice"),
        ({"input_shapes": {"x": (1, 7, 6, 3)}}, "no such input"),
        ({"input_shapes": {"input": (1, 7, 6, 4)}}, "does not fit the model's"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, Any], words: str, tmp_path: Path) -> None:
    save(tmp_path / "net.t7", sequential(_conv()))
    given: dict[str, Any] = {"input_shapes": {"input": (1, 7, 6, 3)}, **options}
    with pytest.raises(UsageError) as caught:
        load(tmp_path / "net.t7", ImportOptions(**given))
    assert words in str(caught.value)
