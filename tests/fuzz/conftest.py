# SPDX-License-Identifier: Apache-2.0
"""A fixed seed and a fresh one, which the last lines of a test run name (see tests/conftest.py)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_FIXED = 20260101
_FRESH = int(os.environ["BNNC_FUZZ_SEED"])


@pytest.fixture(params=[_FIXED, _FRESH], ids=["fixed", "fresh"])
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of a campaign; ``BNNC_FUZZ_SEED`` repeats a fresh one."""
    return int(request.param)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for files that are kept."""
    return tmp_path / "kept"
