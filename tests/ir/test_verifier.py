# SPDX-License-Identifier: Apache-2.0
"""Every rule of the verifier finds what it is there for, and shows where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

from bnnc.ir import nn
from bnnc.ir.diagnostics import IRError
from bnnc.ir.module import Module, Stage
from bnnc.ir.operation import Op
from bnnc.ir.stage_rules import STAGE_RULES
from bnnc.ir.text import parse_module
from bnnc.ir.types import BIT, F32, TensorType
from bnnc.ir.value import Value
from bnnc.ir.verifier import GENERAL_RULES, verify

IMPORTED = """\
module @net {
  resource @w : tensor<4x3xf32> = splat(1.0)
  func @main(%x: tensor<2x3xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
    %d = nn.dense(%x, @w) : tensor<2x4xf32> loc("fc")
    %y = nn.relu(%d) : tensor<2x4xf32> loc("relu")
    func.return(%y, %d)
  }
}
"""

PLANNED = """\
module @net {stage = "planned", target = "c", arena_bytes = 48, arena_align = 16} {
  resource @w : tensor<9x9xbit, #bp8> = splat(-1)
  resource @t : tensor<9xi32> = splat(1)
  resource @p : tensor<9xbit> = splat(1)
  func @main(%x: tensor<2x9xf32>) -> (tensor<2x9xf32>) {
    %a = bin.pack(%x) {nan = plus, kernel = "k_pack", at = 0} : tensor<2x9xbit, #bp8>
    %d = bin.dense_bb(%a, @w, none, none, @t, @p) {kernel = "k_dense", at = 16} : tensor<2x9xbit, #bp8>
    %r = bin.reshape(%d) {shape = [1, 2, 9], at = 16} : tensor<1x2x9xbit, #bp8>
    %s = bin.reshape(%r) {shape = [2, 9], kernel = "k_reshape", at = 32} : tensor<2x9xbit, #bp8>
    %y = bin.unpack(%s) {kernel = "k_unpack", at = -1} : tensor<2x9xf32>
    func.return(%y)
  }
}
"""  # noqa: E501


def imported() -> Module:
    return parse_module(IMPORTED)


def planned() -> Module:
    return parse_module(PLANNED)


def findings(module: Module, stage: Stage | None = None) -> list[str]:
    with pytest.raises(IRError) as caught:
        verify(module, stage)
    assert caught.value.exit_code == 4
    return [d.message for d in caught.value.diagnostics]


def op(module: Module, index: int) -> Any:
    return module.func.ops[index]


def test_good_modules() -> None:
    verify(imported())
    verify(planned())


def _swap(m: Module) -> None:
    m.func.ops.reverse()


def _foreign_constant(m: Module) -> None:
    op(m, 0).replace_operand(
        m.resources["w"], Module("o").add_resource("w", np.zeros((4, 3), np.float32))
    )


def _foreign_value(m: Module) -> None:
    op(m, 1).replace_operand(op(m, 0).result, Value(TensorType((2, 4)), name="lost"))


def _set(index: int, **fields: Any) -> Callable[[Module], None]:
    def change(module: Module) -> None:
        for name, value in fields.items():
            setattr(op(module, index), name, value)

    return change


def _retype(index: int, *args: Any) -> Callable[[Module], None]:
    def change(module: Module) -> None:
        op(module, index).result.type = TensorType(*args)

    return change


def _attr(name: str, value: Any) -> Callable[[Module], None]:
    return lambda m: cast("dict[str, Any]", m.attrs).update({name: value})


GENERAL: list[tuple[Callable[[Module], Any], str]] = [
    (lambda m: m.func.input_names.append("z"), "1 inputs but 2 public names"),
    (lambda m: m.func.output_names.pop(), "2 outputs but 1 public names"),
    (lambda m: m.func.output_names.__setitem__(1, "y"), "the output name 'y' is used 2 times"),
    (_attr("a b", 1), "'a b' cannot be the name of a module attribute"),
    (_attr("stage", "planned"), "'stage' cannot be the name of a module attribute"),
    (_attr("x", [1]), "module attribute 'x' is a list"),
    (_swap, "operand x is not defined before its use"),
    (_foreign_constant, "operand w: @w is not in the module"),
    (_foreign_value, "operand x is not defined before its use"),
    (lambda m: m.func.ops.append(op(m, 0)), "result 0 belongs to another operation"),
    (lambda m: m.func.args.append(m.func.args[0]), "an argument is listed twice"),
    (lambda m: op(m, 1).unlink(), "the operation is not linked to its operands"),
    (lambda m: op(m, 0).result.uses.clear(), "the use list of %d : tensor<2x4xf32> is wrong"),
    (lambda m: m.resources["w"].uses.clear(), "the use list of @w : tensor<4x3xf32> is wrong"),
    (lambda m: m.func.ops.pop(), "operand values is not defined before its use"),
    (_set(0, kernel=3), "attribute 'kernel' is 3, expected a string"),
    (_set(0, at=(1.5,)), "attribute 'at' is [1.5], expected a list of integers"),
    (_retype(1, (2, 5)), "the result is tensor<2x5xf32>, the operation gives tensor<2x4xf32>"),
    (_retype(1, (2, 4), F32, "bp8"), "layout '#bp8' cannot hold tensor<2x4xf32>"),
    (_retype(1, (2, 4), F32, "bp9"), "unknown layout '#bp9'"),
    (lambda m: m.resources.__setitem__("v", m.resources.pop("w")), "operand w: @w is not in the"),
]


@pytest.mark.parametrize(("damage", "message"), GENERAL)
def test_general_rules(damage: Callable[[Module], Any], message: str) -> None:
    module = imported()
    damage(module)
    assert any(f.startswith(message) for f in findings(module))


IN_IMPORTED: list[tuple[Callable[[Module], Any], str]] = [
    (_set(0, kernel="k"), "kernel 'k' without a target"),
    (_set(0, at=(0,)), "'at' does not belong to stage imported"),
]

IN_PLANNED: list[tuple[Callable[[Module], Any], str]] = [
    (lambda m: m.attrs.pop("target"), 'the module attribute target = "..." is missing'),
    (lambda m: m.attrs.pop("arena_bytes"), "the module attribute arena_bytes must be"),
    (_attr("arena_align", 0), "the module attribute arena_align must be an integer >= 1"),
    (_attr("arena_bytes", 33), "bytes 32 to 36 leave the arena of 33"),
    (_set(0, at=(8,)), "at = 8 is not a multiple of 16"),
    (_set(0, at=(-16,)), "bytes -16 to -12 leave the arena of 48"),
    (_set(0, at=None), "'at' has 0 places for 1 results"),
    (_set(0, kernel=None), "bin.pack has no kernel"),
    (_retype(0, (2, 9), BIT), "the result is tensor<2x9xbit> without a layout"),
]


@pytest.mark.parametrize(
    ("make", "damage", "message"),
    [*((imported, *c) for c in IN_IMPORTED), *((planned, *c) for c in IN_PLANNED)],
)
def test_stage_rules(
    make: Callable[[], Module], damage: Callable[[Module], Any], message: str
) -> None:
    module = make()
    damage(module)
    assert any(f.startswith(message) for f in findings(module))


def test_each_stage_refuses_what_is_of_another() -> None:
    assert findings(imported(), Stage.BINARIZED) == ["nn.dense does not belong to stage binarized"]
    assert 'the module attribute target = "..." is missing' in findings(imported(), Stage.LOWERED)
    found = findings(planned(), Stage.LOWERED)
    assert len(found) == 5
    assert all("'at' does not belong" in f for f in found)
    assert any("bin.pack does not belong" in f for f in findings(planned(), Stage.CANONICAL))
    assert any("bit does not belong" in f for f in findings(planned(), Stage.IMPORTED))
    assert any("layout #bp8 without a target" in f for f in findings(planned(), Stage.IMPORTED))


def test_constants_are_folded_from_canonical_on() -> None:
    module = imported()
    extra = nn.Relu(module.resources["w"])
    module.func.append(extra)
    verify(module)
    assert findings(module, Stage.CANONICAL) == ["nn.relu of constants alone"]


def test_packed_reshape_needs_a_kernel_when_rows_change() -> None:
    """Rows of 9 bits fill 2 bytes each, of 18 bits 3: the bytes move."""
    text = PLANNED.replace("shape = [1, 2, 9]", "shape = [1, 18]").replace("1x2x9xbit", "1x18xbit")
    with pytest.raises(IRError, match=r"bin\.reshape has no kernel"):
        parse_module(text)
    even = PLANNED.replace("x9x", "x16x").replace("<9x", "<16x").replace("9xbit", "16xbit")
    even = even.replace("2x9xf32", "2x16xf32").replace("shape = [2, 9]", "shape = [2, 16]")
    even = even.replace("shape = [1, 2, 9]", "shape = [1, 32]").replace("1x2x16xbit", "1x32xbit")
    verify(parse_module(even))


def test_floats_only_for_float_operations() -> None:
    """Moving bits around is fine, computing with them is not."""
    reshape = "bin.reshape(%d) {shape = [1, 2, 9], at = 16} : tensor<1x2x9xbit, #bp8>"
    assert reshape in PLANNED
    text = PLANNED.replace(reshape, 'nn.relu(%d) {kernel = "k", at = 16} : tensor<2x9xbit, #bp8>')
    with pytest.raises(IRError, match=r"operand x of nn\.relu is tensor<2x9xbit, #bp8>"):
        parse_module(text)


def test_errors_are_shown_in_the_parsed_text() -> None:
    module = parse_module(IMPORTED, "net.bnn")
    op(module, 1).kernel = "k"
    with pytest.raises(IRError) as caught:
        verify(module)
    assert str(caught.value) == (
        "net.bnn:5:10: error: kernel 'k' without a target\n"
        '      %y = nn.relu(%d) : tensor<2x4xf32> loc("relu")\n'
        "           ^~~~~~~"
    )


def test_errors_are_shown_in_the_printed_module() -> None:
    """Without a text that still shows the operation the module is printed."""
    module = imported().clone()
    for each in module.func.ops:
        each.loc = type(each.loc)(each.loc.names)
    op(module, 1).kernel = "k"
    with pytest.raises(IRError) as caught:
        verify(module)
    assert str(caught.value) == (
        "<net>:6:10: error: kernel 'k' without a target\n"
        '      %y = nn.relu(%d) {kernel = "k"} : tensor<2x4xf32> loc("relu")\n'
        "           ^~~~~~~"
    )


def test_all_findings_at_once() -> None:
    module = imported()
    op(module, 0).kernel = "a"
    op(module, 1).kernel = "b"
    assert len(findings(module)) == 2


def test_data_is_not_looked_at() -> None:
    text = IMPORTED.replace("splat(1.0)", 'blob("sha256:0123456789abcdef", "w")')
    verify(parse_module(text))


def test_every_rule_says_what_it_checks() -> None:
    rules = {*GENERAL_RULES, *(r for rules in STAGE_RULES.values() for r in rules)}
    assert all(r.__doc__ for r in rules)
    assert set(STAGE_RULES) == set(Stage)


def test_types_of_unknown_operations() -> None:
    """What raises in `infer` after a change is a finding, not a crash."""
    module = imported()
    broken: Op = op(module, 0)
    broken.replace_operand(module.func.args[0], op(module, 1).result)
    assert "the input has 4 features, the weights tensor<4x3xf32> take 3" in findings(module)
