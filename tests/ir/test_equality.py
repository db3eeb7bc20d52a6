# SPDX-License-Identifier: Apache-2.0
"""What makes two modules differ, and what does not."""

from __future__ import annotations

import pytest

from bnnc.ir.equality import difference, same_module
from bnnc.ir.text import parse_module

TEXT = """\
bnnc.ir 1
module @net {stage = "imported", gap = 0.5} {
  resource @w : tensor<4x3xf32> = splat(1.0)
  resource @b : tensor<4xf32> = splat(0.0)
  resource @c : tensor<4xf32> = splat(0.0)
  func @main(%x: tensor<2x3xf32>) -> (tensor<2x4xf32>) {inputs = ["in"], outputs = ["out"]} {
    %d = nn.dense(%x, @w, @b) : tensor<2x4xf32> loc("fc", "bias" : "MatMul")
    %e = nn.clip(%d) {lo = -1.0, hi = 0.0} : tensor<2x4xf32>
    %f = nn.sub(%d, %e) : tensor<2x4xf32>
    %g = nn.mul(%f, @b) : tensor<2x4xf32>
    func.return(%g)
  }
}
"""


def edited(old: str, new: str) -> str | None:
    """The difference that an edit makes."""
    assert old in TEXT
    left = parse_module(TEXT, verify=False)
    right = parse_module(TEXT.replace(old, new), verify=False)
    found = difference(left, right)
    assert same_module(left, right) == (found is None)
    assert (left == right) == (found is None)
    assert difference(right, left) is None or found is not None
    return found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("%d", "%other"),
        ("@w", '@"other/W:0"'),
        ("hi = 0.0", "hi = 0"),
        ("lo = -1.0", "lo = -1.00000000001"),
        ("gap = 0.5", "gap = 5e-1"),
        ("splat(1.0)", f"dense([{', '.join(['1.0'] * 12)}])"),
        ("splat(1.0)", 'blob("sha256:SAME", "w")'),
        ("bnnc.ir 1\n", ""),
    ],
)
def test_what_does_not_matter(old: str, new: str) -> None:
    digest = parse_module(TEXT).resources["w"].digest
    assert edited(old, new.replace("SAME", digest)) is None


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("module @net", "module @other", "name"),
        ("func @main", "func @other", "function"),
        ('"imported"', '"canonical"', "stage"),
        ("gap = 0.5", "gap = 0.6", "attributes"),
        ("gap = 0.5", "gap = 0.5, more", "attributes"),
        ('["in"]', '["x"]', "inputs"),
        ('["out"]', '["y"]', "outputs"),
        ("nn.sub", "nn.add", "operations"),
        ('"fc", "bias"', '"fc"', "location"),
        ("MatMul", "Dense", "location"),
        ("hi = 0.0", "hi = -0.0", "attributes"),
        ("hi = 0.0", 'hi = 0.0, kernel = "k"', "attributes"),
        ("(%d, %e)", "(%e, %d)", "operand a"),
        ("(%d, %e)", "(%d, %d)", "operand b"),
        ("(%f, @b)", "(%f, @c)", "operand b"),
        ("(%x, @w, @b)", "(%x, @w)", "operand b"),
        ("@w : tensor<4x3xf32> = splat(1.0)", "@w : tensor<4x3xf32> = splat(2.0)", "operand w"),
        ("@c : tensor<4xf32> = splat(0.0)", "@c : tensor<4xf32> = splat(1.0)", "constants"),
        ("  resource @c : tensor<4xf32> = splat(0.0)\n", "", "constants"),
        ("(%x: tensor<2x3xf32>)", "(%x: tensor<2x3xf32, q(0.5, 0)>)", "argument"),
        ("(%d, %e) : tensor<2x4xf32>", "(%d, %e) : tensor<2x4xf32, q(0.5, 0)>", "result type"),
    ],
)
def test_what_matters(old: str, new: str, word: str) -> None:
    found = edited(old, new)
    assert found is not None
    assert word in found


def test_nan_equals_nan() -> None:
    text = TEXT.replace("gap = 0.5", "gap = nan")
    assert parse_module(text) == parse_module(text)


def test_other_things_are_not_equal() -> None:
    assert parse_module(TEXT) != TEXT
