# SPDX-License-Identifier: Apache-2.0
"""What the page on training shows, done as it stands there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

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
