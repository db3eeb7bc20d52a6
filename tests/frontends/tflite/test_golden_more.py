# SPDX-License-Identifier: Apache-2.0
"""Operators that choose and move elements, and transposed convolutions, as LiteRT computes them.

Bytes are compared bit for bit with the reference kernels (record_golden.py).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bnnc
from bnnc.ir import nn, q

from .litert import check_recorded

_BOTH = """
depth gather hard_swish hard_swish_wide largest mirror nearest nearest_centers nearest_corners
nearest_odd place place_smallest ranked reversed smallest stacked transposed_far transposed_near
transposed_same transposed_valid
"""
BOTH = _BOTH.split()
_ONLY_BYTES = ("depth", "hard_swish", "mirror", "stacked", "hard_swish_wide", "transposed_far")
_FLOATS = {*BOTH, "matrices", "unit", "difference", "softplus", "compared", "prelu"}
FLOATS = sorted(f"{name}_float" for name in _FLOATS - {*_ONLY_BYTES, "nearest_odd", "smallest"})


@cache
def golden() -> dict[str, np.ndarray]:
    with np.load(Path(__file__).with_name("golden_more.npz")) as data:
        return {key: data[key] for key in data.files}


def test_every_case_is_tested() -> None:
    assert {key.split(".")[0] for key in golden()} == {*BOTH, *FLOATS}


def stored(folder: Path, name: str) -> Path:
    path = folder / "net.tflite"
    path.write_bytes(golden()[f"{name}.model"].tobytes())
    return path


@pytest.mark.parametrize("name", BOTH)
def test_bytes(tmp_path: Path, name: str) -> None:
    path = stored(tmp_path, name)
    for x, want in zip(golden()[f"{name}.x"], golden()[f"{name}.y"], strict=True):
        module = bnnc.load(path)
        (given,) = module.inputs
        (y,) = bnnc.interpret(module, {given: x[None]}).values()
        if not name.startswith("place"):
            assert y.dtype == want.dtype
        np.testing.assert_array_equal(y, want.reshape(y.shape))


@pytest.mark.parametrize("name", FLOATS)
def test_floats(tmp_path: Path, name: str) -> None:
    module = bnnc.load(stored(tmp_path, name))
    (given,) = module.inputs
    x = {given: golden()[f"{name}.x"]}
    (y,) = bnnc.interpret(module, x).values()
    want = golden()[f"{name}.y"].reshape(y.shape)
    np.testing.assert_allclose(y, want, rtol=0, atol=1e-5 * max(1.0, np.abs(want).max()))


@pytest.mark.parametrize("name", ["transposed_same_float", "nearest_centers_float", "ranked_float"])
def test_floats_in_c(tmp_path: Path, name: str) -> None:
    module = bnnc.load(stored(tmp_path, name))
    (given,) = module.inputs
    x = {given: golden()[f"{name}.x"]}
    (y,) = bnnc.interpret(module, x).values()
    (code,) = bnnc.compile(module, "c", tmp_path / "out").run(x).values()
    np.testing.assert_array_equal(code, y)


@pytest.mark.parametrize("name", ["transposed_same", "place", "nearest", "hard_swish", "ranked"])
def test_bytes_in_c(tmp_path: Path, name: str) -> None:
    module = bnnc.load(stored(tmp_path, name))
    (given,) = module.inputs
    x = {given: golden()[f"{name}.x"][:1]}
    (y,) = bnnc.interpret(module, x).values()
    (code,) = bnnc.compile(module, "c", tmp_path / "out").run(x).values()
    np.testing.assert_array_equal(code, y)


def test_a_transposed_convolution_of_bytes_is_one_layer(tmp_path: Path) -> None:
    ops = list(bnnc.load(stored(tmp_path, "transposed_same")).func.ops)
    assert sum(isinstance(op, q.Conv2D) for op in ops) == 1
    assert not any(isinstance(op, nn.Conv2D | q.Dequantize) for op in ops)


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["transposed_same", "hard_swish", "nearest_corners", "place"])
def test_the_installed_litert_still_computes_this(tf: Any, name: str) -> None:
    check_recorded(tf, golden(), name)
