# SPDX-License-Identifier: Apache-2.0
"""Accuracy of networks in 8 bits, calibrated and measured at run time, beside float and others.

Usage: python -m benchmarks.quantized [--limit N] [--only NAME] [--models FOLDER]

FOLDER holds `models/expected.json`, the models that it names, and `data/`. Calibrated is with
training data, of keyword spotting with samples that are not counted: its figures are expected of
all 1,000. JPEG pictures need pillow, SavedModels TensorFlow. Columns: accuracy of float and what
other engines give for the same file, of 8 bits, the points lost, of 8 bits with ranges measured at
run time, the points lost, and what TensorFlow Lite gives for its own 8-bit file.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from bnnc import driver
from bnnc.ir import Module

from .data import Samples, as_floats, cifar, features, keywords, mnist, scaled

MOST_POINTS = 0.5
COUNT = 300
Data = tuple[Samples, np.ndarray, Samples]


def _cifar(data: Path) -> Data:
    image: Any = import_module("PIL.Image")
    with np.load(data / "cifar10_train_jpeg.npz") as arrays:
        bytes_, offset = arrays["bytes"], arrays["offset"]
    places = np.linspace(0, len(offset) - 2, COUNT).astype(int)
    files = (bytes_[offset[i] : offset[i + 1]].tobytes() for i in places)
    training = [np.asarray(image.open(io.BytesIO(f)).convert("RGB")) for f in files]
    return *cifar(data), np.stack(training)


def _mnist(data: Path) -> Data:
    with np.load(data / "mnist_train.npz") as arrays:
        return *mnist(data), arrays["x"][:COUNT]


def _keywords(data: Path) -> Data:
    x, y = keywords(data)
    return x[COUNT // 3 :], y[COUNT // 3 :], x[: COUNT // 3]


@dataclass(frozen=True)
class Entry:
    """A float model, its data, how a sample becomes its input, and the file that TFLite runs.

    ``figure`` is the model whose accuracy is expected of float, where it is not the file's own.
    """

    model: str
    data: Callable[[Path], Data]
    prepare: Callable[[Samples], np.ndarray]
    peer: str = ""
    figure: str = ""


ENTRIES = [
    Entry(
        "real/mlperf_tiny/pretrainedResnet.tflite",
        _cifar,
        as_floats,
        "real/mlperf_tiny/pretrainedResnet_quant.tflite",
    ),
    Entry("real/blueoil_cifar10/minimal_graph_with_shape.pb", _cifar, scaled),
    Entry("real/onnx/mnist-conv_model.onnx", _mnist, as_floats),
    Entry(
        "real/mlperf_tiny/kws/kws_ref_model",
        _keywords,
        features,
        "real/mlperf_tiny/kws/kws_ref_model.tflite",
        "real/mlperf_tiny/kws (SavedModel)",
    ),
]


def _top1(module: Module, x: np.ndarray, labels: np.ndarray, **quantization: Any) -> float:
    (name, type_), *_ = module.inputs.items()
    arrays = {name: np.ascontiguousarray(x.reshape(len(x), *type_.shape[1:]))}
    with tempfile.TemporaryDirectory(prefix="bnnc-quantized-") as folder:
        compiled = driver.compile(module, "c", Path(folder) / "net", name="net", **quantization)
        found = next(iter(compiled.run(arrays).values()))
    return 100 * float((found.reshape(len(x), -1).argmax(axis=1) == labels).mean())


def main() -> int:
    """Print a line for each model; 1 if a quantized one loses more than half a point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quantized")
    parser.add_argument("--limit", type=int, help="take the first samples only")
    parser.add_argument("--only", default="", help="models whose path contains this")
    here = Path(__file__).resolve().parents[1]
    parser.add_argument("--models", type=Path, default=here.parent / "shared")
    args = parser.parse_args()
    figures = json.loads((args.models / "models" / "expected.json").read_text())["figures"]
    expected = {figure["model"]: figure["top1"] for figure in figures}
    sys.stdout.write("samples   float expected    int8    lost dynamic    lost  TFLite  model\n")
    worse = 0
    for entry in ENTRIES:
        if args.only not in entry.model:
            continue
        module = driver.load(args.models / "models" / entry.model, batch=1)
        pictures, labels, training = entry.data(args.models / "data")
        x, y = entry.prepare(pictures[: args.limit]), labels[: args.limit]
        (name, type_), *_ = module.inputs.items()
        calibrate = {name: entry.prepare(training).reshape(-1, *type_.shape[1:])}
        plain = _top1(module, x, y)
        quantized = _top1(module, x, y, quantize="int8", calibrate=calibrate)
        dynamic = _top1(module, x, y, quantize="dynamic")
        worse += plain - min(quantized, dynamic) > MOST_POINTS
        figure, peer = (expected.get(key) for key in (entry.figure or entry.model, entry.peer))
        row = (plain, figure, quantized, plain - quantized, dynamic, plain - dynamic, peer)
        cells = "".join(f"{'-' if cell is None else format(cell, '.2f'):>8}" for cell in row)
        sys.stdout.write(f"{len(y):7} {cells}  {entry.model}\n")
        sys.stdout.flush()
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
