# SPDX-License-Identifier: Apache-2.0
"""Every spelling of sign and of straight-through sums."""

from __future__ import annotations

import pytest

from .rewriting import check_rewrite, module, rewritten

SIGNATURE = "tensor<2x5xf32> -> tensor<2x5xf32>"
NUMBERS = [
    "@zero : tensor<f32> = dense([0.0])",
    "@one : tensor<f32> = dense([1.0])",
    "@minus : tensor<f32> = dense([-1.0])",
    "@two : tensor<f32> = dense([2.0])",
    "@tenth : tensor<f32> = dense([0.1])",
]


@pytest.mark.parametrize(
    ("predicate", "operands", "values", "zero", "nan"),
    [
        ("ge", "%x, @zero", "@one, @minus", "plus", "minus"),
        ("gt", "%x, @zero", "@one, @minus", "minus", "minus"),
        ("lt", "%x, @zero", "@minus, @one", "plus", "plus"),
        ("le", "%x, @zero", "@minus, @one", "minus", "plus"),
        ("le", "@zero, %x", "@one, @minus", "plus", "minus"),
        ("lt", "@zero, %x", "@one, @minus", "minus", "minus"),
        ("gt", "@zero, %x", "@minus, @one", "plus", "plus"),
    ],
)
def test_select(predicate: str, operands: str, values: str, zero: str, nan: str) -> None:
    before = f"""
    %c = nn.compare({operands}) {{predicate = {predicate}}} : tensor<2x5xu1>
    %y = nn.select(%c, {values}) : tensor<2x5xf32>"""
    after = f"%y = nn.sign(%x) {{zero = {zero}, nan = {nan}}} : tensor<2x5xf32>"
    made = module("imported", SIGNATURE, before, NUMBERS)
    check_rewrite(made, "recognise-signs", module("imported", SIGNATURE, after))


@pytest.mark.parametrize(
    ("predicate", "operands", "values", "zero", "nan"),
    [
        ("ge", "%x, @zero", "@minus, @one", "minus", "plus"),
        ("gt", "%x, @zero", "@minus, @one", "plus", "plus"),
        ("lt", "%x, @zero", "@one, @minus", "minus", "minus"),
        ("ge", "@zero, %x", "@one, @minus", "plus", "minus"),
    ],
)
def test_falling_select(predicate: str, operands: str, values: str, zero: str, nan: str) -> None:
    before = f"""
    %c = nn.compare({operands}) {{predicate = {predicate}}} : tensor<2x5xu1>
    %y = nn.select(%c, {values}) : tensor<2x5xf32>"""
    after = f"""
    %n = nn.neg(%x) : tensor<2x5xf32>
    %y = nn.sign(%n) {{zero = {zero}, nan = {nan}}} : tensor<2x5xf32>"""
    made = module("imported", SIGNATURE, before, NUMBERS)
    check_rewrite(made, "recognise-signs", module("imported", SIGNATURE, after))


@pytest.mark.parametrize(("predicate", "values"), [("eq", "@one, @minus"), ("ge", "@one, @tenth")])
def test_what_is_no_sign_stays(predicate: str, values: str) -> None:
    body = f"""
    %c = nn.compare(%x, @zero) {{predicate = {predicate}}} : tensor<2x5xu1>
    %y = nn.select(%c, {values}) : tensor<2x5xf32>"""
    made = module("imported", SIGNATURE, body, NUMBERS)
    made.drop_unused_resources()
    check_rewrite(made, "recognise-signs", made)


@pytest.mark.parametrize(
    ("predicate", "operands", "rising"),
    [("gt", "%x, @zero", "gt"), ("le", "@zero, %x", "ge"), ("lt", "@zero, %x", "gt")],
)
def test_steps_are_casts(predicate: str, operands: str, rising: str) -> None:
    before = f"""
    %c = nn.compare({operands}) {{predicate = {predicate}}} : tensor<2x5xu1>
    %y = nn.select(%c, @one, @zero) : tensor<2x5xf32>"""
    after = f"""
    %c = nn.compare(%x, @zero) {{predicate = {rising}}} : tensor<2x5xu1>
    %y = nn.cast(%c) {{to = "f32"}} : tensor<2x5xf32>"""
    made = module("imported", SIGNATURE, before, NUMBERS)
    check_rewrite(made, "recognise-signs", module("imported", SIGNATURE, after, NUMBERS[:1]))


def test_a_falling_step_is_one_minus_a_rising_one() -> None:
    before = """
    %c = nn.compare(%x, @zero) {predicate = lt} : tensor<2x5xu1>
    %y = nn.select(%c, @zero, @one) : tensor<2x5xf32>"""
    after = """
    %n = nn.neg(%x) : tensor<2x5xf32>
    %c = nn.compare(%n, @zero) {predicate = gt} : tensor<2x5xu1>
    %s = nn.cast(%c) {to = "f32"} : tensor<2x5xf32>
    %y = nn.sub(@y.one, %s) : tensor<2x5xf32>"""
    numbers = [NUMBERS[0], "@y.one : tensor<1xf32> = dense([1.0])"]
    made = module("imported", SIGNATURE, before, NUMBERS)
    check_rewrite(made, "recognise-signs", module("imported", SIGNATURE, after, numbers))


@pytest.mark.parametrize(("op", "zero"), [("nn.add", "plus"), ("nn.sub", "minus")])
def test_sign_of_shifted_sign(op: str, zero: str) -> None:
    before = f"""
    %s = nn.sign(%x) {{zero = keep, nan = propagate}} : tensor<2x5xf32>
    %a = {op}(%s, @tenth) : tensor<2x5xf32>
    %y = nn.sign(%a) {{zero = keep, nan = propagate}} : tensor<2x5xf32>"""
    after = f"%y = nn.sign(%x) {{zero = {zero}, nan = propagate}} : tensor<2x5xf32>"
    made = module("imported", SIGNATURE, before, NUMBERS)
    check_rewrite(made, "recognise-signs", module("imported", SIGNATURE, after))


def test_scaled_cast() -> None:
    before = """
    %c = nn.compare(%x, @zero) {predicate = gt} : tensor<2x5xu1>
    %f = nn.cast(%c) {to = "f32"} : tensor<2x5xf32>
    %d = nn.mul(@two, %f) : tensor<2x5xf32>
    %y = nn.sub(%d, @one) : tensor<2x5xf32>"""
    after = "%y = nn.sign(%x) {zero = minus, nan = minus} : tensor<2x5xf32>"
    made = module("imported", SIGNATURE, before, NUMBERS)
    check_rewrite(made, "recognise-signs", module("imported", SIGNATURE, after))


def test_clips_around_zero_vanish_and_others_stay() -> None:
    before = """
    %a = nn.minimum(%x, @one) : tensor<2x5xf32>
    %b = nn.maximum(@minus, %a) : tensor<2x5xf32>
    %y = nn.sign(%b) {zero = keep, nan = propagate} : tensor<2x5xf32>"""
    after = "%y = nn.sign(%x) {zero = keep, nan = propagate} : tensor<2x5xf32>"
    made = module("imported", SIGNATURE, before, NUMBERS)
    check_rewrite(made, "recognise-signs", module("imported", SIGNATURE, after))
    one_sided = module(
        "imported",
        SIGNATURE,
        """
    %a = nn.maximum(%x, @zero) : tensor<2x5xf32>
    %y = nn.sign(%a) {zero = keep, nan = propagate} : tensor<2x5xf32>""",
        NUMBERS[:1],
    )
    check_rewrite(one_sided, "recognise-signs", one_sided)


@pytest.mark.parametrize("swapped", [False, True])
def test_straight_through_sum(swapped: bool) -> None:
    operands = "%d, %c" if swapped else "%c, %d"
    before = f"""
    %c = nn.clip(%x) {{lo = -1.0, hi = 1.0}} : tensor<2x5xf32>
    %s = nn.sign(%c) {{zero = keep, nan = propagate}} : tensor<2x5xf32>
    %d = nn.sub(%s, %c) : tensor<2x5xf32>
    %y = nn.add({operands}) : tensor<2x5xf32>"""
    after = """
    %c = nn.clip(%x) {lo = -1.0, hi = 1.0} : tensor<2x5xf32>
    %y = nn.sign(%c) {zero = keep, nan = propagate} : tensor<2x5xf32>"""
    made = module("imported", SIGNATURE, before)
    check_rewrite(made, "recognise-straight-through", module("imported", SIGNATURE, after))
    assert rewritten(made, "recognise-straight-through")[1] == []


def test_straight_through_without_a_clip_says_what_it_takes_for_granted() -> None:
    before = """
    %s = nn.sign(%x) {zero = plus, nan = minus} : tensor<2x5xf32>
    %d = nn.sub(%s, %x) : tensor<2x5xf32>
    %y = nn.add(%x, %d) : tensor<2x5xf32> loc("ste")"""
    _, remarks = rewritten(module("imported", SIGNATURE, before), "recognise-straight-through")
    assert [r.where for r in remarks] == ["ste"]
    assert "2^24" in remarks[0].message


@pytest.mark.parametrize(
    "body",
    [
        """
    %a = nn.minimum(%x, @one) : tensor<1x2x5xf32>
    %y = nn.sign(%a) {zero = plus, nan = propagate} : tensor<1x2x5xf32>""",
        """
    %s = nn.sign(%x) {zero = keep, nan = propagate} : tensor<2x5xf32>
    %a = nn.add(%s, @one) : tensor<1x2x5xf32>
    %y = nn.sign(%a) {zero = keep, nan = propagate} : tensor<1x2x5xf32>""",
    ],
)
def test_a_constant_that_adds_an_axis_keeps_it(body: str) -> None:
    signature = "tensor<2x5xf32> -> tensor<1x2x5xf32>"
    made = module("imported", signature, body, ["@one : tensor<1x1x1xf32> = dense([0.5])"])
    check_rewrite(made, "recognise-signs", made)
