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


def packed(module: bnnc.Module) -> list[str]:
    """SHA-256 of the packed weights of each layer that reads bits, in order."""
    layers = [op for op in plan(module).func.ops if isinstance(op, bits.Layer)]
    weights = [op.w for op in layers if op.w.type.scalar.name == "bit"]
    assert all(isinstance(w, Resource) for w in weights)
    return [hashlib.sha256(bytes(w.packed)).hexdigest() for w in weights if isinstance(w, Resource)]


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
