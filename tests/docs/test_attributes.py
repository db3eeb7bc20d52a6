# SPDX-License-Identifier: Apache-2.0
"""The attributes that the list of what is supported shows are those that converters ask for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from bnnc.frontends.keras.convert import LAYERS
from bnnc.frontends.onnx.convert import OPERATIONS as ONNX
from bnnc.frontends.table import ConverterTable
from bnnc.frontends.tensorflow.convert import OPERATIONS as TENSORFLOW
from bnnc.frontends.tflite.convert import ON_BYTES


@pytest.fixture
def attributes_of(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[object], list[str]]:
    monkeypatch.setattr(sys, "path", [str(repo / "scripts"), *sys.path])
    sys.modules.pop("attributes", None)
    found: Callable[[object], list[str]] = import_module("attributes").attributes_of
    return found


_CASES: list[tuple[ConverterTable[Any], str, str]] = [
    (ONNX, "Gemm", "alpha beta transA transB"),
    (ONNX, "Conv", "auto_pad ceil_mode dilations group pads strides"),
    (ONNX, "Relu", ""),
    (TENSORFLOW, "SpaceToDepth", "block_size data_format"),
    (TENSORFLOW, "MirrorPad", "mode"),
    (LAYERS, "UpSampling2D", "data_format interpolation size"),
    (LAYERS, "Cropping1D", "cropping data_format"),
    (ON_BYTES, "SOFTMAX", "beta"),
]


@pytest.mark.parametrize(("table", "name", "attributes"), _CASES)
def test_attributes(
    attributes_of: Callable[[object], list[str]],
    table: ConverterTable[Any],
    name: str,
    attributes: str,
) -> None:
    assert attributes_of(table.find(name)) == attributes.split()
