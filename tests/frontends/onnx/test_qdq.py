# SPDX-License-Identifier: Apache-2.0
"""Float graphs between QuantizeLinear and DequantizeLinear become layers of integers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto

import bnnc
from bnnc.frontends import load
from bnnc.integer_meaning import in_integers
from bnnc.ir import Module, nn, q
from bnnc.ir.interpreter import interpret
from bnnc.lowering import lower, plan

from ...fuzz.native import Native
from .quantized_models import OPTIMIZED, QuantizedBuilder, normal_feeds, run_onnxruntime

IMAGE = (1, 6, 8, 9)


def _imported(model: ModelProto, folder: Path) -> Module:
    path = folder / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return load(path)


def _conv(b: QuantizedBuilder, x: str, levels: tuple[str, str]) -> str:
    groups, kernel = b.pick(1, 2, 6), b.pick(1, 2, 3)
    count = groups * b.pick(1, 2, 3)
    w, scales = b.weights((count, 6 // groups, kernel, kernel), 0)
    operands = [x, w]
    if b.pick(True, True, False):
        operands.append(b.bias(count, b.value(levels[0]) * scales))
    strides, dilations = [b.pick(1, 2), b.pick(1, 2)], [b.pick(1, 2), b.pick(1, 2)]
    pads = [b.pick(0, 1) for _ in range(4)]
    y = b.node("Conv", *operands, group=groups, strides=strides, dilations=dilations, pads=pads)
    ends = {
        "relu": lambda: b.node("Relu", y),
        "clip": lambda: b.node("Clip", y, b.constant(0), b.constant(b.rng.uniform(1, 6))),
        "none": lambda: y,
    }
    return b.through_bytes(ends[b.pick(*ends)]())


def _gemm(b: QuantizedBuilder, x: str, levels: tuple[str, str]) -> str:
    rows = b.through_bytes(b.node("Flatten", x), levels)
    w, scales = b.weights((7, 6 * 8 * 9), 0)
    bias = b.bias(7, b.value(levels[0]) * scales)
    y = b.node("Gemm", rows, w, bias, transB=1)
    return b.through_bytes(y, b.levels(0.2, 0.5))


def _matmul(b: QuantizedBuilder, x: str, levels: tuple[str, str]) -> str:
    rows = b.through_bytes(b.node("Reshape", x, b.ints(1, -1)), levels)
    w, _ = b.weights((6 * 8 * 9, 5), 1)
    return b.through_bytes(b.node("MatMul", rows, w), b.levels(0.2, 0.5))


def _concat(b: QuantizedBuilder, x: str, levels: tuple[str, str]) -> str:
    del levels
    other = b.through_bytes(b.input("other", 1, 2, 8, 9))
    return b.through_bytes(b.node("Concat", x, other, axis=1))


def _max_pool(b: QuantizedBuilder, x: str, levels: tuple[str, str]) -> str:
    return b.through_bytes(b.node("MaxPool", x, kernel_shape=[2, 3], strides=[2, 1]), levels)


def _average(b: QuantizedBuilder, x: str, levels: tuple[str, str]) -> str:
    del levels
    pads: dict[str, Any] = {"pads": [1, 0, 0, 1], "count_include_pad": 1}
    attrs = pads if b.pick(True, False) else {}
    return b.through_bytes(b.node("AveragePool", x, kernel_shape=[2, 3], **attrs))


def _arithmetic(op: str) -> Callable[[QuantizedBuilder, str, tuple[str, str]], str]:
    def add(b: QuantizedBuilder, x: str, levels: tuple[str, str]) -> str:
        del levels
        other = b.through_bytes(b.input("other", *b.pick((1, 6, 1, 1), IMAGE)))
        return b.through_bytes(b.node(op, x, other), b.levels(0.02, 0.2))

    return add


def _mean(b: QuantizedBuilder, x: str, levels: tuple[str, str]) -> str:
    del levels
    return b.through_bytes(b.node("GlobalAveragePool", x))


def _function(op: str) -> Callable[[QuantizedBuilder, str, tuple[str, str]], str]:
    return lambda b, x, levels: b.through_bytes(b.node(op, x))


NETWORKS: dict[str, Callable[[QuantizedBuilder, str, tuple[str, str]], str]] = {
    "conv": _conv,
    "gemm": _gemm,
    "matmul": _matmul,
    "concat": _concat,
    "max": _max_pool,
    "average": _average,
    "mean": _mean,
    **{op: _arithmetic(op) for op in ("Add", "Sub", "Mul")},
    **{op: _function(op) for op in ("Relu", "LeakyRelu", "Sigmoid", "Tanh")},
}
SEEDS = 6


def _network(name: str, seed: int) -> ModelProto:
    b = QuantizedBuilder(seed)
    levels = b.levels()
    x = b.through_bytes(b.input("x", *IMAGE), levels)
    NETWORKS[name](b, x, levels)
    return b.model()


@pytest.mark.parametrize("name", NETWORKS)
def test_every_byte_is_that_of_onnxruntime(tmp_path: Path, name: str) -> None:
    for seed in range(SEEDS):
        model = _network(name, seed)
        module = lower(_imported(model, tmp_path), after="binarize")
        feeds = normal_feeds(model, seed)
        (y,) = interpret(module, feeds).values()
        for optimized in OPTIMIZED:
            if optimized and name in ("Add", "Sub"):
                continue  # see below
            want = run_onnxruntime(model, feeds, optimized=optimized)
            np.testing.assert_array_equal(y, want, strict=True)


def test_halves(tmp_path: Path) -> None:
    """With scales that are powers of two, half of all sums lie between two levels.

    They go to even, as ONNX says. Optimized, onnxruntime adds in fixed point and has its halves go
    elsewhere: it disagrees with itself, by one level and nowhere else.
    """
    b = QuantizedBuilder(0)
    b.act = "int8"
    levels = b.constant(2.0**-4), b.constant(3, "int8")
    x, y = (b.through_bytes(b.input(name, 1, 500), levels) for name in "xy")
    b.through_bytes(b.node("Add", x, y), (b.constant(2.0**-3), b.constant(3, "int8")))
    model = b.model()
    feeds = {name: f / 2 for name, f in normal_feeds(model, 0).items()}
    (found,) = interpret(lower(_imported(model, tmp_path), after="binarize"), feeds).values()
    plain, optimized = (run_onnxruntime(model, feeds, optimized=o) for o in OPTIMIZED)
    np.testing.assert_array_equal(found, plain)
    differ = found != optimized
    assert np.abs(found - optimized).max() <= 2.0**-3
    steps = [np.clip(np.rint(f * 16) + 3, -128, 127) - 3 for f in feeds.values()]
    real = (steps[0] + steps[1]) / 2
    assert (real[differ] % 1 == 0.5).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_is_left_in_float(tmp_path: Path, name: str) -> None:
    moves = (nn.Reshape, nn.Transpose, nn.Concat)
    for seed in range(SEEDS):
        module = lower(_imported(_network(name, seed), tmp_path), after="binarize")
        quantize = [op for op in module.func.ops if isinstance(op, q.Quantize)]
        assert len(quantize) == len(module.func.args)
        assert all(op.NAME.startswith("q.") or isinstance(op, moves) for op in module.func.ops)


def test_generated_code_computes_the_same(cc: str, tmp_path: Path) -> None:
    models = {f"{name}{i}": _network(name, i) for name in NETWORKS for i in range(3)}
    modules = {name: plan(_imported(model, tmp_path)) for name, model in models.items()}
    native = Native.made(tmp_path, compiler=cc)
    library = native.build(modules)
    for name, module in modules.items():
        native.check(library, name, module, [normal_feeds(models[name], 1)])


def test_a_layer_without_a_quantized_result_keeps_its_integers(tmp_path: Path) -> None:
    b = QuantizedBuilder(0)
    levels = b.levels()
    x = b.through_bytes(b.input("x", 1, 40), levels)
    w, scales = b.weights((3, 40), 0)
    b.node("Gemm", x, w, b.bias(3, b.value(levels[0]) * scales), transB=1)
    module = lower(_imported(b.model(), tmp_path), after="binarize")
    assert [type(op) for op in module.func.ops][:2] == [q.Quantize, q.Dense]
    feeds = normal_feeds(b.model(), 0)
    (y,) = interpret(module, feeds).values()
    want = run_onnxruntime(b.model(), feeds, optimized=False)
    np.testing.assert_allclose(y, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("op", ["Softmax", "Elu"])
def test_the_rest_stays_float_in_between(tmp_path: Path, op: str) -> None:
    """A function of several bytes, and one behind a layer."""
    b = QuantizedBuilder(0)
    levels = b.levels()
    x = b.through_bytes(b.input("x", *IMAGE), levels)
    y = (
        b.node("Flatten", x)
        if op == "Softmax"
        else b.node("Conv", x, b.weights((3, 6, 1, 1), 0)[0])
    )
    b.through_bytes(b.node(op, y), b.levels(0.004, 0.005))
    module = lower(_imported(b.model(), tmp_path), after="binarize")
    feeds = normal_feeds(b.model(), 0)
    (y_,) = interpret(module, feeds).values()
    want = run_onnxruntime(b.model(), feeds, optimized=False)
    np.testing.assert_array_equal(y_, want)


def test_explain_calls_the_layers_integer(tmp_path: Path) -> None:
    layers = bnnc.explain(_imported(_network("conv", 0), tmp_path)).layers
    assert [(line.source_op, line.kind) for line in layers] == [("Conv", "ii")]


def test_verify_compares_the_integers(tmp_path: Path) -> None:
    """Halves of a layer go to even; the float graph may see them a little off."""
    module = _imported(_network("conv", 1), tmp_path)
    assert bnnc.verify(module, "c").ok
    planned = plan(module)
    meant = in_integers(module, planned)
    kinds = [type(op) for op in meant.func.ops if isinstance(op, q.Layer)]
    assert kinds == [q.Conv2D]
    assert in_integers(meant, planned) is meant
