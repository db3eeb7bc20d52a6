# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def _run(code: str, repo: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=repo, capture_output=True, text=True, check=False
    )


def test_without_tensorflow_the_error_says_what_to_install(repo: Path) -> None:
    done = _run("import sys; sys.modules['tensorflow'] = None; import bnnc.train", repo)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        'ImportError: bnnc.train needs TensorFlow 2.16 or newer: pip install "bnnc[tensorflow]"'
    )


def test_a_broken_tensorflow_speaks_for_itself(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("import a_part_that_is_missing\n", encoding="utf-8")
    done = _run(f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import bnnc.train", repo)
    assert done.returncode == 1
    assert "No module named 'a_part_that_is_missing'" in done.stderr
    assert "pip install" not in done.stderr
