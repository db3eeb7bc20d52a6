# SPDX-License-Identifier: Apache-2.0
"""MNIST for the examples that train on it, and the comparison of a framework with the C code.

Read are folders with MNIST's own files (``train-images-idx3-ubyte`` and so on, gzipped or not) and
``.npz`` files with ``x`` [n, 28, 28] and ``y`` [n].
"""

from __future__ import annotations

import argparse
import gzip
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import bnnc

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]

SIDE = 28
_PARTS = {True: "train", False: "t10k"}
_NEAR = 1e-3  # of the largest score: closer ones may change places with another order of sums


def read(path: Path, train: bool) -> tuple[Pixels, Labels]:
    """Return all images [n, 28, 28] of a file or folder, and their labels [n].

    Args:
        path: a folder with MNIST's files, or an ``.npz`` file.
        train: in a folder, take the training images instead of the test images.

    Raises:
        SystemExit: the files are missing or something else.
    """
    try:
        if path.is_dir():
            part = _PARTS[train]
            images = _read_idx(path, f"{part}-images-idx3-ubyte", 3)
            labels = _read_idx(path, f"{part}-labels-idx1-ubyte", 1)
        else:
            with np.load(path) as arrays:
                images, labels = arrays["x"], arrays["y"]
    except (OSError, LookupError, ValueError) as error:
        raise SystemExit(f"cannot read MNIST from {path}: {error}") from None
    if images.shape[1:] != (SIDE, SIDE) or len(images) != len(labels):
        raise SystemExit(f"{path} holds images {list(images.shape)}, labels {list(labels.shape)}")
    return images.astype(np.uint8), labels.astype(np.int64)


def _read_idx(folder: Path, name: str, rank: int) -> Pixels:
    path = folder / name
    packed = folder / f"{name}.gz"
    data = gzip.decompress(packed.read_bytes()) if packed.exists() else path.read_bytes()
    shape = np.frombuffer(data, ">i4", rank, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def options(description: str) -> argparse.ArgumentParser:
    """The command line that the trainings have in common."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("data", type=Path, help="training images: MNIST's folder or an .npz file")
    parser.add_argument("--test", type=Path, required=True, help="test images, likewise")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--images", type=int, help="train on so many of the images")
    parser.add_argument("--test-images", type=int, help="test on so many of the images")
    parser.add_argument("--out", type=Path, default=Path("."), help="a folder for the model file")
    return parser


def compare(
    model: Path, inputs: NDArray[np.float32], scores: NDArray[np.float32], y: Labels
) -> int:
    """Compile a model file to C, and compare its scores on test images with the framework's.

    Args:
        model: a model file with one input and one output.
        inputs: what is fed, [n, ...].
        scores: what the framework computed, [n, 10].
        y: the labels.

    Returns:
        The exit code: 1 when an image falls to another class in C, but where the framework's two
        best scores are about equal.
    """
    with tempfile.TemporaryDirectory() as folder:
        compiled = bnnc.compile(model, target="c", out=Path(folder, "out"))
        (name,) = compiled.module.func.input_names
        (in_c,) = compiled.run({name: inputs}).values()
    for line in bnnc.explain(model).layers:
        print(f"{line.name:<34} {line.kind}  {line.weight_bytes:>7,} bytes")
    print(f"weights in C   {compiled.manifest.weights_bytes:,} bytes")
    print(f"framework      {(scores.argmax(axis=1) == y).mean():.2%} of {len(y)} test images")
    print(f"C              {(in_c.argmax(axis=1) == y).mean():.2%}")
    ordered = np.sort(scores, axis=1)
    is_clear = ordered[:, -1] - ordered[:, -2] > _NEAR * np.abs(scores).max()
    differ = (scores.argmax(axis=1) != in_c.argmax(axis=1)) & is_clear
    print(f"another class  {differ.sum()} images")
    if differ.any():
        print(f"FAILED: C and framework differ in image {int(np.argmax(differ))}", file=sys.stderr)
    return int(differ.any())
