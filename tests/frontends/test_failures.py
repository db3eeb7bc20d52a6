# SPDX-License-Identifier: Apache-2.0
"""What cannot be imported is listed at once, with names and advice."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from bnnc.frontends.tensorflow.convert import OPERATIONS
from bnnc.frontends.tensorflow.tensors import DType
from bnnc.ir.diagnostics import BnncError, ImportFailure

from .graphs import GraphBuilder


def _failure(g: GraphBuilder, folder: Path) -> str:
    with pytest.raises(ImportFailure) as caught:
        g.load(folder)
    assert caught.value.exit_code == 3
    return str(caught.value)


def test_everything_is_listed_once(tmp_path: Path) -> None:
    g = GraphBuilder()
    x = g.placeholder("x", (-1, 8))
    last = x
    for i in range(5):
        last = g.node("Frobnicate", f"f{i}", last)
    g.node("InTopK", "top", g.node("Conv2D", "conv", x, x, strides=[1, 1, 1, 1]))
    g.node("MatMul", "product", x, x)
    text = _failure(g, tmp_path)
    assert "Frobnicate is not supported: nodes 'f0', 'f1', 'f2' and 2 more" in text
    assert "InTopK is not supported: node 'top'\n  hint: name the scores" in text
    assert "Conv2D has weights that depend on an input: node 'conv'" in text
    assert "MatMul multiplies two tensors that depend on an input: node 'product'" in text
    assert text.count("Frobnicate") == 1
    assert "cannot import net.pb, 8 nodes in the way" in text


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_parameters_must_be_finite(tmp_path: Path, bad: float) -> None:
    g = GraphBuilder()
    w = g.const("layer/w", [[1.0, bad], [3.0, 4.0]])
    g.node("MatMul", "y", g.placeholder("x", (-1, 2)), w)
    assert "NaN or infinity (1 of 4 elements): node 'layer/w'" in _failure(g, tmp_path)


def test_negative_variance(tmp_path: Path) -> None:
    g = GraphBuilder()
    x = g.placeholder("x", (-1, 2, 2, 2))
    ones = g.const("ones", [1.0, 1.0])
    var = g.const("var", [1.0, -1.0])
    g.node("FusedBatchNorm", "bn", x, ones, ones, ones, var, is_training=False, epsilon=0.001)
    assert "has a negative variance: node 'bn'" in _failure(g, tmp_path)


def test_a_shape_that_does_not_fit_names_the_node(tmp_path: Path) -> None:
    g = GraphBuilder()
    x = g.placeholder("x", (-1, 3))
    g.node("Add", "sum", x, g.const("b", [1.0, 2.0]))
    text = _failure(g, tmp_path)
    assert "Add does not fit" in text
    assert "do not broadcast: node 'sum'" in text


def test_unfrozen_variables(tmp_path: Path) -> None:
    g = GraphBuilder()
    x = g.placeholder("x", (-1, 3))
    g.node("Add", "a", x, g.node("VariableV2", "v"))
    text = _failure(g, tmp_path)
    assert "VariableV2 is not supported: node 'v'\n  hint: freeze the graph first" in text


def test_a_loop(tmp_path: Path) -> None:
    g = GraphBuilder()
    x = g.placeholder("x", (-1, 3))
    enter = g.node("Enter", "enter", x)
    merge = g.node("Merge", "merge", enter, "next")
    g.node("NextIteration", "next", merge)
    g.node("Exit", "exit", merge)
    text = _failure(g, tmp_path)
    assert "loops are not supported" in text


def test_nodes_that_read_each_other(tmp_path: Path) -> None:
    g = GraphBuilder()
    x = g.placeholder("x", (-1, 3))
    g.node("AddV2", "a", x, "b")
    g.node("AddV2", "b", "a", x)
    g.node("Relu", "y", "b")
    text = _failure(g, tmp_path)
    assert "AddV2 is part of a loop or reads from one: nodes 'a', 'b'" in text
    assert "Relu is part of a loop or reads from one: node 'y'" in text


def test_outputs_of_training_only(tmp_path: Path) -> None:
    g = GraphBuilder()
    x = g.placeholder("x", (-1, 2, 2, 1))
    one = g.const("one", [1.0])
    bn = g.node("FusedBatchNormV3", "bn", x, one, one, one, one, is_training=False)
    g.node("Neg", "y", f"{bn}:1")
    assert "reads output 1 of a FusedBatchNormV3" in _failure(g, tmp_path)


def test_a_damaged_node_is_named(tmp_path: Path) -> None:
    g = GraphBuilder()
    x = g.placeholder("x", (1, 4))
    g.node("Split", "parts", g.const("axis", 7, "int32"), x, num_split=2)
    text = _failure(g, tmp_path)
    assert "Split is damaged (tuple index out of range): node 'parts'" in text


_T = TypeVar("_T")
_ATTRS: dict[str, list[Any]] = {
    "alpha": [0.1],
    "axis": [0, 1, -1, 7],
    "block_size": [0, 1, 2, -1],
    "data_format": ["NHWC", "NCHW", "NDHWC"],
    "dilations": [[1, 1, 1, 1], [1, 0, 2, 1], [2]],
    "DstT": [DType.FLOAT, DType.INT32, DType.BOOL, DType.STRING],
    "ellipsis_mask": [1, 3],
    "epsilon": [1e-3],
    "explicit_paddings": [[0] * 8, [0, 0, -1, 1, 1, 1, 0, 0], [1]],
    "fused_ops": [["BiasAdd"], ["FusedBatchNorm", "Relu"], ["Add"]],
    "is_training": [False, True],
    "keep_dims": [True],
    "ksize": [[1, 2, 2, 1], [1, 0, 0, 1], [1, 9, 9, 1]],
    "mode": ["REFLECT", "SYMMETRIC"],
    "num_side_inputs": [1],
    "num_split": [0, 1, 2, -1],
    "padding": ["SAME", "VALID", "EXPLICIT", "X"],
    "shrink_axis_mask": [1, 3],
    "squeeze_dims": [[0], [9], [1]],
    "strides": [[1, 1, 1, 1], [1, 0, 0, 1], [1], [0, 0, 0, 0], [1, -2, 2, 1]],
    "transpose_b": [True],
}
_IMAGE_SHAPES: list[tuple[int, ...]] = [(1, 4, 4, 2), (1, 3), (2,), (1, 0, 3, 2), (1, 4)]
_FLOAT_SHAPES: list[tuple[int, ...]] = [(2,), (1, 1, 2, 2), (3, 2), (), (0,)]
_INT_SHAPES: list[tuple[int, ...]] = [(1,), (2,), (4,), (4, 2), (2, 2), (0,), (3, 2)]
_SPLITS = ["SpaceToBatchND", "BatchToSpaceND", "SpaceToBatch", "BatchToSpace"]


@pytest.mark.parametrize("op", [*OPERATIONS.names(), *_SPLITS])
def test_damaged_nodes_are_errors_of_ours(tmp_path: Path, op: str) -> None:
    """Operands and attributes that no export has: every graph is imported or refused by name."""
    rng = np.random.default_rng(sum(op.encode()))

    def choose(values: Sequence[_T]) -> _T:
        return values[int(rng.integers(len(values)))]

    for _ in range(15):
        g = GraphBuilder()
        x = g.placeholder("x", choose(_IMAGE_SHAPES))
        floats = rng.standard_normal(choose(_FLOAT_SHAPES))
        ints = rng.integers(-3, 4, choose(_INT_SHAPES))
        operands = [
            x,
            g.const("floats", floats),
            g.const("ints", ints, "int32"),
            g.const("int", int(rng.integers(-5, 5)), "int32"),
            g.const("bools", [True, False], "bool"),
            g.const("pads", [[0, 0], [1, 1], [0, 1], [0, 0]], "int32"),
            g.const("block", [2, 2], "int32"),
        ]
        inputs = [choose(operands) for _ in range(rng.integers(0, 7))]
        inputs[:1] = [x] if rng.random() < 0.7 else inputs[:1]
        attrs = {k: choose(v) for k, v in _ATTRS.items() if rng.random() < 0.7}
        g.node(op, "y", *inputs, **attrs)
        with np.errstate(all="ignore"), contextlib.suppress(BnncError):
            g.load(tmp_path, output_names=("y",), input_names=("x",))
