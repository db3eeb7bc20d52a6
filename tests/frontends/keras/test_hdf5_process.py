# SPDX-License-Identifier: Apache-2.0
"""HDF5 is read by another process: whatever becomes of it, this one goes on."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bnnc.frontends import load
from bnnc.frontends.keras import hdf5_pipe
from bnnc.frontends.keras.hdf5_pipe import Hdf5Pipe, ReadError
from bnnc.ir.diagnostics import ImportFailure, UsageError

from .files import Layer, h5py, image, sequential, write_h5

_LAYERS = [
    image(3),
    Layer("Dense", {"units": 5, "use_bias": False}, [np.ones((3, 5), np.float32)], name="fc"),
]


@pytest.fixture(autouse=True)
def no_process_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test starts a process of its own."""
    monkeypatch.setattr(hdf5_pipe, "_helpers", hdf5_pipe.Helpers())
    monkeypatch.setattr(hdf5_pipe, "SECONDS", 1)


def whole(folder: Path) -> Path:
    return write_h5(folder / "net.h5", sequential(_LAYERS, 2), _LAYERS)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("os.kill(os.getpid(), 11)", "crash"),
        ("os.abort()", "crash"),
        ("os._exit(3)", "crash"),
        ("exec('while True: pass')", "compute without end"),
        ("bytearray(1 << 40)", "is no HDF5 file, or a damaged one"),
        ("open('/dev/full').nothing", "is no HDF5 file, or a damaged one"),
    ],
)
def test_a_library_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str, message: str
) -> None:
    path = whole(tmp_path)
    fake = f"import os\ndef File(path, mode):\n    {statement}\n"
    (tmp_path / "h5py.py").write_text(fake)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "path", [str(tmp_path), *sys.path])
        begun = time.monotonic()
        for _ in range(2):  # the same process goes on with the next file
            with pytest.raises(ImportFailure, match=message):
                load(path)
    assert time.monotonic() - begun < 60


def test_files_are_read_one_inside_of_the_other(tmp_path: Path) -> None:
    path = whole(tmp_path)
    first = Hdf5Pipe(path, "first")
    second = Hdf5Pipe(path.read_bytes(), "second")
    weights = ["model_weights", "fc", "fc", "w0:0"]
    for pipe in (first, second, first):
        assert len(pipe.ask("read", weights)) == 60
        assert json.loads(pipe.ask("attribute", [], "model_config"))["class_name"] == "Sequential"
    first.close()
    assert second.ask("look", weights)["shape"] == [3, 5]
    with pytest.raises(ImportFailure, match="first cannot be read any more"):
        first.ask("look", weights)
    second.close()


def test_a_process_is_used_again_but_not_by_a_fork(tmp_path: Path) -> None:
    path = whole(tmp_path)
    one = hdf5_pipe.take()
    hdf5_pipe.give_back(one)
    assert hdf5_pipe.take() is one
    hdf5_pipe.give_back(one)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            load(path)
            code = 0 if hdf5_pipe.take() is not one else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert hdf5_pipe.take() is one
    one.end()


def test_a_refused_file_keeps_no_process(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    with h5py.File(path, "w") as file:
        file.create_group("fc")
    one = hdf5_pipe.take()
    hdf5_pipe.give_back(one)
    with pytest.raises(ImportFailure, match="no model_config"):
        load(path)
    assert hdf5_pipe.take() is one
    one.end()


def test_what_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "odd.h5"
    with h5py.File(path, "w") as file:
        file.attrs["number"] = 7
        file.attrs["table"] = np.zeros((2, 2))
        file.attrs["nothing"] = h5py.Empty("f4")
    pipe = Hdf5Pipe(path, "odd")
    for name in ("number", "table", "nothing"):
        with pytest.raises(ReadError):
            pipe.ask("attribute", [], name)
    assert pipe.ask("attribute", [], "absent") is None
    pipe.close()


def test_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = whole(tmp_path)

    def nothing(name: str) -> None:
        assert name == "h5py"

    monkeypatch.setattr(hdf5_pipe, "find_spec", nothing)
    with pytest.raises(UsageError, match="not installed") as caught:
        load(path)
    assert "pip install h5py" in str(caught.value)
