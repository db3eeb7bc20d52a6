# SPDX-License-Identifier: Apache-2.0
"""Layers get their kinds; bits and levels stay integers as far as they can."""

from __future__ import annotations

import numpy as np
import pytest

from bnnc.ir import Module
from bnnc.ir import bin as bits
from bnnc.passes.pipelines import standard

from .rewriting import check_rewrite, module, rewritten

SIGN = "nn.sign(%x) {zero = plus, nan = plus} : tensor<1x6xf32>"
SIGNS = [1, -1, 1, 1, -1, 1, 1, 1, -1, 1, 1, 1]
WEIGHTS = f"@w : tensor<2x6xf32> = dense({[float(s) for s in SIGNS]})"
BITS = f"@w : tensor<2x6xbit> = dense({SIGNS})"
ROW = "tensor<1x6xf32> -> tensor<1x2xf32>"


def test_dense_on_a_sign_reads_bits() -> None:
    before = f"""
    %s = {SIGN}
    %y = nn.dense(%s, @w, none) : tensor<1x2xf32>"""
    after = f"""
    %s = {SIGN}
    %b = bin.pack(%s) {{nan = plus}} : tensor<1x6xbit>
    %y = bin.dense_bb(%b, @w, none, none, none) {{order = muladd, nan = plus, steps = []}}
      : tensor<1x2xf32>"""
    check_rewrite(
        module("canonical", ROW, before, [WEIGHTS]),
        "binarize",
        module("binarized", ROW, after, [BITS]),
    )


def test_a_sign_with_two_uses_is_cut_once_and_kept_for_the_float_user() -> None:
    before = f"""
    %s = {SIGN}
    %d = nn.dense(%s, @w, none) : tensor<1x2xf32>
    %r = nn.reduce(%s) {{kind = sum, axes = [1], keep_dims}} : tensor<1x1xf32>
    %y = nn.add(%d, %r) : tensor<1x2xf32>"""
    found, _ = rewritten(module("canonical", ROW, before, [WEIGHTS]), "binarize,simplify-signs")
    names = [op.NAME for op in found.func.ops]
    assert names == ["bin.pack", "bin.unpack", "bin.dense_bb", "nn.reduce", "nn.add"]


def pipeline_kinds(made: Module) -> list[str]:
    found, _ = rewritten(made, standard(made.stage))
    return [op.NAME for op in found.func.ops]


def test_heaviside_steps_are_levels_not_bits() -> None:
    body = """
    %r = nn.relu(%x) : tensor<1x6xf32>
    %s = nn.sign(%r) {zero = keep, nan = propagate} : tensor<1x6xf32>
    %y = nn.dense(%s, @w, none) : tensor<1x2xf32>"""
    names = pipeline_kinds(module("canonical", ROW, body, [WEIGHTS]))
    assert names == ["nn.relu", "nn.sign", "bin.to_levels", "bin.dense_ub"]


def test_a_sign_that_rests_at_zero_from_below_stays_a_float() -> None:
    body = """
    %r = nn.relu(%x) : tensor<1x6xf32>
    %n = nn.neg(%r) : tensor<1x6xf32>
    %s = nn.sign(%n) {zero = keep, nan = propagate} : tensor<1x6xf32>
    %y = nn.dense(%s, @w, none) : tensor<1x2xf32>"""
    found, remarks = rewritten(module("canonical", ROW, body, [WEIGHTS]), "binarize")
    assert [op.NAME for op in found.func.ops][-1] == "bin.dense_fb"
    assert "zero is a usual value" in remarks[0].message


@pytest.mark.parametrize(
    ("divide", "levels"),
    [
        ("%v = nn.div(%q, @n) : tensor<1x6xf32>", 3),
        ("%v = nn.mul(%q, @third) : tensor<1x6xf32>", 3),
    ],
)
def test_rounded_values_are_levels(divide: str, levels: int) -> None:
    """DoReFa: round(clip(x, 0, 1) * 3) / 3, before and after an optimizer."""
    body = f"""
    %c = nn.clip(%x) {{lo = 0.0, hi = 1.0}} : tensor<1x6xf32>
    %m = nn.mul(%c, @n) : tensor<1x6xf32>
    %q = nn.round(%m) : tensor<1x6xf32>
    {divide}
    %y = nn.dense(%v, @w, none) : tensor<1x2xf32>"""
    resources = [WEIGHTS, "@n : tensor<f32> = dense([3.0])"]
    if "third" in divide:
        resources.append("@third : tensor<f32> = dense([0.33333334])")
    found, _ = rewritten(module("canonical", ROW, body, resources), "binarize")
    layer = found.func.ops[-1]
    assert isinstance(layer, bits.DenseUB)
    assert str(layer.x.type.scalar) == "u2"
    cut = layer.x.owner
    assert isinstance(cut, bits.ToLevels)
    assert (cut.low, cut.levels) == (0, levels)


def test_levels_with_an_offset_put_it_into_the_bias() -> None:
    """clip to [-1, 1], round to thirds of the interval: values -1, 0, 1 are levels 0, 1, 2."""
    body = """
    %c = nn.clip(%x) {lo = -1.0, hi = 1.0} : tensor<1x6xf32>
    %q = nn.round(%c) : tensor<1x6xf32>
    %y = nn.dense(%q, @w, none) : tensor<1x2xf32>"""
    found, _ = rewritten(module("canonical", ROW, body, [WEIGHTS]), "binarize")
    layer = found.func.ops[-1]
    assert isinstance(layer, bits.DenseUB)
    assert layer.bias is not None


def image(pad: str) -> Module:
    body = f"""
    %s = nn.sign(%x) {{zero = plus, nan = plus}} : tensor<1x5x5x3xf32>
    %y = nn.conv2d(%s, @w, none) {{stride = [1, 1], {pad}}} : tensor<1x5x5x2xf32>"""
    weights = "@w : tensor<2x3x3x3xf32> = splat(0.5)"
    return module("canonical", "tensor<1x5x5x3xf32> -> tensor<1x5x5x2xf32>", body, [weights])


@pytest.mark.parametrize(
    ("pad", "kind"),
    [
        ("pad = [1, 1, 1, 1], pad_value = 0.0", "bin.conv2d_bb"),
        ("pad = [1, 1, 1, 1], pad_value = -1.0", "bin.conv2d_bb"),
        ("pad = [0, 1, 2, 1], pad_value = 1.0", "bin.conv2d_bb"),
        ("pad = [1, 1, 1, 1], pad_value = 0.25", "bin.conv2d_fb"),
    ],
)
def test_only_pads_that_bits_can_say_are_read_as_bits(pad: str, kind: str) -> None:
    found, _ = rewritten(image(pad), standard(image(pad).stage))
    assert kind == found.func.ops[-1].NAME


def test_zero_weights_make_a_ternary_layer() -> None:
    weights = "@w : tensor<2x6xf32> = dense([" + ", ".join(["0.0", "2.0", "-2.0"] * 4) + "])"
    body = f"""
    %s = {SIGN}
    %y = nn.dense(%s, @w, none) : tensor<1x2xf32>"""
    found, _ = rewritten(module("canonical", ROW, body, [weights]), "binarize")
    layer = found.func.ops[-1]
    assert isinstance(layer, bits.DenseBT)
    x = np.array([[1, -2, 3, -4, 5, -6]], np.float32)
    from bnnc.ir.interpreter import interpret

    signs = np.where(x < 0, -1.0, 1.0)
    expected = signs @ np.array([[0, 2, -2] * 2] * 2).T
    assert (interpret(found, {"x": x})["y"] == expected).all()


PIXELS = "tensor<1x2x2x4xf32>"
MOVES = {
    "transpose": "%m = nn.transpose(%s) {perm = [0, 3, 1, 2]} : tensor<1x4x2x2xf32>",
    "slice": "%m = nn.slice(%s) {begin = [0, 1, 0, 0], size = [1, 1, 2, 4], step = [1, 1, 1, 1]}"
    " : tensor<1x1x2x4xf32>",
    "concat": "%m = nn.concat(%s, %s) {axis = 3} : tensor<1x2x2x8xf32>",
    "pad": "%m = nn.pad(%s) {before = [0, 1, 0, 0], after = [0, 0, 0, 0], value = VALUE}"
    " : tensor<1x3x2x4xf32>",
}


def _moved(move: str) -> Module:
    size = {"transpose": 16, "slice": 8, "concat": 32, "pad": 24}[move.partition(" ")[0]]
    body = f"""
    %s = nn.sign(%x) {{zero = plus, nan = plus}} : {PIXELS}
    {MOVES[move.partition(" ")[0]].replace("VALUE", move.partition(" ")[2])}
    %f = nn.reshape(%m) {{shape = [1, {size}]}} : tensor<1x{size}xf32>
    %y = nn.dense(%f, @w, none) : tensor<1x2xf32>"""
    weights = [1.0 if i % 3 else -1.0 for i in range(2 * size)]
    resource = f"@w : tensor<2x{size}xf32> = dense({weights})"
    return module("canonical", f"{PIXELS} -> tensor<1x2xf32>", body, [resource])


@pytest.mark.parametrize("move", ["transpose", "slice", "concat", "pad -1.0", "pad 1.0"])
def test_layers_behind_moved_bits_read_bits(move: str) -> None:
    assert pipeline_kinds(_moved(move))[-1] == "bin.dense_bb"


def test_bits_padded_with_another_number_are_floats() -> None:
    assert pipeline_kinds(_moved("pad 0.5"))[-1] == "bin.dense_fb"


def test_moved_bits_that_no_layer_reads_stay_floats() -> None:
    body = """
    %s = nn.sign(%x) {zero = plus, nan = plus} : tensor<1x6xf32>
    %y = nn.concat(%s, %s) {axis = 1} : tensor<1x12xf32>"""
    made = module("canonical", "tensor<1x6xf32> -> tensor<1x12xf32>", body)
    assert pipeline_kinds(made).count("bin.pack") == 1
