# SPDX-License-Identifier: Apache-2.0
"""Quantized models bit for bit as LiteRT's reference kernels compute them (record_golden.py)."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bnnc

from .litert import check_recorded

FOLDER = Path(__file__).parent
_LIST = """
add add_constant add_relu average concat conv_dilated conv_relu conv_relu6 conv_same conv_stride
dense dense_relu depthwise depthwise_multiplier floats larger leaky logistic maximum mean
mean_channels mean_keep mul mul_constant pad relu relu6 slices softmax softmax_flat softmax_wide
split sub tanh unsigned
"""
NAMES = _LIST.split()


@cache
def golden() -> dict[str, np.ndarray]:
    with np.load(FOLDER / "golden.npz") as data:
        return {key: data[key] for key in data.files}


def test_every_case_is_tested() -> None:
    assert {key.split(".")[0] for key in golden()} == set(NAMES)


def interpreted(path: Path, x: np.ndarray, **options: Any) -> np.ndarray:
    module = bnnc.load(path, **options)
    (name,) = module.inputs
    (y,) = bnnc.interpret(module, {name: x}).values()
    return y


@pytest.mark.parametrize("name", NAMES)
def test_one_operator(tmp_path: Path, name: str) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(golden()[f"{name}.model"].tobytes())
    y = interpreted(path, golden()[f"{name}.x"])
    want = golden()[f"{name}.y"]
    assert y.dtype == want.dtype
    np.testing.assert_array_equal(y, want.reshape(y.shape))


def test_text_keeps_what_is_computed(tmp_path: Path) -> None:
    path, text = tmp_path / "net.tflite", tmp_path / "net.bnn"
    path.write_bytes(golden()["conv_relu6.model"].tobytes())
    from bnnc.ir.text import read_module, write_module

    module = bnnc.load(path)
    write_module(module, text)
    again = read_module(text)
    assert str(again) == str(module)
    (quant,) = {t.quant for t in again.outputs.values()}
    assert quant is not None and quant.zero == -128
    np.testing.assert_array_equal(
        interpreted(text, golden()["conv_relu6.x"]), golden()["conv_relu6.y"][:, 0]
    )


def test_keyword_spotting_equals_litert_on_a_thousand_inputs(shared: Path) -> None:
    with np.load(FOLDER / "networks.npz") as data:
        want = data["keywords"]
    with np.load(shared / "data" / "kws01_mfcc_int8.npz") as data:
        x, labels = data["x"][..., None], data["y"]
    model = shared / "models" / "real" / "mlperf_tiny" / "kws" / "kws_ref_model.tflite"
    y = interpreted(model, x, batch=50)
    np.testing.assert_array_equal(y, want)
    assert len(y) == 1000
    assert (y.argmax(1) == labels).sum() == 901


def test_resnet8_equals_litert_on_a_thousand_inputs(shared: Path) -> None:
    with np.load(FOLDER / "networks.npz") as data:
        want = data["classes"]
    with np.load(shared / "data" / "cifar10_test_jpeg_dev1000.npz") as data:
        x, labels = (data["x"].astype(np.int16) - 128).astype(np.int8), data["y"]
    model = shared / "models" / "real" / "mlperf_tiny" / "pretrainedResnet_quant.tflite"
    y = interpreted(model, x, batch=50)
    np.testing.assert_array_equal(y, want)
    assert len(y) == 1000
    assert (y.argmax(1) == labels).sum() == 764


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["conv_same", "dense", "mean", "softmax"])
def test_the_installed_litert_still_computes_this(tf: Any, name: str) -> None:
    check_recorded(tf, golden(), name)
