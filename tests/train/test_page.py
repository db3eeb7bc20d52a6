# SPDX-License-Identifier: Apache-2.0
"""What the pages on training show, done as it stands there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ..docs.blocks import blocks
from ..docs.desk import Desk

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


def test_the_network_of_the_page_learns(repo: Path, tmp_path: Path, tf: Any, cc: str) -> None:
    assert tf and cc
    text = (repo / "docs" / "training.md").read_text(encoding="utf-8")
    (program,) = (part.split("```")[0] for part in text.split("```python norun\n")[1:])
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(repo)},
        capture_output=True,
        text=True,
        check=True,
    )
    percent = int(done.stdout.split("%")[0])
    assert percent >= 90


def test_from_training_to_a_board(repo: Path, tmp_path: Path, tf: Any, cc: str) -> None:
    """Every block of the page; the network is as good in ARM code as it was when trained."""
    assert tf and cc
    page = repo / "docs" / "board.md"
    desk = Desk(repo, tmp_path, checkout=False)
    shutil.copytree(repo / "examples" / "camera", desk.folder / "examples" / "camera")
    for block in blocks(page):
        if block.executed:
            desk.try_out(block)
    accuracy = subprocess.run(
        [sys.executable, "accuracy.py"], cwd=desk.folder, check=True, capture_output=True, text=True
    ).stdout
    assert float(accuracy.split("%")[0]) >= 90
    camera = ["qemu-aarch64", "program/camera", "--top", "1", "digit.pgm"]
    seen = subprocess.run(camera, cwd=desk.folder, check=True, capture_output=True, text=True)
    digit = np.load(desk.folder / "test.npz")["label"][7]
    assert seen.stdout.startswith(f"digit.pgm: class {digit} ")
