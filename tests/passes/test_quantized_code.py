# SPDX-License-Identifier: Apache-2.0
"""Random quantized networks: C under sanitizers equals the interpreter in every byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bnnc.driver import plan
from bnnc.ir import Module

from .quantizing import network

if TYPE_CHECKING:
    from ..fuzz.native import Native


@pytest.mark.slow
def test_code_equals_the_interpreter(native: Native) -> None:
    modules: dict[str, Module] = {}
    feeds: dict[str, list[dict[str, np.ndarray]]] = {}
    for seed in range(16):
        rng = np.random.default_rng(seed)
        channels, oc, k = (int(rng.integers(1, n)) for n in (10, 10, 4))
        groups = channels if seed % 4 == 0 else 1
        oc = channels if groups > 1 else oc
        low, reach = rng.uniform(-20, 10), 10.0 ** rng.integers(-3, 4)
        size, pad = int(rng.integers(4, 8)), int(rng.integers(0, k))
        grown = size + 2 * pad - k + 1
        w = rng.normal(size=(oc, k, k, channels // groups)) * 10.0 ** rng.integers(
            -6, 6, (oc, 1, 1, 1)
        )
        w[rng.integers(0, oc)] = 0
        t = f"tensor<1x{size}x{size}x{channels}xf32>"
        y = f"tensor<1x{grown}x{grown}x{oc}xf32>"
        body = (
            f"    %a = bin.conv2d_ff(%x, @w, none, @b) {{stride = [1, 1], groups = {groups}, "
            f'pad = [{pad}, {pad}, {pad}, {pad}], pad_value = 0.0}} : {y} loc("a")\n'
            f'    %r = nn.{("relu", "tanh", "abs")[seed % 3]}(%a) : {y} loc("r")\n'
            f'    %s = nn.add(%r, %a) : {y} loc("s")\n'
            f"    %m = nn.reduce(%s) {{kind = mean, axes = [1, 2]}} : tensor<1x{oc}xf32> "
            'loc("m")\n'
            f'    %y = nn.softmax(%m) : tensor<1x{oc}xf32> loc("y")'
        )
        bias = rng.normal(size=oc) * reach
        module = network({"x": t}, body, {"w": w, "b": bias}, y=f"tensor<1x{oc}xf32>")
        x = rng.uniform(low, low + reach, (4, size, size, channels)).astype(np.float32)
        name = f"n{seed}"
        io = "int8" if seed % 2 else "float"
        modules[name] = plan(module, "c", quantize="int8", calibrate={"x": x}, io=io)
        assert "q.conv2d" in {op.NAME for op in modules[name].func.ops}
        wild = rng.integers(-128, 128, x.shape).astype(np.int8) if io == "int8" else x * 3
        feeds[name] = [{"x": s[None]} for s in wild]
    library = native.build(modules)
    for name, module in modules.items():
        assert native.check(library, name, module, feeds[name]) > 0
