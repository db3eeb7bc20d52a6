# SPDX-License-Identifier: Apache-2.0
"""Networks of quantized bytes on the command line: interpreted, explained, refused in C."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from .conftest import Command

NET = """\
bnnc.ir 1
module @net {stage = "imported"} {
  resource @w : tensor<2x3xi8> = dense([1, 2, 3, -4, 5, 6])
  resource @m : tensor<2xi32> = splat(1073741824)
  resource @s : tensor<2xi32> = splat(-1)
  func @main(%x: tensor<1x3xf32>) -> (tensor<1x2xf32>) {inputs = ["x"], outputs = ["y"]} {
    %a = nn.relu(%x) : tensor<1x3xf32>
    %0 = q.quantize(%a) {scale = 0.5, zero = 0, halves = away} : tensor<1x3xi8>
    %1 = q.dense(%0, @w, none, @m, @s) {x_zero = 0, rounding = double} : tensor<1x2xi8> loc("fc")
    %2 = q.dequantize(%1) {scale = 0.5, zero = 0} : tensor<1x2xf32>
    func.return(%2)
  }
}
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "net.bnn"
    path.write_text(NET)
    np.savez(tmp_path / "x.npz", x=np.array([[1, -1, 2]], np.float32))
    return path


def test_the_interpreter_runs_them(bnnc: Command, net: Path) -> None:
    x, y = net.parent / "x.npz", net.parent / "y.npz"
    done = bnnc("run", net, "--target", "interp", "--inputs", x, "--outputs", y)
    assert done.code == 0, done.err
    # [2, 0, 4] . w = [14, 16], a quarter of that and half of it as a real number.
    np.testing.assert_array_equal(np.load(y)["y"], np.array([[2.0, 2.0]], np.float32))


def test_explain_calls_the_layer_ii(bnnc: Command, net: Path) -> None:
    done = bnnc("explain", net, "--json")
    assert done.code == 0, done.err
    (layer,) = json.loads(done.out)["layers"]
    assert (layer["name"], layer["kind"], layer["macs"]) == ("fc", "ii", 6)


def test_c_computes_the_same(bnnc: Command, net: Path) -> None:
    x, y = net.parent / "x.npz", net.parent / "y.npz"
    done = bnnc("run", net, "--target", "c", "--inputs", x, "--outputs", y)
    assert done.code == 0, done.err
    np.testing.assert_array_equal(np.load(y)["y"], np.array([[2.0, 2.0]], np.float32))
    done = bnnc("verify", net, "--target", "c")
    assert done.code == 0, done.err


def test_a_layer_that_may_overflow_does_not_verify(bnnc: Command, net: Path) -> None:
    net.write_text(NET.replace("splat(-1)", "splat(21)"))
    done = bnnc("dump", net)
    assert done.code == 4
    assert "the accumulator of output channel 1 may reach" in done.err
