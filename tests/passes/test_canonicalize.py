# SPDX-License-Identifier: Apache-2.0
"""One spelling for each thing."""

from __future__ import annotations

import numpy as np
import pytest

from bnnc.ir import Module
from bnnc.ir.interpreter import interpret

from .rewriting import check_rewrite, module, rewritten

ROW = "tensor<2x6xf32> -> tensor<2x6xf32>"
WEIGHTS = "@w : tensor<2x3x3x3xf32> = splat(0.5)"
NUMBERS = {
    "@c": "@c : tensor<6xf32> = dense([1.0, 2.0, 3.0, -4.0, 5.0, 6.5])",
    "@n": "@n : tensor<6xf32> = dense([-1.0, -2.0, -3.0, 4.0, -5.0, -6.5])",
    "@zero": "@zero : tensor<f32> = dense([0.0])",
    "@six": "@six : tensor<f32> = dense([6.0])",
}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("%y = nn.add(@c, %x) : tensor<2x6xf32>", "%y = nn.add(%x, @c) : tensor<2x6xf32>"),
        ("%y = nn.sub(%x, @c) : tensor<2x6xf32>", "%y = nn.add(%x, @n) : tensor<2x6xf32>"),
        ("%y = nn.sub(@c, %x) : tensor<2x6xf32>", "%y = nn.sub(@c, %x) : tensor<2x6xf32>"),
        ("%y = nn.maximum(%x, @zero) : tensor<2x6xf32>", "%y = nn.relu(%x) : tensor<2x6xf32>"),
        (
            "%a = nn.maximum(%x, @zero) : tensor<2x6xf32>\n"
            "%b = nn.minimum(%a, @six) : tensor<2x6xf32>\n"
            "%y = nn.maximum(%b, @zero) : tensor<2x6xf32>",
            "%a = nn.relu(%x) : tensor<2x6xf32>\n"
            "%b = nn.clip(%a) {lo = -inf, hi = 6.0} : tensor<2x6xf32>\n"
            "%y = nn.relu(%b) : tensor<2x6xf32>",
        ),
        (
            "%a = nn.clip(%x) {lo = -1.0, hi = 5.0} : tensor<2x6xf32>\n"
            "%y = nn.clip(%a) {lo = 0.0, hi = 9.0} : tensor<2x6xf32>",
            "%y = nn.clip(%x) {lo = 0.0, hi = 5.0} : tensor<2x6xf32>",
        ),
        (
            "%a = nn.reshape(%x) {shape = [3, 4]} : tensor<3x4xf32>\n"
            "%b = nn.relu(%a) : tensor<3x4xf32>\n"
            "%y = nn.reshape(%b) {shape = [2, 6]} : tensor<2x6xf32>",
            "%y = nn.relu(%x) : tensor<2x6xf32>",
        ),
    ],
)
def test_spelling(before: str, after: str) -> None:
    def made(stage: str, body: str) -> Module:
        return module(stage, ROW, body, [t for n, t in NUMBERS.items() if n in body])

    check_rewrite(made("imported", before), "canonicalize", made("canonical", after))


@pytest.mark.parametrize("kind", ["maximum", "minimum"])
@pytest.mark.parametrize("operands", ["%x, @z", "@z, %x"])
@pytest.mark.parametrize(
    ("shape", "numbers"),
    [("", "0.0"), ("", "-0.0"), ("", "1.0"), ("6x", "0.0, -0.0, -0.0, 0.0, -0.0, -0.0")],
)
def test_bounds_keep_the_sign_of_zero(kind: str, operands: str, shape: str, numbers: str) -> None:
    made = module(
        "imported",
        ROW,
        f"%y = nn.{kind}({operands}) : tensor<2x6xf32>",
        [f"@z : tensor<{shape}f32> = dense([{numbers}])"],
    )
    found, _ = rewritten(made, "canonicalize")
    x = np.array([[0.0, -0.0, 1.0, -1.0, np.inf, -np.inf]] * 2, np.float32)
    before, after = (interpret(m, {"x": x})["y"] for m in (made, found))
    assert before.tobytes() == after.tobytes()


@pytest.mark.parametrize(
    "body",
    [
        "%a = nn.transpose(%x) {perm = [1, 0]} : tensor<6x2xf32>\n"
        "%y = nn.transpose(%a) {perm = [1, 0]} : tensor<2x6xf32>",
        "%y = nn.pad(%x) {before = [0, 0], after = [0, 0], value = 0.0} : tensor<2x6xf32>",
        "%a = nn.reshape(%x) {shape = [12]} : tensor<12xf32>\n"
        "%y = nn.reshape(%a) {shape = [2, 6]} : tensor<2x6xf32>",
    ],
)
def test_nothing_is_left_of_nothing(body: str) -> None:
    found, _ = rewritten(module("imported", ROW, body), "canonicalize")
    assert found.func.ops == []
    assert list(found.func.results) == found.func.args


@pytest.mark.parametrize(
    ("own", "value", "merged"),
    [
        ("pad = [0, 0, 0, 0], pad_value = 0.0", "1.0", "pad = [1, 2, 1, 2], pad_value = 1.0"),
        ("pad = [0, 0, 0, 0], pad_value = 0.0", "0.0", "pad = [1, 2, 1, 2], pad_value = 0.0"),
    ],
)
def test_pad_joins_the_convolution(own: str, value: str, merged: str) -> None:
    before = f"""
    %p = nn.pad(%x) {{before = [0, 1, 2, 0], after = [0, 1, 2, 0], value = {value}}}
      : tensor<1x7x11x3xf32>
    %y = nn.conv2d(%p, @w, none) {{stride = [2, 3], {own}}} : tensor<1x3x3x2xf32>"""
    after = f"%y = nn.conv2d(%x, @w, none) {{stride = [2, 3], {merged}}} : tensor<1x3x3x2xf32>"
    signature = "tensor<1x5x7x3xf32> -> tensor<1x3x3x2xf32>"
    check_rewrite(
        module("imported", signature, before, [WEIGHTS]),
        "canonicalize",
        module("canonical", signature, after, [WEIGHTS]),
    )


def test_pads_of_different_values_stay_apart() -> None:
    body = """
    %p = nn.pad(%x) {before = [0, 1, 1, 0], after = [0, 1, 1, 0], value = 1.0}
      : tensor<1x7x9x3xf32>
    %y = nn.conv2d(%p, @w, none) {stride = [3, 3], pad = [1, 1, 1, 1], pad_value = 0.0}
      : tensor<1x3x3x2xf32>"""
    signature = "tensor<1x5x7x3xf32> -> tensor<1x3x3x2xf32>"
    check_rewrite(
        module("imported", signature, body, [WEIGHTS]),
        "canonicalize",
        module("canonical", signature, body, [WEIGHTS]),
    )
