# SPDX-License-Identifier: Apache-2.0
"""In CI a test that was skipped fails the run, unless it is marked optional."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"


def _run(
    folder: Path, test: str, *, ci: bool, options: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    (folder / "tests").mkdir()
    (folder / "tests" / "conftest.py").write_text(_CONFTEST.read_text())
    (folder / "tests" / "test_it.py").write_text("import pytest\n\n" + test)
    marks = "".join(f"    {mark}: x\n" for mark in ("optional", "tensorflow", "larq"))
    (folder / "pytest.ini").write_text(f"[pytest]\nmarkers =\n{marks}")
    env = {key: value for key, value in os.environ.items() if key not in {"CI", "BNNC_SHARED"}}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, "tests"],
        cwd=folder,
        env=env | {"CI": "true"} if ci else env,
        capture_output=True,
        text=True,
    )


_SKIPS = {
    "by marker": "@pytest.mark.skip(reason='why')\ndef test_a(): pass\n",
    "from within": "def test_a(): pytest.skip('why')\n",
    "in a fixture": "@pytest.fixture\ndef f(): pytest.skip('why')\n\ndef test_a(f): pass\n",
    "the whole module": "pytest.skip('why', allow_module_level=True)\n",
}
_PASSES = "\ndef test_b(): pass\n"


@pytest.mark.parametrize("how", _SKIPS)
def test_a_skip_fails_in_ci(tmp_path: Path, how: str) -> None:
    run = _run(tmp_path, _SKIPS[how] + _PASSES, ci=True)
    assert run.returncode == 1, run.stdout
    assert "skipped, but must run in CI" in run.stdout
    assert "why" in run.stdout.split("must run in CI")[1]
    assert "1 skipped" in run.stdout.splitlines()[-1]


@pytest.mark.parametrize("how", _SKIPS)
def test_a_skip_in_another_process_fails_too(tmp_path: Path, how: str) -> None:
    run = _run(tmp_path, _SKIPS[how] + _PASSES, ci=True, options=("-n", "2"))
    assert run.returncode == 1, run.stdout
    assert "why" in run.stdout.split("must run in CI")[1]


@pytest.mark.parametrize("how", _SKIPS)
def test_a_skip_passes_elsewhere(tmp_path: Path, how: str) -> None:
    run = _run(tmp_path, _SKIPS[how] + _PASSES, ci=False)
    # 5 is pytest's "no tests ran", what a module that skips itself leaves here.
    assert run.returncode == (5 if how == "the whole module" else 0), run.stdout


@pytest.mark.parametrize(
    "test",
    [
        "@pytest.mark.optional('why')\ndef test_a(): pytest.skip('why')\n",
        "@pytest.mark.tensorflow\ndef test_a(tf): pass\n",
        "@pytest.mark.larq\ndef test_a(larq): pass\n",
        "def test_a(shared): pass\n",  # no such folder beside the made one
        "@pytest.mark.xfail\ndef test_a(): assert False\n",
    ],
)
def test_what_may_be_missing_in_ci(tmp_path: Path, test: str) -> None:
    run = _run(tmp_path, test, ci=True)
    assert run.returncode == 0, run.stdout


def test_with_models_their_tests_may_not_skip(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    test = "def test_a(shared): pytest.skip('why')\n"
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    assert _run(checkout, test, ci=True).returncode == 1
