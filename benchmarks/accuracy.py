# SPDX-License-Identifier: Apache-2.0
"""Accuracy of generated code on real data, beside the figures that other engines gave.

Usage: python -m benchmarks.accuracy [--limit N] [--only NAME] [--models FOLDER]

FOLDER holds `models/expected.json`, the models that it names, and `data/`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bnnc import driver
from bnnc.backends import run_project

Images = np.ndarray
MOST_POINTS = 0.1 + 1e-9  # one picture of a thousand, whatever way it is rounded


def _mnist(data: Path) -> tuple[Images, np.ndarray]:
    with gzip.open(data / "t10k-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(data / "t10k-labels-idx1-ubyte.gz") as file:
        return images, np.frombuffer(file.read(), np.uint8, offset=8)


def _cifar(data: Path) -> tuple[Images, np.ndarray]:
    with np.load(data / "cifar10_test_jpeg_dev1000.npz") as arrays:
        return arrays["x"], arrays["y"]


def _scaled(x: Images) -> np.ndarray:
    return x.astype(np.float32) / np.float32(255)


def _cnv(x: Images) -> np.ndarray:
    fixed = np.round((x.astype(np.float32) / 255 * 2 - 1) * 128) / 128
    return np.clip(fixed, -1, 127 / 128).astype(np.float32).transpose(0, 3, 1, 2)


def _bipolar(x: Images) -> np.ndarray:
    return np.where(x >= 128, 1, -1).astype(np.float32)


@dataclass(frozen=True)
class Entry:
    """A model, its data, and how a picture becomes its input; the class is the largest output."""

    model: str
    data: Callable[[Path], tuple[Images, np.ndarray]]
    prepare: Callable[[Images], np.ndarray]
    limit: int | None = None


ENTRIES = [
    Entry("real/finn_pynq/cifar10_cnvW1A1.onnx.gz", _cifar, _cnv),
    Entry("real/blueoil_cifar10/minimal_graph_with_shape.pb", _cifar, _scaled),
    Entry("real/mlperf_tiny/pretrainedResnet.tflite", _cifar, lambda x: x.astype(np.float32)),
    Entry("real/finn_pynq/mnist_lfcW1A1.onnx.gz", _mnist, _bipolar),
    Entry("real/brevitas/mnist_TFC_1W1A_latent.onnx", _mnist, _scaled),
    Entry("real/onnx/mnist-conv_model.onnx", _mnist, lambda x: x.astype(np.float32)),
    Entry("real/qonnx/TFC_1W1A.onnx", _mnist, _scaled, 1000),
    Entry("real/qonnx/TFC_2W2A.onnx", _mnist, _scaled, 1000),
]


def top1(entry: Entry, root: Path, limit: int | None = None) -> float:
    """Percent of the samples of which the code's largest output is the right class."""
    module = driver.load(root / "models" / entry.model, batch=1)
    (name, type_), *_ = module.inputs.items()
    pictures, labels = entry.data(root / "data")
    count = min(n for n in (limit, entry.limit, len(labels)) if n is not None)
    x = entry.prepare(pictures[:count]).reshape(count, *type_.shape[1:])
    with tempfile.TemporaryDirectory(prefix="bnnc-accuracy-") as folder:
        compiled = driver.compile(module, "c", Path(folder) / "net", name="net")
        outputs = run_project(
            Path(folder) / "net", compiled.module, {name: np.ascontiguousarray(x)}
        )
    found = next(iter(outputs.values())).reshape(count, -1).argmax(axis=1)
    return 100 * float((found == labels[:count]).mean())


def main() -> int:
    """Print a line for each model; 1 if a figure on all data is not as expected."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy")
    parser.add_argument("--limit", type=int, help="take the first samples only")
    parser.add_argument("--only", default="", help="models whose path contains this")
    here = Path(__file__).resolve().parents[1]
    parser.add_argument("--models", type=Path, default=here.parent / "shared")
    args = parser.parse_args()
    figures = json.loads((args.models / "models" / "expected.json").read_text())["figures"]
    expected = {figure["model"]: (figure["top1"], figure["engine"]) for figure in figures}
    wrong = 0
    for entry in ENTRIES:
        if args.only not in entry.model:
            continue
        found = top1(entry, args.models, args.limit)
        want, engine = expected[entry.model]
        off = args.limit is None and abs(found - want) > MOST_POINTS
        wrong += off
        mark = "  DIFFERS" if off else ""
        sys.stdout.write(f"{found:6.2f}  {want:6.2f} ({engine})  {entry.model}{mark}\n")
        sys.stdout.flush()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
