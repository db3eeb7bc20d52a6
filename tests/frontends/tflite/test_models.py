# SPDX-License-Identifier: Apache-2.0
"""Networks as TensorFlow Lite files: Larq Compute Engine's, and float and hybrid ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bnnc
from bnnc.driver import plan
from bnnc.ir import Resource, bin

BINARY = """
bireal bireal_pad1 larq_approx_mag larq_dorefa larq_grouped larq_sep larq_ste larq_ste_pad1
larq_swish larq_tern quicknet
"""


def lce(shared: Path, name: str) -> Path:
    return shared / "models" / "made" / "lce" / f"{name}.arm.tflite"


def layers(path: Path) -> list[bin.Layer]:
    """The layers whose weights are packed."""
    found = [op for op in plan(bnnc.load(path)).func.ops if isinstance(op, bin.Layer)]
    return [op for op in found if op.w.type.scalar.name != "f32"]


def weights(op: bin.Layer) -> Resource:
    assert isinstance(op.w, Resource)
    return op.w


@pytest.mark.parametrize("name", BINARY.split())
def test_packed_weights_are_those_of_the_frozen_graph(shared: Path, name: str) -> None:
    graph = shared / "models" / "made" / "larq" / f"{name}.pb"
    found, expected = (
        sorted(weights(op).digest for op in layers(path)) for path in (lce(shared, name), graph)
    )
    assert found == expected


def test_the_engine_s_converter_turns_filters_of_negative_factors(shared: Path) -> None:
    """Where nothing cuts behind it, a binary layer takes batch normalization in as its factor.

    The engine's factors are positive: a filter of a channel whose gamma is negative is stored with
    all its signs turned. So it is in the last layer of this network; it computes the same.
    """
    graph = shared / "models" / "made" / "larq" / "larq_chain.pb"
    pairs = list(zip(layers(lce(shared, "larq_chain")), layers(graph), strict=True))
    gamma = bnnc.load(graph).resources["model/batch_normalization_2/ReadVariableOp/resource"].array
    for index, pair in enumerate(pairs):
        found, given = (weights(op).array for op in pair)
        turned = np.sign(gamma) if index == 2 else np.ones(len(given))
        np.testing.assert_array_equal(found, given * turned[:, None, None, None])
    assert (gamma < 0).sum() == 3


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
