# SPDX-License-Identifier: Apache-2.0
"""Messages about faulty text: the words, the place, the cure."""

from __future__ import annotations

import random
import re

import pytest

from bnnc.ir.diagnostics import IRError
from bnnc.ir.text import parse_module

TEXT = """\
bnnc.ir 1
module @net {stage = "imported"} {
  resource @w : tensor<4x1x1x3xf32> = splat(1.0)
  func @main(%x: tensor<1x8x8x3xf32>) -> (tensor<1x8x8x4xf32>) {inputs = ["x"], outputs = ["y"]} {
    %c = nn.conv2d(%x, @w) {stride = [1, 1], pad = [0, 0, 0, 0], pad_value = 0.0} : tensor<1x8x8x4xf32>
    %y = nn.sign(%c) {zero = plus, nan = minus} : tensor<1x8x8x4xf32> loc("s")
    func.return(%y)
  }
}
"""  # noqa: E501


def errors(*edits: tuple[str, str], text: str = TEXT) -> list[str]:
    """The messages after edits of the good text; each as ``line:column: message | hint``."""
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} is not there once"
        text = text.replace(old, new)
    with pytest.raises(IRError) as caught:
        parse_module(text, "net.bnn")
    assert caught.value.exit_code == 4
    found: list[str] = []
    for d in caught.value.diagnostics:
        assert d.span is not None
        assert d.span.file == "net.bnn"
        assert d.span.source == text.split("\n")[d.span.line - 1]
        hint = f" | {d.hint}" if d.hint else ""
        found.append(f"{d.span.line}:{d.span.column}: {d.message}{hint}")
    return found


def test_the_text_without_errors() -> None:
    assert parse_module(TEXT).name == "net"


def test_how_an_error_is_shown() -> None:
    with pytest.raises(IRError) as caught:
        parse_module(TEXT.replace("nn.sign", "nn.sing"), "net.bnn")
    assert str(caught.value) == (
        "net.bnn:6:10: error: unknown operation 'nn.sing'\n"
        '      %y = nn.sing(%c) {zero = plus, nan = minus} : tensor<1x8x8x4xf32> loc("s")\n'
        "           ^~~~~~~\n"
        "  hint: did you mean 'nn.sign'?"
    )


SEMANTIC = {
    ("zero = plus", "zero = plis"): "6:30: zero: expected plus, minus or keep, found plis"
    " | did you mean 'plus'?",
    ("zero = plus", "zero = 1"): "6:30: zero: expected plus, minus or keep, found 1",
    ("zero = plus", "zero"): "6:23: zero: expected plus, minus or keep behind '='",
    ("zero = plus", "zeros = plus, zero = plus"): "6:23: nn.sign has no attribute 'zeros'"
    " | did you mean 'zero'?",
    ("zero = plus, ", ""): "6:10: nn.sign needs 'zero' | zero = plus, minus or keep",
    ("zero = plus", "zero = plus, zero = plus"): "6:36: attribute 'zero' is given twice",
    ("pad = [0, 0, 0, 0]", "pad = [0, 0]"): "5:52: pad: expected a list of 4 integers, "
    "found a list of 2",
    ("pad = [0, 0, 0, 0]", "pad = [0, 0, 0, 0.5]"): "5:62: pad: expected an integer, found 0.5",
    ("pad_value = 0.0", "pad_value = 1e40"): "5:78: pad_value: 1e40 is beyond float32"
    " | write inf if that is meant",
    ("%x, @w", "%x"): "5:10: nn.conv2d takes 2 to 3 operands, found 1 | operands are x, w, [b]",
    ("%x, @w", "%x, none"): "5:24: operand w of nn.conv2d is not optional",
    ("%x, @w", "%x, @v"): "5:24: unknown symbol @v",
    ("(%c)", "(%d)"): "6:18: unknown value %d",
    ("(%x, @w", "(%y, @w"): "5:20: %y is used before it is defined"
    " | it is defined in line 6, and depends on itself: %y -> %c -> %y",
    ("%c = nn.conv2d", "%x = nn.conv2d"): "5:5: %x is defined twice | first defined in line 4",
    ("%c = nn.conv2d", "%c, %d = nn.conv2d"): "5:14: nn.conv2d has 1 result, found 2 results",
    ("0.0} : tensor<1x8x8x4xf32>", "0.0} : tensor<1x8x8x5xf32>"): "5:92: declared "
    "tensor<1x8x8x5xf32>, but nn.conv2d gives tensor<1x8x8x4xf32>",
    ("0.0} : tensor<1x8x8x4xf32>", "0.0} : tensor<1x8x8x4xf33>"): "5:92: unknown scalar type "
    "'f33' | use f32, i1..i64, u1..u64, bit, tern or odd<1>..odd<15>",
    ("0.0} : tensor<1x8x8x4xf32>", "0.0} : tensor<1x8x8x4xf32, #bp9>"): "5:105: unknown layout "
    "'#bp9' | did you mean 'bp8'?",
    ("0.0} : tensor<1x8x8x4xf32>", "0.0} : tensor<1x8x8x4xf32, #bp8>"): "5:105: layout '#bp8' "
    "cannot hold tensor<1x8x8x4xf32>",
    ("stride = [1, 1]", "stride = [0, 1]"): "5:10: kernel, stride and dilation must be at least 1",
    ('"imported"', '"import"'): "2:22: unknown stage 'import' | did you mean 'imported'?",
    ("ir 1", "ir 7"): "1:9: version 7 of the text is unknown | this bnnc reads version 1",
    ("splat(1.0)", "dense([1.0])"): "3:39: tensor<4x1x1x3xf32> has 12 elements, found 1",
    ('inputs = ["x"]', 'inputs = ["x", "z"]'): "4:65: inputs: expected 1 name, found 2",
    ("inputs =", "input ="): "4:65: a function has no attribute 'input' | did you mean 'inputs'?",
    ("-> (tensor<1x8x8x4xf32>)", "-> (tensor<4xf32>)"): "7:5: the function declares results "
    "(tensor<4xf32>), returned are (tensor<1x8x8x4xf32>)",
    ("    func.return(%y)\n", ""): "6:10: a function ends with func.return",
    ('loc("s")', r'loc("\s")'): "6:75: unknown escape in a string"
    r" | write \\ for a backslash, \", \n or \u0041",
}


@pytest.mark.parametrize(("edit", "message"), SEMANTIC.items())
def test_meaning(edit: tuple[str, str], message: str) -> None:
    assert message in errors(edit)


SYNTAX = {
    ("(%y)", "(%y"): "7:19: expected ')' or ',' at the end of the line",
    ("(%y)", "(y)"): "7:17: expected ')', 'none', a symbol (@w) or a value (%x), found 'y'"
    " | values begin with a percent sign: %y",
    ("(%c)", "(%c"): "6:21: expected ')' or ',', found '{'",
    ("= plus, nan", "= plus, nan = minus, }"): "6:49: expected a name, found '}'",
    ('loc("s")', 'loc("s)'): "6:75: this string does not end on its line",
    ("@net", "net"): "2:8: expected a symbol (@w), found 'net' | symbols begin with an at sign: "
    "@net",
    ("<4x1x", "<?x1x"): "3:24: expected a shape and scalar (1x8x8x3xf32), found '?x1x1x3xf32'"
    " | all dimensions are numbers here; fix the batch size before importing",
    ("  }\n}\n", "  }\n"): "8:3: the text ends where 'func', 'resource' or '}' should follow",
    (
        "%y = nn.sign",
        "y = nn.sign",
    ): "6:5: expected ',', 'loc', '}', a value (%x) or an operation (nn.relu), "
    "found 'y' | values begin with a percent sign: %y",
    ("pad_value = 0.0", "pad_value = 12px"): "5:78: expected '[', a name, a number or a quoted "
    "string, found '12px'",
}


@pytest.mark.parametrize(("edit", "message"), SYNTAX.items())
def test_syntax(edit: tuple[str, str], message: str) -> None:
    assert errors(edit) == [message]


def test_several_errors_of_meaning() -> None:
    found = errors(("zero = plus", "zero = plis"), ("pad_value", "padvalue"), ("@w)", "@v)"))
    assert [m.split(" ")[0] for m in found] == ["5:24:", "5:66:", "6:30:"]


def test_several_syntax_errors() -> None:
    found = errors(("%x, @w)", "%x, @w"), ("(%y)", "(y)"), ("splat(1.0)", "splat()"))
    assert [m.split(" ")[0] for m in found] == ["3:45:", "5:27:", "7:17:"]


def test_an_error_gives_no_others() -> None:
    """The results of a faulty statement are there for the statements that use them."""
    assert len(errors(("nn.conv2d", "nn.conv3d"))) == 1
    assert len(errors(("tensor<4x1x1x3xf32>", "tensor<4x1x1x3xf23>"))) == 1


def test_at_most_twenty_are_shown() -> None:
    lines = "".join(f"    %n{i} = nn.relo(%x) : tensor<1x8x8x3xf32>\n" for i in range(25))
    text = TEXT.replace("    func.return", f"{lines}    func.return")
    with pytest.raises(IRError) as caught:
        parse_module(text)
    assert str(caught.value).count("unknown operation") == 20
    assert str(caught.value).endswith("... and 5 more")


def test_stage_rules_are_shown_in_the_text() -> None:
    assert errors(("{zero", '{kernel = "k", zero')) == ["6:10: kernel 'k' without a target"]


def test_two_functions() -> None:
    extra = "  func @f() -> () {\n    func.return()\n  }\n}\n"
    (message,) = errors(text=TEXT.removesuffix("}\n") + extra)
    assert message == "9:8: a module has exactly one function, this one has 2"


def test_constants_of_other_scalars() -> None:
    for type_, value, message in (
        ("tensor<3xbit>", "splat(0)", "@w holds values that bit does not have"),
        ("tensor<3xi8>", "splat(300)", "a number is beyond i8"),
        ("tensor<3xi8>", "splat(1.5)", "i8 takes integers, found 1.5"),
        ("tensor<3xi8>", 'blob("sha512:00", "w")', "'sha512:00' names neither a digest nor a file"),
    ):
        text = f"module @n {{\n  resource @w : {type_} = {value}\n  func @main() -> () {{\n"
        (found,) = errors(text=f"{text}    func.return()\n  }}\n}}\n")
        assert message in found


def test_short_texts_cannot_ask_for_much() -> None:
    huge = ("tensor<4x1x1x3xf32>", "tensor<99999999x1x1x3xf32>")
    assert "too large for inline data | use a blob" in errors(huge)[0]
    deep = "[" * 100_000 + "]" * 100_000
    assert errors(('"imported"', f'"imported", x = {deep}')) == [
        "2:38: lists are nested too deeply"
    ]


def test_damaged_texts_never_crash() -> None:
    """Words of a text are dropped, doubled, exchanged: an IR error or a module, nothing else."""
    rng = random.Random(0)
    words = re.findall(r"\s+|[\w.@%#!]+|.", TEXT)
    spare = [*sorted(set(words)), "nn.reduce", "bin.flip", "none", "1e99", "-1", '"', "\\", "\0"]
    failed = 0
    for _ in range(400):
        mixed = list(words)
        for _ in range(rng.randint(1, 3)):
            i = rng.randrange(len(mixed))
            mixed[i : i + rng.randint(0, 1)] = rng.choice([[], [rng.choice(spare)]])
        try:
            parse_module("".join(mixed))
        except IRError as error:
            assert error.diagnostics[0].span is not None or "does not verify" in error.message
            failed += 1
    assert failed > 100
