# SPDX-License-Identifier: Apache-2.0
"""The shipped CIFAR-10 network: it runs exactly, is as good as it says, and its script works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import bnnc
from examples.cifar10 import images


@pytest.fixture
def folder(repo: Path) -> Path:
    return repo / "examples" / "cifar10"


@pytest.fixture
def record(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "cifar10.json").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def compiled(repo: Path, tmp_path_factory: pytest.TempPathFactory, cc: str) -> bnnc.Compiled:
    assert cc
    out = tmp_path_factory.mktemp("cifar10") / "out"
    return bnnc.compile(repo / "examples" / "cifar10" / "cifar10.pb", target="c", out=out)


def _both(compiled: bnnc.Compiled, pixels: images.Pixels) -> NDArray[np.int64]:
    """The classes of the images; C and the interpreter agree in every bit of the scores."""
    inputs = {"image": pixels.astype(np.float32)}
    in_c = compiled.run(inputs)["scores"]
    interpreted = bnnc.interpret(compiled.module, inputs)["scores"]
    assert np.array_equal(in_c.view(np.uint32), interpreted.view(np.uint32))
    predicted: NDArray[np.int64] = in_c.argmax(axis=1)
    return predicted


@pytest.mark.slow
def test_samples_are_classified_as_tensorflow_did(
    compiled: bnnc.Compiled, folder: Path, record: dict[str, Any]
) -> None:
    pixels, labels = images.read(folder / "samples.npz")
    predicted = _both(compiled, pixels)
    assert predicted.tolist() == record["sample_predictions"]
    assert (predicted == labels).mean() == record["sample_accuracy"] >= 0.7


@pytest.mark.slow
def test_accuracy_in_c(compiled: bnnc.Compiled, shared: Path, record: dict[str, Any]) -> None:
    pixels, labels = images.read(shared / "data" / "cifar10_test_jpeg_dev1000.npz")
    accuracy = (_both(compiled, pixels) == labels).mean()
    assert len(labels) == record["test_images"] == 1000
    assert accuracy >= 0.7
    assert abs(accuracy - record["test_accuracy"]) <= 0.005


def test_every_layer_is_binary(folder: Path) -> None:
    kinds = {line.name: line.kind for line in bnnc.explain(folder / "cifar10.pb").layers}
    assert list(kinds.values()) == ["fb"] + ["bb"] * 8
    assert list(kinds)[1] == "conv2/convolution"
    assert (folder / "cifar10.pb").stat().st_size < 4_000_000


@pytest.mark.slow
def test_demo(repo: Path, folder: Path, tmp_path: Path, cc: str) -> None:
    assert cc
    pixels, labels = images.read(folder / "samples.npz")
    np.savez(tmp_path / "three.npz", x=pixels[:3], y=labels[:3])
    command = [sys.executable, "-m", "examples.cifar10.demo", "--data", str(tmp_path / "three.npz")]
    done = subprocess.run(command, cwd=repo, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 of 3: every bit equal in C and interpreter" in done.stdout


def test_binary_files_hold_planes(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    pixels = random.integers(0, 256, size=(5, 32, 32, 3)).astype(np.uint8)
    labels = np.array([3, 0, 9, 1, 7], np.uint8)
    for i, name in enumerate(("data_batch_1.bin", "data_batch_2.bin", "test_batch.bin")):
        chosen = slice(2 * i, 2 * i + 2)
        with open(tmp_path / name, "wb") as file:
            for label, image in zip(labels[chosen], pixels[chosen], strict=True):
                file.write(bytes([label]))
                for channel in range(3):
                    file.write(image[:, :, channel].tobytes())
    x, y = images.read(tmp_path, train=True)
    assert np.array_equal(x, pixels[:4]) and y.tolist() == [3, 0, 9, 1]
    x, y = images.read(tmp_path)
    assert np.array_equal(x, pixels[4:]) and y.tolist() == [7]
    (tmp_path / "test_batch.bin").write_bytes(b"short")
    with pytest.raises(ValueError, match="does not consist of records of 3073 bytes"):
        images.read(tmp_path)


def test_augmented_images_are_moved_and_flipped_ones() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, size=(40, 32, 32, 3)).astype(np.uint8)
    padded = np.pad(pixels, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=127)
    seen: set[tuple[int, int, int]] = set()
    for i, image in enumerate(images.augmented(pixels, np.random.default_rng(3), shift=1)):
        for down in range(3):
            for right in range(3):
                moved = padded[i, down : down + 32, right : right + 32]
                for flip in (1, -1):
                    if np.array_equal(image, moved[:, ::flip]):
                        seen.add((down, right, flip))
                        break
    assert len(seen) > 12, "all of the eighteen are about as likely"


@pytest.mark.tensorflow
def test_folders_of_images(tf: Any, tmp_path: Path) -> None:
    pixels = np.random.default_rng(4).integers(0, 256, size=(3, 32, 32, 3)).astype(np.uint8)
    large = np.full((64, 48, 3), 77, np.uint8)
    for path, image in zip(("b/1.png", "a/x.png", "a/y.PNG"), pixels, strict=True):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(tf.io.encode_png(image).numpy())
    (tmp_path / "b" / "2.jpg").write_bytes(tf.io.encode_jpeg(large).numpy())
    x, y = images.read(tmp_path)
    assert np.array_equal(x[:3], pixels[[1, 2, 0]]) and y.tolist() == [0, 0, 1, 1]
    assert x.shape == (4, 32, 32, 3) and np.abs(x[3].astype(int) - 77).max() <= 2


@pytest.mark.tensorflow
@pytest.mark.slow
def test_training_script_goes_on_from_its_checkpoint(
    repo: Path, folder: Path, tmp_path: Path, tf: Any
) -> None:
    assert tf
    pixels, labels = images.read(folder / "samples.npz")
    np.savez(tmp_path / "data.npz", x=np.repeat(pixels, 4, axis=0), y=np.repeat(labels, 4))

    def train(*options: str) -> str:
        data = str(tmp_path / "data.npz")
        command = [sys.executable, "-m", "examples.cifar10.train", data, "--test", data]
        command += ["--width", "0.07", "--batch", "40", "--out", str(tmp_path / "out"), *options]
        environment = {**os.environ, "PYTHONPATH": str(repo)}
        done = subprocess.run(
            command, cwd=repo, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    assert "epoch 1 " in train("--epochs", "1")
    resumed = train("--epochs", "2", "--resume")
    assert "epoch 1 " not in resumed and "epoch 2 " in resumed
    assert (tmp_path / "out" / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((tmp_path / "out" / "cifar10.json").read_text())["epochs"] == 2
    kinds = [line.kind for line in bnnc.explain(tmp_path / "out" / "cifar10.pb").layers]
    assert kinds == ["fb"] + ["bb"] * 8
