# SPDX-License-Identifier: Apache-2.0
"""QONNX's and FINN's operations, against their definitions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bnnc.driver import plan
from bnnc.frontends.onnx.convert import QUANTIZER_DOMAINS
from bnnc.ir import Module
from bnnc.ir import bin as bits
from bnnc.ir.diagnostics import ImportFailure
from bnnc.ir.interpreter import interpret

from .models import ModelBuilder

EACH = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
MODES = ("ROUND", "round", "HALF_EVEN", "FLOOR", "CEIL", "UP", "DOWN", "ROUND_TO_ZERO")
# Halves, values next to integers, large ones, both zeros.
VALUES = st.sampled_from(
    [0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 0.49999997, -0.49999997, 1e-45, 3.4e38, -3.4e38, 8388609]
) | st.floats(-300, 300, width=32)


def _same(model: ModelBuilder, folder: Path, x: np.ndarray) -> None:
    (y,) = model.run(folder, {"x": x})
    (want,) = model.reference({"x": x})
    np.testing.assert_array_equal(y, want)


@EACH
@given(
    x=arrays(np.float32, (2, 3, 1, 2), elements=VALUES),
    width=st.integers(1, 8),
    signed=st.integers(0, 1),
    narrow=st.integers(0, 1),
    mode=st.sampled_from([*MODES, "HALF_UP", "HALF_DOWN"]),
    scale=st.sampled_from([1.0, 0.5, 0.1]),
    zero=st.sampled_from([0.0, 3.0]),
    channels=st.booleans(),
)
def test_quant(
    tmp_path: Path,
    x: np.ndarray,
    width: int,
    signed: int,
    narrow: int,
    mode: str,
    scale: float,
    zero: float,
    channels: bool,
) -> None:
    model = ModelBuilder()
    scales = np.full((1, 3, 1, 1), scale) * np.arange(1, 4).reshape(1, 3, 1, 1)
    model.quantizer(
        "Quant",
        model.input("x", 2, 3, 1, 2),
        model.constant(scales if channels else scale),
        model.constant(zero),
        model.constant(float(width)),
        signed=signed,
        narrow=narrow,
        rounding_mode=mode,
    )
    _same(model, tmp_path, x)


@pytest.mark.parametrize("domain", [*QUANTIZER_DOMAINS, ""])
def test_every_spelling_of_the_domain(tmp_path: Path, domain: str) -> None:
    model = ModelBuilder()
    x = model.input("x", 1, 4)
    model.node("BipolarQuant", x, model.constant([2.0]), domain=domain)
    (y,) = model.run(tmp_path, {"x": np.array([[1.0, -0.0, -1e-40, np.nan]], np.float32)})
    assert y.tolist() == [[2.0, 2.0, -2.0, -2.0]]


def test_another_domain_is_named(tmp_path: Path) -> None:
    model = ModelBuilder()
    model.node("Quant", model.input("x", 1, 4), domain="com.example")
    with pytest.raises(ImportFailure, match=r"com\.example:Quant is not supported: node 'n0'"):
        model.load(tmp_path)


@EACH
@given(
    x=arrays(np.float32, (1, 8), elements=st.integers(-200, 200).map(float)),
    left=st.integers(2, 8),
    mode=st.sampled_from(["FLOOR", "CEIL", "ROUND"]),
    zero=st.sampled_from([0.0, 4.0]),
)
def test_trunc(tmp_path: Path, x: np.ndarray, left: int, mode: str, zero: float) -> None:
    model = ModelBuilder()
    numbers = [model.constant(v) for v in (0.25, zero, 8.0, float(left))]
    model.quantizer("Trunc", model.input("x", 1, 8), *numbers, rounding_mode=mode)
    _same(model, tmp_path, x / np.float32(4))


def test_trunc_with_scales(tmp_path: Path) -> None:
    """From eight bits and 1/4 to four bits and 1: floor(x), held between -8 and 7."""
    model = ModelBuilder()
    numbers = [model.constant(v) for v in (0.25, 0.0, 8.0, 1.0, 4.0)]
    model.quantizer("Trunc", model.input("x", 1, 4), *numbers, rounding_mode="FLOOR", signed=1)
    (y,) = model.run(tmp_path, {"x": np.array([[0.75, -0.25, 30.0, -30.0]], np.float32)})
    assert y.tolist() == [[0.0, -1.0, 7.0, -8.0]]


@EACH
@given(
    data=st.data(),
    count=st.sampled_from([1, 2, 3, 15, 255]),
    layout=st.sampled_from(["NCHW", "NHWC"]),
    rank=st.sampled_from([2, 3, 4]),
    rows=st.booleans(),
    affine=st.sampled_from([(1.0, 0.0), (2.0, -1.0), (0.5, -2.0)]),
)
def test_multi_threshold(
    tmp_path: Path,
    data: st.DataObject,
    count: int,
    layout: str,
    rank: int,
    rows: bool,
    affine: tuple[float, float],
) -> None:
    """Inputs that equal a threshold count; rows need not be sorted."""
    shape = {2: (2, 3), 3: (2, 4, 3), 4: (2, 3, 2, 3)}[rank]
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    thresholds = rng.integers(-8, 8, (3 if rows else 1, count)).astype(np.float32)
    x = rng.integers(-9, 9, shape).astype(np.float32)
    model = ModelBuilder()
    model.quantizer(
        "MultiThreshold",
        model.input("x", *shape),
        model.constant(thresholds),
        out_scale=affine[0],
        out_bias=affine[1],
        data_layout=layout,
        out_dtype="INT8",
    )
    _same(model, tmp_path, x)


def _quantized_layers(weights: np.ndarray, thresholds: np.ndarray) -> ModelBuilder:
    """Two dense layers with counted thresholds between them, and behind a flattened image."""
    model = ModelBuilder()
    x = model.input("x", 1, 4, 2, 2)
    x = model.quantizer("MultiThreshold", x, model.constant([[0.0]]), out_scale=2.0, out_bias=-1.0)
    x = model.node("MatMul", model.node("Flatten", x), model.constant(weights[0]))
    x = model.quantizer("MultiThreshold", x, model.constant(thresholds), out_bias=-1.0)
    model.node("MatMul", x, model.constant(weights[1]))
    return model


def test_thresholds_become_levels_of_layers(tmp_path: Path) -> None:
    """The first layer counts the thresholds itself, on its integer sums; the second reads levels.

    Each threshold lies between sums or on one.
    """
    rng = np.random.default_rng(7)
    weights = rng.choice([-1.0, 1.0], (2, 16, 16)).astype(np.float32)
    thresholds = np.sort(rng.integers(-12, 12, (16, 3)) / 2, axis=1)
    model = _quantized_layers(weights, thresholds)
    x = rng.standard_normal((1, 4, 2, 2)).astype(np.float32)
    module = plan(model.load(tmp_path))
    (y,) = interpret(module, {"x": x}).values()
    np.testing.assert_array_equal(y, model.reference({"x": x})[0])
    assert [op.KIND for op in _layers(module)] == ["bb", "ub"]
    assert not [op for op in module.func.ops if isinstance(op, bits.Quantize)]


def _layers(module: Module) -> list[bits.Layer]:
    return [op for op in module.func.ops if isinstance(op, bits.Layer)]


def test_too_many_thresholds_are_refused(tmp_path: Path) -> None:
    model = ModelBuilder()
    rows = model.constant(np.zeros((1, 256)))
    model.quantizer("MultiThreshold", model.input("x", 1, 4), rows)
    with pytest.raises(ImportFailure, match="has 256 thresholds; 255 is the most"):
        model.load(tmp_path)
