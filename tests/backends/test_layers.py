# SPDX-License-Identifier: Apache-2.0
"""Layers of every kind in generated C against the interpreter, bit for bit in every tensor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnc.ir import Module, Value, bin, nn
from bnnc.ir.interpreter import interpret

from .networks import NO_PAD, Net, assert_code_equals_interpreter, lower, random_inputs

KINDS = ["ff", "fb", "ft", "bb", "bt"]


def every_convolution(kind: str) -> Module:
    """Strides, dilations, pad values, groups on and off bytes, odd channels, all ends."""
    net = Net(f"conv_{kind}")
    wide, narrow = net.input(2, 7, 6, 24), net.input(1, 5, 5, 10)
    if kind[0] == "b":
        wide, narrow = net.pack(wide), net.pack(narrow)
    alpha = "alpha" if kind != "ff" else "none"
    both = f"{alpha}+bias" if kind != "ff" else "bias"
    found = [
        net.conv(kind, wide, 9, (3, 3), "thr", pad=(1, 1, 1, 1)),
        net.conv(kind, wide, 8, (3, 2), "none", stride=(2, 1), pad=(1, 0, 0, 1), pad_value=1.0),
        net.conv(kind, wide, 17, (1, 1), both, stride=(2, 2)),
        net.conv(kind, wide, 6, (3, 3), alpha, dilation=(2, 2), pad=(2, 2, 2, 2), pad_value=-1.0),
        net.conv(kind, wide, 6, (2, 2), "thr", groups=3, pad=(1, 1, 0, 0), nan="minus"),
        net.conv(kind, wide, 16, (3, 3), "bias", groups=8),
        net.conv(kind, wide, 24, (3, 3), "thr", groups=24, pad=(1, 1, 1, 1), pad_value=1.0),
        net.conv(kind, narrow, 5, (5, 5), "thr", pad=(2, 2, 2, 2), pad_value=-1.0),
        net.conv(kind, narrow, 4, (3, 3), "none", groups=2, dilation=(1, 2)),
    ]
    return net.results(*map(net.floated, found))


def every_dense(kind: str) -> Module:
    net = Net(f"dense_{kind}")
    x: Value = net.input(3, 37)
    if kind[0] == "b":
        x = net.pack(x)
    ends = ["thr", "none", "bias", *([] if kind == "ff" else ["alpha", "alpha+bias"])]
    found = [net.dense(kind, x, 11, end) for end in ends]
    return net.results(*map(net.floated, found))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_convolutions(kind: str, tmp_path: Path) -> None:
    assert_code_equals_interpreter(lower(every_convolution(kind)), tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_dense(kind: str, tmp_path: Path) -> None:
    assert_code_equals_interpreter(lower(every_dense(kind)), tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize("nan", ["plus", "minus"])
def test_nan_is_cut_as_the_attribute_says(nan: bin.Nan, tmp_path: Path) -> None:
    net = Net()
    x = net.input(1, 3, 3, 5)
    packed = net.add(bin.Pack(x, nan=nan))
    cut = net.add(bin.Threshold(x, net.floats(5), nan=nan))
    layer = net.conv("ff", x, 5, (2, 2), "thr", nan=nan)
    module = lower(net.results(*map(net.floated, (packed, cut, layer))))
    inputs = random_inputs(module)
    inputs["graph/x0"][0, 1, 1, 2] = np.nan
    assert_code_equals_interpreter(module, tmp_path / "out", inputs)


@pytest.mark.slow
def test_bits(tmp_path: Path) -> None:
    """Pools, flips and reshapes of bits, with and without unused bits in the last byte."""
    net = Net("bits")
    odd, even = net.pack(net.input(2, 6, 5, 11)), net.pack(net.input(1, 4, 4, 16))
    pool: dict[str, Any] = {"kernel_size": (3, 2), "stride": (2, 2)}
    found = [
        net.add(bin.MaxPool(odd, pad=(1, 0, 1, 1), **pool)),
        net.add(bin.MaxPool(odd, net.bits(11), pad=NO_PAD, **pool)),
        net.add(bin.Flip(odd, net.bits(11))),
        net.add(bin.Reshape(odd, shape=(2, 330))),
        net.add(bin.Reshape(odd, shape=(10, 6, 11))),
        net.add(bin.Reshape(even, shape=(1, 256))),
        net.add(bin.Reshape(even, shape=(64, 4))),
    ]
    module = lower(net.results(*map(net.floated, found)))
    kernels = [op.kernel for op in module.func.ops]
    assert kernels.count("bits_reshape") == 2
    assert kernels.count(None) == 2
    assert_code_equals_interpreter(module, tmp_path / "out")


@pytest.mark.slow
def test_floats(tmp_path: Path) -> None:
    """Pools, elementwise operations with broadcasts, moves and softmax."""
    net = Net("floats")
    x, y = net.input(2, 6, 5, 7), net.input(2, 1, 5, 1)
    window: dict[str, Any] = {"kernel_size": (3, 2), "stride": (2, 2), "pad": (1, 1, 1, 0)}
    found = [
        net.add(nn.MaxPool(x, **window)),
        net.add(nn.AvgPool(x, **window)),
        net.add(nn.AvgPool(x, include_pad=True, **window)),
        *(net.add(c(x, y)) for c in (nn.Add, nn.Sub, nn.Mul, nn.Div, nn.Maximum, nn.Minimum)),
        net.add(nn.Sub(y, x)),
        net.add(nn.Mul(x, net.floats(7))),
        net.add(nn.PRelu(x, net.floats(7))),
        net.add(bin.Affine(x, net.floats(7), net.floats(7))),
        *(net.add(c(x)) for c in (nn.Relu, nn.Neg, nn.Abs, nn.Exp, nn.Tanh, nn.Sigmoid, nn.Round)),
        net.add(nn.Log(net.add(nn.Abs(x)))),
        net.add(nn.LeakyRelu(x, alpha=0.1)),
        net.add(nn.Clip(x, lo=-0.5, hi=np.inf)),
        net.add(nn.Sign(x, zero="keep", nan="propagate")),
        net.add(nn.Sign(x, zero="minus", nan="plus")),
        net.add(nn.Softmax(x)),
        net.add(nn.Pad(x, before=(0, 1, 0, 2), after=(0, 0, 1, 0), value=-np.inf)),
        net.add(nn.Transpose(x, perm=(3, 0, 2, 1))),
        net.add(nn.Concat((x, x, net.add(nn.Relu(x))), axis=2)),
        net.add(nn.Reshape(x, shape=(12, 35))),
        net.add(nn.Slice(x, begin=(0, 1, 4, 0), size=(2, 2, 2, 7), step=(1, 3, -4, 1))),
        net.add(nn.Slice(x, begin=(1, 0, 0, 1), size=(1, 6, 5, 3), step=(1, 1, 1, 2))),
        *net.module.func.append(nn.Split(x, axis=-1, sizes=(2, 4, 1))).results,
    ]
    assert_code_equals_interpreter(lower(net.results(*found)), tmp_path / "out")


@pytest.mark.slow
def test_reductions_become_windows(tmp_path: Path) -> None:
    net = Net("reductions")
    x = net.input(2, 4, 3, 5)
    reduce = [
        nn.Reduce(x, kind="mean", axes=(1, 2)),
        nn.Reduce(x, kind="max", axes=(1, 2), keep_dims=True),
        nn.Reduce(x, kind="min", axes=(-1,)),
        nn.Reduce(x, kind="sum", axes=(2, 3)),
        nn.Reduce(x, kind="mean", axes=(0, 1, 2, 3)),
        nn.Reduce(x, kind="sum", axes=(0,), keep_dims=True),
    ]
    module = net.results(*map(net.add, reduce))
    before = module.clone()
    lower(module)
    assert not any(isinstance(op, nn.Reduce) for op in module.func.ops)
    assert_code_equals_interpreter(module, tmp_path / "out")
    inputs = random_inputs(module)
    want, got = interpret(before, inputs), interpret(module, inputs)
    for name, array in want.items():
        assert array.shape == got[name].shape
        assert array.tobytes() == got[name].tobytes()
