# SPDX-License-Identifier: Apache-2.0
"""Labelled colour images of 32 by 32 pixels, from the files they come in.

Read are CIFAR-10's own binary files (``data_batch_1.bin``; 3073 bytes per image: label, then the
red, green and blue plane), ``.npz`` files with pixels (``x`` [n, 32, 32, 3] and ``y`` [n]) or with
JPEG files one after another (``bytes``, ``offset`` [n + 1] and ``y``), folders of such ``.bin``
files, and folders of images with one sub-folder for each class, in alphabetical order. Only JPEG
and PNG files need TensorFlow.
"""

from __future__ import annotations

from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]

SIDE = 32
CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
_RECORD = 1 + 3 * SIDE * SIDE
_SUFFIXES = {".png", ".jpg", ".jpeg"}


def read(path: Path, train: bool = False) -> tuple[Pixels, Labels]:
    """Return all images [n, 32, 32, 3] of a file or folder, and their labels [n].

    Args:
        path: one of the files or folders that this module reads.
        train: of CIFAR-10's folder, take the training batches instead of the test batch.

    Raises:
        ValueError: there is no image, or the file is none of those.
    """
    if path.is_dir():
        batches = sorted(path.glob("data_batch_*.bin" if train else "test_batch.bin"))
        parts = [_read_records(batch) for batch in batches] or [_read_classes(path)]
        return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])
    if path.suffix == ".bin":
        return _read_records(path)
    if path.suffix == ".npz":
        return _read_npz(path)
    raise ValueError(f"{path} is neither a folder nor a .bin or .npz file")


def _read_records(path: Path) -> tuple[Pixels, Labels]:
    data = np.fromfile(path, dtype=np.uint8)
    if data.size == 0 or data.size % _RECORD:
        raise ValueError(f"{path} does not consist of records of {_RECORD} bytes")
    records = data.reshape(-1, _RECORD)
    planes = records[:, 1:].reshape(-1, 3, SIDE, SIDE)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), records[:, 0].astype(np.int64)


def _read_npz(path: Path) -> tuple[Pixels, Labels]:
    with np.load(path) as arrays:
        labels = arrays["y"].astype(np.int64)
        if "x" in arrays.files:
            return arrays["x"], labels
        data, offset = arrays["bytes"].tobytes(), arrays["offset"]
    jpegs = [data[a:b] for a, b in pairwise(offset)]
    return np.stack([_decode(jpeg) for jpeg in jpegs]), labels


def _read_classes(folder: Path) -> tuple[Pixels, Labels]:
    pixels: list[Pixels] = []
    labels: list[int] = []
    for label, one in enumerate(sorted(p for p in folder.iterdir() if p.is_dir())):
        for path in sorted(p for p in one.iterdir() if p.suffix.lower() in _SUFFIXES):
            pixels.append(_decode(path.read_bytes()))
            labels.append(label)
    if not pixels:
        raise ValueError(f"{folder} has neither CIFAR-10's batches nor a folder for each class")
    return np.stack(pixels), np.asarray(labels, dtype=np.int64)


def _decode(encoded: bytes) -> Pixels:
    tf: Any = import_module("tensorflow")
    image = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    if image.shape[:2] != (SIDE, SIDE):
        image = tf.cast(tf.round(tf.image.resize(image, [SIDE, SIDE], antialias=True)), tf.uint8)
    pixels: Pixels = image.numpy()
    return pixels


def augmented(pixels: Pixels, random: np.random.Generator, shift: int) -> NDArray[np.float32]:
    """Return the images [n, 32, 32, 3] as float32, each flipped or not and moved a little.

    What enters at the border is grey, the middle of the range.

    Args:
        pixels: the images.
        random: decides.
        shift: the most that an image moves, in both directions.
    """
    padded = np.pad(pixels, ((0, 0), (shift, shift), (shift, shift), (0, 0)), constant_values=127)
    down, right = random.integers(0, 2 * shift + 1, size=(2, len(pixels), 1))
    rows, columns = np.arange(SIDE) + down, np.arange(SIDE) + right
    flip = random.random(len(pixels)) < 0.5
    columns[flip] = columns[flip, ::-1]
    n = np.arange(len(pixels))[:, np.newaxis, np.newaxis]
    moved: Pixels = padded[n, rows[:, :, np.newaxis], columns[:, np.newaxis, :]]
    return moved.astype(np.float32)
