# SPDX-License-Identifier: Apache-2.0
"""Networks as ONNX files of several exporters, against what their frameworks computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bnnc

SAMPLES = 2
BINARY = {"ff bb bb bb bb bb", "ff bb ff bb ff", "bb bb bb bb bb"}
TORCH = [
    f"torch_onnx/torch_{idiom}.{exporter}"
    for idiom in ("bireal", "detach", "gefn", "sign", "signfn")
    for exporter in ("dynamo", "ts", "ts_nofold")
]
QONNX = [
    f"qonnx/brev_{network}.{form}"
    for network in ("cnv_1w1a", "cnv_1w1a_scaled", "cnv_1w2a", "int8")
    for form in ("clean", "finn", "qonnx")
]
TF2ONNX = {
    "tf2onnx/cifar_small_neg": "tf1/cifar_small_neg",
    "tf2onnx/larq_dorefa": "larq/larq_dorefa",
    "tf2onnx/larq_ste_pad1": "larq/larq_ste_pad1",
    "tf2onnx/quicknet": "larq/quicknet",
    "tf2onnx/xnor_small": "tf1/xnor_small",
}


def stored(shared: Path, model: str) -> dict[str, np.ndarray]:
    name = TF2ONNX.get(model, model).split(".")[0]
    with np.load(shared / "models" / "made" / f"{name}.npz") as data:
        return {k: data[k] for k in data.files}


@pytest.mark.parametrize("model", [*TORCH, *QONNX, *TF2ONNX])
def test_outputs_agree_with_the_framework(shared: Path, model: str) -> None:
    arrays = stored(shared, model)
    expected = next(arrays[k] for k in ("y_torch", "y_qonnx", "y", "y0") if k in arrays)[:SAMPLES]
    module = bnnc.load(shared / "models" / "made" / f"{model}.onnx")
    (name,) = module.inputs
    x = arrays.get("x", arrays.get("x0", np.zeros(0)))[:SAMPLES].astype(np.float32)
    found = bnnc.interpret(module, {name: x})
    (output,) = found.values()
    limit = 1e-4 * np.abs(expected).max()
    assert np.abs(output - expected.reshape(output.shape)).max() <= limit


@pytest.mark.parametrize("model", [*TORCH, *QONNX[:6]])
def test_binary_layers_are_found(shared: Path, model: str) -> None:
    lines = bnnc.explain(shared / "models" / "made" / f"{model}.onnx").layers
    assert " ".join(line.kind for line in lines) in BINARY


@pytest.mark.parametrize(
    ("model", "kinds"),
    [("cifar10_cnvW1A1", ["fb", *["bb"] * 8]), ("mnist_lfcW1A1", ["fb", *["bb"] * 3])],
)
def test_trained_networks(shared: Path, model: str, kinds: list[str]) -> None:
    folder = shared / "models" / "real" / "finn_pynq"
    with np.load(folder / f"{model}_golden32.npz") as data:
        x, expected = data["x"][:8].astype(np.float32), data["y"][:8]
    module = bnnc.load(folder / f"{model}.onnx.gz")
    (name,) = module.inputs
    (output,) = bnnc.interpret(module, {name: x}).values()
    assert np.abs(output - expected).max() <= 1e-4 * np.abs(expected).max()
    assert [line.kind for line in bnnc.explain(module).layers] == kinds
