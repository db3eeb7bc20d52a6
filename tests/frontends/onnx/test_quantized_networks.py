# SPDX-License-Identifier: Apache-2.0
"""A real network, quantized by onnxruntime in both of its formats."""

from __future__ import annotations

import gzip
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, version_converter

import bnnc
from bnnc.ir import nn, q
from bnnc.lowering import lower

from .quantized_models import run_onnxruntime

SAMPLES = 200


@pytest.fixture(scope="module")
def digits(shared: Path) -> tuple[np.ndarray, np.ndarray]:
    data = shared / "data"
    pixels = gzip.decompress((data / "t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((data / "t10k-labels-idx1-ubyte.gz").read_bytes())[8:]
    images = np.frombuffer(pixels, np.uint8).reshape(-1, 1, 28, 28)
    return images.astype(np.float32), np.frombuffer(labels, np.uint8)


def _read(path: Path) -> ModelProto:
    model = ModelProto()
    model.ParseFromString(path.read_bytes())
    return model


def _quantized(
    source: Path, out: Path, images: np.ndarray, form: str, activations: str, *, channels: bool
) -> ModelProto:
    """What onnxruntime's quantizer makes of a float model."""
    tools: Any = importlib.import_module("onnxruntime.quantization")
    model = version_converter.convert_version(_read(source), 13)
    name = model.graph.input[0].name
    out.write_bytes(model.SerializeToString())

    class Reader(tools.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.rest: Iterator[np.ndarray] = iter(images[5000:5050])

        def get_next(self) -> dict[str, np.ndarray] | None:
            image = next(self.rest, None)
            return None if image is None else {name: image[None]}

    tools.quantize_static(
        str(out),
        str(out),
        Reader(),
        quant_format=tools.QuantFormat[form],
        activation_type=tools.QuantType[activations],
        weight_type=tools.QuantType.QInt8,
        per_channel=channels,
    )
    return _read(out)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", ["QDQ", "QOperator"])
@pytest.mark.parametrize(("activations", "channels"), [("QUInt8", True), ("QInt8", False)])
def test_digits(
    shared: Path,
    tmp_path: Path,
    digits: tuple[np.ndarray, np.ndarray],
    form: str,
    activations: str,
    channels: bool,
) -> None:
    """All layers are integers, and all outputs those of onnxruntime, in C too."""
    images, labels = digits
    path = tmp_path / "net.onnx"
    source = shared / "models" / "real" / "onnx" / "mnist-conv_model.onnx"
    model = _quantized(source, path, images, form, activations, channels=channels)
    module = bnnc.load(path)
    ops = lower(module, after="binarize").func.ops
    assert [type(op) for op in ops if isinstance(op, q.Layer)] == [q.Conv2D, q.Conv2D, q.Dense]
    assert all(op.NAME.startswith("q.") or isinstance(op, nn.Reshape) for op in ops)
    (name,) = module.inputs
    x = images[:SAMPLES]
    (y,) = bnnc.compile(module, "c", tmp_path / "out").run({name: x}).values()
    want = [run_onnxruntime(model, {name: one[None]}, optimized=True) for one in x]
    np.testing.assert_array_equal(y, np.concatenate(want))
    assert (y.argmax(axis=1) == labels[:SAMPLES]).mean() > 0.98
