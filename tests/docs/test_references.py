# SPDX-License-Identifier: Apache-2.0
"""The pages made from the compiler's own tables are up to date; --update-golden makes them anew."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.mark.parametrize("page", ["ir_reference", "supported"])
def test_page_is_up_to_date(repo: Path, golden: Callable[[Path, str], None], page: str) -> None:
    made = subprocess.run(
        [sys.executable, str(repo / "scripts" / f"{page}.py")],
        env=os.environ | {"PYTHONPATH": str(repo)},
        capture_output=True,
        text=True,
        check=True,
    )
    golden(repo / "docs" / f"{page}.md", made.stdout)
