# SPDX-License-Identifier: Apache-2.0
"""One network in many files: equal binary weights in every byte, and equal predictions."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bnnc
from bnnc.driver import plan
from bnnc.ir import Resource
from bnnc.ir import bin as bits

NETWORK = "larq/larq_ste_pad1"
FILES = [
    *("larq/larq_ste_pad1.pb", "larq/larq_ste_pad1.grappler.pb"),
    *("larq/larq_ste_pad1.h5", "larq/larq_ste_pad1.keras"),
    *("tf2onnx/larq_ste_pad1.onnx", "lce/larq_ste_pad1.arm.tflite"),
]
"""Read without TensorFlow; add the next format here."""
SAVED_MODEL = "larq/larq_ste_pad1_saved"


EXPORTERS = ("ts", "ts_nofold", "dynamo")
"""PyTorch's two exporters, the first with and without folding of constants."""


def binary_weights(module: bnnc.Module) -> list[Resource]:
    """The weights of each layer that has binary ones, in order."""
    layers = [op for op in plan(module).func.ops if isinstance(op, bits.Layer)]
    weights = [op.w for op in layers if op.w.type.scalar.name == "bit"]
    found = [w for w in weights if isinstance(w, Resource)]
    assert len(found) == len(weights)
    return found


def packed(module: bnnc.Module) -> list[str]:
    """SHA-256 of the packed weights of each layer that has binary ones, in order."""
    return [hashlib.sha256(bytes(w.packed)).hexdigest() for w in binary_weights(module)]


def compare(shared: Path, file: str) -> None:
    made = shared / "models" / "made"
    expected = packed(bnnc.load(made / FILES[0]))
    assert len(expected) == 5
    module = bnnc.load(made / file)
    assert packed(module) == expected
    with np.load(made / f"{NETWORK}.npz") as data:
        x, y = data["x0"].astype(np.float32), data["y0"]
    (name,) = module.inputs
    (output,) = bnnc.interpret(module, {name: x}).values()
    assert (output.argmax(axis=1) == y.argmax(axis=1)).all()
    assert np.abs(output - y).max() <= 1e-4 * np.abs(y).max()


@pytest.mark.parametrize("file", FILES)
def test_same_weights_and_predictions(shared: Path, file: str) -> None:
    compare(shared, file)


@pytest.mark.tensorflow
def test_saved_model(shared: Path, tf: Any) -> None:
    assert tf is not None
    compare(shared, SAVED_MODEL)


def _torch(shared: Path, idiom: str) -> list[bnnc.Module]:
    folder = shared / "models" / "made" / "torch_onnx"
    return [bnnc.load(folder / f"torch_{idiom}.{exporter}.onnx") for exporter in EXPORTERS]


def _predictions(shared: Path, idiom: str, module: bnnc.Module) -> tuple[np.ndarray, np.ndarray]:
    """The outputs, and PyTorch's own."""
    with np.load(shared / "models" / "made" / "torch_onnx" / f"torch_{idiom}.npz") as data:
        x, y = data["x"], data["y_torch"]
    (name,) = module.inputs
    (found,) = bnnc.interpret(module, {name: x}).values()
    return found, y


@pytest.mark.parametrize("idiom", ["bireal", "detach", "gefn", "sign", "signfn"])
def test_exporters_of_pytorch_predict_the_same(shared: Path, idiom: str) -> None:
    for module in _torch(shared, idiom):
        found, y = _predictions(shared, idiom, module)
        assert (found.argmax(axis=1) == y.argmax(axis=1)).all()
        assert np.abs(found - y).max() <= 1e-4 * np.abs(y).max()


@pytest.mark.parametrize("idiom", ["detach", "gefn", "sign", "signfn"])
def test_exporters_of_pytorch_give_the_same_weights(shared: Path, idiom: str) -> None:
    """The newer exporter multiplies batch normalization into filters; the thresholds undo it."""
    first, *others = (packed(module) for module in _torch(shared, idiom))
    assert len(first) == 5
    assert all(other == first for other in others)


def test_filters_of_a_sum_keep_the_sign_that_the_exporter_gave_them(shared: Path) -> None:
    """No thresholds stand behind the layers of a residual block.

    The newer exporter multiplies their filters by gamma, so those of negative gammas are turned;
    the factor of such a channel is positive then, and it computes the same.
    """
    plain, unfolded, folded = _torch(shared, "bireal")
    assert packed(plain) == packed(unfolded)
    for norm, given, found in zip(
        ("b1", "b2"), binary_weights(plain), binary_weights(folded), strict=True
    ):
        turned = np.sign(plain.resources[f"{norm}.weight"].array)
        np.testing.assert_array_equal(found.array, given.array * turned[:, None, None, None])
        assert (turned < 0).any()
