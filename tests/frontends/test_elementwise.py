# SPDX-License-Identifier: Apache-2.0
"""Elementwise operations and reductions against numpy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnc.frontends.tensorflow.convert import OPERATIONS
from bnnc.frontends.tensorflow.tensors import DType
from bnnc.ir import nn
from bnnc.ir.diagnostics import ImportFailure

from .graphs import GraphBuilder, f32

_X = f32([[-3.0, -0.5, -0.0, 0.0], [0.25, 1.0, 2.5, 7.0]])
_POSITIVE = np.abs(_X) + np.float32(0.125)
_B = f32([2.0, -0.5, 1.0, 0.0])


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-x)))


_UNARY: dict[str, tuple[np.ndarray, Callable[[np.ndarray], Any]]] = {
    "Abs": (_X, np.abs),
    "Exp": (_X, np.exp),
    "Log": (_POSITIVE, np.log),
    "Neg": (_X, np.negative),
    "Relu": (_X, lambda x: np.maximum(x, 0)),
    "Relu6": (_X, lambda x: np.clip(x, 0, 6)),
    "Rsqrt": (_POSITIVE, lambda x: 1 / np.sqrt(x)),
    "Round": (_X, np.round),
    "Rint": (_X, np.round),
    "Sigmoid": (_X, _sigmoid),
    "Sqrt": (_POSITIVE, np.sqrt),
    "Tanh": (_X, np.tanh),
    "Sign": (_X, np.sign),
    "Square": (_X, np.square),
    "Reciprocal": (_POSITIVE, np.reciprocal),
    "Elu": (_X, lambda x: np.where(x < 0, np.expm1(x), x)),
    "_MklSwish": (_X, lambda x: x * _sigmoid(x)),
    "LogSoftmax": (_X, lambda x: x - np.log(np.exp(x).sum(-1, keepdims=True))),
    "Softmax": (_X, lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True)),
}


@pytest.mark.parametrize("op", _UNARY)
def test_unary(tmp_path: Path, op: str) -> None:
    x, want = _UNARY[op]
    g = GraphBuilder()
    g.node(op, "y", g.placeholder("x", x.shape))
    (y,) = g.run(tmp_path, {"x": x})
    np.testing.assert_allclose(y, want(x.astype(np.float64)), atol=1e-7, rtol=1e-6)


@pytest.mark.parametrize(("op", "value"), [("ZerosLike", 0), ("OnesLike", 1)])
def test_like(tmp_path: Path, op: str, value: float) -> None:
    g = GraphBuilder()
    x = g.placeholder("x", _X.shape)
    g.node("Sub", "y", g.node(op, "like", x), x)
    (y,) = g.run(tmp_path, {"x": _X})
    np.testing.assert_array_equal(y, value - _X)


def _div_no_nan(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    zeros = np.zeros(np.broadcast_shapes(a.shape, b.shape))
    return np.asarray(np.divide(a, b, out=zeros, where=b != 0))


_BINARY: dict[str, Callable[[np.ndarray, np.ndarray], Any]] = {
    "Add": np.add,
    "AddV2": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
    "DivNoNan": _div_no_nan,
    "SquaredDifference": lambda a, b: (a - b) ** 2,
    "AddN": np.add,
}


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("op", _BINARY)
def test_binary(tmp_path: Path, op: str, swapped: bool) -> None:
    g = GraphBuilder()
    names = [g.placeholder("x", _X.shape), g.const("b", _B)]
    pair = (_X, _B)
    g.node(op, "y", *(names[::-1] if swapped else names))
    (y,) = g.run(tmp_path, {"x": _X})
    want = _BINARY[op](*(v.astype(np.float64) for v in (pair[::-1] if swapped else pair)))
    np.testing.assert_allclose(y, np.broadcast_to(want, _X.shape), rtol=1e-6)


@pytest.mark.parametrize("op", ["RealDiv", "Div"])
def test_division(tmp_path: Path, op: str) -> None:
    g = GraphBuilder()
    g.node(op, "y", g.placeholder("x", _X.shape), g.const("b", 0.5))
    (y,) = g.run(tmp_path, {"x": _X})
    np.testing.assert_array_equal(y, _X / np.float32(0.5))


def test_maximum_keeps_the_order_of_operands(tmp_path: Path) -> None:
    """max(-0.0, 0.0) is its first operand: the later one does not exceed it."""
    g = GraphBuilder()
    x, zero = g.placeholder("x", (1, 1)), g.const("zero", 0.0)
    g.node("Maximum", "a", x, zero)
    g.node("Maximum", "b", zero, x)
    a, b = g.run(tmp_path, {"x": f32([[-0.0]])})
    assert (np.signbit(a).item(), np.signbit(b).item()) == (True, False)


@pytest.mark.parametrize("exponent", [1.0, 2.0, 3.0, 0.5, -0.5])
def test_power(tmp_path: Path, exponent: float) -> None:
    g = GraphBuilder()
    x = g.placeholder("x", _POSITIVE.shape)
    g.node("Pow", "y", x, g.const("e", exponent))
    (y,) = g.run(tmp_path, {"x": _POSITIVE})
    np.testing.assert_allclose(y, _POSITIVE.astype(np.float64) ** exponent, rtol=1e-6)


@pytest.mark.parametrize("exponent", [2.5, [1.0, 2.0, 1.0, 2.0]])
def test_other_powers_are_refused(tmp_path: Path, exponent: Any) -> None:
    g = GraphBuilder()
    g.node("Pow", "y", g.placeholder("x", (2, 4)), g.const("e", exponent))
    with pytest.raises(ImportFailure, match="has an exponent other than"):
        g.load(tmp_path)


def test_power_of_constants(tmp_path: Path) -> None:
    g = GraphBuilder()
    n = g.node("Pow", "n", g.const("two", 2.0), g.const("bits", [1.0, 3.0, 0.5, -1.0]))
    g.node("Mul", "y", g.placeholder("x", (2, 4)), n)
    (y,) = g.run(tmp_path, {"x": np.ones((2, 4), np.float32)})
    np.testing.assert_array_equal(y, np.broadcast_to(f32([2, 8, np.sqrt(2), 0.5]), (2, 4)))


def test_sum_of_many(tmp_path: Path) -> None:
    g = GraphBuilder()
    x = g.placeholder("x", _X.shape)
    g.node("AddN", "y", x, g.node("Neg", "n", x), g.const("b", _X * 3), N=3)
    (y,) = g.run(tmp_path, {"x": _X})
    np.testing.assert_array_equal(y, _X * 3)


@pytest.mark.parametrize(("attrs", "alpha"), [({}, 0.2), ({"alpha": 0.25}, 0.25)])
def test_leaky_relu(tmp_path: Path, attrs: dict[str, float], alpha: float) -> None:
    g = GraphBuilder()
    g.node("LeakyRelu", "y", g.placeholder("x", _X.shape), **attrs)
    (y,) = g.run(tmp_path, {"x": _X})
    np.testing.assert_allclose(y, np.where(_X < 0, _X * np.float32(alpha), _X))


def test_clip_by_value(tmp_path: Path) -> None:
    g = GraphBuilder()
    x, lo, hi = g.placeholder("x", _X.shape), g.const("lo", -0.25), g.const("hi", 1.5)
    g.node("ClipByValue", "y", x, lo, hi)
    g.node("ClipByValue", "z", x, g.const("los", _B - 1), g.const("his", _B + 1))
    y, z = g.run(tmp_path, {"x": _X})
    np.testing.assert_array_equal(y, np.clip(_X, np.float32(-0.25), np.float32(1.5)))
    np.testing.assert_array_equal(z, np.clip(_X, _B - 1, _B + 1))


_COMPARISONS: dict[str, Callable[[np.ndarray, np.ndarray], Any]] = {
    "GreaterEqual": np.greater_equal,
    "Greater": np.greater,
    "LessEqual": np.less_equal,
    "Less": np.less,
    "Equal": np.equal,
    "NotEqual": np.not_equal,
}


@pytest.mark.parametrize("select", ["Select", "SelectV2"])
@pytest.mark.parametrize("op", _COMPARISONS)
def test_compare_and_select(tmp_path: Path, op: str, select: str) -> None:
    g = GraphBuilder()
    x, b = g.placeholder("x", _X.shape), g.const("b", np.broadcast_to(_B, _X.shape))
    truth = g.node(op, "truth", x, b)
    g.node(select, "y", truth, x, b)
    g.node("Cast", "z", truth, SrcT=DType.BOOL, DstT=DType.FLOAT)
    y, z = g.run(tmp_path, {"x": _X})
    want = _COMPARISONS[op](_X, _B)
    np.testing.assert_array_equal(y, np.where(want, _X, _B))
    np.testing.assert_array_equal(z, want.astype(np.float32))


def test_the_old_select_takes_a_vector(tmp_path: Path) -> None:
    g = GraphBuilder()
    x = g.placeholder("x", (2, 4))
    rows = g.const("rows", [True, False], "bool")
    g.node("Select", "y", rows, x, g.node("Neg", "n", x))
    (y,) = g.run(tmp_path, {"x": _X})
    np.testing.assert_array_equal(y, np.stack([_X[0], -_X[1]]))


def test_comparing_weights_stays_an_idiom(tmp_path: Path) -> None:
    """where(w >= 0, 1, -1) over constants is left for the passes to recognise."""
    g = GraphBuilder()
    w = g.node("GreaterEqual", "ge", g.const("w", _B[:, None]), g.const("zero", 0.0))
    sign = g.node("SelectV2", "sign", w, g.const("plus", 1.0), g.const("minus", -1.0))
    g.node("MatMul", "y", g.placeholder("x", (1, 4)), sign)
    kinds = [type(op) for op in g.load(tmp_path).func.ops]
    assert kinds == [nn.Compare, nn.Select, nn.Transpose, nn.Dense]


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("axes", [1, [0, -1], [2], []])
@pytest.mark.parametrize("op", ["Mean", "Sum", "Max", "Min", "Prod"])
def test_reduce(tmp_path: Path, op: str, axes: int | list[int], keep: bool) -> None:
    x = f32(np.arange(1, 25).reshape(2, 3, 4) / 8)
    g = GraphBuilder()
    g.node(op, "made", g.placeholder("x", x.shape), g.const("axes", axes, "int32"), keep_dims=keep)
    (y,) = g.run(tmp_path, {"x": x})
    axis: Any = tuple(axes) if isinstance(axes, list) else axes
    want = getattr(np, op.lower())(x.astype(np.float64), axis=axis, keepdims=keep)
    np.testing.assert_allclose(y, want, rtol=1e-6)


@pytest.mark.parametrize("half", ["float16", "float64"])
def test_other_floats_become_f32(tmp_path: Path, half: str) -> None:
    g = GraphBuilder()
    w = g.node("Cast", "cast", g.const("w", [0.5, 2.0], half), DstT=DType.FLOAT)
    g.node("Mul", "y", g.placeholder("x", (1, 2)), w)
    (y,) = g.run(tmp_path, {"x": f32([[2, 3]])})
    np.testing.assert_array_equal(y, f32([[1, 6]]))


def test_cutting_an_input_to_integers_is_refused(tmp_path: Path) -> None:
    g = GraphBuilder()
    g.node("Cast", "y", g.placeholder("x", (1, 2)), SrcT=DType.FLOAT, DstT=DType.INT32)
    with pytest.raises(ImportFailure, match="cuts an input to integers"):
        g.load(tmp_path)


def test_the_table_is_sorted_and_unique() -> None:
    ops = OPERATIONS.names()
    assert ops == sorted(set(ops))
    assert {"Conv2D", "MatMul", "FusedBatchNormV3", "Const"} <= set(ops)
