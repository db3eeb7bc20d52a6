# SPDX-License-Identifier: Apache-2.0
"""What no tracked file may hold: paths of one machine, hosts of registries, too many lines."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

_REPO = Path(__file__).resolve().parents[2]

_FORBIDDEN = re.compile(
    r"(?<![\w.}])/(?:work|root|opt|home|Users)/"  # an absolute path of somebody's machine
    r"|(?:pypi|pythonhosted|npmjs|anaconda|crates|proxy\.golang)\.(?:org|com|io)\b"
)
_MAX_LINES = 500


def _tracked() -> list[Path]:
    if not (_REPO / ".git").exists():
        return []
    run = subprocess.run(
        ["git", "ls-files", "-z"], cwd=_REPO, capture_output=True, text=True, check=True
    )
    files = [_REPO / name for name in run.stdout.split("\0") if name]
    return [file for file in files if file.is_file() and not file.is_symlink()]


def _texts() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for file in _tracked():
        data = file.read_bytes()
        if b"\0" not in data:
            found.append((file.relative_to(_REPO).as_posix(), data.decode()))
    return found


@pytest.mark.optional("only a git checkout knows which files are tracked")
def test_no_machine_or_registry_is_named() -> None:
    texts = _texts()
    if not texts:
        pytest.skip("not a git checkout")
    faults = [
        f"{name}:{number}: {match[0]}"
        for name, text in texts
        for number, line in enumerate(text.splitlines(), 1)
        for match in _FORBIDDEN.finditer(line)
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("start", ["", "open('", "see ", "file://"])
def test_a_machine_path_is_found(start: str) -> None:
    assert _FORBIDDEN.search(start + "/".join(["", "work", "main", "x.py"]))
    assert _FORBIDDEN.search(start + "https://" + ".".join(["pypi", "org"]))


@pytest.mark.parametrize(
    "line", ["passes/opt/x.py", "../work/x", "#!/usr/bin/env bash", "${A}/opt/"]
)
def test_other_paths_pass(line: str) -> None:
    assert not _FORBIDDEN.search(line)


def test_files_stay_short_and_name_their_licence() -> None:
    faults: list[str] = []
    for name, text in _texts():
        is_runtime = name.startswith("runtime/") and name.endswith((".c", ".h"))
        if not (name.endswith(".py") or is_runtime):
            continue
        if (lines := text.count("\n")) > _MAX_LINES:
            faults.append(f"{name}: {lines} lines; is it still one concept?")
        licence = "0BSD" if is_runtime else "Apache-2.0"
        head = text.split("\n", 3)[:2]  # a #! line may come first
        if not any(f"SPDX-License-Identifier: {licence}" in line for line in head):
            faults.append(f"{name}: does not begin with its licence, {licence}")
    assert not faults, "\n".join(faults)
