# SPDX-License-Identifier: Apache-2.0
"""Function libraries: bodies are inlined, whatever the call looks like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bnnc.frontends.tensorflow.schema import new
from bnnc.frontends.tensorflow.tensors import DType
from bnnc.ir import nn
from bnnc.ir.diagnostics import ImportFailure

from .graphs import GraphBuilder, f32, function_name

_X = f32([[0.25, -3.0, 2.0]])


def _affine() -> GraphBuilder:
    """Negative -> ``a * x``, positive -> ``x + a``; ``unused`` contributes nothing."""
    body = GraphBuilder()
    body.node("Mul", "product", "a", "x")
    body.node("AddV2", "sum", "x", "a")
    body.node("Frobnicate", "unused", "x")
    return body


def _with_affine() -> GraphBuilder:
    g = GraphBuilder()
    g.function("affine", ["x", "a"], {"mul": "product:z:0", "add": "sum:z:0"}, _affine())
    g.placeholder("x", (-1, 3))
    g.const("two", 2.0)
    return g


@pytest.mark.parametrize("op", ["PartitionedCall", "StatefulPartitionedCall", "affine"])
def test_a_call_with_two_results(tmp_path: Path, op: str) -> None:
    g = _with_affine()
    f = {} if op == "affine" else {"f": function_name("affine")}
    g.node(op, "layer/call", "x", "two", _XlaMustCompile=True, **f)
    g.node("Neg", "first", "layer/call")
    g.node("Neg", "second", "layer/call:1")
    module = g.load(tmp_path)
    assert {op.loc.name for op in module.func.ops} == {
        "layer/call/product",
        "layer/call/sum",
        "first",
        "second",
    }
    first, second = g.run(tmp_path, {"x": _X})
    np.testing.assert_array_equal(first, -2 * _X)
    np.testing.assert_array_equal(second, -(_X + 2))


def test_the_call_keeps_its_name(tmp_path: Path) -> None:
    g = _with_affine()
    g.node("PartitionedCall", "call", "x", "two", f=function_name("affine"))
    g.node("Relu", "y", "call:1")
    want = {"call": 2 * _X, "call:1": _X + 2, "call/sum": _X + 2}
    for name, y in zip(want, g.run(tmp_path, {"x": _X}, output_names=tuple(want)), strict=True):
        np.testing.assert_array_equal(y, want[name])
    (y,) = g.run(tmp_path, {"call:1": _X}, input_names=("call:1",), input_shapes={"call:1": (1, 3)})
    np.testing.assert_array_equal(y, np.maximum(_X, 0))


def test_an_inlined_name_may_be_taken(tmp_path: Path) -> None:
    g = _with_affine()
    g.node("Neg", "call/product", "x")
    g.node("PartitionedCall", "call", "call/product", "two", f=function_name("affine"))
    (y,) = g.run(tmp_path, {"x": _X}, output_names=("call",))
    np.testing.assert_array_equal(y, -2 * _X)


def test_nested_calls(tmp_path: Path) -> None:
    """A function is called by its name inside of another, which reads its second result."""
    g = _with_affine()
    body = GraphBuilder()
    body.node("affine", "inner", "v", "v")
    body.node("Sub", "difference", "inner:mul:0", "inner:add:0")
    body.node("PartitionedCall", "again", "difference:z:0", "v", f=function_name("affine"))
    g.function("outer", ["v"], {"out": "again:output:1"}, body)
    g.node("Identity", "y", g.node("outer", "call", "x"))
    module = g.load(tmp_path)
    assert [op.loc.name for op in module.func.ops] == [
        "call/inner/product",
        "call/inner/sum",
        "call/difference",
        "call/again/sum",
    ]
    (y,) = g.run(tmp_path, {"x": _X})
    np.testing.assert_array_equal(y, _X * _X - 2 * _X + _X)


def test_named_outputs_of_a_node(tmp_path: Path) -> None:
    """``bn:batch_variance:0`` is output 2, ``parts:output:2`` too."""
    g = GraphBuilder()
    body = GraphBuilder()
    body.const("axis", 1, "int32")
    body.node("Split", "parts", "axis:output:0", "x", num_split=3)
    body.node("Identity", "third", "parts:output:2")
    body.node("FusedBatchNormV3", "bn", "image", "one", "one", "one", "one", is_training=False)
    body.node("Add", "sum", "third:output:0", "bn:y:0")
    g.function("f", ["x", "image", "one"], {"out": "sum:z:0"}, body)
    x, image = g.placeholder("x", (-1, 3)), g.placeholder("image", (-1, 1, 1, 1))
    call = g.node("f", "call", x, image, g.const("one", [1.0]))
    g.node("Identity", "y", call)
    (y,) = g.run(tmp_path, {"x": _X, "image": f32([[[[1.0]]]])})
    np.testing.assert_array_equal(y.reshape(-1), [3.0])  # 2 + (1 - 1) * 1 + 1
    g.graph.library.function[0].node_def[4].input[1] = "bn:batch_variance:0"
    with pytest.raises(ImportFailure, match="reads output 2 of a FusedBatchNormV3"):
        g.load(tmp_path)


@pytest.mark.parametrize("direct", [True, False])
def test_the_body_asks_for_attributes_of_the_call(tmp_path: Path, direct: bool) -> None:
    body = GraphBuilder()
    body.const("axis", 1, "int32")
    body.node("Sum", "sum", "x", "axis:output:0")
    body.graph.node[1].attr["keep_dims"].placeholder = "keep"
    g = GraphBuilder()
    g.function("total", ["x"], {"out": "sum:output:0"}, body)
    x = g.placeholder("x", (-1, 3))
    if direct:
        g.node("total", "y", x, keep=True)
    else:
        f = function_name("total")
        f.attr["keep"].b = True
        g.node("PartitionedCall", "y", x, f=f)
    (y,) = g.run(tmp_path, {"x": _X})
    assert y.shape == (1, 1)


def test_bodies_with_control_flow(tmp_path: Path) -> None:
    """A flag is passed in; the branch and its control edges die inside of the function."""
    body = GraphBuilder()
    body.node("Switch", "switch", "x", "flag")
    body.node("Frobnicate", "training", "switch:output_true:0")
    body.const("one", 1.0)
    body.graph.node[-1].input.append("^switch")
    body.node("Sub", "inference", "switch:output_false:0", "one:output:0")
    body.node("Merge", "merge", "inference:z:0", "training:z:0")
    g = GraphBuilder()
    g.function("layer", ["x", "flag"], {"out": "merge:output:0"}, body)
    flag = g.placeholder("training", (), DType.BOOL)
    g.node(
        "StatefulPartitionedCall", "y", g.placeholder("x", (-1, 3)), flag, f=function_name("layer")
    )
    (y,) = g.run(tmp_path, {"x": _X}, set_values={"training": "false"})
    np.testing.assert_array_equal(y, _X - 1)
    with pytest.raises(ImportFailure, match="Frobnicate is not supported: node 'y/training'"):
        g.load(tmp_path, set_values={"training": "true"})


@pytest.mark.parametrize("op", ["If", "StatelessIf"])
@pytest.mark.parametrize("nested", [False, True])
def test_a_known_condition_chooses_the_branch(tmp_path: Path, op: str, nested: bool) -> None:
    g = GraphBuilder()
    for name in ("Neg", "Abs"):
        body = GraphBuilder()
        body.node(name, "made", "x")
        g.function(f"do_{name}", ["x"], {"out": "made:y:0"}, body)
    branches = {"then_branch": function_name("do_Neg"), "else_branch": function_name("do_Abs")}
    flag = g.placeholder("training", (), DType.BOOL)
    inputs = [flag, g.placeholder("x", (-1, 3))]
    if nested:
        body = GraphBuilder()
        body.node("LogicalNot", "inference", "flag")
        body.node("LogicalNot", "training", "inference:y:0")
        body.node(op, "choice", "training:y:0", "x", **branches)
        g.function("layer", ["flag", "x"], {"out": "choice:output:0"}, body)
        g.node("PartitionedCall", "y", *inputs, f=function_name("layer"))
    else:
        g.node(op, "y", *inputs, **branches)
    for value, want in (("true", -_X), ("false", np.abs(_X))):
        (y,) = g.run(tmp_path, {"x": _X}, set_values={"training": value})
        np.testing.assert_array_equal(y, want)
    with pytest.raises(ImportFailure) as caught:
        g.load(tmp_path)
    assert "'training'" in str(caught.value)
    assert "--set" in str(caught.value)


@pytest.mark.parametrize("source", ["count", "call:3", "bare", "loop"])
def test_conditions_that_have_no_truth(tmp_path: Path, source: str) -> None:
    """A number, an output that a call does not have, a wire from nowhere, wires that go round."""
    g = _with_affine()
    g.node("Identity", "loop", "loop2")
    g.node("Identity", "loop2", "loop")
    g.const("count", 1, "int32")
    g.node("affine", "call", "x", "two")
    g.node(
        "If",
        "y",
        source,
        "x",
        then_branch=function_name("affine"),
        else_branch=function_name("affine"),
    )
    g.node("Identity", "bare")
    reason = "If is not supported" if source == "loop" else "no constant: node 'y'"
    with pytest.raises(ImportFailure, match=reason):
        g.load(tmp_path, output_names=("y",))


def test_a_dead_call_does_not_run(tmp_path: Path) -> None:
    """What a call returns is dead with its inputs, even a constant of the body."""
    body = GraphBuilder()
    body.const("one", 1.0)
    g = GraphBuilder()
    g.function("constant", ["x"], {"out": "one:output:0"}, body)
    flag = g.placeholder("flag", (), DType.BOOL)
    g.node("Switch", "switch", g.placeholder("x", (-1, 3)), flag)
    g.node("constant", "dead", "switch:1")
    g.node("Merge", "y", "switch", "dead")
    g.node("Neg", "n", "y")
    (y,) = g.run(tmp_path, {"x": _X}, set_values={"flag": "false"})
    np.testing.assert_array_equal(y, -_X)


def test_a_call_without_results_is_no_output(tmp_path: Path) -> None:
    g = _with_affine()
    g.function("log", ["x"], {}, _affine())
    g.node("StatefulPartitionedCall", "effect", "x", f=function_name("log"))
    g.node("Relu", "y", "x")
    assert list(g.load(tmp_path).outputs) == ["y"]


def _refused(g: GraphBuilder, folder: Path) -> str:
    with pytest.raises(ImportFailure) as caught:
        g.load(folder)
    return str(caught.value)


def test_calls_that_cannot_be_inlined(tmp_path: Path) -> None:
    g = _with_affine()
    for name, callee in (("ping", "pong"), ("pong", "ping")):
        body = GraphBuilder()
        body.node("PartitionedCall", "call", "x", f=function_name(callee))
        g.function(name, ["x"], {"out": "call:output:0"}, body)
    body = GraphBuilder()
    body.node("Neg", "n", "missing:y:0")
    g.function("damaged", ["x"], {"out": "n:y:0"}, body)
    g.function("many", ["x"], {"out": "x"}, GraphBuilder())
    g.graph.library.function[-1].signature.input_arg[0].number_attr = "N"
    g.node("ping", "recursive", "x")
    g.node("PartitionedCall", "nowhere", "x", f=function_name("lost"))
    g.node("PartitionedCall", "nameless", "x")
    g.node("affine", "short", "x")
    g.node("damaged", "torn", "x")
    g.node("many", "list", "x")
    text = _refused(g, tmp_path)
    assert "recursive call of the function 'ping': node 'recursive/call/call'" in text
    assert "calls the function 'lost', which is not in the file: node 'nowhere'" in text
    assert "has no usable attribute 'f': node 'nameless'" in text
    assert "gives 1 inputs to the function 'affine', which takes 2: node 'short'" in text
    assert "calls a damaged function: it lacks 'missing:y': node 'torn'" in text
    assert "calls the function 'many', which takes lists: node 'list'" in text
    assert text.count("hint:") == 5


def test_what_fails_in_a_body_is_named_by_its_caller(tmp_path: Path) -> None:
    body = GraphBuilder()
    body.node("Frobnicate", "f", "x")
    g = GraphBuilder()
    g.function("broken", ["x"], {"out": "f:y:0"}, body)
    g.node("broken", "b", g.node("broken", "a", g.placeholder("x", (-1, 3))))
    assert "Frobnicate is not supported: nodes 'a/f', 'b/f'" in _refused(g, tmp_path)


@pytest.mark.slow
def test_doubling_calls_end(tmp_path: Path) -> None:
    """Fifty functions, each of which calls the next one twice, are a thousand bytes each."""
    g = GraphBuilder()
    for i in range(50):
        body = GraphBuilder()
        if i < 49:
            body.node(f"f{i + 1}", "a", "x")
            body.node(f"f{i + 1}", "b", "a:y:0")
        else:
            body.node("Neg", "b", "x")
        g.function(f"f{i}", ["x"], {"y": "b:y:0"}, body)
    g.node("f0", "y", g.placeholder("x", (-1, 3)))
    assert "expands to more than 100000 nodes" in _refused(g, tmp_path)


def test_deep_calls_end(tmp_path: Path) -> None:
    g = GraphBuilder()
    for i in range(2000):
        body = GraphBuilder()
        body.node(f"f{i + 1}" if i < 1999 else "Neg", "a", "x")
        g.function(f"f{i}", ["x"], {"y": "a:y:0"}, body)
    g.node("f0", "y", g.placeholder("x", (-1, 3)))
    assert "is nested in 100 other calls" in _refused(g, tmp_path)


def test_grouped_convolution_in_a_function(tmp_path: Path) -> None:
    """Two groups: the filter has half of the image's channels."""
    rng = np.random.default_rng(2)
    x = rng.standard_normal((1, 3, 3, 4)).astype(np.float32)
    w = rng.standard_normal((1, 1, 2, 6)).astype(np.float32)
    body = GraphBuilder()
    attrs = {"strides": [1, 1, 1, 1], "padding": "VALID"}
    body.node("Conv2D", "QuantConv2D", "inputs", "kernel", **attrs)
    g = GraphBuilder()
    g.function("grouped", ["inputs", "kernel"], {"out": "QuantConv2D:output:0"}, body)
    inputs = [g.placeholder("x", x.shape), g.const("w", w)]
    g.node("PartitionedCall", "call", *inputs, f=function_name("grouped"), _XlaMustCompile=True)
    module = g.load(tmp_path)
    conv = module.func.ops[-1]
    assert isinstance(conv, nn.Conv2D)
    assert conv.groups == 2
    (y,) = g.run(tmp_path, {"x": x})
    want = np.concatenate([x[..., :2] @ w[0, 0, :, :3], x[..., 2:] @ w[0, 0, :, 3:]], axis=-1)
    np.testing.assert_allclose(y, want, atol=1e-5)


def test_a_quantizer_of_tensorflow_1(tmp_path: Path) -> None:
    """round(clip(x, 0, max) / max * (2^bit - 1)) / (2^bit - 1) * max with constants as inputs."""
    body = GraphBuilder()
    body.node("Cast", "Cast", "bit", SrcT=DType.INT32, DstT=DType.FLOAT)
    body.const("two", 2.0)
    body.const("one", 1.0)
    body.const("zero", 0.0)
    body.node(
        "Sub", "n", body.node("Pow", "Pow", "two:output:0", "Cast:y:0") + ":z:0", "one:output:0"
    )
    body.node("Minimum", "min", "x", "max_value")
    body.node("Maximum", "clip", "min:z:0", "zero:output:0")
    body.node("RealDiv", "unit", "clip:z:0", "max_value")
    body.node("Round", "level", body.node("Mul", "mul", "unit:z:0", "n:z:0") + ":z:0")
    body.node("RealDiv", "back", "level:y:0", "n:z:0")
    body.node("Mul", "out", "back:z:0", "max_value")
    g = GraphBuilder()
    g.function("QTZ", ["x", "bit", "max_value"], {"out": "out:z:0"}, body)
    g.placeholder("x", (-1, 6))
    g.node("QTZ", "y", "x", g.const("bit", 2, "int32"), g.const("max", 2.0))
    x = f32([[-1.0, 0.3, 0.4, 1.0, 1.1, 9.0]])
    (y,) = g.run(tmp_path, {"x": x})
    np.testing.assert_allclose(y, f32([[0, 0, 2 / 3, 4 / 3, 4 / 3, 2]]), rtol=1e-6)


def test_the_name_of_a_function_on_the_wire() -> None:
    """The message that names a function is the one that TensorFlow writes."""
    made = new("NameAttrList", name="f")
    assert made.SerializeToString() == b"\n\x01f"
