# SPDX-License-Identifier: Apache-2.0
"""Layers of quantized bytes that cut their sums: every sum against the operations it replaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bnnc.ir import (
    BIT,
    F32,
    Loc,
    Module,
    Op,
    Resource,
    Scalar,
    Stage,
    TensorType,
    Value,
    nn,
    q,
)
from bnnc.ir import bin as bits
from bnnc.ir.interpreter import evaluate, interpret
from bnnc.passes.fold_thresholds import recheck
from bnnc.passes.pipelines import standard

from .rewriting import rewritten

TAPS, CHANNELS = 9, 24
I8 = Scalar("i8")


class Net:
    """A module that grows operation by operation."""

    def __init__(self, *shape: int) -> None:
        self.module = Module("net", Stage.CANONICAL)
        self.y = Value(TensorType(shape, F32), name="x")
        self.module.func.args.append(self.y)
        self.module.func.input_names.append("x")

    def constant(self, array: np.ndarray) -> Resource:
        """A constant of the module."""
        return self.module.add_resource("k", array)

    def then(self, make: Callable[..., Op], *operands: Value | None, **fields: Any) -> Op:
        """An operation on what the last one gave."""
        op = make(self.y, *operands, loc=Loc((f"op/{len(self.module.func.ops)}",), "op"), **fields)
        self.module.func.append(op)
        self.y = op.result
        return op

    def done(self) -> Module:
        """The module with its last value as the result."""
        self.module.func.set_results([self.y])
        self.module.func.output_names.append("y")
        return self.module


def draw(kind: str, rng: np.random.Generator) -> np.ndarray:
    if kind == "bit":
        return rng.choice(np.array([-1, 1], np.int8), (CHANNELS, TAPS))
    w = rng.integers(-128, 128, (CHANNELS, TAPS)).astype(np.int8 if kind == "i8" else np.int16)
    w[rng.random(w.shape) < 0.1] = -128
    return w


def behind(net: Net, family: str, rng: np.random.Generator, spread: float) -> list[Op]:
    """Float operations behind the sums; of 24 channels some fall, some are constant, some tie."""
    ops = [net.then(q.Dequantize, scale=0.037, zero=0)]
    if family != "plain":
        scale = rng.normal(size=CHANNELS).astype(np.float32)
        scale[::7] = 0
        ops.append(net.then(nn.Mul, net.constant(scale)))
    if family == "clipped":
        ops.append(net.then(nn.Clip, lo=-spread / 4, hi=spread / 3))
    if family in ("normed", "clipped"):
        params = rng.normal(size=(3, CHANNELS)) * np.array([[1], [1], [spread / 3]])
        params[1, ::3] = 0
        gamma, beta, mean = params.astype(np.float32)
        var = rng.uniform(0.1, spread, CHANNELS).astype(np.float32)
        operands = [net.constant(p) for p in (gamma, beta, mean, var)]
        ops.append(net.then(nn.BatchNorm, *operands, epsilon=1e-3))
    else:
        offset = (rng.integers(-99, 99, CHANNELS) * np.float32(0.037)).astype(np.float32)
        ops.append(net.then(nn.Sub, net.constant(offset)))
    return ops


def after(op: Op, x: np.ndarray) -> np.ndarray:
    """An operation on another number of rows."""
    rows = Value(TensorType(x.shape, op.operands[0].type.scalar), name="x")
    again = op.rebuilt(lambda v: rows if v is op.operands[0] else v)
    rest = [v.array for v in op.operands[1:] if isinstance(v, Resource)]
    return evaluate(again, [x, *rest])[0]


@pytest.mark.parametrize("zero", ["plus", "minus", "keep"])
@pytest.mark.parametrize("family", ["plain", "scaled", "normed", "clipped"])
@pytest.mark.parametrize("kind", ["bit", "i8", "i16"])
def test_every_sum_is_cut_as_the_floats_would(kind: str, family: str, zero: str) -> None:
    rng = np.random.default_rng([ord(c) for c in kind + family + zero])
    net, w = Net(2, TAPS), draw(kind, rng)
    bias = rng.integers(-300, 300, CHANNELS).astype(np.int32)
    net.then(q.Quantize, scale=0.02, zero=-3, halves="even")
    layer = net.then(
        q.Dense,
        net.constant(w),
        net.constant(bias),
        x_zero=-3,
        to="i32",
    )
    assert isinstance(layer, q.Dense)
    floats = behind(net, family, rng, 40.0 if kind == "bit" else 4000.0)
    floats.append(net.then(nn.Sign, zero=zero, nan="propagate"))
    made = net.done()
    reach = int(q.largest_accumulator(layer).max())
    folded, _ = rewritten(made, standard(made.stage))
    (cut,) = (op for op in folded.func.ops if isinstance(op, q.Dense))
    assert [op.NAME for op in folded.func.ops] == ["q.quantize", "q.dense", "bin.unpack"]
    assert cut.result.type.scalar == BIT
    assert isinstance(cut.w, Resource)
    assert isinstance(cut.thr, Resource)
    assert isinstance(cut.bias, Resource)
    assert (cut.w.type.scalar == BIT) == (kind == "bit")
    falls = (cut.w.array == -w.astype(np.int32)).all(axis=1)
    assert ((cut.w.array == w).all(axis=1) | falls).all()
    np.testing.assert_array_equal(cut.bias.array, np.where(falls, -bias, bias))
    for start in range(-reach, reach + 1, 1 << 15):
        one = np.arange(start, min(start + (1 << 15), reach + 1), dtype=np.int32)
        sums = np.repeat(one[:, None], CHANNELS, 1)
        y = sums
        for op in floats[:-1]:
            y = after(op, y)
        plus = y > 0 if zero == "minus" else ~(y < 0)
        np.testing.assert_array_equal(np.where(falls, -sums, sums) >= cut.thr.array, plus)
    assert recheck(folded) == []
    moved = cut.thr.array + (np.arange(CHANNELS) == 5).astype(np.int32)
    cut.replace_operand(cut.thr, folded.add_resource("moved", moved))
    assert [d.channel for d in recheck(folded)] == [5]


@pytest.mark.parametrize("kind", ["bit", "i8"])
def test_levels(kind: str) -> None:
    rng = np.random.default_rng(31)
    net, w = Net(50, TAPS), draw(kind, rng)
    net.then(q.Quantize, scale=0.02, zero=-3, halves="even")
    net.then(q.Dense, net.constant(w), None, x_zero=-3, to="i32")
    behind(net, "scaled", rng, 1.0)
    net.then(nn.Mul, net.constant(np.array(0.1 if kind == "bit" else 0.001, np.float32)))
    net.then(nn.Clip, lo=0.0, hi=3.0)
    net.then(nn.Round)
    made = net.done()
    folded, _ = rewritten(made, standard(made.stage))
    names = [op.NAME for op in folded.func.ops]
    assert names == ["q.quantize", "q.dense", "bin.dequantize"]
    assert str(folded.func.ops[1].result.type.scalar) == "u2"
    x = rng.normal(size=(50, TAPS)).astype(np.float32)
    want = interpret(made, {"x": x})["y"]
    assert len(np.unique(want)) == 4
    np.testing.assert_array_equal(interpret(folded, {"x": x})["y"], want)
    assert recheck(folded) == []


def test_a_pool_between_works_on_bits() -> None:
    rng = np.random.default_rng(32)
    net = Net(1, 6, 6, 4)
    net.then(q.Quantize, scale=0.02, zero=-3, halves="even")
    w = rng.choice(np.array([-1, 1], np.int8), (CHANNELS, 3, 3, 4))
    pad = (1, 1, 1, 1)
    net.then(q.Conv2D, net.constant(w), None, x_zero=-3, to="i32", stride=(1, 1), pad=pad)
    net.then(q.Dequantize, scale=0.5, zero=0)
    net.then(nn.MaxPool, kernel_size=(2, 2), stride=(2, 2), pad=(0, 0, 0, 0))
    params = [rng.normal(size=CHANNELS) for _ in range(3)] + [rng.uniform(1, 2, CHANNELS)]
    net.then(nn.BatchNorm, *(net.constant(p.astype(np.float32)) for p in params), epsilon=1e-3)
    net.then(nn.Sign, zero="plus", nan="plus")
    made = net.done()
    folded, _ = rewritten(made, standard(made.stage))
    names = [op.NAME for op in folded.func.ops]
    assert names == ["q.quantize", "q.conv2d", "bin.max_pool", "bin.unpack"]
    layer = folded.func.ops[1]
    assert isinstance(layer, q.Conv2D)
    assert layer.w.type.scalar == BIT  # they were bytes of +-1
    x = rng.normal(size=(1, 6, 6, 4)).astype(np.float32)
    want = interpret(made, {"x": x})["y"]
    np.testing.assert_array_equal(interpret(folded, {"x": x})["y"], want)


@pytest.mark.parametrize(
    ("zero", "twice", "why"),
    [(5, False, "gives bytes, not its sums"), (0, True, "are read elsewhere, too")],
)
def test_sums_that_stay_floats(zero: int, twice: bool, why: str) -> None:
    net = Net(2, TAPS)
    net.then(q.Quantize, scale=0.02, zero=-3, halves="even")
    w = net.constant(draw("i8", np.random.default_rng(33)))
    sums = net.then(q.Dense, w, None, x_zero=-3, to="i32").result
    net.then(q.Dequantize, scale=0.5, zero=zero)
    sign = net.then(nn.Sign, zero="plus", nan="plus").result
    if twice:
        net.y = sums
        net.then(q.Dequantize, scale=0.25, zero=0)
        net.then(nn.Add, sign)
    made = net.done()
    folded, remarks = rewritten(made, standard(made.stage))
    assert any(why in r.message for r in remarks)
    assert not any(op.thr for op in folded.func.ops if isinstance(op, q.Layer))


def test_sums_beyond_what_floats_hold_exactly() -> None:
    """From 2^24 on neighbours become the same float: the switch is where the run of one begins."""
    net = Net(1, 600)
    net.then(q.Quantize, scale=0.02, zero=-128, halves="even")
    w = net.constant(np.full((2, 600), 127, np.int8))
    bias = net.constant(np.array([2**30, -(2**30)], np.int32))
    layer = net.then(q.Dense, w, bias, x_zero=-128, to="i32")
    assert isinstance(layer, q.Dense)
    net.then(q.Dequantize, scale=1.0, zero=0)
    offset = np.array([2**30 + 64, -(2**30) - 64], np.float32)
    net.then(nn.Sub, net.constant(offset))
    net.then(nn.Sign, zero="plus", nan="plus")
    made = net.done()
    folded, _ = rewritten(made, standard(made.stage))
    (cut,) = (op for op in folded.func.ops if isinstance(op, bits.Layer | q.Layer))
    assert isinstance(cut.thr, Resource)
    for channel, t in enumerate(cut.thr.array.tolist()):
        sums = np.array([t - 1, t], np.int32)
        assert ((sums.astype(np.float32) - offset[channel]) >= 0).tolist() == [False, True]
