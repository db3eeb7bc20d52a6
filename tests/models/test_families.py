# SPDX-License-Identifier: Apache-2.0
"""The families that binary networks come in: found as binary, computed as ONNX Runtime does."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto

import bnnc
from bnnc.driver import plan
from bnnc.ir import Module, nn
from bnnc.verification import verify_module

from ..fuzz.native import Native
from .families import FAMILIES, Net

SEEDS = (1, 2)
SAMPLES = 3


def _reference(model: ModelProto, x: np.ndarray) -> np.ndarray:
    runtime: Any = importlib.import_module("onnxruntime")
    session = runtime.InferenceSession(model.SerializeToString())
    return np.concatenate([session.run(None, {"x": sample[None]})[0] for sample in x])


def _check_transposes(planned: Module, allowed: int) -> None:
    """None is left but that of the input, as images come with their channels first."""
    left = [op for op in planned.func.ops if isinstance(op, nn.Transpose)]
    assert len(left) == allowed, left
    assert not left or left[0].loc.op == "Input"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", FAMILIES)
def test_family(native: Native, tmp_path: Path, name: str, seed: int) -> None:
    """Kinds, no transposes between layers, every tensor of the code, and the outputs."""
    family, net = FAMILIES[name], Net(seed)
    model = net.model(family.build(net))
    if name in ("argmax", "topk"):
        model.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    module = bnnc.load(path)
    assert " ".join(line.kind for line in bnnc.explain(module).layers) == family.kinds
    planned = plan(module)
    _check_transposes(planned, family.transposes)
    x = net.rng.standard_normal((SAMPLES, *module.inputs["x"].shape[1:])).astype(np.float32)
    library = native.build({"net": planned})
    assert native.check(library, "net", planned, [{"x": sample[None]} for sample in x])
    native.clean("net")
    (output,) = module.outputs
    expected = _reference(model, x).astype(module.outputs[output].dtype)
    found = verify_module(module, planned, None, {"x": x}, reference={output: expected})
    assert found.ok, found.first_difference


def test_a_mean_of_nothing_keeps_its_zero(tmp_path: Path) -> None:
    """Where all values are negative their relus' mean is 0, and so is its sign: no bit."""
    net = Net(3)
    x = net.node("Relu", net.image(4))
    parts = [net.node("ReduceMean", x, axes=[2, 3], keepdims=1), net.node("GlobalMaxPool", x)]
    y = net.node("Sign", net.node("Flatten", net.node("Concat", *parts, axis=1)))
    net.node("Gemm", y, net.signs(5, 8), transB=1)
    model = net.model()
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    given = -np.ones((1, 4, 12, 12), np.float32)
    given[0, 1] = 2.0
    (found,) = bnnc.interpret(plan(bnnc.load(path)), {"x": given}).values()
    np.testing.assert_allclose(found, _reference(model, given), rtol=1e-6)
