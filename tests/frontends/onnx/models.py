# SPDX-License-Identifier: Apache-2.0
"""Builds small ONNX models for tests, and computes what they give with ONNX's own reference.

The reference knows QONNX's and FINN's operations through the classes here, which are written from
their definitions and share nothing with the importer.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from bnnc.frontends import ImportOptions, load
from bnnc.ir import Module
from bnnc.ir.interpreter import interpret

GENERAL = "qonnx.custom_op.general"


class ModelBuilder:
    """Nodes are added in order; each method returns the name of a tensor."""

    def __init__(self, opset: int = 17) -> None:
        self.opset = opset
        self.nodes: list[NodeProto] = []
        self.inputs: list[Any] = []
        self.constants: list[TensorProto] = []

    def input(self, name: str, *shape: int | str, kind: int = TensorProto.FLOAT) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def constant(self, value: object, dtype: str = "float32") -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def ints(self, *values: int) -> str:
        return self.constant(values, "int64")

    def node(self, op: str, *inputs: str, count: int = 1, domain: str = "", **attrs: Any) -> str:
        index = len(self.nodes)
        outputs = [f"t{index}" + (f".{i}" if i else "") for i in range(count)]
        self.nodes.append(
            helper.make_node(op, inputs, outputs, name=f"n{index}", domain=domain, **attrs)
        )
        return outputs[0]

    def quantizer(self, op: str, *inputs: str, **attrs: Any) -> str:
        return self.node(op, *inputs, domain=GENERAL, **attrs)

    def model(self, *outputs: str) -> ModelProto:
        """The model; without names the last node's first output is its own."""
        names = outputs or (self.nodes[-1].output[0],)
        graph = helper.make_graph(
            self.nodes,
            "net",
            self.inputs,
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in names],
            self.constants,
        )
        domains = ("", self.opset), (GENERAL, 1), ("com.microsoft", 1)
        opsets = [helper.make_opsetid(name, version) for name, version in domains]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)

    def save(self, path: Path, *outputs: str) -> Path:
        path.write_bytes(self.model(*outputs).SerializeToString())
        return path

    def load(self, folder: Path, *outputs: str, **options: Any) -> Module:
        return load(self.save(folder / "net.onnx", *outputs), ImportOptions(**options))

    def run(self, folder: Path, feeds: dict[str, np.ndarray], *outputs: str) -> list[np.ndarray]:
        """Import, interpret, and return the outputs in order."""
        return list(interpret(self.load(folder, *outputs), feeds).values())

    def reference(self, feeds: dict[str, np.ndarray], *outputs: str) -> list[np.ndarray]:
        """What ONNX's reference gives."""
        session: Any = ReferenceEvaluator(self.model(*outputs), new_ops=CUSTOM)
        with np.errstate(all="ignore"):
            return list(session.run(None, feeds))

    def check(self, folder: Path, feeds: dict[str, np.ndarray], *outputs: str) -> Module:
        """Compare shapes and values with the reference; return the module."""
        module = self.load(folder, *outputs)
        found = interpret(module, feeds).values()
        for y, want in zip(found, self.reference(feeds, *outputs), strict=True):
            limit = 1e-5 * max(1.0, float(np.abs(want).max(initial=0)))
            np.testing.assert_allclose(y, want, rtol=1e-5, atol=limit, strict=True)
        return module


class BipolarQuant(OpRun):
    op_domain = GENERAL

    def _run(self, x: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray]:
        return (np.where(x >= 0, scale, -scale).astype(np.float32),)


def _half_up(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.sign(x) * np.floor(np.abs(x).astype(np.float64) + 0.5))


def _half_down(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.sign(x) * np.ceil(np.abs(x).astype(np.float64) - 0.5))


def _up(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.sign(x) * np.ceil(np.abs(x)))


_ROUND: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "ROUND": np.round,
    "HALF_EVEN": np.round,
    "FLOOR": np.floor,
    "CEIL": np.ceil,
    "UP": _up,
    "DOWN": np.trunc,
    "ROUND_TO_ZERO": np.trunc,
    "HALF_UP": _half_up,
    "HALF_DOWN": _half_down,
}


class Quant(OpRun):
    op_domain = GENERAL

    def _run(
        self,
        x: np.ndarray,
        scale: np.ndarray,
        zero: np.ndarray,
        bits: np.ndarray,
        signed: int = 1,
        narrow: int = 0,
        rounding_mode: str = "ROUND",
    ) -> tuple[np.ndarray]:
        width = int(bits)
        y = x / scale + zero
        if width == 1 and signed:
            y = np.where(y >= 0, np.float32(1), np.float32(-1))
        else:
            low = -(2 ** (width - 1)) + narrow if signed else 0
            high = 2 ** (width - 1) - 1 if signed else 2**width - 1 - narrow
            y = np.minimum(np.maximum(_ROUND[rounding_mode.upper()](y), low), high)
        return (((y - zero) * scale).astype(np.float32),)


class Trunc(OpRun):
    op_domain = GENERAL

    def _run(
        self,
        x: np.ndarray,
        scale: np.ndarray,
        zero: np.ndarray,
        bits: np.ndarray,
        left: np.ndarray,
        rounding_mode: str = "FLOOR",
    ) -> tuple[np.ndarray]:
        y = np.round(x / scale + zero) / np.float32(2.0 ** (int(bits) - int(left)))
        return (((_ROUND[rounding_mode](y) - zero) * scale).astype(np.float32),)


class MultiThreshold(OpRun):
    op_domain = GENERAL

    def _run(
        self,
        x: np.ndarray,
        thresholds: np.ndarray,
        out_dtype: str = "",
        out_scale: float = 1.0,
        out_bias: float = 0.0,
        data_layout: str = "NCHW",
    ) -> tuple[np.ndarray]:
        axis = x.ndim - 1 if data_layout == "NHWC" or x.ndim not in (2, 4) else 1
        moved = np.moveaxis(x, axis, -1)[..., None]
        count = (moved >= thresholds).sum(axis=-1)
        y = np.moveaxis(count, -1, axis) * out_scale + out_bias
        return (y.astype(np.float32),)


CUSTOM: list[type[OpRun]] = [BipolarQuant, Quant, Trunc, MultiThreshold]
