# SPDX-License-Identifier: Apache-2.0
"""The same model gives the same bytes: in fresh processes, other folders, other hash seeds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.graph_seeds import graph_files
from tests.fuzz.onnx_seeds import onnx_files

_MODELS = [*((f"net{i}.pb", data) for i, data in enumerate(graph_files())),
           *((f"net{i}.onnx", data) for i, data in enumerate(onnx_files()[:2]))]  # fmt: skip


def _made(folder: Path, model: str, data: bytes, repo: Path, seed: str) -> dict[str, bytes]:
    """All files that dump and compile write, made in another process."""
    folder.mkdir()
    (folder / model).write_bytes(data)
    run = (
        "from bnnc.cli.entry import run; import sys;"
        f"sys.exit(run(['dump', '{model}', '-o', 'text.bnn'])"
        f" or run(['compile', '{model}', '-o', 'out'])"
        f" or run(['compile', 'text.bnn', '-o', 'again'])"
        f" or run(['compile', '{model}', '-o', 'embedded', '--embed']))"
    )
    changes = {"PYTHONHASHSEED": seed, "PYTHONPATH": str(repo), "TZ": f"UTC+{seed}"}
    done = subprocess.run(
        [sys.executable, "-c", run],
        cwd=folder,
        env={**os.environ, **changes},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


@pytest.mark.slow
@pytest.mark.parametrize(("model", "data"), _MODELS, ids=[name for name, _ in _MODELS])
def test_the_same_bytes(model: str, data: bytes, repo: Path, tmp_path: Path) -> None:
    first = _made(tmp_path / "one", model, data, repo, "1")
    deep = tmp_path / "a" / "b c"
    deep.mkdir(parents=True)
    second = _made(deep / "two", model, data, repo, "2")
    assert list(first) == list(second)
    assert [name for name in first if first[name] != second[name]] == []
    name = model.partition(".")[0]
    assert {f"out/{name}.c", f"out/{name}.bnnw", "text.bnn", f"again/{name}.c"} <= set(first)
    for path, content in first.items():
        assert str(tmp_path).encode() not in content, path


def test_text_leads_to_the_same_project(repo: Path, tmp_path: Path) -> None:
    """Compiled from the dumped text, all files but those that name the source are the same."""
    made = _made(tmp_path / "one", "net.pb", graph_files()[0], repo, "3")
    out = {k.removeprefix("out/"): v for k, v in made.items() if k.startswith("out/")}
    again = {k.removeprefix("again/"): v for k, v in made.items() if k.startswith("again/")}
    assert out == again
    shutil.rmtree(tmp_path / "one")
