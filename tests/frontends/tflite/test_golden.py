# SPDX-License-Identifier: Apache-2.0
"""Quantized models bit for bit as LiteRT's reference kernels compute them (record_golden.py)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Network:
    """A network of MLPerf Tiny, what its inputs are, and how many samples it gets right."""

    model: str
    recorded: str
    samples: Callable[[Path], tuple[np.ndarray, np.ndarray]]
    right: int


def _keywords(data: Path) -> tuple[np.ndarray, np.ndarray]:
    with np.load(data / "kws01_mfcc_int8.npz") as arrays:
        return arrays["x"][..., None], arrays["y"]


def _pictures(data: Path) -> tuple[np.ndarray, np.ndarray]:
    with np.load(data / "cifar10_test_jpeg_dev1000.npz") as arrays:
        return (arrays["x"].astype(np.int16) - 128).astype(np.int8), arrays["y"]


NETWORKS = [
    Network("kws/kws_ref_model.tflite", "keywords", _keywords, 901),
    Network("pretrainedResnet_quant.tflite", "classes", _pictures, 764),
]


@pytest.mark.parametrize("how", ["interpreter", pytest.param("c", marks=pytest.mark.slow)])
@pytest.mark.parametrize("network", NETWORKS, ids=lambda n: n.recorded)
def test_networks_equal_litert_on_a_thousand_inputs(
    shared: Path, tmp_path: Path, network: Network, how: str
) -> None:
    """Every byte of a thousand results, int8 softmax included: by the interpreter, and in C."""
    with np.load(FOLDER / "networks.npz") as data:
        want = data[network.recorded]
    x, labels = network.samples(shared / "data")
    model = shared / "models" / "real" / "mlperf_tiny" / network.model
    if how == "interpreter":
        y = interpreted(model, x, batch=50)
    else:
        compiled = bnnc.compile(model, out=tmp_path)
        assert compiled.module.func.ops[-1].NAME == "q.softmax"
        (name,) = compiled.module.inputs
        (y,) = compiled.run({name: x}).values()
    np.testing.assert_array_equal(y, want)
    assert len(y) == 1000
    assert (y.argmax(1) == labels).sum() == network.right


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["conv_same", "dense", "mean", "softmax"])
def test_the_installed_litert_still_computes_this(tf: Any, name: str) -> None:
    check_recorded(tf, golden(), name)
