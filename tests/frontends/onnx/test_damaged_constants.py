# SPDX-License-Identifier: Apache-2.0
"""Bad constants of ONNX files: in the file, and in files beside it. Exit code 3, the node named."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from bnnc.frontends import load
from bnnc.ir.interpreter import interpret

from ..refusing import refusal
from .damaged import FLOAT, WEIGHTS, external, model, node, raw, tensor, write

_BYTES = WEIGHTS.tobytes()


@pytest.mark.parametrize(
    ("constant", "message"),
    [
        (raw(FLOAT, [4, 3], _BYTES), "does not fit its shape"),
        (raw(FLOAT, [4, 2], _BYTES[:-1]), "does not fit its shape"),
        (raw(FLOAT, [4, 2], _BYTES[:-4]), "does not fit its shape"),
        (raw(FLOAT, [4, 2], _BYTES * 2), "does not fit its shape"),
        (TensorProto(name="w", data_type=FLOAT, dims=[4, 2], float_data=[1.0] * 7), "its shape"),
        (TensorProto(name="w", data_type=FLOAT, dims=[4, 2]), "its shape"),
        (raw(FLOAT, [-4, -2], _BYTES), "without a static shape"),
        (raw(FLOAT, [1 << 62, 4], _BYTES), "2 axes and 18446744073709551616 elements"),
        (raw(FLOAT, [1 << 32, 1 << 32]), "2 axes and 18446744073709551616 elements"),
        (raw(FLOAT, [0, 1 << 40]), "take 0"),
        (raw(FLOAT, [1] * 3000, bytes(4)), "3000 axes"),
        (raw(FLOAT, [8], _BYTES), "node 'mm'"),
        (raw(0, [4, 2], _BYTES), "type undefined"),
        (raw(99, [4, 2], _BYTES), "type 99"),
        (TensorProto(name="w", data_type=8, dims=[4, 2], string_data=[b"a"] * 8), "type string"),
        (raw(TensorProto.COMPLEX64, [4, 2], _BYTES * 2), "type complex64"),
        (raw(TensorProto.FLOAT8E4M3FN, [4, 2], bytes(8)), "type float8e4m3fn"),
        (raw(TensorProto.INT4, [4, 2], bytes(4)), "type int4"),
        (raw(FLOAT, [4, 2], _BYTES, segment=TensorProto.Segment(begin=0, end=4)), "segments"),
        (tensor(WEIGHTS * np.nan), "NaN or infinity (8 of 8 elements)"),
        (tensor(WEIGHTS.astype(np.float64) * 1e300), "NaN or infinity"),
    ],
)
def test_constants(tmp_path: Path, constant: TensorProto, message: str) -> None:
    text = refusal(write(tmp_path, model(constants=[constant])))
    assert message in text
    assert "node 'mm'" in text


def _bfloat16() -> TensorProto:
    data = (WEIGHTS.view(np.uint32) >> 16).astype(np.uint16).tobytes()
    return raw(TensorProto.BFLOAT16, [4, 2], data)


@pytest.mark.parametrize("kind", ["float16", "float64", "bfloat16"])
def test_other_floats(tmp_path: Path, kind: str) -> None:
    """Small integers are exact in each of them, as weights and as activations."""
    number = {
        "float16": TensorProto.FLOAT16,
        "float64": TensorProto.DOUBLE,
        "bfloat16": TensorProto.BFLOAT16,
    }[kind]
    constant = _bfloat16() if kind == "bfloat16" else tensor(WEIGHTS.astype(kind))
    x = np.array([[1, -2, 3, 4]], np.float32)
    module = load(write(tmp_path, model(constants=[constant], kind=number)))
    (y,) = interpret(module, {"x": x}).values()
    np.testing.assert_array_equal(y, x @ WEIGHTS)


def _file(name: str, size: int) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        (folder / name).write_bytes(_BYTES[:size].ljust(size, b"\0"))

    return prepare


def _link_out(folder: Path) -> None:
    (folder.parent / "w.bin").write_bytes(_BYTES)
    os.symlink(folder.parent / "w.bin", folder / "w.bin")


def _folder_out(folder: Path) -> None:
    (folder.parent / "other").mkdir()
    (folder.parent / "other" / "w.bin").write_bytes(_BYTES)
    os.symlink(folder.parent / "other", folder / "sub")


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "w.bin")


def _a_folder(folder: Path) -> None:
    (folder / "w.bin").mkdir()


def _nothing(folder: Path) -> None:
    del folder


@pytest.mark.parametrize(
    ("entries", "prepare", "message"),
    [
        ({"location": "w.bin"}, _nothing, "no such file"),
        ({"location": "../w.bin"}, _file("../w.bin", 32), "outside of the model's folder"),
        ({"location": "sub/../../w.bin"}, _file("../w.bin", 32), "outside"),
        ({"location": "/etc/hostname"}, _nothing, "outside"),
        ({"location": "w.bin"}, _link_out, "outside"),
        ({"location": "sub/w.bin"}, _folder_out, "outside"),
        ({"location": ""}, _nothing, "outside"),
        ({"location": "."}, _nothing, "it is no file"),
        ({"location": "w.bin"}, _a_folder, "it is no file"),
        ({"location": "w.bin"}, _pipe, "it is no file"),
        ({"location": "w.bin", "dims": (0, 2)}, _pipe, "it is no file"),
        ({"location": "w\0.bin"}, _nothing, "null byte"),
        ({"location": "w" * 5000}, _nothing, "www..."),
        ({"location": "w.bin"}, _file("w.bin", 31), "cut short"),
        ({"location": "w.bin", "offset": 1}, _file("w.bin", 32), "cut short"),
        ({"location": "w.bin", "offset": 1 << 40}, _file("w.bin", 32), "cut short"),
        ({"location": "w.bin", "offset": -1}, _file("w.bin", 32), "the offset '-1'"),
        ({"location": "w.bin", "offset": 1 << 70}, _file("w.bin", 32), "the offset '118"),
        ({"location": "w.bin", "offset": "one"}, _file("w.bin", 32), "the offset 'one'"),
        ({"location": "w.bin", "offset": "9" * 5000}, _file("w.bin", 32), "the offset '999"),
        ({"location": "w.bin", "length": 16}, _file("w.bin", 32), "16 bytes instead of 32"),
        ({"location": "w.bin", "length": 33}, _file("w.bin", 64), "33 bytes instead of 32"),
        ({"location": "w.bin", "length": -5}, _file("w.bin", 32), "the length '-5'"),
        ({"location": "w.bin", "dims": (1 << 40, 2)}, _file("w.bin", 32), "elements"),
        ({"location": "w.bin", "dims": (1 << 28, 2)}, _file("w.bin", 32), "cut short"),
    ],
)
def test_external_data(
    tmp_path: Path, entries: dict[str, Any], prepare: Callable[[Path], object], message: str
) -> None:
    path = write(tmp_path, model(constants=[external(**entries)]))
    prepare(path.parent)
    text = refusal(path)
    assert message in text
    assert "node 'mm'" in text
    assert len(text) < 1000


def test_external_data_of_an_attribute(tmp_path: Path) -> None:
    """What is checked for initializers is checked for constants that nodes hold."""
    held = node("Constant", [], ["w"], value=external("../w.bin"), name="held")
    product = node("MatMul", ["x", "w"], ["y"])
    path = write(tmp_path, model(held, product, constants=[tensor(name="unused")]))
    (path.parent.parent / "w.bin").write_bytes(_BYTES)
    text = refusal(path)
    assert "outside of the model's folder" in text
    assert "node 'held'" in text


@pytest.mark.parametrize(
    ("entries", "data"),
    [({"location": "w.bin"}, _BYTES), ({"location": "sub/w", "offset": 8, "length": 32}, _BYTES)],
)
def test_external_data_in_order(tmp_path: Path, entries: dict[str, Any], data: bytes) -> None:
    path = write(tmp_path, model(constants=[external(**entries)]))
    file = path.parent / entries["location"]
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(bytes(entries.get("offset", 0)) + data)
    x = np.array([[1, -2, 3, 4]], np.float32)
    (y,) = interpret(load(path), {"x": x}).values()
    np.testing.assert_array_equal(y, x @ WEIGHTS)
