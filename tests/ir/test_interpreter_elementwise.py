# SPDX-License-Identifier: Apache-2.0
"""Elementwise operations, data movement and bits on values chosen to tell rules apart."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from bnnc.ir import BIT, I32, TERN, Op, Scalar, bin, nn
from bnnc.ir.diagnostics import IRError
from bnnc.ir.interpreter import evaluate

from .oracles import F, make, same_bits, value_like

NAN, INF = math.nan, math.inf
X = np.array([NAN, -INF, -2.5, -1.0, -1e-40, -0.0, 0.0, 1e-40, 0.5, 1.5, 3.0, INF], F)


def run(op: Op, *arrays: np.ndarray) -> np.ndarray:
    return evaluate(op, arrays)[0]


def floats(*values: float) -> np.ndarray:
    return np.array(values, F)


UNARY: dict[str, tuple[type[Op], dict[str, object], Callable[[float], float]]] = {
    "relu": (nn.Relu, {}, lambda x: 0.0 if x < 0 else x),
    "neg": (nn.Neg, {}, lambda x: -x),
    "abs": (nn.Abs, {}, abs),
    "clip": (nn.Clip, {"lo": -1.0, "hi": 1.5}, lambda x: -1.0 if x < -1 else 1.5 if x > 1.5 else x),
    "leaky": (nn.LeakyRelu, {"alpha": 0.5}, lambda x: x * 0.5 if x < 0 else x),
    "round": (nn.Round, {}, lambda x: float(round(x)) if math.isfinite(x) else x),
    "keep": (
        nn.Sign,
        {"zero": "keep", "nan": "propagate"},
        lambda x: x if x != x else float((x > 0) - (x < 0)),
    ),
    "plus": (nn.Sign, {"zero": "plus", "nan": "plus"}, lambda x: -1.0 if x < 0 else 1.0),
    "minus": (nn.Sign, {"zero": "minus", "nan": "minus"}, lambda x: 1.0 if x > 0 else -1.0),
    "nan plus, zero minus": (
        nn.Sign,
        {"zero": "minus", "nan": "plus"},
        lambda x: -1.0 if x <= 0 else 1.0,
    ),
}


@pytest.mark.parametrize("name", UNARY)
def test_unary(name: str) -> None:
    cls, fields, rule = UNARY[name]
    want = np.array([rule(x) for x in X.tolist()], F)
    got = run(make(cls, value_like(X), **fields), X)
    if name == "round":  # the sign of a zero is not part of its meaning
        got, want = got + F(0), want + F(0)
    same_bits(got, want)


def test_sign_of_zero_is_plus_zero() -> None:
    op = make(nn.Sign, value_like(X), zero="keep", nan="plus")
    assert not np.signbit(run(op, floats(-0.0, 0.0, *X[2:])))[:2].any()


def test_square_roots_are_rounded_once_and_twice() -> None:
    x = np.random.default_rng(0).uniform(1e-3, 1e3, 1000).astype(F)
    root = np.sqrt(x.astype(np.float64)).astype(F)  # 53 >= 2 * 24 + 2 bits: no double rounding
    same_bits(run(nn.Sqrt(value_like(x)), x), root)
    twice = (1 / root.astype(np.float64)).astype(F)
    same_bits(run(nn.Rsqrt(value_like(x)), x), twice)
    once = (1 / np.sqrt(x.astype(np.float64))).astype(F)
    assert np.any(once != twice)


BINARY: dict[str, tuple[type[Op], Callable[[float, float], float]]] = {
    "maximum": (nn.Maximum, lambda a, b: b if b > a else a),
    "minimum": (nn.Minimum, lambda a, b: b if b < a else a),
    "prelu": (nn.PRelu, lambda a, b: float(F(a) * F(b)) if a < 0 else a),
    "add": (nn.Add, lambda a, b: float(F(a) + F(b))),
    "sub": (nn.Sub, lambda a, b: float(F(a) - F(b))),
    "mul": (nn.Mul, lambda a, b: float(F(a) * F(b))),
    "div": (nn.Div, lambda a, b: float(F(a) / F(b))),
}


@pytest.mark.parametrize("name", BINARY)
def test_binary(name: str) -> None:
    cls, rule = BINARY[name]
    a, b = (np.ascontiguousarray(m) for m in np.meshgrid(X, X, indexing="ij"))
    with np.errstate(all="ignore"):
        want = np.array([[rule(p, q) for q in X.tolist()] for p in X.tolist()], F)
    same_bits(run(make(cls, value_like(a), value_like(b)), a, b), want)
    row = np.broadcast_to(X, (1, X.size)).copy()
    if name != "prelu":
        column = X[:, None].copy()
        same_bits(run(make(cls, value_like(column), value_like(row)), column, row), want)


def test_scalars_without_axes_stay_arrays() -> None:
    two = np.array(2, F)
    for op in (nn.Neg(value_like(two)), nn.Relu(value_like(two)), nn.Sqrt(value_like(two))):
        assert evaluate(op, [two])[0].shape == ()
    assert run(nn.Mul(value_like(two), value_like(two)), two, two) == 4


def test_division_without_nan() -> None:
    a, b = floats(1, 0, NAN, 3), floats(0, -0.0, 0, 2)
    op = nn.Div(value_like(a), value_like(b), no_nan=True)
    same_bits(run(op, a, b), floats(0, 0, 0, 1.5))


def test_integer_arithmetic() -> None:
    a, b = np.array([7, -7, 7, -7], np.int32), np.array([2, 2, -2, -2], np.int32)
    operands = value_like(a, I32), value_like(b, I32)
    same_bits(run(nn.Div(*operands), a, b), np.array([3, -3, -3, 3], np.int32))
    same_bits(run(nn.Mul(*operands), a, b), a * b)
    same_bits(run(nn.Maximum(*operands), a, b), np.maximum(a, b))
    zero = np.zeros(4, np.int32)
    with pytest.raises(IRError, match="integer division by zero"):
        run(nn.Div(*operands), a, zero)
    same_bits(run(nn.Div(*operands, no_nan=True), a, zero), zero)


def test_batch_norm_rounds_every_operation() -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((4, 5, 50)).astype(F)
    gamma, beta, mean = (rng.standard_normal(50).astype(F) for _ in range(3))
    var = rng.uniform(0.1, 2, 50).astype(F)
    op = nn.BatchNorm(*map(value_like, (x, gamma, beta, mean, var)), epsilon=1e-3)
    want = np.empty_like(x)
    for c in range(50):
        scale = F(gamma[c] * F(F(1) / F(math.sqrt(F(var[c] + F(1e-3))))))
        offset = F(beta[c] - F(mean[c] * scale))
        for i in np.ndindex(4, 5):
            want[(*i, c)] = F(F(x[(*i, c)] * scale) + offset)
    same_bits(run(op, x, gamma, beta, mean, var), want)


@pytest.mark.parametrize("predicate", ["ge", "gt", "le", "lt", "eq", "ne"])
def test_compare(predicate: str) -> None:
    import operator

    a, b = (np.ascontiguousarray(m) for m in np.meshgrid(X, X))
    op = make(nn.Compare, value_like(a), value_like(b), predicate=predicate)
    rule: Callable[[float, float], bool] = getattr(operator, predicate)
    want = [[rule(p, q) for p in X.tolist()] for q in X.tolist()]
    same_bits(run(op, a, b), np.array(want, np.uint8))


def test_select_broadcasts_its_condition() -> None:
    condition = np.array([[1], [0]], np.uint8)
    a, b = floats(1, 2, 3), np.array(9, F)
    op = nn.Select(value_like(condition, Scalar("u1")), value_like(a), value_like(b))
    same_bits(run(op, condition, a, b), np.array([[1, 2, 3], [9, 9, 9]], F))


def test_casts() -> None:
    x = floats(-1.9, -0.5, 0.5, 1.9)
    same_bits(run(nn.Cast(value_like(x), to="i32"), x), np.array([-1, 0, 0, 1], np.int32))
    i = np.array([3, -4], np.int32)
    same_bits(run(nn.Cast(value_like(i, I32), to="f32"), i), floats(3, -4))


def test_data_movement() -> None:
    x = np.arange(24, dtype=F).reshape(2, 3, 4)
    v = value_like(x)
    padded = np.full((3, 3, 7), 9, F)
    padded[:2, :, 1:5] = x
    pads = {"before": (0, 0, 1), "after": (1, 0, 2), "value": 9.0}
    same_bits(run(make(nn.Pad, v, **pads), x), padded)
    same_bits(run(nn.Reshape(v, shape=(4, 6)), x), np.array(x.ravel()).reshape(4, 6))
    moved = run(nn.Transpose(v, perm=(2, 0, 1)), x)
    assert moved.shape == (4, 2, 3)
    assert all(moved[k, i, j] == x[i, j, k] for i, j, k in np.ndindex(2, 3, 4))
    parts = evaluate(nn.Split(v, axis=-1, sizes=(1, 3)), [x])
    assert [p.tolist() for p in parts] == [x[..., :1].tolist(), x[..., 1:].tolist()]
    same_bits(run(nn.Concat((v, v), axis=1), x, x), np.stack([x, x], 1).reshape(2, 6, 4))
    window = nn.Slice(v, begin=(0, 2, 3), size=(2, 2, 2), step=(1, -2, -3))
    same_bits(run(window, x), x[:, [2, 0]][:, :, [3, 0]])


def test_bits() -> None:
    minus = np.array([x < 0 for x in X.tolist()])
    bits = np.where(minus, -1, 1).astype(np.int8)
    same_bits(run(bin.Pack(value_like(X), nan="plus"), X), bits)
    nan_minus = bits.copy()
    nan_minus[0] = -1
    same_bits(run(bin.Pack(value_like(X), nan="minus"), X), nan_minus)
    same_bits(run(bin.Unpack(value_like(bits, BIT)), bits), bits.astype(F))
    factors = np.resize(np.array([-1, 1], np.int8), X.size)
    op = bin.Flip(value_like(bits, BIT), value_like(factors, BIT))
    same_bits(run(op, bits, factors), bits * factors)
    same_bits(run(bin.Reshape(value_like(bits, BIT), shape=(3, 4)), bits), bits.reshape(3, 4))


def test_thresholds_by_channel() -> None:
    x = np.array([[1, 1, NAN], [2, -INF, 0]], F)
    thr = floats(1.5, -INF, 0)
    op = bin.Threshold(value_like(x), value_like(thr), nan="plus")
    same_bits(run(op, x, thr), np.array([[-1, 1, 1], [1, 1, 1]], np.int8))
    op = bin.Threshold(value_like(x), value_like(thr), nan="minus")
    same_bits(run(op, x, thr), np.array([[-1, 1, -1], [1, 1, 1]], np.int8))


def test_affine_rounds_twice() -> None:
    rng = np.random.default_rng(5)
    x, scale, offset = (rng.standard_normal(s).astype(F) for s in ((9, 40), 40, 40))
    want = ((x * scale).astype(F) + offset).astype(F)
    op = bin.Affine(*map(value_like, (x, scale, offset)))
    same_bits(run(op, x, scale, offset), want)
    once = (x.astype(np.float64) * scale + offset).astype(F)
    assert np.any(once != want)


def test_ternary_values_unpack_nowhere() -> None:
    tern = np.zeros((2,), np.int8)
    with pytest.raises(IRError, match="takes bit"):
        bin.Unpack(value_like(tern, TERN))
