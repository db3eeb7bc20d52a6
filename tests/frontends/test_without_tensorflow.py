# SPDX-License-Identifier: Apache-2.0
"""Only a SavedModel needs the framework that wrote it, and nothing loads more than it needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bnnc.frontends import load
from bnnc.ir.text import write_module

from .graphs import GraphBuilder
from .keras.files import Layer, image, sequential, write_h5, write_keras
from .onnx.damaged import model
from .tflite.test_damaged import dense

_REPO = Path(__file__).resolve().parents[2]
_FRAMEWORKS = ["tensorflow", "keras", "tf_keras", "larq", "torch", "onnxruntime", "tflite_runtime"]

# Runs the command line where the frameworks cannot be imported; last, what was imported is told.
_PROGRAM = """
import json, sys
class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
BLOCKED = set(json.loads(sys.argv[1]))
sys.meta_path.insert(0, Nowhere())
for name in BLOCKED:
    try:
        __import__(name)
    except ModuleNotFoundError:
        continue
    raise SystemExit(f"{name} can be imported")
from bnnc.cli.entry import run
code = run(sys.argv[2:])
print(json.dumps(sorted(sys.modules)))
raise SystemExit(code)
"""


def _compile(path: Path, blocked: list[str]) -> tuple[int, str, set[str]]:
    """Exit code, what was said, and the modules that were loaded."""
    done = subprocess.run(
        [
            *(sys.executable, "-c", _PROGRAM, json.dumps(blocked)),
            *("compile", str(path), "-o", str(path.parent / "out")),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=_REPO,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stderr, set(json.loads(done.stdout.splitlines()[-1]))


def _file(folder: Path, suffix: str) -> Path:
    path = folder / f"net{suffix}"
    weights = np.ones((4, 2), np.float32)
    layers = [image(4), Layer("Dense", {"units": 2, "use_bias": False}, [weights], name="fc")]
    g = GraphBuilder()
    match suffix:
        case ".h5":
            return write_h5(path, sequential(layers, 2), layers)
        case ".keras":
            return write_keras(path, sequential(layers, 3), layers, 3)
        case ".onnx":
            path.write_bytes(model().SerializeToString())
        case ".tflite":
            path.write_bytes(dense())
        case ".pb":
            g.node("MatMul", "y", g.placeholder("x", (1, 4)), g.const("w", weights))
            g.save(path)
        case _:
            write_module(load(_file(folder, ".onnx")), path)
    return path


@pytest.mark.parametrize("suffix", [".pb", ".onnx", ".tflite", ".h5", ".keras", ".bnn"])
def test_a_file_of_each_kind(tmp_path: Path, suffix: str) -> None:
    # What another format is read with is not needed either.
    readers = {".onnx": ["h5py"], ".h5": ["onnx"], ".keras": ["onnx"]}
    blocked = [*_FRAMEWORKS, *readers.get(suffix, ["onnx", "h5py"])]
    code, text, _ = _compile(_file(tmp_path, suffix), blocked)
    assert code == 0, text


def test_a_saved_model_names_the_cure(tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"\x08\x01\x12\x00")
    code, text, _ = _compile(folder, _FRAMEWORKS)
    assert code == 2
    assert text.startswith("error: a SavedModel is read through TensorFlow, which is not installed")
    assert "pip install 'bnnc[tensorflow]'" in text
    assert "docs/freezing.md" in text


# Each of these takes a tenth of a second or more, and compiling needs none of them.
_HEAVY = {
    *("tensorflow", "keras", "torch", "onnxruntime", "scipy", "sklearn", "pandas", "matplotlib"),
    *("onnx.reference", "onnx.backend", "h5py", "pytest"),
    *("numpy.testing", "unittest", "hypothesis", "flatbuffers", "bnnc.verification"),
}


@pytest.mark.parametrize("suffix", [".pb", ".onnx", ".tflite", ".h5"])
def test_compiling_loads_little(tmp_path: Path, suffix: str) -> None:
    code, text, modules = _compile(_file(tmp_path, suffix), [])
    assert code == 0, text
    assert not modules & _HEAVY
    assert ("onnx" in modules) == (suffix == ".onnx")
    assert "bnnc.frontends.keras" not in modules or suffix == ".h5"
