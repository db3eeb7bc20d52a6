# SPDX-License-Identifier: Apache-2.0
"""The commands of the AlexNet example, its images and names, and the sizes of the full networks."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from examples.alexnet import images
from examples.alexnet.networks import NETWORKS
from examples.alexnet.torch_file import save


def _run(repo: Path, module: str, *arguments: str | Path, code: int = 0) -> str:
    command = [sys.executable, "-m", f"examples.alexnet.{module}", *map(str, arguments)]
    done = subprocess.run(command, cwd=repo, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def _photograph(path: Path, width: int, height: int) -> Path:
    random = np.random.default_rng(width)
    pixels = random.integers(0, 256, (height, width, 3)).astype(np.uint8)
    pillow: Any = importlib.import_module("PIL.Image")
    pillow.fromarray(pixels).save(path)
    return path


@pytest.mark.slow
def test_random_networks_classify(repo: Path, tmp_path: Path, cc: str) -> None:
    assert cc
    written = _run(repo, "networks", tmp_path / "random", "--width", "0.125", "--classes", "20")
    assert "alexnet_BWN.t7" in written
    folder = tmp_path / "photographs"
    folder.mkdir()
    photograph = _photograph(folder / "dog.png", 300, 260)
    labels = tmp_path / "labels.txt"
    labels.write_text("".join(f"n0144076{i % 10} thing {i}, of kind {i}\n" for i in range(20)))
    options = ("--labels", labels, "--size", "224")
    for name in NETWORKS:
        network = tmp_path / "random" / f"{name}.t7"
        text = _run(repo, "classify", network, photograph, *options)
        assert "every bit equal in C and interpreter" in text
        assert text.count(", of kind ") == 5 and "n0144" not in text
    network = tmp_path / "random" / "alexnet_BWN.t7"
    quantized = _run(repo, "classify", network, photograph, *options, "--calibrate", folder)
    assert "every bit equal in C and interpreter" in quantized
    table = _run(repo, "tables", network, "--repeat", "1", "--size", "224")
    assert [row.split()[:2] for row in table.splitlines()[1:]] == [
        ["alexnet_BWN", "float"],
        ["alexnet_BWN", "int8"],
    ]


def test_a_damaged_file_is_exit_code_3(repo: Path, tmp_path: Path) -> None:
    network = tmp_path / "alexnet_XNOR.t7"
    save(network, NETWORKS["alexnet_XNOR"](0.02, 3, 1))
    network.write_bytes(network.read_bytes()[:5000])
    photograph = _photograph(tmp_path / "dog.png", 256, 256)
    text = _run(repo, "classify", network, photograph, code=3)
    assert text.startswith("error: alexnet_XNOR.t7 is no file of Torch 7")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "mebibytes"), [("alexnet_XNOR", (22.7, 10.9)), ("alexnet_BWN", (22.8, 11.0))]
)
def test_sizes_of_the_full_networks(
    repo: Path, tmp_path: Path, name: str, mebibytes: tuple[float, float]
) -> None:
    """Not larger than those of 2018, in their one decimal."""
    network = tmp_path / f"{name}.t7"
    save(network, NETWORKS[name](1.0, 1000, 1), cuda=True)
    assert network.stat().st_size > 240e6
    table = _run(repo, "tables", network, "--repeat", "0")
    for row, earlier in zip(table.splitlines()[1:], mebibytes, strict=True):
        found, given = (float(text) for text in row.split()[2:4])
        assert given == earlier and abs(found - given) <= 0.11


@pytest.mark.parametrize(("width", "height"), [(400, 300), (300, 400), (256, 256), (100, 90)])
def test_the_middle_of_an_image(width: int, height: int, tmp_path: Path) -> None:
    """A ramp keeps its values under resizing: column x of the middle is known."""
    pillow: Any = importlib.import_module("PIL.Image")
    ramp = np.broadcast_to(np.linspace(0, 255, width), (height, width))
    across = np.stack([ramp, 255 - ramp, 0 * ramp], axis=2).round().astype(np.uint8)
    pillow.fromarray(across).save(tmp_path / "ramp.png")
    middle = images.read(tmp_path / "ramp.png", 224)
    assert middle.shape == (1, 224, 224, 3) and middle.dtype == np.float32
    scale = 256 / min(width, height)
    columns = (np.arange(224) - 111.5) / scale + (width - 1) / 2
    assert np.abs(middle[0, 100, :, 0] - columns * 255 / (width - 1)).max() <= 2
    assert np.abs(middle[0, 100, :, 1] - 255 + columns * 255 / (width - 1)).max() <= 2
    assert not middle[..., 2].any()


def test_names_from_several_kinds_of_file(tmp_path: Path) -> None:
    path = tmp_path / "names"
    wanted = ["tench, Tinca tinca", "goldfish", "great white"]
    path.write_text("n01440764 tench, Tinca tinca\nn01443537 goldfish\n\ngreat white\n")
    assert images.read_names(path) == wanted
    entries = {"1": ["n1", "goldfish"], "0": ["n0", "tench,_Tinca_tinca"], "2": ["", "great_white"]}
    path.write_text(json.dumps(entries))
    assert images.read_names(path) == wanted
    path.write_text(json.dumps(wanted))
    assert images.read_names(path) == wanted


def test_what_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(SystemExit, match="cannot read"):
        images.read(tmp_path / "a.png", 224)
