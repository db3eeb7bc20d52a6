# SPDX-License-Identifier: Apache-2.0
"""Training graphs: switches, merges, dead branches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bnnc.frontends.tensorflow.tensors import DType
from bnnc.ir.diagnostics import ImportFailure

from .graphs import GraphBuilder, f32


def _cond(predicate_of: str | None = None) -> GraphBuilder:
    """y = is_training ? Frobnicate(x) * 2 : -x + 1, as tf.cond wrote it."""
    g = GraphBuilder()
    g.placeholder("is_training", (), DType.BOOL)
    x = g.placeholder("x", (-1, 2))
    pred = g.node("Identity", "cond/pred_id", predicate_of or "is_training")
    g.node("Switch", "cond/Switch", pred, pred)
    g.node("Identity", "cond/switch_t", "cond/Switch:1")
    g.node("Identity", "cond/switch_f", "cond/Switch")
    g.node("Switch", "cond/sx", x, pred)
    g.const("cond/two", 2.0)
    g.graph.node[-1].input.append("^cond/switch_t")
    g.node("Frobnicate", "cond/frob", "cond/sx:1")
    g.node("Mul", "cond/true", "cond/frob", "cond/two")
    g.const("cond/one", 1.0)
    g.graph.node[-1].input.append("^cond/switch_f")
    g.node("Neg", "cond/neg", "cond/sx:0")
    g.node("Add", "cond/false", "cond/neg", "cond/one")
    g.node("Merge", "cond/Merge", "cond/false", "cond/true")
    g.node("Relu", "y", "cond/Merge")
    return g


_X = f32([[0.25, 3.0]])
_Y = f32([[0.75, 0.0]])


@pytest.mark.parametrize("value", [False, "false", "False", 0, "0"])
def test_the_dead_branch_is_dropped(tmp_path: Path, value: object) -> None:
    options = {"set_values": {"is_training": value}}
    module = _cond().load(tmp_path, **options)
    assert [op.loc.op for op in module.func.ops] == ["Neg", "Add", "Relu"]
    assert list(module.inputs) == ["x"]
    (y,) = _cond().run(tmp_path, {"x": _X}, **options)
    np.testing.assert_array_equal(y, _Y)


def test_the_other_branch_is_taken(tmp_path: Path) -> None:
    with pytest.raises(ImportFailure, match="Frobnicate is not supported"):
        _cond().load(tmp_path, set_values={"is_training": "true"})


def test_an_unset_flag_asks_for_set(tmp_path: Path) -> None:
    with pytest.raises(ImportFailure, match="--set is_training=false") as caught:
        _cond().load(tmp_path)
    assert "Frobnicate" not in str(caught.value)


@pytest.mark.parametrize(
    ("op", "inputs", "live"),
    [
        ("LogicalNot", ["is_training"], True),
        ("LogicalAnd", ["is_training", "yes"], False),
        ("LogicalAnd", ["no", "unset"], False),
        ("LogicalOr", ["is_training", "yes"], True),
        ("LogicalOr", ["unset", "yes"], True),
        ("LogicalOr", ["is_training", "no"], False),
        ("PlaceholderWithDefault", ["no"], False),
    ],
)
def test_predicates_are_computed(tmp_path: Path, op: str, inputs: list[str], live: bool) -> None:
    g = _cond(predicate_of="pred")
    g.placeholder("unset", (), DType.BOOL)
    g.const("yes", True, "bool")
    g.const("no", False, "bool")
    g.node(op, "pred", *inputs, dtype=DType.BOOL)
    if live:
        with pytest.raises(ImportFailure, match="Frobnicate"):
            g.load(tmp_path, set_values={"is_training": "false"})
    else:
        (y,) = g.run(tmp_path, {"x": _X}, set_values={"is_training": "false"})
        np.testing.assert_array_equal(y, _Y)


def test_a_branch_may_die_by_control_alone(tmp_path: Path) -> None:
    """A constant has no data input; only its control edge tells which branch it is in."""
    g = _cond()
    g.graph.node[-2].input[1] = "cond/two"
    (y,) = g.run(tmp_path, {"x": _X}, set_values={"is_training": "false"})
    np.testing.assert_array_equal(y, _Y)


def test_a_dead_sink_is_no_output(tmp_path: Path) -> None:
    g = _cond()
    g.node("Neg", "cond/statistics", "cond/sx:1")
    module = g.load(tmp_path, set_values={"is_training": "false"})
    assert list(module.outputs) == ["y"]


def test_a_condition_on_the_input_is_refused(tmp_path: Path) -> None:
    g = GraphBuilder()
    x = g.placeholder("x", (-1, 2))
    big = g.node("Greater", "big", x, g.const("zero", 0.0))
    g.node("Switch", "s", x, big)
    g.node("Merge", "y", "s:0", "s:1")
    with pytest.raises(ImportFailure, match="condition depends on the input"):
        g.load(tmp_path)


def test_wires_and_control_edges_leave_no_trace(tmp_path: Path) -> None:
    g = GraphBuilder()
    x = g.placeholder("x", (-1, 2))
    g.node("NoOp", "ready", "^x")
    a = g.node("Identity", "a", x, "^ready")
    b = g.node("StopGradient", "b", a)
    g.node("IdentityN", "n", b, a, _gradient_op_type="CustomGradient-1")
    g.node("Relu", "y", "n:1")
    module = g.load(tmp_path)
    assert [op.loc.name for op in module.func.ops] == ["y"]
    assert module.func.ops[0].operands == module.func.args
