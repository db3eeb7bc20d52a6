# SPDX-License-Identifier: Apache-2.0
"""A fixed seed and a fresh one, which the last lines of a test run name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .__main__ import fresh_seed

_FIXED = 20260101
_FRESH = int(os.environ.get("BNNC_FUZZ_SEED") or fresh_seed())


@pytest.fixture(params=[_FIXED, _FRESH], ids=["fixed", "fresh"])
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of a campaign; ``BNNC_FUZZ_SEED`` repeats a fresh one."""
    return int(request.param)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"fresh seed of tests/fuzz: BNNC_FUZZ_SEED={_FRESH}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for files that are kept."""
    return tmp_path / "kept"
