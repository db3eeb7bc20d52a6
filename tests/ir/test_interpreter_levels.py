# SPDX-License-Identifier: Apache-2.0
"""Levels u<k>: layers, quantization and moves against scalar loops, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bnnc.ir import F32, I32, TERN, Op, Scalar, TensorType, Value, bin, nn
from bnnc.ir.diagnostics import IRError
from bnnc.ir.interpreter import evaluate
from bnnc.ir.types import BIT, level_scalar

from .oracles import F, conv2d, make, same_bits, value_like

CONVS: dict[str, Any] = {"ub": bin.Conv2DUB, "ut": bin.Conv2DUT}
DENSES: dict[str, Any] = {"ub": bin.DenseUB, "ut": bin.DenseUT}
WEIGHTS = {"b": (BIT, [-1, 1]), "t": (TERN, [-1, 0, 1])}


def draw_levels(rng: np.random.Generator, bits: int, *shape: int) -> np.ndarray:
    return rng.integers(0, 2**bits, shape, dtype=np.uint8)


def draw_weights(rng: np.random.Generator, kind: str, *shape: int) -> np.ndarray:
    return rng.choice(WEIGHTS[kind[1]][1], shape).astype(np.int8)


def u(bits: int) -> Scalar:
    return Scalar(f"u{bits}")


def level(acc: float, thresholds: np.ndarray, nan: str) -> int:
    """Thresholds that a number passes, one after the other."""
    count = 0
    for t in thresholds.tolist():
        below = acc < t
        count += acc >= t if nan == "minus" else not below
    return count


def levels_of(acc: np.ndarray, thr: np.ndarray, nan: str) -> np.ndarray:
    """The level of each accumulator [..., c] among the thresholds of its channel."""
    found = np.zeros(acc.shape, np.uint8)
    for at in np.ndindex(*acc.shape):
        found[at] = level(float(acc[at]), thr[at[-1]], nan)
    return found


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", ["ub", "ut"])
def test_convolutions(kind: str, seed: int, bits: int) -> None:
    rng = np.random.default_rng(seed)
    groups, stride, dilation = (int(v) for v in rng.integers(1, [4, 3, 3]))
    x = draw_levels(rng, bits, 2, 7, 6, 3 * groups)
    w = draw_weights(rng, kind, 2 * groups, 3, 2, 3)
    g: dict[str, Any] = {
        "stride": (stride, 1),
        "dilation": (1, dilation),
        "groups": groups,
        "pad": (1, 0, 2, 1),
        "pad_value": float(rng.integers(1 << bits)),
    }
    acc = conv2d(x, w, **g)
    operands = value_like(x, u(bits)), value_like(w, WEIGHTS[kind[1]][0])
    alpha, bias = rng.standard_normal((2, 2 * groups)).astype(F)
    scaled = make(CONVS[kind], *operands, value_like(alpha), value_like(bias), **g)
    got = evaluate(scaled, [x, w, alpha, bias, None])[0]
    same_bits(got, acc.astype(F) * alpha + bias)
    for shape in [(2 * groups,), (2 * groups, 1), (2 * groups, 6)]:
        thr = np.sort(rng.choice(acc.ravel(), shape).astype(np.int32))
        cut = make(CONVS[kind], *operands, thr=value_like(thr, I32), **g)
        got = evaluate(cut, [x, w, None, None, thr])[0]
        if len(shape) == 1:
            assert cut.result.type.scalar == BIT
            same_bits(got, np.where(acc >= thr, 1, -1).astype(np.int8))
        else:
            assert cut.result.type.scalar == level_scalar(shape[1])
            same_bits(got, levels_of(acc, thr, "plus"))


@pytest.mark.parametrize("kind", ["ub", "ut"])
def test_dense_sums_are_exact_beyond_2_24(kind: str) -> None:
    """255 * 80,000 > 2^24: float32 would round."""
    rng = np.random.default_rng(1)
    x = rng.integers(200, 256, (2, 80_000), dtype=np.uint8)
    w = np.ones((3, 80_000), np.int8)
    w[1, ::2] = -1
    w[2, :] = draw_weights(rng, kind, 80_000)
    op = make(DENSES[kind], value_like(x, u(8)), value_like(w, WEIGHTS[kind[1]][0]))
    want = x.astype(np.int64) @ w.astype(np.int64).T
    assert want.max() > 2**24
    thr = np.array([[s, s + 1] for s in want[0]], np.int32)
    cut = make(DENSES[kind], *op.operands, thr=value_like(thr, I32))
    same_bits(evaluate(cut, [x, w, None, None, thr])[0], levels_of(want, thr, "plus"))
    same_bits(evaluate(op, [x, w, None, None, None])[0], want.astype(F))


@pytest.mark.parametrize("nan", ["plus", "minus"])
@pytest.mark.parametrize("levels", [1, 3, 200])
def test_float_layers_end_in_levels(levels: int, nan: bin.Nan) -> None:
    rng = np.random.default_rng(levels)
    x = rng.standard_normal((4, 5)).astype(F)
    x[0, 0] = np.nan
    w = rng.choice([-1, 1], (6, 5)).astype(np.int8)
    thr = np.sort(rng.standard_normal((6, levels)).astype(F))
    op = bin.DenseFB(value_like(x), value_like(w, BIT), thr=value_like(thr), nan=nan)
    acc = conv2d(x[:, None, None], w[:, None, None])[:, 0, 0]
    got = evaluate(op, [x, w, None, None, thr])[0]
    same_bits(got, levels_of(acc, thr, nan))
    assert set(got[0]) == {levels if nan == "plus" else 0}


@pytest.mark.parametrize("nan", ["plus", "minus"])
@pytest.mark.parametrize("levels", [1, 2, 3, 7, 255])
def test_quantize(levels: int, nan: bin.Nan) -> None:
    rng = np.random.default_rng(levels)
    thr = np.sort(rng.standard_normal((3, levels)).astype(F))
    x = rng.standard_normal((5, 4, 3)).astype(F)
    x[0] = thr[:, levels // 2]
    x[1, 0] = np.nan, np.inf, -np.inf
    op = bin.Quantize(value_like(x), value_like(thr), nan=nan)
    same_bits(evaluate(op, [x, thr])[0], levels_of(x, thr, nan))


@pytest.mark.parametrize(("low", "levels"), [(0, 1), (-1, 3), (5, 255), (-(2**24), 7)])
def test_integers_to_levels(low: int, levels: int) -> None:
    want = np.arange(levels + 1, dtype=np.uint8)
    x = np.array([float(low + k) for k in range(levels + 1)], F)
    op = bin.ToLevels(value_like(x), low=low, levels=levels)
    same_bits(evaluate(op, [x])[0], want)


def test_floats_beside_the_levels_are_held_between_them() -> None:
    x = np.array([np.nan, -np.inf, -3, -0.5, 0.5, 2.75, 3, 4, np.inf], F)
    op = bin.ToLevels(value_like(x), low=0, levels=3)
    same_bits(evaluate(op, [x])[0], np.array([0, 0, 0, 0, 0, 2, 3, 3, 3], np.uint8))


def test_dequantize_rounds_twice() -> None:
    x = np.arange(16, dtype=np.uint8)
    op = bin.Dequantize(value_like(x, u(4)), scale=float(F(0.1)), offset=float(F(-0.7)))
    want = [F(F(k) * F(0.1)) + F(-0.7) for k in range(16)]
    same_bits(evaluate(op, [x])[0], np.array(want, F))
    once = x * 0.1 - 0.7
    assert (once.astype(F) != np.array(want, F)).any()


def test_relayout_and_moves_keep_levels() -> None:
    x = draw_levels(np.random.default_rng(0), 3, 1, 4, 4, 5)
    value = value_like(x, u(3))
    pool = nn.MaxPool(value, kernel_size=(2, 2), stride=(2, 2), pad=(0, 0, 0, 0))
    blocks = x.reshape(1, 2, 2, 2, 2, 5)
    pad = nn.Pad(value, before=(0, 1, 0, 0), after=(0, 0, 0, 2), value=6.0)
    padded = np.full((1, 5, 4, 7), 6, np.uint8)
    padded[:, 1:, :, :5] = x
    cases: list[tuple[Op, np.ndarray]] = [
        (bin.Relayout(value), x),
        (pool, blocks.max(axis=(2, 4))),
        (pad, padded),
        (nn.Transpose(value, perm=(0, 3, 1, 2)), x.transpose(0, 3, 1, 2)),
        (nn.Reshape(value, shape=(4, 20)), x.reshape(4, 20)),
        (nn.Slice(value, begin=(0, 1, 0, 4), size=(1, 2, 4, 1), step=(1,) * 4), x[:, 1:3, :, 4:]),
    ]
    for op, want in cases:
        assert op.result.type.scalar == u(3)
        same_bits(evaluate(op, [x])[0], want)
    joined = nn.Concat((value, value), axis=3)
    same_bits(evaluate(joined, [x, x])[0], np.concatenate([x, x], axis=3))


def typed(*shape: int, scalar: Scalar = F32) -> Value:
    return Value(TensorType(shape, scalar))


PAD: dict[str, Any] = {"stride": (1, 1), "pad": (1, 1, 1, 1)}


@pytest.mark.parametrize(
    ("build", "complaint"),
    [
        (
            lambda: bin.DenseUB(typed(1, 8), typed(2, 8, scalar=BIT)),
            "takes u1..u8 activations and bit weights",
        ),
        (
            lambda: bin.DenseUB(typed(1, 8, scalar=u(9)), typed(2, 8, scalar=BIT)),
            "takes u1..u8 activations",
        ),
        (
            lambda: bin.DenseUT(typed(1, 2**24, scalar=u(8)), typed(2, 2**24, scalar=TERN)),
            "leave the 32-bit accumulator",
        ),
        (
            lambda: bin.Conv2DUB(
                typed(1, 3, 3, 8, scalar=u(2)),
                typed(2, 3, 3, 8, scalar=BIT),
                pad_value=4.0,
                **PAD,
            ),
            "u2 activations are not padded with 4",
        ),
        (
            lambda: bin.DenseUB(
                typed(1, 8, scalar=u(2)), typed(2, 8, scalar=BIT), thr=typed(3, 4, scalar=I32)
            ),
            "expected one row for each of 2 channels",
        ),
        (
            lambda: bin.DenseUB(typed(1, 8, scalar=u(2)), typed(2, 8, scalar=BIT), thr=typed(2, 3)),
            "needs i32",
        ),
        (lambda: bin.Quantize(typed(1, 2), typed(2, 256), nan="plus"), "256 is no number"),
        (lambda: bin.Quantize(typed(1, 2), typed(2, 0), nan="plus"), "0 is no number"),
        (lambda: bin.ToLevels(typed(2), low=2**24, levels=1), "does not hold all integers"),
        (lambda: bin.Dequantize(typed(2), scale=1.0, offset=0.0), "takes u1..u8"),
        (lambda: bin.Relayout(typed(2)), "takes bits or u1..u8"),
        (
            lambda: nn.Pad(typed(2, scalar=u(2)), before=(1,), after=(0,), value=0.5),
            "u2 has no value 0.5",
        ),
    ],
)
def test_refused(build: Callable[[], Op], complaint: str) -> None:
    with pytest.raises(IRError, match=complaint):
        build()
