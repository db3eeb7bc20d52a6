# SPDX-License-Identifier: Apache-2.0
"""Convolutions and dense layers against nested scalar loops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from bnnc.ir import BIT, F32, I32, TERN, bin, nn
from bnnc.ir.interpreter import evaluate

from .oracles import TAPS, Eights, F, Tap, conv2d, make, muladd, same_bits, value_like

CONVS: dict[str, type[bin.ConvLayer]] = {
    c.KIND: c for c in (bin.Conv2DFF, bin.Conv2DFB, bin.Conv2DFT, bin.Conv2DBB, bin.Conv2DBT)
}
DENSES: dict[str, type[bin.DenseLayer]] = {
    c.KIND: c for c in (bin.DenseFF, bin.DenseFB, bin.DenseFT, bin.DenseBB, bin.DenseBT)
}
SCALARS = {"f": F32, "b": BIT, "t": TERN}


@dataclass(frozen=True)
class Geometry:
    """One random convolution."""

    stride: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    pad: tuple[int, int, int, int]
    pad_value: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Geometry:
        low_pad, high_pad = rng.integers(0, 3, (2, 2)).tolist()
        stride, dilation = rng.integers(1, 4, 2).tolist(), rng.integers(1, 3, 2).tolist()
        return cls(
            (stride[0], stride[1]),
            (dilation[0], dilation[1]),
            int(rng.choice([1, 1, 2, 3])),
            (low_pad[0], low_pad[1], high_pad[0], high_pad[1]),
            float(rng.choice([-1.0, 0.0, 1.0])),
        )


def draw(rng: np.random.Generator, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """Random logical values of f32, bit or tern."""
    if kind == "f":
        return rng.standard_normal(shape).astype(F)
    return rng.choice([-1, 1] if kind == "b" else [-1, 0, 1], shape).astype(np.int8)


def draw_conv(rng: np.random.Generator, kind: str, g: Geometry) -> tuple[np.ndarray, np.ndarray]:
    n, kh, kw = rng.integers(1, 4, 3).tolist()
    c, oc = (g.groups * rng.integers(1, 6, 2)).tolist()
    h, w = rng.integers(5, 8, 2).tolist()
    return draw(rng, kind[0], (n, h, w, c)), draw(rng, kind[1], (oc, kh, kw, c // g.groups))


def lowered(
    kind: str, x: np.ndarray, w: np.ndarray, g: Geometry, **fields: object
) -> bin.ConvLayer:
    operands = value_like(x, SCALARS[kind[0]]), value_like(w, SCALARS[kind[1]])
    return make(CONVS[kind], *operands, **g.__dict__, **fields)


def run_layer(op: bin.Layer, x: np.ndarray, w: np.ndarray, **ends: np.ndarray) -> np.ndarray:
    operands = [x, w, *(ends.get(name) for name in ("alpha", "bias", "thr"))]
    return evaluate(op, operands)[0]


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("kind", sorted(CONVS))
def test_convolutions_of_every_geometry(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    g = Geometry.random(rng)
    x, w = draw_conv(rng, kind, g)
    got = run_layer(lowered(kind, x, w, g), x, w)
    same_bits(got, conv2d(x, w, **g.__dict__).astype(F))


@pytest.mark.parametrize("order", ["fma", "muladd.ftz", "eights"])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["ff", "fb", "ft"])
def test_other_orders(kind: str, seed: int, order: str) -> None:
    rng = np.random.default_rng(100 + seed)
    g = Geometry.random(rng)
    x, w = draw_conv(rng, kind, g)
    if order == "muladd.ftz":  # around the smallest normal number
        x = np.ldexp(x, rng.integers(-129, -123, x.shape)).astype(F)
    got = run_layer(lowered(kind, x, w, g, order=order), x, w)
    want = conv2d(x, w, **g.__dict__, tap=tap_of(order, w)).astype(F)
    same_bits(got, want + F(0))  # no sum is -0


def tap_of(order: str, w: np.ndarray) -> Tap:
    return Eights(w[0].size) if order == "eights" else TAPS[order]


def test_orders_differ() -> None:
    rng = np.random.default_rng(0)
    x, w = draw(rng, "f", (1, 6, 6, 8)), draw(rng, "f", (8, 3, 3, 8))
    g = Geometry((1, 1), (1, 1), 1, (0, 0, 0, 0), 0.0)
    results = [
        run_layer(lowered("ff", x, w, g, order=o), x, w) for o in ("muladd", "fma", "eights")
    ]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.any(results[one] != results[other])
    exact = conv2d(x, w, tap=lambda acc, a, b: acc + a * b)
    for result in results:
        np.testing.assert_allclose(result, exact, atol=2e-5)


@pytest.mark.parametrize("groups", [1, 4])
def test_blocks_of_a_large_image_fit_together(groups: int) -> None:
    """More pixels than one block holds, against float64 and against the image in two halves."""
    rng = np.random.default_rng(2)
    x, w = draw(rng, "f", (2, 61, 67, 4)), draw(rng, "f", (64, 3, 3, 4 // groups))
    g = Geometry((1, 1), (1, 1), groups, (0, 0, 0, 0), 0.0)
    whole = run_layer(lowered("ff", x, w, g), x, w)
    for part in (slice(0, 33), slice(31, 61)):
        piece = np.ascontiguousarray(x[:, part])
        rows = slice(part.start, part.stop - 2)
        same_bits(run_layer(lowered("ff", piece, w, g), piece, w), whole[:, rows])
    pixel = conv2d(x[1:, 40:43, 50:53], w, groups=groups)[0, 0, 0]
    same_bits(whole[1, 40, 50], pixel.astype(F))


@pytest.mark.parametrize("kind", sorted(DENSES))
@pytest.mark.parametrize("samples", [1, 3, 40])
def test_dense_layers(kind: str, samples: int) -> None:
    rng = np.random.default_rng(4)
    x, w = draw(rng, kind[0], (samples, 37)), draw(rng, kind[1], (11, 37))
    operands = value_like(x, SCALARS[kind[0]]), value_like(w, SCALARS[kind[1]])
    op = make(DENSES[kind], *operands)
    want = conv2d(x[:, None, None], w[:, None, None])[:, 0, 0]
    same_bits(run_layer(op, x, w), want.astype(F))


def test_imported_layers_add_the_bias_last() -> None:
    rng = np.random.default_rng(6)
    g = Geometry((2, 1), (1, 2), 2, (1, 0, 2, 1), 0.0)
    x, w = draw_conv(rng, "ff", g)
    b = draw(rng, "f", (w.shape[0],))
    conv = nn.Conv2D(value_like(x), value_like(w), value_like(b), **g.__dict__)
    same_bits(evaluate(conv, [x, w, b])[0], conv2d(x, w, **g.__dict__).astype(F) + b)
    x, w, b = draw(rng, "f", (3, 7)), draw(rng, "f", (5, 7)), draw(rng, "f", (5,))
    dense = nn.Dense(value_like(x), value_like(w), value_like(b))
    want = conv2d(x[:, None, None], w[:, None, None])[:, 0, 0].astype(F) + b
    same_bits(evaluate(dense, [x, w, b])[0], want)


@pytest.mark.parametrize("kind", sorted(CONVS))
def test_scale_then_bias(kind: str) -> None:
    rng = np.random.default_rng(8)
    g = Geometry((1, 1), (1, 1), 1, (1, 1, 1, 1), 0.0)
    x, w = draw_conv(rng, kind, g)
    alpha, bias = draw(rng, "f", (w.shape[0],)), draw(rng, "f", (w.shape[0],))
    acc = conv2d(x, w, **g.__dict__).astype(F)
    fields = {"alpha": value_like(alpha), "bias": value_like(bias)}
    both = lowered(kind, x, w, g, **fields)
    same_bits(run_layer(both, x, w, alpha=alpha, bias=bias), acc * alpha + bias)
    only_bias = lowered(kind, x, w, g, bias=fields["bias"])
    same_bits(run_layer(only_bias, x, w, bias=bias), acc + bias)


def test_flushed_layers_flush_their_ends() -> None:
    x, w = np.array([[1.0]], F), np.array([[1]], np.int8)
    alpha, bias = np.array([2.0**-127], F), np.array([2.0**-128], F)
    fields = {"alpha": value_like(alpha), "bias": value_like(bias)}
    for order, want in (("muladd", 2.0**-127 + 2.0**-128), ("muladd.ftz", 0.0)):
        op = make(bin.DenseFB, value_like(x), value_like(w, BIT), **fields, order=order)
        same_bits(run_layer(op, x, w, alpha=alpha, bias=bias), np.array([[want]], F))


def test_flushed_layers_flush_parameters() -> None:
    x, w = np.array([[8.0]], F), np.array([[1]], np.int8)
    alpha = np.array([2.0**-127], F)  # 8 * alpha would be a normal number
    for order, want in (("muladd", 2.0**-124), ("muladd.ftz", 0.0)):
        op = make(
            bin.DenseFB, value_like(x), value_like(w, BIT), alpha=value_like(alpha), order=order
        )
        same_bits(run_layer(op, x, w, alpha=alpha), np.array([[want]], F))
    x, thr = np.array([[0.0]], F), alpha  # 0 >= thr only when thr counts as 0
    for order, bit in (("muladd", -1), ("muladd.ftz", 1)):
        op = make(bin.DenseFB, value_like(x), value_like(w, BIT), thr=value_like(thr), order=order)
        same_bits(run_layer(op, x, w, thr=thr), np.array([[bit]], np.int8))


def test_integer_thresholds_are_inclusive() -> None:
    x = np.array([[1, 1, 1], [1, 1, -1], [1, -1, -1]], np.int8)
    w = np.ones((4, 3), np.int8)
    thr = np.array([1, 2, -3, 4], np.int32)
    op = bin.DenseBB(value_like(x, BIT), value_like(w, BIT), thr=value_like(thr, I32))
    # S = 3, 1, -1
    want = np.array([[1, 1, 1, -1], [1, -1, 1, -1], [-1, -1, 1, -1]], np.int8)
    same_bits(run_layer(op, x, w, thr=thr), want)


@pytest.mark.parametrize(("nan", "bit"), [("plus", 1), ("minus", -1)])
def test_float_thresholds_and_nan(nan: str, bit: int) -> None:
    x = np.array([[2.0], [1.0], [0.999], [np.nan], [-np.inf], [np.inf]], F)
    w, thr = np.ones((1, 1), F), np.ones(1, F)
    op = make(bin.DenseFF, value_like(x), value_like(w), thr=value_like(thr), nan=nan)
    want = np.array([[1], [1], [-1], [bit], [-1], [1]], np.int8)
    same_bits(run_layer(op, x, w, thr=thr), want)


@pytest.mark.parametrize("order", ["muladd", "fma", "muladd.ftz", "eights"])
def test_zero_ternary_weights_skip_what_is_not_finite(order: str) -> None:
    x = np.array([[np.inf, 1.0, np.nan, -np.inf, 2.0]], F)
    w = np.array([[0, 1, 0, 0, -1], [1, 1, 0, 0, 1]], np.int8)
    op = make(bin.DenseFT, value_like(x), value_like(w, TERN), order=order)
    same_bits(run_layer(op, x, w), np.array([[-1.0, np.inf]], F))


def test_zero_padding_adds_nothing_and_one_padding_counts() -> None:
    x, w = np.ones((1, 1, 1, 3), np.int8), np.ones((1, 3, 3, 3), np.int8)
    for pad_value, want in ((0.0, 3.0), (1.0, 27.0), (-1.0, 3.0 - 24.0)):
        g = Geometry((1, 1), (1, 1), 1, (1, 1, 1, 1), pad_value)
        same_bits(run_layer(lowered("bb", x, w, g), x, w), np.full((1, 1, 1, 1), want, F))


def test_sums_beyond_16_bits() -> None:
    rng = np.random.default_rng(9)
    x, w = draw(rng, "b", (2, 75264)), draw(rng, "t", (3, 75264))
    w[0] = x[0]
    op = bin.DenseBT(value_like(x, BIT), value_like(w, TERN))
    want = x.astype(np.int64) @ w.astype(np.int64).T
    assert want[0, 0] == 75264
    same_bits(run_layer(op, x, w), want.astype(F))


@pytest.mark.slow
def test_sums_beyond_the_integers_of_float32() -> None:
    taps = 2**24 + 3
    x, w, thr = np.ones((1, taps), np.int8), np.ones((2, taps), np.int8), np.array([taps, taps + 1])
    thr = thr.astype(np.int32)
    op = bin.DenseBB(value_like(x, BIT), value_like(w, BIT), thr=value_like(thr, I32))
    same_bits(run_layer(op, x, w, thr=thr), np.array([[1, -1]], np.int8))


def test_accumulators_start_at_plus_zero() -> None:
    x, w = np.array([[-1e-30]], F), np.array([[1e-30]], F)
    op = nn.Dense(value_like(x), value_like(w))
    assert muladd(0.0, -1e-30, 1e-30) == 0.0
    same_bits(evaluate(op, [x, w, None])[0], np.zeros((1, 1), F))
