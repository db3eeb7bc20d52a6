# SPDX-License-Identifier: Apache-2.0
"""ONNX's operations on quantized bytes give what onnxruntime gives, byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto

from bnnc.frontends import load
from bnnc.frontends.onnx.convert import CONTRIBUTED
from bnnc.ir import Module, nn, q
from bnnc.ir.diagnostics import ImportFailure
from bnnc.ir.interpreter import interpret
from bnnc.lowering import lower, plan

from ...fuzz.native import Native
from .models import ModelBuilder
from .quantized_models import LIMITS, OPTIMIZED, QuantizedBuilder, run_onnxruntime

MOVES = (nn.Reshape, nn.Transpose)


def imported(model: ModelProto, folder: Path) -> Module:
    path = folder / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return load(path)


def check(model: ModelProto, feeds: dict[str, np.ndarray], folder: Path) -> Module:
    """Every byte is onnxruntime's, whether it optimizes or not."""
    module = imported(model, folder)
    (y,) = interpret(module, feeds).values()
    for optimized in OPTIMIZED:
        want = run_onnxruntime(model, feeds, optimized=optimized)
        np.testing.assert_array_equal(y, want, strict=True)
    return module


def _conv(seed: int) -> tuple[ModelProto, dict[str, np.ndarray]]:
    b = QuantizedBuilder(seed)
    kind = b.pick("int8", "uint8") if b.act == "uint8" else "int8"
    groups, rank = b.pick(1, 1, 2, 4), b.pick(3, 4, 4)
    cin, cout = (int(groups * b.pick(*few)) for few in ((1, 2, 3, 5), (1, 2, 3)))
    size, kernel = (9, 8)[: rank - 2], [b.pick(1, 2, 3) for _ in range(rank - 2)]
    x = b.input("x", 1, cin, *size, kind=getattr(TensorProto, b.act.upper()))
    w = b.bytes_(kind, cout, cin // groups, *kernel)
    scales = b.scales(b.pick(None, cout))
    # onnxruntime wants weights of type int8 with channels of their own to be symmetric.
    zero: int = b.pick(100, 131) if kind == "uint8" else 0 if scales.ndim else b.pick(0, -7)
    operands = [x, *b.levels(), b.constant(w, kind)]
    operands += [b.constant(scales), b.constant(np.full_like(scales, zero), kind)]
    operands += b.levels(0.05, 0.5)
    if b.pick(True, False):
        operands.append(b.constant(b.rng.integers(-3000, 3000, cout), "int32"))
    attrs: dict[str, Any] = {
        "strides": [b.pick(1, 2) for _ in kernel],
        "dilations": [b.pick(1, 2) for _ in kernel],
        "pads": [b.pick(0, 1, 2) for _ in range(2 * len(kernel))],
    }
    b.node("QLinearConv", *operands, group=groups, **attrs)
    return b.byte_model(), {"x": b.bytes_(b.act, 1, cin, *size)}


@pytest.mark.parametrize("seed", range(60))
def test_qlinear_conv(tmp_path: Path, seed: int) -> None:
    module = check(*_conv(seed), tmp_path)
    assert [type(op) for op in module.func.ops if not isinstance(op, MOVES)] == [q.Conv2D]


def _matmul(seed: int) -> tuple[ModelProto, dict[str, np.ndarray]]:
    b = QuantizedBuilder(seed)
    rows, inner, outer = b.pick((4,), (2, 3)), b.pick(3, 16, 40), b.pick(1, 5, 8)
    a = b.input("a", *rows, inner, kind=getattr(TensorProto, b.act.upper()))
    kind = b.pick("int8", "uint8") if b.act == "uint8" else "int8"
    scales = b.scales(b.pick(None, outer))
    zeros = np.full(scales.shape, b.pick(3, 100) if kind == "uint8" else 0)
    w = b.constant(b.bytes_(kind, inner, outer), kind)
    b.node(
        "QLinearMatMul",
        *(a, *b.levels(), w, b.constant(scales), b.constant(zeros, kind), *b.levels(0.05, 0.5)),
    )
    return b.byte_model(), {"a": b.bytes_(b.act, *rows, inner)}


@pytest.mark.parametrize("seed", range(30))
def test_qlinear_matmul(tmp_path: Path, seed: int) -> None:
    module = check(*_matmul(seed), tmp_path)
    assert [type(op) for op in module.func.ops if not isinstance(op, MOVES)] == [q.Dense]


def test_generated_code_computes_the_same(cc: str, tmp_path: Path) -> None:
    cases = {f"conv{i}": _conv(i) for i in range(40)} | {f"mat{i}": _matmul(i) for i in range(20)}
    modules = {name: plan(imported(m, tmp_path)) for name, (m, _) in cases.items()}
    native = Native.made(tmp_path, compiler=cc)
    library = native.build(modules)
    for name, (_, feeds) in cases.items():
        native.check(library, name, modules[name], [feeds])


@pytest.mark.parametrize("op", ["ConvInteger", "MatMulInteger"])
@pytest.mark.parametrize("kind", ["uint8", "int8"])
def test_sums_of_products(tmp_path: Path, op: str, kind: str) -> None:
    b = QuantizedBuilder(1)
    b.act = "int32"
    shape = (1, 3, 5, 6) if op == "ConvInteger" else (4, 5)
    w = b.bytes_("int8", *((2, 3, 2, 2) if op == "ConvInteger" else (5, 7)))
    zeros = [b.constant(b.bytes_(kind), kind), b.constant(3 if kind == "uint8" else 0, "int8")]
    x = b.input("x", *shape, kind=getattr(TensorProto, kind.upper()))
    attrs: dict[str, Any] = {"pads": [1, 0, 2, 1]} if op == "ConvInteger" else {}
    b.node(op, x, b.constant(w, "int8"), *zeros, **attrs)
    module = imported(b.byte_model(), tmp_path)
    feeds = {"x": b.bytes_(kind, *shape)}
    (y,) = interpret(module, feeds).values()
    if op == "ConvInteger":  # onnxruntime has it for unsigned bytes alone
        (want,) = b.reference(feeds)
    else:
        want = run_onnxruntime(b.byte_model(), feeds, optimized=False)
    np.testing.assert_array_equal(y, want.astype(np.int32), strict=True)


@pytest.mark.parametrize(
    ("opset", "axis"),
    [(10, None), *((o, a) for o in (13, 19, 21, 23) for a in (None, 1, -1))],
)
@pytest.mark.parametrize("kind", ["uint8", "int8", "none"])
def test_quantize_and_dequantize(tmp_path: Path, opset: int, kind: str, axis: int | None) -> None:
    """Halves go to even, far numbers to the last level; without a zero point bytes are unsigned."""
    b = ModelBuilder(opset)
    rng = np.random.default_rng(3)
    shape = (1, 3, 4, 5)
    count = () if axis is None else (shape[axis],)
    operands = [b.constant(2.0 ** -rng.integers(1, 4, count).astype(np.float64))]
    if kind != "none":
        operands.append(b.constant(rng.integers(*LIMITS[kind], count) // 2, kind))
    attrs: dict[str, Any] = {} if axis is None else {"axis": axis}
    levels = b.node("QuantizeLinear", b.input("x", *shape), *operands, **attrs)
    b.node("DequantizeLinear", levels, *operands, **attrs)
    halves = rng.integers(-700, 700, shape) / 16
    for x in (halves, rng.normal(0, 1e6, shape)):
        feeds = {"x": x.astype(np.float32)}
        (y,) = b.run(tmp_path, feeds)
        want = run_onnxruntime(b.model(), feeds, optimized=False)
        np.testing.assert_array_equal(y, want, strict=True)


def test_bytes_are_moved_and_pooled_as_bytes(tmp_path: Path) -> None:
    b = QuantizedBuilder(4)
    shape = (1, 3, 6, 6)
    x = b.input("x", *shape, kind=getattr(TensorProto, b.act.upper()))
    padded = b.node("Pad", x, b.ints(0, 0, 1, 0, 0, 0, 0, 2), b.constant(7, b.act))
    pooled = b.node("MaxPool", padded, kernel_shape=[2, 2], strides=[2, 1])
    joined = b.node("Concat", pooled, pooled, axis=1)
    cut = b.node("Slice", joined, b.ints(1), b.ints(5), b.ints(1))
    y = b.node("Reshape", b.node("Transpose", cut, perm=[0, 2, 1, 3]), b.ints(1, -1))
    b.node("QuantizeLinear", b.node("DequantizeLinear", y, *b.levels()), *b.levels())
    module = check(b.byte_model(), {"x": b.bytes_(b.act, *shape)}, tmp_path)
    assert any(isinstance(op, q.MaxPool) for op in module.func.ops)
    assert {t.scalar.name for t in module.inputs.values()} == {"i8" if b.act == "int8" else "u8"}


@pytest.mark.parametrize("op", ["Relu", "Add", "Sigmoid"])
def test_floats_do_not_read_bytes(tmp_path: Path, op: str) -> None:
    b = QuantizedBuilder(5)
    y = b.node("QuantizeLinear", b.input("x", 1, 4), *b.levels())
    b.node(op, *[y] * (2 if op == "Add" else 1))
    with pytest.raises(ImportFailure, match="computes with integers"):
        b.load(tmp_path)


def test_scales_in_blocks_are_refused(tmp_path: Path) -> None:
    b = ModelBuilder(21)
    scales = b.constant(np.ones((2, 2)))
    b.node("QuantizeLinear", b.input("x", 2, 4), scales, axis=1, block_size=2)
    with pytest.raises(ImportFailure, match="quantizes in blocks"):
        b.load(tmp_path)


def _contributed(op: str, seed: int) -> tuple[ModelProto, dict[str, np.ndarray]]:
    """A model of one of onnxruntime's own operations."""
    b = QuantizedBuilder(seed)
    kind = getattr(TensorProto, b.act.upper())
    shape = (2, 12) if op == "QGemm" else (1, 3, 6, 5)
    x, *levels = b.input("x", *shape, kind=kind), *b.levels()
    attrs: dict[str, Any] = {}
    if op in ("QLinearAdd", "QLinearMul"):
        other = b.input("other", *b.pick(shape, (3, 1, 1)), kind=kind)
        operands = [x, *levels, other, *b.levels(), *b.levels(0.02, 0.2)]
    elif op == "QLinearConcat":
        operands = [*b.levels(), x, *levels, b.input("other", *shape, kind=kind), *b.levels()]
        attrs["axis"] = 1
    elif op == "QGemm":
        scales = b.scales(b.pick(None, 5))
        w, bias = b.bytes_("int8", 5, 12), b.rng.integers(-2000, 2000, 5)
        zeros = b.constant(np.zeros(scales.shape), "int8")
        operands = [x, *levels, b.constant(w, "int8"), b.constant(scales), zeros]
        operands += [b.constant(bias, "int32"), *b.levels(0.05, 0.3)]
        attrs["transB"] = 1
    else:
        operands = [x, *levels, *b.levels(0.01, 0.03)]
        if op == "QLinearAveragePool":
            attrs = {"kernel_shape": [2, 3], "strides": [2, 1]}
    b.node(op, *operands, domain="com.microsoft", **attrs)
    model = b.byte_model()
    sizes = {i.name: [d.dim_value for d in i.type.tensor_type.shape.dim] for i in model.graph.input}
    return model, {name: b.bytes_(b.act, *size) for name, size in sizes.items()}


@pytest.mark.parametrize("op", sorted(CONTRIBUTED - {"QLinearSoftmax"}))
def test_operations_of_onnxruntime_itself(tmp_path: Path, op: str) -> None:
    """It adds in fixed point of 22 bits, so that a sum may be off where it is nearly a half."""
    count = differ = 0
    for seed in range(6):
        model, feeds = _contributed(op, seed)
        module = lower(imported(model, tmp_path), after="binarize")
        assert not any(isinstance(v, q.Quantize | q.Dequantize) for v in module.func.ops)
        (y,) = interpret(module, feeds).values()
        want = run_onnxruntime(model, feeds, optimized=False)
        assert y.dtype == want.dtype
        assert np.abs(y.astype(int) - want).max() <= (op == "QLinearAdd")
        differ, count = differ + int((y != want).sum()), count + y.size
    assert differ <= count / 100
