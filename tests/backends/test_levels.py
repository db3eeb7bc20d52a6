# SPDX-License-Identifier: Apache-2.0
"""Level activations in generated C against the interpreter, bit for bit in every tensor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnc.backends import build, run_project
from bnnc.ir import BIT, Module, Op, Scalar, Value, bin, nn
from bnnc.ir.interpreter import interpret

from .networks import (
    NO_PAD,
    TARGET,
    WARNINGS,
    Net,
    assert_code_equals_interpreter,
    lower,
    random_inputs,
)

WINDOW: dict[str, Any] = {"kernel_size": (3, 2), "stride": (2, 2), "pad": (1, 1, 1, 0)}


def kernels(module: Module) -> list[str | None]:
    return [op.kernel for op in module.func.ops]


def every_convolution(kind: str, levels: int) -> Module:
    """Strides, dilations, pad values, groups on and off bytes, odd channels, all ends."""
    net = Net(f"conv_{kind}_{levels}")
    wide = net.quantize(net.input(2, 7, 6, 24), levels)
    narrow = net.quantize(net.input(1, 5, 5, 10), levels)
    top = float(2 ** levels.bit_length() - 1)
    found = [
        net.conv(kind, wide, 9, (3, 3), "thr", pad=(1, 1, 1, 1)),
        net.conv(kind, wide, 8, (3, 2), "none", stride=(2, 1), pad=(1, 0, 0, 1), pad_value=1.0),
        net.conv(kind, wide, 17, (1, 1), "alpha+bias", stride=(2, 2)),
        net.conv(kind, wide, 6, (3, 3), "levels 3", dilation=(2, 2), pad=(2, 2, 2, 2)),
        net.conv(kind, wide, 6, (2, 2), "levels 9", groups=3, pad=(1, 1, 0, 0), pad_value=top),
        net.conv(kind, wide, 16, (3, 3), "bias", groups=8),
        net.conv(kind, wide, 24, (3, 3), "levels 1", groups=24, pad=(1, 1, 1, 1), pad_value=top),
        net.conv(kind, narrow, 5, (5, 5), "thr", pad=(2, 2, 2, 2), pad_value=top),
        net.conv(kind, narrow, 4, (3, 3), "alpha", groups=2, dilation=(1, 2)),
    ]
    return net.results(*map(net.floated, found))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "levels"), [("ub", 1), ("ub", 3), ("ub", 6), ("ub", 255), ("ut", 2), ("ut", 15)]
)
def test_convolutions(kind: str, levels: int, tmp_path: Path) -> None:
    module = lower(every_convolution(kind, levels))
    assert not any(isinstance(op, bin.Relayout) for op in module.func.ops)
    assert f"conv2d_{kind}_lvl" in kernels(module)
    assert f"conv2d_{kind}_bits_lvl" in kernels(module)
    assert_code_equals_interpreter(module, tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize("levels", [1, 3, 10])
def test_levels_of_every_kind(levels: int, tmp_path: Path) -> None:
    """A convolution and a dense layer of each kind that end in levels."""
    net = Net("ends")
    x, flat = net.input(1, 5, 4, 9), net.input(3, 21)
    found: list[Value] = []
    for kind in ("ff", "fb", "ft", "bb", "bt", "ub", "ut"):
        image, row = x, flat
        if kind[0] == "b":
            image, row = net.pack(x), net.pack(flat)
        elif kind[0] == "u":
            image, row = net.quantize(x, 3), net.quantize(flat, 5)
        found += [
            net.conv(kind, image, 11, (3, 3), f"levels {levels}", pad=(1, 1, 1, 1)),
            net.conv(kind, image, 6, (2, 2), f"levels {levels}", groups=3, nan="minus"),
            net.dense(kind, row, 10, f"levels {levels}"),
        ]
    module = lower(net.results(*map(net.floated, found)))
    inputs = random_inputs(module)
    inputs["graph/x0"][0, 1, 1, 2] = np.nan
    assert_code_equals_interpreter(module, tmp_path / "out", inputs)


@pytest.mark.slow
def test_integers_to_levels(tmp_path: Path) -> None:
    net = Net("integers")
    x = net.input(2, 3, 3, 11)
    found = [net.add(bin.ToLevels(x, low=low, levels=n)) for low, n in ((0, 3), (-4, 7), (-1, 2))]
    layer = net.conv("ub", found[1], 5, (3, 3), "alpha+bias")
    module = lower(net.results(*map(net.floated, (*found, layer))))
    inputs = {n: np.round(a * 4) for n, a in random_inputs(module).items()}
    inputs["graph/x0"][0, 0, 0, :3] = np.nan, np.inf, -np.inf
    assert_code_equals_interpreter(module, tmp_path / "out", inputs)


def moves(x: Value, value: float) -> list[Op]:
    """Operations on [2, 6, 5, c] that move elements, within rows and of whole rows."""
    n, h, w, c = x.shape
    return [
        nn.Pad(x, before=(0, 1, 0, 2), after=(0, 0, 1, 0), value=value),
        nn.Transpose(x, perm=(3, 0, 2, 1)),
        nn.Concat((x, x), axis=2),
        nn.Concat((x, x, x), axis=-1),
        nn.Reshape(x, shape=(n * h, w * c)),
        nn.Reshape(x, shape=(n * h, w, c)),
        nn.Slice(x, begin=(0, 1, 4, 0), size=(2, 2, 2, c), step=(1, 3, -4, 1)),
        nn.Slice(x, begin=(1, 0, 0, 1), size=(1, h, w, 3), step=(1, 1, 1, 2)),
        nn.Split(x, axis=-1, sizes=(2, c - 2)),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("channels", [7, 16])
@pytest.mark.parametrize("levels", [1, 5])
def test_pools_and_moves_of_levels(levels: int, channels: int, tmp_path: Path) -> None:
    net = Net("moves")
    x = net.quantize(net.input(2, 6, 5, channels), levels)
    pooled = net.add(nn.MaxPool(x, **WINDOW))
    found = [net.conv("ub", pooled, 5, (2, 2), f"levels {levels}")]
    for op in moves(x, float(levels)):
        net.add(op)
        found += op.results
    found.append(net.conv("ut", net.add(nn.Concat((x, x), axis=3)), 4, (3, 3), "bias"))
    module = lower(net.results(*map(net.floated, found)))
    assert_code_equals_interpreter(module, tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize("channels", [7, 16])
def test_moves_of_bits(channels: int, tmp_path: Path) -> None:
    net = Net("bit_moves")
    x = net.pack(net.input(2, 6, 5, channels))
    found: list[Value] = []
    for op in moves(x, -1.0):
        net.add(op)
        found += op.results
    found.append(net.conv("bb", net.add(nn.Concat((x, x), axis=3)), 4, (3, 3), "bias"))
    module = lower(net.results(*map(net.floated, found)))
    assert_code_equals_interpreter(module, tmp_path / "out")


def test_rows_that_stay_need_no_copy() -> None:
    """Flattening whole bytes of channels is an alias; others go through plain bytes."""
    for channels, expected in [
        (16, ["quantize_f32", None, "conv2d_ub_f32"]),
        (5, ["quantize_f32", "levels_to_bytes", None, "bytes_to_levels", "conv2d_ub_f32"]),
    ]:
        net = Net()
        x = net.quantize(net.input(1, 2, 2, channels), 3)
        flat = net.add(nn.Reshape(x, shape=(1, 4 * channels)))
        module = lower(net.results(net.dense("ub", flat, 3, "none")))
        assert kernels(module) == expected


def test_a_value_is_copied_to_a_layout_once() -> None:
    net = Net()
    x = net.quantize(net.input(1, 2, 2, 5), 3)
    turned = [net.add(nn.Transpose(x, perm=(0, 3, 1, 2))) for _ in range(2)]
    module = lower(net.results(*(net.conv("ub", t, 3, (1, 1), "none") for t in turned)))
    assert kernels(module).count("levels_to_bytes") == 1
    assert kernels(module).count("bytes_to_levels") == 2


@pytest.mark.slow
def test_inputs_and_outputs_of_bytes(tmp_path: Path) -> None:
    """A u8 image goes in; levels, bits and an input itself come out, one byte for each element."""
    net = Net("bytes")
    image = net.input(1, 5, 5, 3, scalar=Scalar("u8"))
    signs = net.input(1, 5, 5, 3, scalar=BIT)
    levels = net.conv("ub", image, 9, (3, 3), "levels 5", pad=(1, 1, 1, 1), pad_value=128.0)
    bits = net.conv("bb", signs, 9, (3, 3), "thr")
    wide = net.add(nn.Reshape(levels, shape=(1, 225)))
    module = lower(net.results(levels, bits, image, wide, levels))
    assert_code_equals_interpreter(module, tmp_path / "out")
    inputs = random_inputs(module)
    program = build(tmp_path / "out", TARGET, cflags=WARNINGS)
    got = run_project(tmp_path / "out", module, inputs, program=program)
    want = interpret(module, inputs)
    for name, array in want.items():
        assert got[name].dtype == array.dtype
        np.testing.assert_array_equal(got[name], array)


@pytest.mark.slow
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_a_network_of_levels(compiler: str, tmp_path: Path) -> None:
    """Two-bit activations from a float image to class scores, with a residual concatenation."""
    net = Net("levels")
    x = net.input(1, 12, 12, 3)
    first = net.conv("ff", x, 16, (3, 3), "levels 3", pad=(1, 1, 1, 1))
    second = net.conv("ub", first, 16, (3, 3), "levels 3", pad=(1, 1, 1, 1))
    joined = net.add(nn.Concat((first, second), axis=3))
    pooled = net.add(nn.MaxPool(joined, kernel_size=(2, 2), stride=(2, 2), pad=NO_PAD))
    third = net.conv("ut", pooled, 24, (3, 3), "levels 7", stride=(2, 2))
    flat = net.add(nn.Reshape(third, shape=(1, 2 * 2 * 24)))
    module = lower(net.results(net.dense("ub", flat, 10, "alpha+bias")))
    assert_code_equals_interpreter(module, tmp_path / "out", compiler=compiler)
