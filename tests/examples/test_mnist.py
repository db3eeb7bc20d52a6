# SPDX-License-Identifier: Apache-2.0
"""The examples that train on MNIST: their commands on a few images, and how MNIST is read."""

from __future__ import annotations

import gzip
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from examples import mnist

from ..docs.blocks import blocks


def _blobs(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images [n, 28, 28] that a glance tells apart: a bright square at one of ten places."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, count)
    images = random.integers(0, 60, (count, 28, 28)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        top, left = 14 * (label // 5), 5 * (label % 5)
        image[top + 3 : top + 11, left + 1 : left + 6] += 180
    return images, labels


def _write_idx(folder: Path, part: str, x: np.ndarray, y: np.ndarray, *, packed: bool) -> None:
    for name, array in ((f"{part}-images-idx3-ubyte", x), (f"{part}-labels-idx1-ubyte", y)):
        head = struct.pack(f">4B{array.ndim}i", 0, 0, 8, array.ndim, *array.shape)
        data = head + array.astype(np.uint8).tobytes()
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(data))
        else:
            (folder / name).write_bytes(data)


def test_reading(tmp_path: Path) -> None:
    (x, y), (u, v) = _blobs(5, 1), _blobs(3, 2)
    _write_idx(tmp_path, "train", x, y, packed=True)
    _write_idx(tmp_path, "t10k", u, v, packed=False)
    np.savez(tmp_path / "own.npz", x=x, y=y)
    for path, train, images, labels in (
        (tmp_path, True, x, y),
        (tmp_path, False, u, v),
        (tmp_path / "own.npz", False, x, y),
    ):
        read, classes = mnist.read(path, train)
        assert np.array_equal(read, images) and np.array_equal(classes, labels)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(SystemExit, match="cannot read MNIST"):
        mnist.read(tmp_path, train=False)
    np.savez(tmp_path / "own.npz", x=x[:, 1:], y=y)
    with pytest.raises(SystemExit, match="holds images"):
        mnist.read(tmp_path / "own.npz", train=True)


def test_a_difference_is_told(repo: Path, capsys: pytest.CaptureFixture[str], cc: str) -> None:
    """The digits network stands in for a trained one, its own scores for the framework's."""
    import bnnc

    assert cc
    model = repo / "examples" / "digits" / "digits.pb"
    images = np.random.default_rng(1).uniform(0, 16, (6, 8, 8, 1)).astype(np.float32)
    scores = bnnc.interpret(bnnc.load(model), {"image": images})["logits"]
    labels = scores.argmax(axis=1)
    assert mnist.compare(model, images, scores, labels) == 0
    assert "100.00% of 6 test images" in capsys.readouterr().out
    assert mnist.compare(model, images, -scores, labels) == 1
    assert "FAILED" in capsys.readouterr().err


def _train(repo: Path, folder: Path, example: str) -> str:
    (x, y), (u, v) = _blobs(800, 3), _blobs(100, 4)
    np.savez(folder / "train.npz", x=x, y=y)
    _write_idx(folder, "t10k", u, v, packed=True)
    command = [sys.executable, "-m", f"examples.{example}.train", str(folder / "train.npz")]
    command += ["--test", str(folder), "--epochs", "2", "--images", "700", "--test-images", "80"]
    command += ["--channels", "8", "--out", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(repo)}
    done = subprocess.run(
        command, cwd=repo, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _check(printed: str) -> None:
    words = [line.split() for line in printed.splitlines()]
    kinds = [line[1] for line in words if line[-1:] == ["bytes"] and line[0] != "weights"]
    assert kinds == ["fb", "bb", "bb", "bb"]
    (in_framework,) = (line[1] for line in words if line[:1] == ["framework"])
    (in_c,) = (line[1] for line in words if line[:1] == ["C"])
    assert in_c == in_framework
    assert ["another", "class", "0", "images"] in words
    assert float(in_c.rstrip("%")) > 25, "more than a guess, so something was trained"


@pytest.mark.pytorch
@pytest.mark.slow
def test_pytorch(repo: Path, tmp_path: Path, torch: None, cc: str) -> None:
    assert cc
    _check(_train(repo, tmp_path, "pytorch_mnist"))
    assert (tmp_path / "mnist.onnx").exists()


@pytest.mark.pytorch
@pytest.mark.slow
def test_what_the_readme_says_of_brevitas(repo: Path, tmp_path: Path, torch: None, cc: str) -> None:
    """Its program, with random batch normalization instead of training; C against PyTorch."""
    import bnnc

    assert cc
    (program,) = (
        block.text
        for block in blocks(repo / "examples" / "pytorch_mnist" / "README.md")
        if "import brevitas" in block.text
    )
    assert program.count("...  # training\n") == 1
    program = program.replace("...  # training\n", _INSTEAD_OF_TRAINING)
    before = "import numpy as np, torch\ntorch.manual_seed(3)\nimages = torch.randn(8, 1, 28, 28)\n"
    after = "np.savez('torch.npz', x=images.numpy(), y=model(images).detach().numpy())\n"
    done = subprocess.run(
        [sys.executable, "-c", before + program + after],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    kinds = [line.kind for line in bnnc.explain(tmp_path / "mnist.onnx").layers]
    assert kinds == ["fb", "bb", "bb"]
    compiled = bnnc.compile(tmp_path / "mnist.onnx", out=tmp_path / "out")
    with np.load(tmp_path / "torch.npz") as arrays:
        (name,) = compiled.module.inputs
        (scores,) = compiled.run({name: arrays["x"]}).values()
        expected = arrays["y"]
    # A bit that lies at a tie would change the scores of its sample by far more.
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-4)
    assert len(np.unique(expected)) > 20


_INSTEAD_OF_TRAINING = """
for layer in model:
    if isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight)
        nn.init.normal_(layer.bias)
        nn.init.normal_(layer.running_mean, std=3)
        nn.init.uniform_(layer.running_var, 0.5, 20)
"""


@pytest.mark.larq
@pytest.mark.slow
def test_larq(repo: Path, tmp_path: Path, larq: None, cc: str) -> None:
    assert cc
    _check(_train(repo, tmp_path, "larq_mnist"))
    assert (tmp_path / "mnist.keras").exists()
