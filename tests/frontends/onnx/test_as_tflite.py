# SPDX-License-Identifier: Apache-2.0
"""Real 8-bit TensorFlow Lite networks, written as ONNX QDQ graphs, give the same bytes.

The frontend of TensorFlow Lite is compared with its reference kernels elsewhere.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from bnnc.frontends import load
from bnnc.frontends.options import ImportOptions
from bnnc.frontends.tflite.model import Model, Operator, Tensor, read_model
from bnnc.ir import nn, q
from bnnc.ir.interpreter import interpret
from bnnc.passes.manager import PassManager

from .models import ModelBuilder

TO_INTEGERS = "fold-constants,canonicalize,fuse-quantized{rounding=double}"


class Twin(ModelBuilder):
    """A TensorFlow Lite model up to its softmax, in floats between quantizers."""

    def __init__(self, source: Model) -> None:
        super().__init__(opset=17)
        self.source = source
        first = source.tensors[source.inputs[0]]
        _, h, w, c = first.shape
        x = self.input("x", 1, h, w, c, kind=TensorProto.INT8)
        images = self.node("Transpose", x, perm=[0, 3, 1, 2])
        self.values = {first.index: self.node("DequantizeLinear", images, *self.levels(first))}
        self.last = ""
        for operator in source.operators:
            if operator.kind != "SOFTMAX":
                self._add(operator)

    def levels(self, tensor: Tensor) -> tuple[str, str]:
        given = tensor.quantization
        assert given is not None
        zero = self.constant(given.zeros[0], "int8")
        return self.constant(given.scales[0]), zero

    def _add(self, op: Operator) -> None:
        target = self.source.tensors[op.outputs[0]]
        x = self.values[op.inputs[0]]
        match op.kind:
            case "CONV_2D" | "DEPTHWISE_CONV_2D":
                y = self._conv(op, x)
            case "FULLY_CONNECTED":
                y = self.node("Gemm", x, *self._weights(op, (0, 1)), transB=1)
            case "ADD":
                y = self.node("Add", x, self.values[op.inputs[1]])
            case "AVERAGE_POOL_2D":
                y = self.node("AveragePool", x, kernel_shape=_size(op, "ksize"))
            case "RESHAPE":
                y = self.node("Flatten", x)
            case _:
                raise AssertionError(op.kind)
        if op.attrs.get("activation") == "RELU":
            y = self.node("Relu", y)
        levels = self.levels(target)
        self.last = self.node("QuantizeLinear", y, *levels)
        self.values[target.index] = self.node("DequantizeLinear", self.last, *levels)

    def _conv(self, op: Operator, x: str) -> str:
        source, kernel = (self.source.tensors[i] for i in op.inputs[:2])
        depthwise = op.kind == "DEPTHWISE_CONV_2D"
        order = (3, 0, 1, 2) if depthwise else (0, 3, 1, 2)
        strides = _size(op, "strides")
        pads = [
            max((-(-n // s) - 1) * s + k - n, 0)
            for n, s, k in zip(source.shape[1:3], strides, kernel.shape[1:3], strict=True)
        ]
        before = [p // 2 for p in pads]
        after = [p - b for p, b in zip(pads, before, strict=True)]
        group = kernel.shape[3] if depthwise else 1
        operands = self._weights(op, order)
        return self.node("Conv", x, *operands, strides=strides, pads=before + after, group=group)

    def _weights(self, op: Operator, order: tuple[int, ...]) -> tuple[str, str]:
        """Weights and bias, dequantized."""
        source, w, b = (self.source.tensors[i] for i in op.inputs)
        assert source.quantization and w.quantization and w.data is not None and b.data is not None
        data = w.data.transpose(order)
        scales = np.broadcast_to(w.quantization.scales, len(data)).astype(np.float32)
        zeros = self.constant(np.zeros(len(data)), "int8")
        filters = self.node(
            "DequantizeLinear", self.constant(data, "int8"), self.constant(scales), zeros, axis=0
        )
        unit = self.constant(source.quantization.scales[0] * scales)
        none = self.constant(np.zeros(len(data)), "int32")
        bias = self.node("DequantizeLinear", self.constant(b.data, "int32"), unit, none, axis=0)
        return filters, bias


def _size(op: Operator, name: str) -> list[int]:
    """Height and width, of an attribute with one number for each axis."""
    numbers = op.attrs[name]
    assert isinstance(numbers, tuple)
    return [n for n in numbers[1:3] if isinstance(n, int)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "data"),
    [
        ("pretrainedResnet_quant.tflite", "cifar10_test_jpeg_dev1000.npz"),
        ("kws/kws_ref_model.tflite", "kws01_mfcc_int8.npz"),
    ],
)
def test_the_bytes_before_softmax(shared: Path, tmp_path: Path, file: str, data: str) -> None:
    path = shared / "models" / "real" / "mlperf_tiny" / file
    model = read_model(path)
    with np.load(shared / "data" / data) as arrays:
        samples = arrays["x"][:20]
    if samples.dtype == np.uint8:
        samples = (samples.astype(np.int16) - 128).astype(np.int8)
    samples = samples.reshape(len(samples), *model.tensors[model.inputs[0]].shape[1:])
    dense = next(o for o in model.operators if o.kind == "FULLY_CONNECTED").outputs[0]
    names = (model.tensors[dense].name,)
    original = load(path, ImportOptions(batch=len(samples), output_names=names))
    twin = Twin(model)
    module = load(twin.save(tmp_path / "twin.onnx", twin.last), ImportOptions(batch=len(samples)))
    PassManager().run(module, TO_INTEGERS)
    left = [
        op for op in module.func.ops if not isinstance(op, q.Layer | q.Add | q.AvgPool | q.Mean)
    ]
    assert all(isinstance(op, nn.Transpose | nn.Reshape) for op in left)
    (want,) = interpret(original, {original.func.input_names[0]: samples}).values()
    (got,) = interpret(module, {"x": samples}).values()
    np.testing.assert_array_equal(got, want, strict=True)
