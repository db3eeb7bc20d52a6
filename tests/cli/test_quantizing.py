# SPDX-License-Identifier: Apache-2.0
"""``--quantize int8`` on the command line and in Python: data, overrides, bytes in and out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import bnnc as package
from bnnc.arrays import save_arrays
from bnnc.ir.diagnostics import UsageError
from bnnc.ir.text import read_module

from .conftest import Command

NET = """\
bnnc.ir 1
module @net {stage = "imported"} {
  resource @w : tensor<2x3x3x2xf32> = dense([WEIGHTS])
  resource @b : tensor<2xf32> = dense([0.5, -0.25])
  resource @d : tensor<3x8xf32> = dense([DENSE])
  func @main(%x: tensor<1x4x4x2xf32>) -> (tensor<1x3xf32>) {inputs = ["x"], outputs = ["y"]} {
    %a = nn.conv2d(%x, @w, @b) {stride = [1, 1], pad = [1, 1, 1, 1], pad_value = 0.0} \
: tensor<1x4x4x2xf32> loc("conv" : "Conv2D")
    %r = nn.relu(%a) : tensor<1x4x4x2xf32> loc("relu" : "Relu")
    %m = nn.max_pool(%r) {kernel_size = [2, 2], stride = [2, 2], pad = [0, 0, 0, 0]} \
: tensor<1x2x2x2xf32> loc("pool" : "MaxPool")
    %f = nn.reshape(%m) {shape = [1, 8]} : tensor<1x8xf32> loc("flat" : "Reshape")
    %g = nn.dense(%f, @d) : tensor<1x3xf32> loc("fc" : "MatMul")
    %y = nn.softmax(%g) : tensor<1x3xf32> loc("y" : "Softmax")
    func.return(%y)
  }
}
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    rng = np.random.default_rng(2)
    path = tmp_path / "net.bnn"
    text = NET.replace("WEIGHTS", ", ".join(f"{v:.3f}" for v in rng.normal(size=36)))
    path.write_text(text.replace("DENSE", ", ".join(f"{v:.3f}" for v in rng.normal(size=24) * 0.1)))
    np.savez(tmp_path / "x.npz", x=rng.normal(size=(7, 4, 4, 2)).astype(np.float32))
    return path


def test_code_computes_what_the_interpreter_does(bnnc: Command, net: Path) -> None:
    x, y, f = net.parent / "x.npz", net.parent / "y.npz", net.parent / "f.npz"
    options = ["--quantize", "int8", "--calibrate", x]
    done = bnnc("run", net, "--target", "c", "--inputs", x, "--outputs", y, *options)
    assert done.code == 0, done.err
    done = bnnc("run", net, "--target", "interp", "--inputs", x, "--outputs", f)
    assert done.code == 0, done.err
    assert 0 < np.abs(np.load(y)["y"] - np.load(f)["y"]).max() < 0.03
    done = bnnc("verify", net, "--inputs", x, *options)
    assert done.code == 0, done.err
    done = bnnc("explain", net, "--json", *options)
    assert [row["kind"] for row in json.loads(done.out)["layers"]] == ["ii", "ii"]


def test_bytes_in_and_out_are_described(bnnc: Command, net: Path) -> None:
    x, out = net.parent / "x.npz", net.parent / "out"
    options = ["--quantize", "int8", "--calibrate", x, "--io", "int8"]
    done = bnnc("compile", net, "-o", out, *options)
    assert done.code == 0, done.err
    header = (out / "net.h").read_text()
    assert "#define net_OUT0_SCALE 0.00390625f" in header
    assert "#define net_OUT0_ZERO (-128)" in header
    manifest = json.loads((out / "manifest.json").read_text())
    (source,), (result,) = manifest["inputs"], manifest["outputs"]
    assert (source["scalar"], source["shape"]) == ("i8", [1, 4, 4, 2])
    assert f"#define net_IN0_ZERO ({source['zero']})" in header
    assert (result["scale"], result["zero"]) == (1 / 256, -128)
    assert all(layer["op"].startswith(("q.", "nn.reshape")) for layer in manifest["layers"])
    bytes_ = np.rint(np.load(x)["x"] / np.float32(source["scale"])) + source["zero"]
    np.savez(net.parent / "b.npz", x=np.clip(bytes_, -128, 127).astype(np.int8))
    y, f = net.parent / "y.npz", net.parent / "f.npz"
    done = bnnc("run", net, "--inputs", net.parent / "b.npz", "--outputs", y, *options)
    assert done.code == 0, done.err
    bnnc("run", net, "--target", "interp", "--inputs", x, "--outputs", f)
    probabilities = (np.load(y)["y"].astype(float) + 128) / 256
    assert np.abs(probabilities - np.load(f)["y"]).max() < 0.03


def test_levels_are_text_that_can_be_edited(bnnc: Command, net: Path) -> None:
    x, text = net.parent / "x.npz", net.parent / "levels.bnn"
    options = ["--quantize", "int8", "--calibrate", x]
    done = bnnc("dump", net, "--after", "calibrate", "-o", text, *options)
    assert done.code == 0, done.err
    assert "xf32, q(" in text.read_text()
    done = bnnc("explain", text, "--json", "--quantize", "int8")
    assert [row["kind"] for row in json.loads(done.out)["layers"]] == ["ii", "ii"]
    lines = text.read_text().splitlines()
    for i, line in enumerate(lines):
        if "bin.conv2d_ff" in line:
            levels = line[line.index(", q(") : line.index(")>") + 1]
            lines[i] = line.replace(levels, "")
    text.write_text("\n".join(lines) + "\n")
    assert read_module(text) is not None
    done = bnnc("explain", text, "--json", "--quantize", "int8")
    assert [row["kind"] for row in json.loads(done.out)["layers"]] == ["ff", "ii"]


def test_one_layer_stays_in_float(bnnc: Command, net: Path) -> None:
    x = net.parent / "x.npz"
    options = ["--quantize", "int8", "--calibrate", x, "--keep-float"]
    done = bnnc("explain", net, "--json", *options, "conv")
    assert [row["kind"] for row in json.loads(done.out)["layers"]] == ["ff", "ii"]
    done = bnnc("explain", net, *options, "cnov")
    assert done.code == 2
    assert "no layer is called 'cnov'" in done.err
    assert "did you mean 'conv'" in done.err


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"z": np.zeros((2, 4, 4, 2), np.float32)}, "no array for input 'x'"),
        ({"x": np.zeros((2, 4, 4, 3), np.float32)}, "the network takes [N, 4, 4, 2]"),
        ({"x": np.zeros((0, 4, 4, 2), np.float32)}, "hold no samples"),
        ({"x": np.zeros((2, 4, 4, 2))}, "is float64, the network takes f32"),
        ({"x": np.full((2, 4, 4, 2), np.nan, np.float32)}, "input 'x' has a value that is not"),
        ({"x": np.full((2, 4, 4, 2), np.inf, np.float32)}, "input 'x' has a value that is not"),
    ],
)
def test_data_that_cannot_serve(
    bnnc: Command, net: Path, arrays: dict[str, np.ndarray], message: str
) -> None:
    save_arrays(net.parent / "bad.npz", arrays)
    done = bnnc("compile", net, "--quantize", "int8", "--calibrate", net.parent / "bad.npz")
    assert done.code == 2
    assert message in done.err


def test_constant_data_is_taken(bnnc: Command, net: Path) -> None:
    zeros, y, f = (net.parent / f"{n}.npz" for n in "zyf")
    np.savez(zeros, x=np.zeros((1, 4, 4, 2), np.float32))
    options = ["--quantize", "int8", "--calibrate", zeros]
    done = bnnc("run", net, "--inputs", zeros, "--outputs", y, *options)
    assert done.code == 0, done.err
    bnnc("run", net, "--target", "interp", "--inputs", zeros, "--outputs", f)
    np.testing.assert_allclose(np.load(y)["y"], np.load(f)["y"], atol=0.01)


def test_ranges_measured_at_run_time_need_no_data(bnnc: Command, net: Path) -> None:
    x, y, f = (net.parent / f"{n}.npz" for n in "xyf")
    options = ["--quantize", "dynamic", "--keep-float", "fc"]
    done = bnnc("run", net, "--inputs", x, "--outputs", y, *options)
    assert done.code == 0, done.err
    bnnc("run", net, "--target", "interp", "--inputs", x, "--outputs", f)
    got, want = np.load(y)["y"], np.load(f)["y"]
    assert 0 < np.abs(got - want).max() < 0.05 * np.abs(want).max()
    done = bnnc("verify", net, "--inputs", x, *options)
    assert done.code == 0, done.out + done.err
    done = bnnc("explain", net, "--quantize", "dynamic")
    assert "u8 activations and i8 weights" in done.out


def test_options_that_do_not_fit(bnnc: Command, net: Path) -> None:
    x = net.parent / "x.npz"
    for options, message in (
        (["--calibrate", x], "--calibrate means nothing without --quantize"),
        (["--io", "int8"], "--io int8 means nothing without --quantize"),
        (["--quantize", "int8"], "needs calibration data"),
        (["--quantize", "int8", "--calibrate", "no.npz"], "no file no.npz"),
        (["--quantize", "dynamic", "--io", "int8"], "--io int8 needs fixed levels"),
        (["--quantize", "dynamic", "--calibrate", x], "needs no calibration"),
        (["--quantize", "dynamic", "--calibrator", "mse"], "needs no calibration"),
        (["--quantize", "int8", "--passes", "legalize"], "belongs to the pipeline 'default'"),
    ):
        done = bnnc("explain", net, *options)
        assert (done.code, message in done.err) == (2, True), done.err


def test_python_takes_arrays(net: Path, tmp_path: Path) -> None:
    x = dict(np.load(net.parent / "x.npz"))
    seen: list[tuple[int, int]] = []

    def told(done: int, count: int) -> None:
        seen.append((done, count))

    found = package.compile(
        net,
        out=tmp_path / "out",
        quantize="int8",
        calibrate=x,
        calibrator="mse",
        keep_float=["fc"],
        calibrate_progress=told,
    )
    assert seen[-1] == (7, 7)
    kinds = {(layer.name, layer.op) for layer in found.manifest.layers}
    assert {("conv", "q.conv2d"), ("fc", "bin.dense_ff")} <= kinds
    assert ("fc", "q.dense") not in kinds
    with pytest.raises(UsageError, match="unknown scheme of quantization 'int4'"):
        package.compile(net, out=tmp_path / "out", quantize="int4", calibrate=x)
