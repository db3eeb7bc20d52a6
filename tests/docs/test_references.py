# SPDX-License-Identifier: Apache-2.0
"""The pages made from the compiler's own tables are up to date; --update-golden makes them anew."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from bnnc.cli.entry import bnnc_command


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


def test_the_command_line_is_described(repo: Path) -> None:
    page = (repo / "docs" / "cli.md").read_text()
    missing: set[str] = set()
    for name, command in bnnc_command.commands.items():
        options = [p for p in command.params if isinstance(p, click.Option)]
        words = {f"bnnc {name}", *(o for p in options for o in (*p.opts, *p.secondary_opts))}
        missing |= {w for w in words if not re.search(rf"(?<![\w-]){re.escape(w)}(?![\w-])", page)}
    assert not missing
