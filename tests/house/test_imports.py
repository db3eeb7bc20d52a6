# SPDX-License-Identifier: Apache-2.0
"""Imports run downwards: read from the syntax trees, and from what a fresh process loads."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import bnnc

_REPO = Path(__file__).resolve().parents[2]

# The folders with a floor of their own, and what each may import of bnnc beside itself.
_FLOORS: dict[str, set[str]] = {
    "ir": set(),
    "runtime": set(),
    "passes": {"ir"},
    "backends": {"ir", "passes", "runtime"},
    "bnnc/frontends": {"ir"},
}
# All else that each may import, beside the standard library.
_LIBRARIES: dict[str, set[str]] = {
    "ir": {"numpy", "lark", "networkx"},
    "runtime": set(),
    "passes": {"numpy", "networkx"},
    "backends": {"numpy", "networkx"},
    "bnnc/frontends": {"numpy", "google", "tensorflow", "onnx", "h5py", "tflite"},
}
_FRAMEWORKS = {"tensorflow", "keras", "larq", "torch", "onnx", "onnxruntime", "h5py", "tflite"}


def _imports(tree: ast.AST) -> Iterator[tuple[ast.stmt, int, str]]:
    """Yield (statement, relative level, dotted name), names imported from bnnc itself expanded."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, 0, alias.name
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level == 0 and module != "bnnc":
                yield node, 0, module
            else:
                for alias in node.names:
                    yield node, node.level, f"{module}.{alias.name}".lstrip(".")


def _faults(folder: str, path: str, source: str) -> list[str]:
    """What the imports of one file break; ``path`` is the file's, relative to the checkout."""
    found: list[str] = []
    own = folder.removeprefix("bnnc/")
    depth = len(Path(path).parts) - len(Path(folder).parts)
    for node, level, name in _imports(ast.parse(source)):
        place = f"{path}:{node.lineno}: "
        parts = name.split(".")
        if level > depth:
            found.append(place + "a relative import leaves its folder")
        elif level == 0 and parts[0] == "bnnc":
            floor = parts[1] if len(parts) > 1 else "bnnc"
            if floor == own:
                found.append(place + f"{name} is in the same folder, import it relatively")
            elif floor not in _FLOORS[folder]:
                found.append(place + f"{folder} may not import {name}")
        elif level == 0 and parts[0] not in sys.stdlib_module_names | _LIBRARIES[folder]:
            found.append(place + f"{folder} may not import {name}")
    return found


def _files(folder: str) -> list[Path]:
    return sorted((_REPO / folder).rglob("*.py"))


@pytest.mark.parametrize("folder", _FLOORS)
def test_floor(folder: str) -> None:
    faults = [
        fault
        for file in _files(folder)
        for fault in _faults(folder, file.relative_to(_REPO).as_posix(), file.read_text())
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("folder", "path", "source", "complaint"),
    [
        ("ir", "ir/a.py", "from bnnc.passes import Pass", "ir may not import bnnc.passes"),
        ("ir", "ir/a.py", "from bnnc import passes", "ir may not import bnnc.passes"),
        ("ir", "ir/a.py", "def f():\n    import bnnc.driver", "may not import bnnc.driver"),
        ("ir", "ir/a.py", "import scipy.sparse", "ir may not import scipy.sparse"),
        ("ir", "ir/ops/a.py", "from bnnc.ir.types import F32", "import it relatively"),
        ("ir", "ir/ops/a.py", "from ...passes import Pass", "leaves its folder"),
        ("passes", "passes/a.py", "from .. import ir", "leaves its folder"),
        ("passes", "passes/a.py", "from bnnc import Pass", "may not import bnnc.Pass"),
        ("bnnc/frontends", "bnnc/frontends/a.py", "from ..driver import load", "leaves its folder"),
        ("bnnc/frontends", "bnnc/frontends/a.py", "import bnnc.passes", "may not import"),
    ],
)
def test_a_breach_is_found(folder: str, path: str, source: str, complaint: str) -> None:
    faults = _faults(folder, path, source)
    assert len(faults) == 1
    assert complaint in faults[0]


def test_downward_and_relative_imports_pass() -> None:
    source = "from bnnc.ir import nn\nfrom ..pattern import Rewriter\nimport numpy as np, math"
    assert _faults("passes", "passes/fold/a.py", source) == []


def test_frameworks_stay_in_frontends_and_training() -> None:
    allowed = (_REPO / "bnnc/frontends", _REPO / "bnnc/train")
    faults = [
        f"{file.relative_to(_REPO)}:{node.lineno}: imports {name}"
        for folder in ("bnnc", "ir", "passes", "backends", "runtime")
        for file in _files(folder)
        if not any(file.is_relative_to(place) for place in allowed)
        for node, level, name in _imports(ast.parse(file.read_text()))
        if level == 0 and name.split(".")[0] in _FRAMEWORKS
    ]
    assert not faults, "\n".join(faults)


def _loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after running ``code``."""
    tail = "import json, sys; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\n{tail}"],
        cwd=_REPO,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded: list[str] = json.loads(run.stdout.splitlines()[-1])
    return set(loaded)


def test_import_bnnc_loads_nothing_heavy() -> None:
    loaded = _loaded_by("import bnnc")
    assert "bnnc" in loaded
    assert not loaded & {"numpy", "lark", "networkx", "click", "rich", "google", *_FRAMEWORKS}


def test_help_is_light() -> None:
    call = """
import sys
from bnnc.cli import main
sys.argv = ["bnnc", "--help"]
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
"""
    assert not _loaded_by(call) & {"numpy", "lark", "networkx", "google", *_FRAMEWORKS}


@pytest.mark.parametrize("folder", ["ir", "passes", "backends", "runtime"])
def test_a_folder_refuses_its_bare_name(folder: str) -> None:
    """Imported twice, under two names, it would register every operation twice."""
    run = subprocess.run(
        [sys.executable, "-c", f"import {folder}"], cwd=_REPO, capture_output=True, text=True
    )
    assert run.returncode == 1
    assert f"ImportError: import bnnc.{folder}, not {folder}" in run.stderr


@pytest.mark.parametrize("name", bnnc.__all__)
def test_public_name(name: str) -> None:
    """It resolves, and no module bears it: importing that module would replace it."""
    assert getattr(bnnc, name) is not None
    assert not (_REPO / "bnnc" / f"{name}.py").exists()
    assert not (_REPO / "bnnc" / name).exists()


def test_unknown_public_name() -> None:
    with pytest.raises(AttributeError, match="'bnnc' has no attribute 'lod'"):
        getattr(bnnc, "lod")  # noqa: B009 # the type checkers would refuse bnnc.lod
