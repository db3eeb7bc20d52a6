# SPDX-License-Identifier: Apache-2.0
"""Builds small quantized ONNX models, and runs them in onnxruntime."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, numpy_helper

from .models import ModelBuilder

OPTIMIZED = (False, True)
LIMITS = {"int8": (-128, 128), "uint8": (0, 256), "int32": (-(2**31), 2**31)}


def run_onnxruntime(
    model: ModelProto, feeds: Mapping[str, np.ndarray], *, optimized: bool
) -> np.ndarray:
    """The only output; without optimization every node is computed on its own."""
    ort: Any = importlib.import_module("onnxruntime")
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    levels = ort.GraphOptimizationLevel
    options.graph_optimization_level = (
        levels.ORT_ENABLE_ALL if optimized else levels.ORT_DISABLE_ALL
    )
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    (y,) = session.run(None, dict(feeds))
    return np.asarray(y)


class QuantizedBuilder(ModelBuilder):
    """Random scales and zero points; activations are all of one type of bytes."""

    def __init__(self, seed: int, opset: int = 17) -> None:
        super().__init__(opset)
        self.rng = np.random.default_rng(seed)
        self.act = str(self.rng.choice(["uint8", "int8"]))

    def pick(self, *values: Any) -> Any:
        return values[int(self.rng.integers(len(values)))]

    def bytes_(self, kind: str, *shape: int) -> np.ndarray:
        return self.rng.integers(*LIMITS[kind], shape).astype(kind)

    def levels(self, low: float = 0.01, high: float = 0.1) -> tuple[str, str]:
        """Scale and zero point of activations."""
        middle = 0 if self.act == "int8" else 64
        zero = middle + self.bytes_(self.act) // 2
        return self.constant(self.rng.uniform(low, high)), self.constant(zero, self.act)

    def scales(self, count: int | None) -> np.ndarray:
        """One scale of weights, or one for each of some channels."""
        return np.asarray(self.rng.uniform(0.002, 0.02, count), np.float32)

    def value(self, name: str) -> np.ndarray:
        """The value of a constant."""
        return next(numpy_helper.to_array(t) for t in self.constants if t.name == name)

    def through_bytes(self, x: str, levels: tuple[str, str] | None = None) -> str:
        """Quantize and dequantize."""
        levels = levels or self.levels()
        return self.node("DequantizeLinear", self.node("QuantizeLinear", x, *levels), *levels)

    def weights(self, shape: tuple[int, ...], axis: int) -> tuple[str, np.ndarray]:
        """Dequantized symmetric weights, for one scale or one for each index of an axis."""
        scales = self.scales(self.pick(None, shape[axis]))
        w = self.constant(np.maximum(self.bytes_("int8", *shape), -127), "int8")
        return self.scaled(w, scales, axis, "int8"), scales

    def bias(self, count: int, scale: np.ndarray) -> str:
        """A dequantized bias."""
        b = self.constant(self.rng.integers(-2000, 2000, count), "int32")
        return self.scaled(b, scale.astype(np.float32), 0, "int32")

    def scaled(self, x: str, scales: np.ndarray, axis: int, kind: str) -> str:
        zeros = self.constant(np.zeros(scales.shape), kind)
        attrs: dict[str, Any] = {"axis": axis} if scales.ndim else {}
        return self.node("DequantizeLinear", x, self.constant(scales), zeros, **attrs)

    def byte_model(self) -> ModelProto:
        """The model, whose output is of the activations' type."""
        model = self.model()
        kind = getattr(TensorProto, self.act.upper())
        model.graph.output[0].type.tensor_type.elem_type = kind
        return model


def normal_feeds(model: ModelProto, seed: int) -> dict[str, np.ndarray]:
    """Random floats for all inputs."""
    rng = np.random.default_rng(seed)
    feeds: dict[str, np.ndarray] = {}
    for one in model.graph.input:
        shape = [d.dim_value for d in one.type.tensor_type.shape.dim]
        feeds[one.name] = rng.normal(0, 3, shape).astype(np.float32)
    return feeds
