# SPDX-License-Identifier: Apache-2.0
"""Float models as LiteRT computes them (record_golden.py), and what is refused."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

import bnnc
from bnnc.ir.diagnostics import ImportFailure, Remark
from bnnc.ir.text import write_module

from .writer import Net

_LIST = """
activations arithmetic average axes choice conv_dilated conv_groups conv_phases conv_relu dense
depth depthwise extremes functions gelu hard_swish log_softmax logarithm maximum mean mirror pads
reductions rounding slices softmax split stacked
"""
NAMES = _LIST.split()
IN_C = ("arithmetic", "conv_phases", "conv_groups", "depthwise", "dense", "mean", "pads", "split")


@cache
def golden() -> dict[str, np.ndarray]:
    with np.load(Path(__file__).with_name("golden_float.npz")) as data:
        return {key: data[key] for key in data.files}


def test_every_case_is_tested() -> None:
    assert {key.split(".")[0] for key in golden()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_litert(tmp_path: Path, name: str) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(golden()[f"{name}.model"].tobytes())
    module = bnnc.load(path)
    (given,) = module.inputs
    x = {given: golden()[f"{name}.x"]}
    (y,) = bnnc.interpret(module, x).values()
    want = golden()[f"{name}.y"].reshape(y.shape)
    np.testing.assert_allclose(y, want, rtol=0, atol=1e-5 * np.abs(want).max())
    if name in IN_C:
        (code,) = bnnc.compile(module, "c", tmp_path / "out").run(x).values()
        np.testing.assert_array_equal(code, y)


def refused(tmp_path: Path, data: bytes) -> str:
    path = tmp_path / "net.tflite"
    path.write_bytes(data)
    with pytest.raises(ImportFailure) as caught:
        bnnc.load(path)
    assert caught.value.exit_code == 3
    return "\n".join(f"{d.message} {d.hint}" for d in caught.value.diagnostics)


def test_everything_that_is_not_supported_is_listed_at_once(tmp_path: Path) -> None:
    net = Net()
    x = net.input((1, 4), name="x")
    first = net.add("UNIQUE", [x], (1, 4), name="a")
    second = net.add("ADD", [x, x], (1, 4), {0: ("b", 5)}, name="b")
    text = refused(tmp_path, net.file(first, second))
    assert "UNIQUE is not supported: node 'a'" in text
    assert "ADD is fused with the activation SIGN_BIT: node 'b'" in text


def test_unsigned_bytes_and_integer_inputs_are_refused(tmp_path: Path) -> None:
    net = Net()
    x = net.input((1, 4), dtype="uint8", scale=0.5, zero=3, name="x")
    y = net.add("ADD", [x, x], (1, 4), dtype="uint8", scale=1.0, zero=3)
    assert "of unsigned bytes is not supported" in refused(tmp_path, net.file(y))
    net = Net()
    x = net.input((1, 4), dtype="int32", name="x")
    y = net.add("ADD", [x, x], (1, 4), dtype="int32")
    assert "input 'x' holds int32" in refused(tmp_path, net.file(y))


def test_bytes_that_change_their_scale_while_they_move_are_refused(tmp_path: Path) -> None:
    net = Net()
    x = net.input((1, 4), dtype="int8", scale=0.5, name="x")
    y = net.add(
        "RESHAPE", [x, net.constant(np.array([4], np.int32))], (4,), dtype="int8", scale=1.0
    )
    assert "changes scale or zero point" in refused(tmp_path, net.file(y))


def test_accumulators_that_may_overflow_are_refused(tmp_path: Path) -> None:
    net = Net()
    x = net.input((1, 70_000), dtype="int8", scale=0.5, zero=127, name="x")
    w = net.constant(np.full((1, 70_000), 127, np.int8), scale=1.0)
    y = net.add("FULLY_CONNECTED", [x, w, -1], (1, 1), dtype="int8", scale=1.0)
    assert "may reach 2266950000, beyond 32 bits" in refused(tmp_path, net.file(y))


def test_equal_names_are_told_apart(tmp_path: Path) -> None:
    net = Net()
    x = net.input((1, 4), name="same:0")
    y = net.add("ABS", [x], (1, 4), name="same")
    path = tmp_path / "net.tflite"
    path.write_bytes(net.file(y))
    module = bnnc.load(path)
    assert (list(module.inputs), list(module.outputs)) == (["same"], ["same.1"])


def test_hybrid_weights_per_channel(tmp_path: Path) -> None:
    net = Net()
    x = net.input((1, 3), name="x")
    bytes_ = np.array([[1, 2, 3], [-4, 5, 6]], np.int8)
    w = net.constant(bytes_, scale=[0.5, 0.25], zero=[0, 0], axis=0)
    path = tmp_path / "net.tflite"
    path.write_bytes(net.file(net.add("FULLY_CONNECTED", [x, w, -1], (1, 2))))
    given = np.array([[1.0, -2.0, 0.5]], np.float32)
    (y,) = bnnc.interpret(bnnc.load(path), {"x": given}).values()
    np.testing.assert_array_equal(y, given @ (bytes_ * np.array([[0.5], [0.25]], np.float32)).T)
    # `bnnc explain` says what becomes of the activations, also of the text of the model.
    text = tmp_path / "net.bnn"
    write_module(bnnc.load(path), text)
    for file in (path, text):
        remarks: list[Remark] = []
        bnnc.explain(file, remarks=remarks)
        assert "activations stay float here" in str(remarks[0])
