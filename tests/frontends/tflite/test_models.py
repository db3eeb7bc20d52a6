# SPDX-License-Identifier: Apache-2.0
"""Networks as TensorFlow Lite files: Larq Compute Engine's, and float and hybrid ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bnnc
from bnnc.driver import plan
from bnnc.ir import Module, bin

RESIDUAL = "ff bb bb ff bb bb ff"
KINDS = {
    "bireal": RESIDUAL,
    "bireal_pad1": RESIDUAL,
    "larq_approx_mag": "fb bb bb bb bb",
    "larq_chain": "bb bb bb",
    "larq_dorefa": "fb fewbit fewbit fewbit fewbit",
    "larq_sep": "bb fb bb bb",
    "larq_ste": "fb bb bb bb bb",
    "larq_ste_pad1": "fb bb bb bb bb",
    "larq_swish": "fb bb bb bb bb",
    "larq_tern": "fewbit fewbit fewbit fewbit fewbit",
    "quicknet": "ff ff ff bb bb ff ff bb ff",
}
SAME_BITS = [name for name in KINDS if name not in ("larq_chain", "larq_dorefa")]


def lce(shared: Path, name: str) -> Path:
    return shared / "models" / "made" / "lce" / f"{name}.arm.tflite"


@pytest.mark.parametrize("name", KINDS)
def test_interpreter_and_c_agree_with_the_engine(shared: Path, tmp_path: Path, name: str) -> None:
    with np.load(lce(shared, name).with_suffix(".npz")) as data:
        x, want = data["x"], data["y_lce"]
    module = bnnc.load(lce(shared, name))
    (given,) = module.inputs
    (y,) = bnnc.interpret(module, {given: x}).values()
    assert np.abs(y - want.reshape(y.shape)).max() <= 1e-4 * np.abs(want).max()
    compiled = bnnc.compile(module, "c", tmp_path / "out")
    (code,) = compiled.run({given: x}).values()
    assert np.abs(code - want.reshape(code.shape)).max() <= 1e-4 * np.abs(want).max()


@pytest.mark.parametrize("name", [*KINDS, "larq_grouped"])
def test_layers_are_found(shared: Path, name: str) -> None:
    layers = bnnc.explain(lce(shared, name)).layers
    assert " ".join(layer.kind for layer in layers) == KINDS.get(name, "bb")


def packed_bits(module: Module) -> list[str]:
    """The digests of the packed binary weights."""
    layers = [op for op in plan(module).func.ops if isinstance(op, bin.Layer)]
    return [op.w.digest for op in layers if op.KIND in ("bb", "fb")]  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", [*SAME_BITS, "larq_grouped"])
def test_packed_weights_are_those_of_the_frozen_graph(shared: Path, name: str) -> None:
    graph = shared / "models" / "made" / "larq" / f"{name}.pb"
    assert sorted(packed_bits(bnnc.load(lce(shared, name)))) == sorted(
        packed_bits(bnnc.load(graph))
    )


def test_the_grouped_network_computes_what_its_graph_does(shared: Path) -> None:
    """The engine itself cannot run this one."""
    with np.load(shared / "models" / "made" / "larq" / "larq_grouped.npz") as data:
        x, want = data["x0"], data["y0"]
    module = bnnc.load(lce(shared, "larq_grouped"))
    (given,) = module.inputs
    (y,) = bnnc.interpret(module, {given: x}).values()
    assert np.abs(y - want).max() <= 1e-4 * np.abs(want).max()


def test_float_resnet8(shared: Path, tmp_path: Path) -> None:
    """Three labels in four; LiteRT finds 770 of the first 1,000 images."""
    model = shared / "models" / "real" / "mlperf_tiny" / "pretrainedResnet.tflite"
    with np.load(shared / "data" / "cifar10_test_jpeg_dev1000.npz") as data:
        x, labels = data["x"].astype(np.float32), data["y"]
    compiled = bnnc.compile(model, "c", tmp_path / "out")
    (y,) = compiled.run({"input_1": x}).values()
    assert (y.argmax(1) == labels).sum() == 770


def test_hybrid_weights_become_floats(shared: Path) -> None:
    """Activations stay float, where LiteRT would cut them to bytes at run time."""
    folder = shared / "models" / "real" / "mlperf_tiny" / "kws"
    with np.load(shared / "data" / "kws01_mfcc_int8.npz") as data:
        x, labels = data["x"][:200, ..., None], data["y"][:200]
    module = bnnc.load(folder / "kws_ref_model_float32.tflite", batch=50)
    assert {str(t.scalar) for t in module.inputs.values()} == {"f32"}
    real = (x.astype(np.float32) - 83) * np.float32(0.5847029)
    (y,) = bnnc.interpret(module, {"input_1": real}).values()
    assert (y.argmax(1) == labels).mean() > 0.85
    with np.load(Path(__file__).parent / "networks.npz") as data:
        same = y.argmax(1) == data["keywords"][:200].argmax(1)
    assert same.mean() > 0.95
