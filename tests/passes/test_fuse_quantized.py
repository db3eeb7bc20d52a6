# SPDX-License-Identifier: Apache-2.0
"""Floats between dequantize and quantize become integers; what is left stays float."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bnnc.driver import plan
from bnnc.ir import Module, nn, q
from bnnc.ir.interpreter import interpret
from bnnc.passes.manager import PassManager

from .rewriting import module, rewritten

if TYPE_CHECKING:
    from ..fuzz.native import Native

X = "tensor<1x4x4x2xi8>"
IN = "%r = q.dequantize(%x) {scale = 0.5, zero = 3} : tensor<1x4x4x2xf32>"
OUT = 'q.quantize(%z) {scale = 0.25, zero = -7, to = "i8", halves = "even"}'


def _module(body: str, shape: str, *resources: str, result: str | None = None) -> Module:
    end = f"%y = {OUT} : tensor<{shape}xi8>" if result is None else ""
    lines = "\n".join(f"    {line}" for line in (IN, *body.splitlines(), end))
    return module("canonical", f"{X} -> {result or f'tensor<{shape}xi8>'}", lines, resources)


def _fused(before: Module, pipeline: str = "fuse-quantized") -> Module:
    after, _ = rewritten(before, pipeline)
    return after


def _same(before: Module, after: Module) -> None:
    """Equal bytes for random ones."""
    x = np.random.default_rng(0).integers(-128, 128, (1, 4, 4, 2)).astype(np.int8)
    np.testing.assert_array_equal(
        interpret(after, {"x": x})["y"], interpret(before, {"x": x})["y"], strict=True
    )


WEIGHTS = (
    "@w : tensor<3x1x1x2xi8> = dense([1, -2, 3, -127, 5, 127])",
    "@s : tensor<3x1x1x1xf32> = dense([0.5, 0.25, 0.125])",
    "@b : tensor<3xi32> = dense([7, -9, 100])",
    "@u : tensor<3xf32> = dense([0.25, 0.125, 0.0625])",
)
CONV = """%i = q.dequantize(@w) {scale = 1.0, zero = 0} : tensor<3x1x1x2xf32>
%w = nn.mul(%i, @s) : tensor<3x1x1x2xf32>
%j = q.dequantize(@b) {scale = 1.0, zero = 0} : tensor<3xf32>
%b = nn.mul(%j, @u) : tensor<3xf32>
%c = nn.conv2d(%r, %w, %b) {stride = [1, 1], dilation = [1, 1], groups = 1, pad = [1, 0, 0, 0], \
pad_value = 0.0} : tensor<1x5x4x3xf32>"""


@pytest.mark.parametrize("rounding", ["float", "single", "double"])
def test_layer(rounding: str) -> None:
    """Integers of weights and bias as they are; relu and clip become bounds."""
    tail = "%d = nn.clip(%c) {lo = -3.0, hi = 20.0} : tensor<1x5x4x3xf32>\n"
    tail += "%z = nn.relu(%d) : tensor<1x5x4x3xf32>"
    before = _module(f"{CONV}\n{tail}", "1x5x4x3", *WEIGHTS)
    after = _fused(before, f"fuse-quantized{{rounding={rounding}}}")
    (layer,) = after.func.ops
    assert isinstance(layer, q.Conv2D)
    assert (layer.lo, layer.hi, layer.x_zero, layer.y_zero) == (-7, 73, 3, -7)
    assert after.resources[layer.bias.symbol].array.tolist() == [7, -9, 100]  # type: ignore[union-attr]
    if rounding == "float":
        _same(before, after)
    else:  # the scales are powers of two: halves go up, or away from zero
        x = np.full((1, 4, 4, 2), 4, np.int8)
        y, want = (interpret(m, {"x": x})["y"].astype(int) for m in (after, before))
        assert np.abs(y - want).max() <= 1


def test_layer_with_a_float_result_gives_its_sums() -> None:
    body = CONV.replace("%c =", "%y =")
    before = _module(body, "", *WEIGHTS, result="tensor<1x5x4x3xf32>")
    after = _fused(before)
    assert [type(op) for op in after.func.ops] == [q.Conv2D, q.Dequantize, nn.Mul]
    _same(before, after)


def test_float_bias_is_rounded_to_units_of_the_sums() -> None:
    body = CONV.replace("%b = nn.mul(%j, @u) : tensor<3xf32>\n", "").replace("%b)", "@f)")
    body = body.replace("%j = q.dequantize(@b) {scale = 1.0, zero = 0} : tensor<3xf32>\n", "")
    constants = (*WEIGHTS[:2], "@f : tensor<3xf32> = dense([1.1, -0.07, 6.25])")
    before = _module(body.replace("%c =", "%z ="), "1x5x4x3", *constants)
    (layer,) = _fused(before).func.ops
    assert isinstance(layer, q.Conv2D)
    assert layer.bias.array.tolist() == [4, -1, 100]  # type: ignore[union-attr]


def test_elements_are_taken_from_bytes() -> None:
    """By constant places; so does C."""
    before = _module(
        "%z = nn.gather(%r, @i) {axis = 2} : tensor<1x4x3x2xf32>",
        "1x4x3x2",
        "@i : tensor<3xi32> = dense([2, 0, 2])",
    )
    after = _fused(before)
    assert [op.NAME for op in after.func.ops] == ["nn.gather", "q.lookup"]
    _same(before, after)
    assert [op.kernel for op in plan(before).func.ops] == ["gather_u8", "lookup_q8"]


@pytest.mark.slow
def test_bytes_and_sums_are_moved_in_c(native: Native) -> None:
    """Transposes and places of bytes, and of the integers that sums and places are."""
    body = """    %t = nn.transpose(%x) {perm = [0, 2, 3, 1]} : tensor<1x4x2x4xi8>
    %g = nn.gather(%t, @i) {axis = 3} : tensor<1x4x2x3xi8>
    %f = nn.reshape(%g) {shape = [4, 6]} : tensor<4x6xi8>
    %s = q.dense(%f, @w) {x_zero = -3, to = i32} : tensor<4x5xi32>
    %m = nn.transpose(%s) {perm = [1, 0]} : tensor<5x4xi32>
    %y = nn.gather(%m, @i) {axis = 0} : tensor<3x4xi32>"""
    w = np.random.default_rng(1).integers(-128, 128, 30).tolist()
    resources = ("@i : tensor<3xi32> = dense([2, 0, 2])", f"@w : tensor<5x6xi8> = dense({w})")
    made = module("canonical", f"{X} -> tensor<3x4xi32>", body, resources)
    planned = plan(made)
    kernels = [op.kernel for op in planned.func.ops if op.kernel]
    assert kernels == ["transpose_u8", "gather_u8", "conv2d_ii_i32", "transpose_i32", "gather_i32"]
    x = np.random.default_rng(2).integers(-128, 128, (1, 4, 4, 2)).astype(np.int8)
    assert native.check(native.build({"moved": planned}), "moved", planned, [{"x": x}]) > 0
    native.clean("moved")


@pytest.mark.parametrize(
    ("body", "shape", "names"),
    [
        ("%z = nn.reshape(%r) {shape = [1, 32]} : tensor<1x32xf32>", "1x32", "nn.reshape q.lookup"),
        (
            "%z = nn.max_pool(%r) {kernel_size = [2, 2], stride = [2, 2], pad = [0, 0, 0, 0]} "
            ": tensor<1x2x2x2xf32>",
            "1x2x2x2",
            "q.max_pool q.lookup",
        ),
        ("%z = nn.sigmoid(%r) : tensor<1x4x4x2xf32>", "1x4x4x2", "q.lookup"),
        ("%z = nn.mul(%r, %r) : tensor<1x4x4x2xf32>", "1x4x4x2", "q.float_binary"),
        (
            "%n = nn.sigmoid(%r) : tensor<1x4x4x2xf32>\n%z = nn.mul(%r, %n) : tensor<1x4x4x2xf32>",
            "1x4x4x2",
            "q.lookup",
        ),
        (
            "%z = nn.pad(%r) {before = [0, 1, 0, 0], after = [0, 0, 2, 0], value = 0.0} "
            ": tensor<1x5x6x2xf32>",
            "1x5x6x2",
            "nn.pad q.lookup",
        ),
        (
            "%z = nn.avg_pool(%r) {kernel_size = [2, 2], stride = [1, 1], pad = [0, 0, 0, 0]} "
            ": tensor<1x3x3x2xf32>",
            "1x3x3x2",
            "q.conv2d",
        ),
        (
            '%z = nn.reduce(%r) {kind = "mean", axes = [1, 2]} : tensor<1x2xf32>',
            "1x2",
            "q.conv2d nn.reshape",
        ),
        (
            "%z = nn.softmax(%r) : tensor<1x4x4x2xf32>",
            "1x4x4x2",
            "q.dequantize nn.softmax q.quantize",
        ),
    ],
)
def test_other_operations(body: str, shape: str, names: str) -> None:
    before = _module(body, shape)
    after = _fused(before)
    assert " ".join(op.NAME for op in after.func.ops) == names
    _same(before, after)


def test_bytes_of_one_scale_pass_through() -> None:
    before = _module(
        '%y = q.quantize(%r) {scale = 0.5, zero = 3, to = "i8", halves = "even"} '
        ": tensor<1x4x4x2xi8>",
        "",
        result=X,
    )
    assert not _fused(before).func.ops


def test_relu_of_bytes_is_a_bound() -> None:
    before = _module(
        "%z = nn.relu(%r) : tensor<1x4x4x2xf32>\n"
        '%y = q.quantize(%z) {scale = 0.5, zero = 3, to = "i8", halves = "even"} '
        ": tensor<1x4x4x2xi8>",
        "",
        result=X,
    )
    (clamp,) = _fused(before).func.ops
    assert isinstance(clamp, q.Clamp)
    assert (clamp.lo, clamp.hi) == (3, 127)


def test_a_layer_that_stays_float_says_why() -> None:
    body = CONV.replace("pad_value = 0.0", "pad_value = 1.0").replace("%c =", "%z =")
    manager = PassManager()
    found = _module(body, "1x5x4x3", *WEIGHTS)
    manager.run(found, "fuse-quantized")
    assert [r.message for r in manager.remarks] == ["stays in float: its input is padded with 1"]
    assert any(isinstance(op, nn.Conv2D) for op in found.func.ops)


def test_networks_without_bytes_are_left_alone() -> None:
    before = module(
        "canonical",
        "tensor<1x4xf32> -> tensor<1x4xf32>",
        "    %y = nn.relu(%x) : tensor<1x4xf32>",
    )
    after, _ = rewritten(before, "fuse-quantized")
    assert after == before
