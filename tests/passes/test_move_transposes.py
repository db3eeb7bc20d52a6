# SPDX-License-Identifier: Apache-2.0
"""Transposes around NCHW images meet and cancel; every rewrite is compared in every bit."""

from __future__ import annotations

import pytest

from bnnc.ir import nn

from .rewriting import module, rewritten

IMAGE = "tensor<2x3x4x5xf32>"
TURNED = "tensor<2x5x3x4xf32>"
FRONT = f"""
    %r = nn.relu(%x) : {IMAGE}
    %t = nn.transpose(%r) {{perm = [0, 3, 1, 2]}} : {TURNED}"""
BACK = f"%y = nn.transpose(%b) {{perm = [0, 2, 3, 1]}} : {IMAGE}"
CHANNELS = "@c : tensor<5x1x1xf32> = dense([1.0, -2.0, 3.0, 0.5, 0.25])"
ROWS = "@c : tensor<1x1x3x1xf32> = dense([1.0, -2.0, 3.0])"
ONE = "@c : tensor<f32> = dense([0.5])"


def _transposes(body: str, resources: list[str], result: str = IMAGE) -> int:
    made = module("imported", f"{IMAGE} -> {result}", FRONT + body, resources)
    after, _ = rewritten(made, "canonicalize")
    return sum(isinstance(op, nn.Transpose) for op in after.func.ops)


@pytest.mark.parametrize("constant", [CHANNELS, ROWS, ONE])
@pytest.mark.parametrize(
    "between",
    [
        "%b = nn.mul(%t, @c) : TURNED",
        "%b = nn.sub(@c, %t) : TURNED",
        "%b = nn.maximum(@c, %t) : TURNED",
        "%b = nn.prelu(%t, @c) : TURNED",
        "%a = nn.mul(%t, @c) : TURNED\n%b = nn.sign(%a) {zero = plus, nan = plus} : TURNED",
        "%a = nn.add(%t, @c) : TURNED\n%b = nn.add(%a, %t) : TURNED",
    ],
)
def test_elementwise_operations_let_them_meet(between: str, constant: str) -> None:
    body = f"\n{between.replace('TURNED', TURNED)}\n{BACK}"
    assert _transposes(body, [constant]) == 0


@pytest.mark.parametrize(
    ("between", "result"),
    [
        (
            "%p = nn.pad(%t) {before = [0, 0, 1, 2], after = [0, 1, 0, 3], value = 2.0}"
            " : tensor<2x6x4x9xf32>\n"
            "%y = nn.transpose(%p) {perm = [0, 2, 3, 1]} : tensor<2x4x9x6xf32>",
            "tensor<2x4x9x6xf32>",
        ),
        (
            "%n = nn.neg(%t) : tensor<2x5x3x4xf32>\n"
            "%j = nn.concat(%t, %n) {axis = 1} : tensor<2x10x3x4xf32>\n"
            "%y = nn.transpose(%j) {perm = [0, 2, 3, 1]} : tensor<2x3x4x10xf32>",
            "tensor<2x3x4x10xf32>",
        ),
        (
            "%y = nn.reduce(%t) {kind = mean, axes = [2, 3]} : tensor<2x5xf32>",
            "tensor<2x5xf32>",
        ),
        (
            "%m = nn.reduce(%t) {kind = sum, axes = [2, 3], keep_dims} : tensor<2x5x1x1xf32>\n"
            "%y = nn.reshape(%m) {shape = [2, 5]} : tensor<2x5xf32>",
            "tensor<2x5xf32>",
        ),
    ],
)
def test_what_moves_or_joins_data_lets_them_meet(between: str, result: str) -> None:
    assert _transposes(f"\n{between}", [], result) == 0


def test_a_shuffle_of_channels_is_one_transpose() -> None:
    """Channels first: split in two groups, the groups exchanged with what is in them, joined."""
    body = """
    %r = nn.relu(%x) : tensor<2x3x4x6xf32>
    %t = nn.transpose(%r) {perm = [0, 3, 1, 2]} : tensor<2x6x3x4xf32>
    %s = nn.reshape(%t) {shape = [2, 2, 3, 3, 4]} : tensor<2x2x3x3x4xf32>
    %e = nn.transpose(%s) {perm = [0, 2, 1, 3, 4]} : tensor<2x3x2x3x4xf32>
    %j = nn.reshape(%e) {shape = [2, 6, 3, 4]} : tensor<2x6x3x4xf32>
    %b = nn.transpose(%j) {perm = [0, 2, 3, 1]} : tensor<2x3x4x6xf32>
    %y = nn.neg(%b) : tensor<2x3x4x6xf32>"""
    image = "tensor<2x3x4x6xf32>"
    after, _ = rewritten(module("imported", f"{image} -> {image}", body), "canonicalize")
    moved = [op.perm for op in after.func.ops if isinstance(op, nn.Transpose)]
    assert moved == [(0, 1, 2, 4, 3)]


def test_a_sum_that_would_visit_its_elements_in_another_order_stays_behind() -> None:
    body = "\n%y = nn.reduce(%t) {kind = sum, axes = [1, 2]} : tensor<2x4xf32>"
    made = module("imported", f"{IMAGE} -> tensor<2x4xf32>", FRONT + body)
    after, _ = rewritten(made, "canonicalize")
    assert [type(op) for op in after.func.ops[:3]] == [nn.Relu, nn.Transpose, nn.Reduce]


def test_operands_that_are_transposed_in_two_ways_stay_behind() -> None:
    body = f"""
    %u = nn.transpose(%r) {{perm = [0, 3, 1, 2]}} : {TURNED}
    %f = nn.slice(%u) {{begin = [0, 0, 0, 0], size = [2, 3, 3, 3], step = [1, 1, 1, 1]}}
      : tensor<2x3x3x3xf32>
    %g = nn.slice(%r) {{begin = [0, 0, 0, 0], size = [2, 3, 3, 3], step = [1, 1, 1, 1]}}
      : tensor<2x3x3x3xf32>
    %h = nn.transpose(%g) {{perm = [0, 3, 2, 1]}} : tensor<2x3x3x3xf32>
    %i = nn.transpose(%f) {{perm = [0, 1, 3, 2]}} : tensor<2x3x3x3xf32>
    %y = nn.add(%h, %i) : tensor<2x3x3x3xf32>"""
    assert _transposes(body, [], "tensor<2x3x3x3xf32>") == 3


def test_the_networks_input_is_transposed_where_the_graph_says_so() -> None:
    body = """
    %t = nn.transpose(%x) {perm = [1, 0]} : tensor<6x2xf32>
    %y = nn.neg(%t) : tensor<6x2xf32>"""
    made = module("imported", "tensor<2x6xf32> -> tensor<6x2xf32>", body)
    after, _ = rewritten(made, "canonicalize")
    assert [type(op) for op in after.func.ops[:2]] == [nn.Transpose, nn.Neg]


def test_moving_axes_of_one_element_is_a_reshape() -> None:
    body = """
    %r = nn.relu(%x) : tensor<2x1x1x5xf32>
    %y = nn.transpose(%r) {perm = [0, 3, 1, 2]} : tensor<2x5x1x1xf32>"""
    made = module("imported", "tensor<2x1x1x5xf32> -> tensor<2x5x1x1xf32>", body)
    after, _ = rewritten(made, "canonicalize")
    assert [type(op) for op in after.func.ops[:2]] == [nn.Relu, nn.Reshape]
