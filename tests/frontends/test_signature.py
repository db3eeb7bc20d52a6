# SPDX-License-Identifier: Apache-2.0
"""Names, shapes, batch, and inputs that become constants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnc.frontends.tensorflow.tensors import DType
from bnnc.ir.diagnostics import BnncError, ImportFailure, UsageError

from .graphs import GraphBuilder, f32


def _two_heads() -> GraphBuilder:
    g = GraphBuilder()
    x = g.placeholder("x", (-1, 4))
    h = g.node("Relu", "hidden", x)
    g.node("Tanh", "b_head", h)
    g.node("Sigmoid", "a_head", h)
    g.node("NoOp", "init", "^hidden")
    g.const("unused", 1.0)
    g.placeholder("unused_input", (3,))
    g.node("Neg", "of_constant", "unused")
    return g


def test_outputs_are_the_sinks_in_node_order(tmp_path: Path) -> None:
    module = _two_heads().load(tmp_path)
    assert list(module.outputs) == ["b_head", "a_head"]
    assert list(module.inputs) == ["x"]
    assert module.inputs["x"].shape == (1, 4)


def test_only_what_the_outputs_need_is_imported(tmp_path: Path) -> None:
    module = _two_heads().load(tmp_path, output_names=("a_head:0",))
    assert list(module.outputs) == ["a_head"]
    assert [op.loc.name for op in module.func.ops] == ["hidden", "a_head"]
    assert [op.loc.op for op in module.func.ops] == ["Relu", "Sigmoid"]
    assert not module.resources


def test_cutting_with_input_names(tmp_path: Path) -> None:
    g = _two_heads()
    options: dict[str, Any] = {"input_names": ("hidden",), "input_shapes": {"hidden:0": (2, 4)}}
    module = g.load(tmp_path, **options)
    assert module.inputs["hidden"].shape == (2, 4)
    x = f32([[-1, 0, 1, 2]] * 2)
    np.testing.assert_allclose(g.run(tmp_path, {"hidden": x}, **options)[0], np.tanh(x), atol=1e-6)


def test_batch_and_shapes(tmp_path: Path) -> None:
    g = GraphBuilder()
    g.node("Relu", "y", g.placeholder("x", (-1, -1, 3)))
    assert g.load(tmp_path, input_shapes={"x": (-1, 5, 3)}).inputs["x"].shape == (1, 5, 3)
    assert g.load(tmp_path, input_shapes={"x": (2, 5, 3)}).inputs["x"].shape == (2, 5, 3)
    module = g.load(tmp_path, input_shapes={"x": (-1, 5, 3)}, batch=7)
    assert module.outputs["y"].shape == (7, 5, 3)


def test_a_fixed_batch_is_kept_and_replaced(tmp_path: Path) -> None:
    g = GraphBuilder()
    x = g.placeholder("x", (4, 2, 3))
    flat = g.node("Reshape", "flat", x, g.const("shape", [4, 6], "int32"))
    g.node("Reshape", "y", flat, g.const("open", [4, -1, 2], "int32"))
    assert g.load(tmp_path).outputs["y"].shape == (4, 3, 2)
    assert g.load(tmp_path, batch=1).outputs["y"].shape == (1, 3, 2)
    assert g.load(tmp_path, batch=8).outputs["y"].shape == (8, 3, 2)


def test_a_batch_inside_a_merged_axis_is_refused(tmp_path: Path) -> None:
    g = GraphBuilder()
    x = g.placeholder("x", (4, 2, 3))
    g.node("Reshape", "y", x, g.const("shape", [8, 3], "int32"))
    assert g.load(tmp_path).outputs["y"].shape == (8, 3)
    with pytest.raises(ImportFailure, match="batch may be part of the constant shape"):
        g.load(tmp_path, batch=2)


def _refusals() -> list[Any]:
    def unknown_axis(g: GraphBuilder) -> None:
        g.node("Relu", "y", g.placeholder("image", (-1, -1, -1, 3)))

    def unknown_rank(g: GraphBuilder) -> None:
        g.node("Relu", "y", g.placeholder("image", None))

    def scalar(g: GraphBuilder) -> None:
        p = g.placeholder("p", ())
        g.node("Mul", "y", g.placeholder("x", (-1, 3)), p)

    def text(g: GraphBuilder) -> None:
        g.node("DecodeJpeg", "y", g.placeholder("file", (), DType.STRING))

    def no_input(g: GraphBuilder) -> None:
        g.node("Relu", "y", g.const("c", [1.0]))

    return [
        (unknown_axis, {}, ImportFailure, "--input-shape image=1,32,32,3"),
        (unknown_rank, {}, ImportFailure, "--input-shape image=1,32,32,3"),
        (scalar, {}, ImportFailure, "--set p=VALUE"),
        (text, {}, ImportFailure, "'file' is a string"),
        (no_input, {}, ImportFailure, "no output that depends on an input"),
        (unknown_axis, {"input_shapes": {"imag": (1,)}}, UsageError, "did you mean 'image'?"),
        (unknown_axis, {"input_shapes": {"image": (1, 2, 2, 4)}}, UsageError, "does not fit"),
        (unknown_axis, {"input_shapes": {"image": (1, 2, 3)}}, UsageError, "does not fit"),
        (
            unknown_axis,
            {"input_shapes": {"image": (2, 8, 8, 3)}, "batch": 4},
            UsageError,
            "--batch 4 contradicts",
        ),
        (unknown_axis, {"output_names": ("Y",)}, UsageError, "no tensor 'Y'"),
        (unknown_axis, {"output_names": ("y", "y:0")}, UsageError, "given twice"),
        (scalar, {"set_values": {"q": "1"}}, UsageError, "placeholders: p, x"),
        (scalar, {"set_values": {"p": "maybe"}}, UsageError, "expected a number"),
        (scalar, {"set_values": {"p": "1,2"}}, UsageError, r"shape \[2\] is not \[\]"),
        (scalar, {"input_names": ("x",)}, ImportFailure, "input 'p' is needed too"),
        (scalar, {"set_values": {"p": "1", "x": "2"}}, BnncError, "not|no input"),
    ]


@pytest.mark.parametrize(("build", "options", "error", "message"), _refusals())
def test_refusals_tell_the_cure(
    tmp_path: Path, build: Any, options: dict[str, Any], error: type[BnncError], message: str
) -> None:
    g = GraphBuilder()
    build(g)
    with pytest.raises(error, match=message):
        g.load(tmp_path, **options)


@pytest.mark.parametrize("value", ["0.5", ".5", 0.5, "[0.5, 0.5, 0.5]", "0.5,0.5,0.5"])
def test_set_makes_a_constant(tmp_path: Path, value: object) -> None:
    g = GraphBuilder()
    g.node("Mul", "y", g.placeholder("x", (-1, 3)), g.placeholder("p", (3,)))
    (y,) = g.run(tmp_path, {"x": f32([[2, 4, -6]])}, set_values={"p:0": value})
    np.testing.assert_array_equal(y, f32([[1, 2, -3]]))


def test_a_default_stands_for_flags_but_not_for_images(tmp_path: Path) -> None:
    g = GraphBuilder()
    image = g.const("image_default", np.zeros((1, 4)))
    keep = g.const("keep_default", 2.0)
    g.placeholder("x", (1, 4))
    g.graph.node[-1].op = "PlaceholderWithDefault"
    g.graph.node[-1].input.append(image)
    g.placeholder("keep", ())
    g.graph.node[-1].op = "PlaceholderWithDefault"
    g.graph.node[-1].input.append(keep)
    g.node("Mul", "y", "x", "keep")
    module = g.load(tmp_path)
    assert list(module.inputs) == ["x"]
    (y,) = g.run(tmp_path, {"x": f32([[1, 2, 3, 4]])})
    np.testing.assert_array_equal(y, f32([[2, 4, 6, 8]]))


def test_integer_inputs_are_held_as_floats(tmp_path: Path) -> None:
    g = GraphBuilder()
    x = g.placeholder("x", (-1, 2, 2), DType.UINT8)
    flat = g.node("Reshape", "flat", x, g.const("shape", [-1, 4], "int32"))
    g.node("Cast", "y", flat, SrcT=DType.UINT8, DstT=DType.FLOAT)
    (y,) = g.run(tmp_path, {"x": f32([[[0, 255], [7, 8]]])})
    np.testing.assert_array_equal(y, f32([[0, 255, 7, 8]]))
    g.node("Mul", "z", flat, flat)
    with pytest.raises(ImportFailure, match="computes with integers that come from an input"):
        g.load(tmp_path)
