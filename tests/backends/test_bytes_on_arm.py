# SPDX-License-Identifier: Apache-2.0
"""Quantized networks on ARM, every tensor against the interpreter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bnnc.driver import plan

from ..passes.quantizing import network
from .networks import assert_code_equals_interpreter
from .test_other_machines import ready

BYTES = """
    %a = bin.conv2d_ff(%x, @first, none, @b) {stride = [1, 1], groups = 1, pad = [1, 1, 1, 1],
        pad_value = 0.0} : tensor<1x9x7x16xf32> loc("a")
    %r = nn.relu(%a) : tensor<1x9x7x16xf32> loc("r")
    %d = bin.conv2d_ff(%r, @each, none, @b) {stride = [1, 1], groups = 16, pad = [1, 1, 1, 1],
        pad_value = 0.0} : tensor<1x9x7x16xf32> loc("d")
    %p = bin.conv2d_ff(%d, @point, none, @b) {stride = [1, 1], groups = 1, pad = [0, 0, 0, 0],
        pad_value = 0.0} : tensor<1x9x7x16xf32> loc("p")
    %s = nn.add(%p, %r) : tensor<1x9x7x16xf32> loc("s")
    %m = nn.max_pool(%s) {kernel_size = [2, 2], stride = [2, 2], pad = [0, 0, 0, 0]}
        : tensor<1x4x3x16xf32> loc("m")
    %y = nn.tanh(%m) : tensor<1x4x3x16xf32> loc("y")"""


@pytest.mark.slow
@pytest.mark.parametrize("io", ["float", "int8"])
@pytest.mark.parametrize(
    ("name", "layer"),
    [("neon", "neon"), ("neon-dotprod", "dotprod"), ("neon-i8mm", "i8mm"), ("armv7-neon", None)],
)
def test_a_quantized_network(name: str, layer: str | None, io: str, tmp_path: Path) -> None:
    target, command = ready(name)
    rng = np.random.default_rng(8)
    weights = {
        "first": rng.normal(size=(16, 3, 3, 5)),
        "each": rng.normal(size=(16, 3, 3, 1)),
        "point": rng.normal(size=(16, 1, 1, 16)),
        "b": rng.normal(size=16),
    }
    body = " ".join(BYTES.split())
    body = body.replace('") %', '")\n %')
    module = network({"x": "tensor<1x9x7x5xf32>"}, body, weights, y="tensor<1x4x3x16xf32>")
    x = rng.normal(size=(4, 9, 7, 5)).astype(np.float32)
    planned = plan(module, target, quantize="int8", calibrate={"x": x}, io=io)
    if layer is not None:
        kernels = [op.kernel for op in planned.func.ops]
        assert kernels.count(f"conv2d_ii_{layer}_q8") == 2
        assert {"depthwise_ii_neon_q8", "add_q8_neon", "max_pool_q8_neon"} <= set(kernels)
    assert_code_equals_interpreter(planned, tmp_path / "out", compiler=command, target=target)
