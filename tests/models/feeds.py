# SPDX-License-Identifier: Apache-2.0
"""Inputs of the model files, and the outputs that their own engines give for them."""

from __future__ import annotations

import gzip
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
from onnx import TensorProto, numpy_helper

COUNT = 8
"""Samples of a data set that a file is fed."""
GOLDEN = Path(__file__).with_name("golden.npz")
"""What TensorFlow and LiteRT compute (record_golden.py)."""

ENGINES = ("y_lce", "y_qonnx", "y_torch")
"""Whose outputs count where several engines ran a network."""

_FINN = ("input", "expected_output")
_ONNX = ("input", "output")


def read_npz(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as data:
        return {key: data[key] for key in data.files}


def digits(shared: Path) -> np.ndarray:
    """The first pictures of MNIST's test set, 0 to 255."""
    with gzip.open(shared / "data" / "t10k-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(COUNT * 784 + 16), np.uint8, offset=16)
    return pixels.reshape(-1, 28, 28)


def feed(shared: Path, file: str) -> np.ndarray:
    """Samples for a trained network that has no inputs beside it."""
    if fnmatch(file, "*/kws_*"):
        x = read_npz(shared / "data" / "kws01_mfcc_int8.npz")["x"][:COUNT, ..., None]
        return (
            x
            if file.endswith("model.tflite")
            else (x.astype(np.float32) - 83) * np.float32(0.5847029)
        )
    if "Resnet" in file:
        x = read_npz(shared / "data" / "cifar10_test_jpeg_dev1000.npz")["x"][:COUNT]
        if "quant" in file:
            return (x.astype(np.int16) - 128).astype(np.int8)
        return x.astype(np.float32)
    if "TFC" in file:
        return digits(shared)[:, None].astype(np.float32) / np.float32(255)
    if "mnist-conv" in file:
        return digits(shared)[:, None].astype(np.float32)
    shapes = {"toy": (32, 32, 3), "residual_block": (1, 200, 200), "jettagging": (16,)}
    (shape,) = (s for name, s in shapes.items() if name in file)
    rng = np.random.default_rng(5)
    return rng.random((COUNT, *shape), dtype=np.float32)


def _tensor(path: Path) -> np.ndarray:
    return numpy_helper.to_array(TensorProto.FromString(path.read_bytes()))


def _beside(path: Path, network: str) -> Path | None:
    """The npz of a network; one serves all its exports."""
    made = path.parents[2] / "made"
    places = [
        *(path.with_suffix(".npz"), path.with_name(f"{network}.npz")),
        *(path.with_name(f"{network}_golden32.npz"), path.with_name("golden32.npz")),
        *(made / folder / f"{network}.npz" for folder in ("larq", "tf1")),
    ]
    return next((place for place in places if place.exists()), None)


def stored(shared: Path, file: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Inputs and outputs that lie beside a file; empty lists where none do."""
    path = shared / "models" / file
    network = path.name.split(".")[0].removesuffix("_saved").removesuffix("_latent")
    if "tfc_w1a1" in network:
        x, y = (np.load(path.with_name(f"build_dataflow_{n}.npy")) for n in _FINN)
        return [x], [y[:, None].astype(np.int32)]
    if "mnist-conv" in network:
        x, y = (_tensor(path.with_name(f"mnist-conv_test_data_set_0_{n}_0.pb")) for n in _ONNX)
        return [x], [y]
    place = _beside(path, network)
    if place is None:
        return [], []
    arrays = read_npz(place)
    if "image" in arrays and "x" not in arrays:
        arrays = {"x": arrays["image"] / np.float32(255), "y": arrays["output"]}
    inputs = [a[:COUNT].astype(np.float32) for key, a in arrays.items() if key.startswith("x")]
    by_engine = [arrays[k][:COUNT] for k in ENGINES if k in arrays]
    outputs = [a[:COUNT] for key, a in arrays.items() if key.startswith("y")]
    return inputs, by_engine[:1] or outputs
