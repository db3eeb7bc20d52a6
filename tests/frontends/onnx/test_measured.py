# SPDX-License-Identifier: Apache-2.0
"""Dynamically quantized models: ranges measured at run time give onnxruntime's very floats."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto

from bnnc.frontends import load
from bnnc.ir import Module, nn, q
from bnnc.ir.interpreter import interpret
from bnnc.lowering import lower, plan
from bnnc.passes.pipelines import standard

from ...fuzz.native import Native
from .models import ModelBuilder
from .quantized_models import QuantizedBuilder, run_onnxruntime

MOVES = (nn.Reshape, nn.Transpose)
MEASURED = [q.DynamicLevels, q.DynamicQuantize]


def binarized(model: ModelProto, folder: Path) -> Module:
    path = folder / "net.onnx"
    path.write_bytes(model.SerializeToString())
    module = load(path)
    return lower(module, passes=standard(module.stage))


def check(module: Module, model: ModelProto, feeds: dict[str, np.ndarray]) -> None:
    """Every float is onnxruntime's, bit for bit; it computes node by node."""
    (y,) = interpret(module, feeds).values()
    want = run_onnxruntime(model, feeds, optimized=False)
    np.testing.assert_array_equal(y.view(np.int32), want.view(np.int32), strict=True)


@pytest.mark.parametrize(
    "numbers",
    [
        [0.0, 0.0, -0.0],
        [5.0, 5.0],
        [-5.0, -5.0],
        [-2.5, 252.5, 1.0, 0.5, 1.5],
        [-3.5, 251.5, 0.5, 1.5],
        [np.nan, 1.0, -2.0],
        [1e37, -3e37, 1.0],
        [1e-37, 3e-38],
        *np.random.default_rng(1).normal(0.5, 3, (20, 30)).tolist(),
    ],
)
def test_the_range_of_a_tensor(tmp_path: Path, numbers: list[float]) -> None:
    b = ModelBuilder()
    y = b.node("DynamicQuantizeLinear", b.input("x", 1, len(numbers)), count=3)
    b.node("DequantizeLinear", y, f"{y}.1", f"{y}.2")
    x = np.array([numbers], np.float32)
    if np.isnan(x).any():  # onnxruntime makes the lowest byte of it
        (found,) = b.run(tmp_path, {"x": x})
        assert found[0, 0] == 0
        x[np.isnan(x)] = 0
    check(binarized(b.model(), tmp_path), b.model(), {"x": x})


def layer(seed: int) -> tuple[ModelProto, dict[str, np.ndarray]]:
    """What onnxruntime's quantize_dynamic writes for a layer."""
    b = QuantizedBuilder(seed)
    conv = bool(b.pick(True, False))
    kind = "uint8" if conv else b.pick("uint8", "int8")
    groups, cin, cout = b.pick((1, 3, 2), (1, 1, 5), (2, 4, 6), (3, 3, 3))
    shape = (2, cin, 7, 6) if conv else b.pick((4, 5), (2, 3, 5))
    attrs: dict[str, Any] = {}
    if conv:
        attrs = {"group": groups, "pads": [b.pick(0, 1, 2) for _ in range(4)]}
        attrs["strides"] = [b.pick(1, 2), 1]
    w = b.bytes_(kind, *((cout, cin // groups, 2, 3) if conv else (5, cout)))
    channels = None if conv else b.pick(None, cout)
    zeros = np.full(channels or (), b.pick(0, 77, 128) if kind == "uint8" else 0)
    y = b.node("DynamicQuantizeLinear", b.input("x", *shape), count=3)
    sums = b.node(
        "ConvInteger" if conv else "MatMulInteger",
        *(y, b.constant(w, kind), f"{y}.2", b.constant(zeros, kind)),
        **attrs,
    )
    unit = [f"{y}.1", b.constant(b.scales(channels))]
    unit = unit[:: b.pick(1, -1)]
    both = [b.node("Cast", sums, to=TensorProto.FLOAT), b.node("Mul", *unit)]
    out = b.node("Mul", *both[:: b.pick(1, -1)])
    if b.pick(True, False):
        bias = b.rng.normal(size=(1, cout, 1, 1) if conv else (cout,)).astype(np.float32)
        b.node("Add", *[out, b.constant(bias)][:: b.pick(1, -1)])
    middle, reach = b.pick(0.0, 0.3, 40.0, -7.0), 10.0 ** b.pick(-4, 0, 4)
    return b.model(), {"x": (b.rng.normal(middle, 1, shape) * reach).astype(np.float32)}


@pytest.mark.parametrize("seed", range(40))
def test_a_layer_is_one_operation(tmp_path: Path, seed: int) -> None:
    model, feeds = layer(seed)
    module = binarized(model, tmp_path)
    kinds = [type(op) for op in module.func.ops if not isinstance(op, MOVES)]
    assert kinds[:-1] == MEASURED
    assert issubclass(kinds[-1], q.DynamicLayer)
    check(module, model, feeds)


def test_generated_code_computes_the_same(cc: str, tmp_path: Path) -> None:
    cases = {f"n{seed}": layer(seed) for seed in range(30)}
    modules = {name: plan(binarized(m, tmp_path)) for name, (m, _) in cases.items()}
    native = Native.made(tmp_path, compiler=cc)
    library = native.build(modules)
    for name, (_, feeds) in cases.items():
        native.check(library, name, modules[name], [feeds])


def test_what_another_reads_is_not_fused(tmp_path: Path) -> None:
    b = QuantizedBuilder(3)
    y = b.node("DynamicQuantizeLinear", b.input("x", 4, 5), count=3)
    w = b.constant(b.bytes_("int8", 5, 3), "int8")
    sums = b.node("MatMulInteger", y, w, f"{y}.2")
    floats = b.node("Cast", sums, to=TensorProto.FLOAT)
    scaled = b.node("Mul", floats, b.node("Mul", f"{y}.1", b.constant(0.01)))
    b.node("Add", scaled, floats)
    module = binarized(b.model(), tmp_path)
    assert any(isinstance(op, q.DynamicDense) and op.w_scale is None for op in module.func.ops)
    feeds = {"x": b.rng.normal(size=(4, 5)).astype(np.float32)}
    check(module, b.model(), feeds)


def test_what_onnxruntime_quantizes(tmp_path: Path) -> None:
    """A network with two layers of each kind, through quantize_dynamic."""
    b = ModelBuilder()
    rng = np.random.default_rng(4)

    def weights(*shape: int) -> str:
        return b.constant(rng.normal(size=shape).astype(np.float32))

    y = b.node("Conv", b.input("x", 1, 3, 8, 8), weights(6, 3, 3, 3), weights(6), pads=[1] * 4)
    y = b.node("MaxPool", b.node("Relu", y), kernel_shape=[2, 2], strides=[2, 2])
    y = b.node("Relu", b.node("Conv", y, weights(6, 1, 3, 3), weights(6), group=6))
    y = b.node("Flatten", y)
    y = b.node("Relu", b.node("Gemm", y, weights(24, 10), weights(10)))
    b.node("MatMul", y, weights(10, 4))
    source, path = b.save(tmp_path / "float.onnx"), tmp_path / "dynamic.onnx"
    ort: Any = importlib.import_module("onnxruntime.quantization")
    ort.quantize_dynamic(
        source,
        path,
        weight_type=ort.QuantType.QUInt8,
        op_types_to_quantize=["Conv", "MatMul", "Gemm"],
        extra_options={"WeightSymmetric": False},
    )
    model = ModelProto.FromString(path.read_bytes())
    module = binarized(model, tmp_path)
    layers = [type(op) for op in module.func.ops if isinstance(op, q.DynamicLayer)]
    assert layers == [q.DynamicConv2D] * 2 + [q.DynamicDense] * 2
    assert not any(isinstance(op, nn.Cast | nn.Mul) for op in module.func.ops)
    for seed in range(5):
        x = np.random.default_rng(seed).normal(0.3, 1, (1, 3, 8, 8)).astype(np.float32)
        check(module, model, {"x": x})
