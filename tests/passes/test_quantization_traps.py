# SPDX-License-Identifier: Apache-2.0
"""Where 8-bit arithmetic goes wrong elsewhere: each case by hand, in the interpreter and in C."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bnnc.driver import plan
from bnnc.ir import Module
from bnnc.ir.diagnostics import IRError
from bnnc.ir.interpreter import interpret
from bnnc.ir.text import parse_module
from bnnc.ir.verifier import verify

from .quantizing import outputs, quantized
from .test_quantizing import images, one_conv

if TYPE_CHECKING:
    from ..fuzz.native import Native

HALF = 2**30  # a multiplier of 31 bits behind the point
LARGEST = 2**31 - 1


@dataclass(frozen=True)
class Case:
    """One layer: its input and what it must give; ``fields`` and ``resources`` as in a text."""

    x: list[int] | np.ndarray
    want: list[float]
    op: str
    result: str
    resources: str = ""
    shape: str = ""
    scalar: str = "i8"
    read: str = ""

    @property
    def module(self) -> Module:
        """The layer alone, at stage binarized."""
        shape = self.shape or f"1x{len(self.x)}"
        out = self.read.split(" : ")[-1] if self.read else self.result
        last = f"    %z = {self.read}\n" if self.read else ""
        return parse_module(
            'bnnc.ir 1\nmodule @m {stage = "binarized"} {\n'
            + "".join(f"  resource {line}\n" for line in self.resources.split("; ") if line)
            + f"  func @main(%x: tensor<{shape}x{self.scalar}>) -> ({out}) "
            '{inputs = ["x"], outputs = ["y"]} {\n'
            f'    %y = {self.op} : {self.result} loc("layer")\n{last}'
            f"    func.return(%{'z' if self.read else 'y'})\n  }}\n}}\n"
        )

    @property
    def input(self) -> np.ndarray:
        """The tensor."""
        type_ = self.module.inputs["x"]
        return np.asarray(self.x, type_.dtype).reshape(type_.shape)


def _conv(w: str, zero: int, pad: str = "1, 1, 1, 1") -> str:
    fields = f"stride = [1, 1], pad = [{pad}], x_zero = {zero}, to = i32"
    return f"q.conv2d(%x, @{w}) {{{fields}}}"


def _rounded(rounding: str, shift: int = 0) -> dict[str, str]:
    """Sums 1 3 5 7 -1 -3 -5 -7 times a half."""
    sums = "dense([1, 3, 5, 7, -1, -3, -5, -7])"
    number = "splat(0.5)" if rounding == "float" else f"splat({HALF})"
    type_ = "f32" if rounding == "float" else "i32"
    shifts = "" if rounding == "float" else ", @s"
    return {
        "op": f"q.dense(%x, @w, @b, @m{shifts}) {{x_zero = 0, rounding = {rounding}}}",
        "resources": f"@w : tensor<8x1xi8> = splat(1); @b : tensor<8xi32> = {sums}; "
        f"@m : tensor<8x{type_}> = {number}"
        + ("" if rounding == "float" else f"; @s : tensor<8xi32> = splat({shift})"),
        "result": "tensor<1x8xi8>",
    }


_ONES = "@w : tensor<1x3x3x1xi8> = splat(1)"
_BIT_ONES = "@w : tensor<1x3x3x1xbit> = splat(1)"
_THR = "@w : tensor<3x1xi8> = splat(127); @b : tensor<3xi32> = splat(16777216); "
_UNPACK = "bin.unpack(%y) : tensor<1x3xf32>"

CASES = {
    # A tap in the padding adds nothing: it is the zero point, and not the byte 0.
    "padding_is_the_zero_point": Case(
        [90], [190.0], _conv("w", -100), "tensor<1x1x1x1xi32>", _ONES, "1x1x1x1"
    ),
    "padding_is_the_zero_point_of_unsigned_bytes": Case(
        [200], [-55.0], _conv("w", 255), "tensor<1x1x1x1xi32>", _ONES, "1x1x1x1", "u8"
    ),
    # Sums of weights times the zero point, in the corners of four weights and not of nine.
    "first_layer_offset_with_bit_weights": Case(
        [-128] * 4, [0.0] * 4, _conv("w", -128), "tensor<1x2x2x1xi32>", _BIT_ONES, "1x2x2x1"
    ),
    "first_layer_offset_with_bits_and_padding": Case(
        [127, -128, 5, 7],
        [411.0] * 4,
        _conv("w", -100),
        "tensor<1x2x2x1xi32>",
        _BIT_ONES,
        "1x2x2x1",
    ),
    # Two products of -128 * -128 are 2^15, one more than 16 bits hold.
    "pairs_of_the_lowest_bytes": Case(
        [-128] * 66,
        [66 * 128 * 128.0] * 5,
        "q.dense(%x, @w) {x_zero = 0, to = i32}",
        "tensor<1x5xi32>",
        "@w : tensor<5x66xi8> = splat(-128)",
    ),
    "pairs_of_the_farthest_bytes": Case(
        [-128] * 66,
        [66 * 255 * 128.0] * 5,
        "q.dense(%x, @w) {x_zero = 127, to = i32}",
        "tensor<1x5xi32>",
        "@w : tensor<5x66xi8> = splat(-128)",
    ),
    "single_rounds_halves_up": Case([0], [1, 2, 3, 4, 0, -1, -2, -3], **_rounded("single")),
    # 2^31 / 2 has no right shift: its only rounding is the one of halves up.
    "double_rounds_halves_up_in_its_product": Case(
        [0], [1, 2, 3, 4, 0, -1, -2, -3], **_rounded("double")
    ),
    "float_rounds_halves_to_even": Case([0], [0, 2, 2, 4, 0, -2, -2, -4], **_rounded("float")),
    # A quarter: 0.5 is rounded first to 1, then its half away from zero; -0.5 to 0.
    "double_rounds_twice": Case([0], [1, 1, 2, 2, 0, -1, -1, -2], **_rounded("double", -1)),
    "single_rounds_once": Case([0], [0, 1, 1, 2, 0, -1, -1, -2], **_rounded("single", -1)),
    # In float32 2^24 + 1 is 2^24, and both sums would have one sign.
    "thresholds_beyond_24_bits": Case(
        [0],
        [1.0, -1.0, -1.0],
        "q.dense(%x, @w, @b, none, none, @t) {x_zero = 0, to = bit}",
        "tensor<1x3xbit>",
        _THR + "@t : tensor<3xi32> = dense([16777216, 16777217, 2147483647])",
        read=_UNPACK,
    ),
    # The bit is that of the sum: its byte would be 0 for all of them, and their sign +1.
    "a_sign_cuts_the_sum_and_not_its_byte": Case(
        [-1],
        [-1.0, 1.0, 1.0],
        "q.dense(%x, @w, none, none, none, @t) {x_zero = 0, to = bit}",
        "tensor<1x3xbit>",
        "@w : tensor<3x1xi8> = dense([1, 1, -1]); @t : tensor<3xi32> = dense([0, -1, 0])",
        read=_UNPACK,
    ),
    "accumulators_reach_the_last_number": Case(
        [-128],
        [LARGEST, -LARGEST],
        "q.dense(%x, @w, @b) {x_zero = 127, to = i32}",
        "tensor<1x2xi32>",
        f"@w : tensor<2x1xi8> = dense([-128, 127]); "
        f"@b : tensor<2xi32> = dense([{LARGEST - 255 * 128}, {255 * 127 - LARGEST}])",
    ),
    # acc * multiplier takes 62 bits, and the half that is added must not leave 63.
    "the_product_takes_64_bits": Case(
        [127],
        [127.0, -128.0],
        "q.dense(%x, @w, @b, @m, @s) {x_zero = 0, rounding = single}",
        "tensor<1x2xi8>",
        f"@w : tensor<2x1xi8> = dense([1, -1]); @m : tensor<2xi32> = splat({LARGEST}); "
        f"@b : tensor<2xi32> = dense([{LARGEST - 128}, {128 - LARGEST}]); "
        "@s : tensor<2xi32> = splat(30)",
    ),
    "the_largest_right_shift": Case(
        [127],
        [0.0, -1.0],
        "q.dense(%x, @w, @b, @m, @s) {x_zero = 0, rounding = single}",
        "tensor<1x2xi8>",
        f"@w : tensor<2x1xi8> = dense([1, -1]); @m : tensor<2xi32> = splat({LARGEST}); "
        f"@b : tensor<2xi32> = dense([{2**30 - 128}, {128 - LARGEST}]); "
        "@s : tensor<2xi32> = splat(-31)",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_in_the_interpreter(name: str) -> None:
    case = CASES[name]
    (found,) = interpret(case.module, {"x": case.input}).values()
    assert found.ravel().tolist() == case.want


@pytest.mark.slow
def test_in_c(native: Native) -> None:
    """Bit for bit what the interpreter gives, under sanitizers: no overflow, no shift too far."""
    modules = {name: plan(case.module) for name, case in CASES.items()}
    library = native.build(modules)
    for name, module in modules.items():
        assert native.check(library, name, module, [{"x": CASES[name].input}]) > 0
        native.clean(name)


@pytest.mark.parametrize("weights", ["i8", "bit"])
def test_an_accumulator_beyond_the_last_number_is_refused(weights: str) -> None:
    """|bias| + |w| * the farthest byte from its zero point: one more than fits is too much."""
    one = Case(
        [0],
        [LARGEST - 255.0],
        "q.dense(%x, @w, @b) {x_zero = 127, to = i32}",
        "tensor<1x1xi32>",
        f"@w : tensor<1x1x{weights}> = splat(1); @b : tensor<1xi32> = splat({LARGEST - 255})",
    )
    assert one.module
    more = replace(one, resources=one.resources.replace(str(LARGEST - 255), str(LARGEST - 254)))
    with pytest.raises(IRError, match=f"channel 0 may reach {LARGEST + 1}, beyond 32 bits"):
        verify(more.module)


def test_ranges_come_from_calibration_and_not_from_the_tensor_at_hand() -> None:
    """What one sample gives does not depend on the others, nor on the largest number it holds."""
    module = one_conv(np.ones((2, 3, 3, 2)), np.zeros(2), tail="nn.relu")
    x = images(-1, 1, 2)
    found, _ = quantized(module, {"x": x})
    (want,) = outputs(found, {"x": x})
    loud = x.copy()
    loud[:, 0, 0] = 50.0  # saturates, far from what the lower right corner sees
    (got,) = outputs(found, {"x": loud})
    np.testing.assert_array_equal(got[:, 3:, 3:], want[:, 3:, 3:])


@pytest.mark.parametrize("sign", [-1, 1])
def test_channels_of_one_sign_and_activations_of_one_sign(sign: int) -> None:
    """A range that does not contain zero would lose it, and with it padding and relu."""
    rng = np.random.default_rng(4)
    w = sign * rng.uniform(0.5, 1.0, (3, 3, 3, 2))
    module = one_conv(w, np.zeros(3))
    x = {"x": -sign * images(0.5, 1.0, 2)}
    found, _ = quantized(module, x)
    (want,), (got,) = outputs(module, x), outputs(found, x)
    assert (want < 0).all()
    assert np.abs(want - got).max() <= 3 * np.abs(want).max() / 255
