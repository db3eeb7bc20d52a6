# SPDX-License-Identifier: Apache-2.0
"""Calibration data that cannot serve, refused with nothing written, and data that is poor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bnnc import driver
from bnnc.arrays import save_arrays
from bnnc.ir import nn
from bnnc.ir.text import write_module

from .conftest import Command
from .networks import Builder

SHAPE = (4, 4, 2)


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """Two convolutions; a channel of the first, and one of the second, is 0 for every input."""
    b = Builder("net", 3, "plus")
    w1, w2 = b.rng.normal(size=(4, 3, 3, 2)), b.rng.normal(size=(3, 3, 3, 4))
    w1[1], w2[2] = 0, 0
    v = b.conv(b.input("x", 1, *SHAPE), "first", w1)
    v = b.conv(b.add(nn.Relu(v), "relu", "Relu"), "second", w2)
    b.output("y", v)
    path = tmp_path / "net.bnn"
    write_module(b.module, path)
    return path


REFUSED: list[tuple[dict[str, np.ndarray], str, str]] = [
    ({"z": np.zeros((2, *SHAPE), np.float32)}, "no array for input 'x'", "--map INPUT=KEY"),
    ({}, "no array for input 'x'", "--map INPUT=KEY"),
    ({"x": np.zeros((2, 4, 4, 3), np.float32)}, "the network takes [N, 4, 4, 2]", ""),
    ({"x": np.zeros(SHAPE, np.float32)}, "the network takes [N, 4, 4, 2]", "add the batch axis"),
    ({"x": np.zeros((), np.float32)}, "the network takes [N, 4, 4, 2]", ""),
    ({"x": np.zeros((0, *SHAPE), np.float32)}, "hold no samples", ""),
    ({"x": np.zeros((2, *SHAPE))}, "is float64, the network takes f32", ".astype(np.float32)"),
    ({"x": np.zeros((2, *SHAPE), bool)}, "is bool, the network takes f32", ".astype"),
    ({"x": np.full((2, *SHAPE), np.nan, np.float32)}, "input 'x' has a value that is not", "NaN"),
    ({"x": np.full((2, *SHAPE), -np.inf, np.float32)}, "input 'x' has a value that is not", "NaN"),
    ({"x": np.full((2, *SHAPE), 3e38, np.float32)}, "layer 'first' has a value that is not", "NaN"),
]


@pytest.mark.parametrize(("arrays", "message", "cure"), REFUSED)
@pytest.mark.parametrize("command", ["compile", "dump", "quantize"])
def test_what_cannot_serve_is_refused_and_nothing_is_written(
    bnnc: Command,
    net: Path,
    command: str,
    arrays: dict[str, np.ndarray],
    message: str,
    cure: str,
) -> None:
    bad, out = net.with_name("bad.npz"), net.with_name("out")
    save_arrays(bad, arrays)
    options = ["--calibrate", bad, "-o", out]
    options += [] if command == "quantize" else ["--quantize", "int8"]
    options += ["--after", "fuse-quantized"] if command == "dump" else []
    before = sorted(net.parent.iterdir())
    done = bnnc(command, net, *options)
    assert done.code == 2
    assert done.out == ""
    assert message in done.err
    assert cure in done.err
    assert sorted(net.parent.iterdir()) == before


def test_one_bad_sample_among_many_is_named(bnnc: Command, net: Path) -> None:
    x = np.ones((9, *SHAPE), np.float32)
    x[6, 1, 2, 0] = np.nan
    save_arrays(net.with_name("bad.npz"), {"x": x})
    options = ["--quantize", "int8", "--calibrate", net.with_name("bad.npz")]
    done = bnnc("compile", net, "-o", net.with_name("out"), *options)
    assert (done.code, "calibration batch 6: input 'x'" in done.err) == (2, True)


@pytest.mark.parametrize("calibrator", ["minmax", "percentile", "mse", "average"])
@pytest.mark.parametrize(
    "x",
    [
        np.zeros((3, *SHAPE)),
        np.full((3, *SHAPE), 7.5),
        np.full((1, *SHAPE), -1e-40),
        np.full((2, *SHAPE), -1e30),
        np.linspace(-1, 1, 32).reshape(1, *SHAPE),
        np.arange(64).reshape(2, *SHAPE) % 2,
    ],
    ids=["zeros", "constant", "tiny", "huge", "one", "channel"],
)
def test_poor_data_gives_levels_that_hold_it(net: Path, calibrator: str, x: np.ndarray) -> None:
    """On the data itself the result is near: what was seen has levels, 0 among them."""
    data = {"x": x.astype(np.float32)}
    module = driver.load(net)
    options = {"quantize": "int8", "calibrate": data, "calibrator": calibrator}
    found = driver.lower(module, after="fuse-quantized", **options)  # type: ignore[arg-type]
    want, got = driver.interpret(module, data)["y"], driver.interpret(found, data)["y"]
    assert np.isfinite(got).all()
    # Subnormal numbers are 0: no scale is below the smallest normal float.
    assert np.abs(got - want).max() <= 0.03 * np.abs(want).max() + 1e-37
    np.testing.assert_array_equal(got[..., 2], 0)  # the channel of zeros is exact


def test_more_than_poor_data_saturates(net: Path) -> None:
    """Levels end where the data ended: larger numbers become the largest one, never wrap."""
    module, seen = driver.load(net), np.ones((1, *SHAPE), np.float32)
    found = driver.lower(module, after="fuse-quantized", quantize="int8", calibrate={"x": seen})
    at_end = driver.interpret(found, {"x": seen})["y"]
    beyond = driver.interpret(found, {"x": 1e6 * seen})["y"]
    np.testing.assert_array_equal(at_end, beyond)
