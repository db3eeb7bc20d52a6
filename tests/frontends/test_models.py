# SPDX-License-Identifier: Apache-2.0
"""Whole networks that TensorFlow wrote, against the outputs that it computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bnnc.frontends import ImportOptions, load
from bnnc.ir import Module
from bnnc.ir.diagnostics import ImportFailure
from bnnc.ir.interpreter import interpret, trace
from bnnc.layerwise import LayerCheck, layer_tensors

_SAMPLES = 2


def _stored(folder: Path, model: str) -> dict[str, np.ndarray]:
    """One .npz serves all exports of a network: its name is what stands before the first dot."""
    with np.load(folder / f"{model.split('.')[0]}.npz") as data:
        return {key: data[key][:_SAMPLES] for key in data.files}


def _compare(module: Module, stored: dict[str, np.ndarray]) -> None:
    numbered = "y0" in stored
    feeds = {
        name: stored[name if name in stored else "x"].astype(np.float32) for name in module.inputs
    }
    for i, y in enumerate(interpret(module, feeds).values()):
        want = stored[f"y{i}" if numbered else "y"]
        assert y.shape == want.shape
        np.testing.assert_allclose(y, want, rtol=0, atol=1e-4 * np.abs(want).max())


def test_training_graph(shared: Path) -> None:
    path = shared / "models" / "made" / "tf1" / "cifar_small_traincond.pb"
    with pytest.raises(ImportFailure, match="--set is_training=false"):
        load(path)
    options = ImportOptions(set_values={"is_training": "false"}, batch=_SAMPLES)
    _compare(load(path, options), _stored(path.parent, "cifar_small_traincond"))


def _check_layers(folder: Path, model: str, tensors: dict[str, np.ndarray]) -> set[str]:
    """Compare every layer, fed TensorFlow's own inputs; return those that were compared."""
    module = load(folder / f"{model}.pb", ImportOptions(batch=1))
    stored = _stored(folder, model)
    inputs = {
        name: stored[name if name in stored else "x"][:1].astype(np.float32)
        for name in module.inputs
    }
    found = LayerCheck(tensors, inputs).imported(module)
    assert [one for one in found if not one.ok] == []
    return {one.layer for one in found}


# The networks of the original project and Larq's plain ones: tests/cli/test_layerwise.py.
_LAYERED = (
    "larq/bireal larq/bireal_pad1 larq/larq_dorefa larq/larq_grouped larq/larq_heaviside "
    "larq/quicknet keras3/k3"
)


@pytest.mark.parametrize("model", _LAYERED.split(" "))
def test_layers_agree_with_tensorflow(shared: Path, model: str) -> None:
    folder = shared / "models" / "made"
    with np.load(folder / f"{model}.layers.npz") as data:
        tensors = layer_tensors({k: data[k] for k in data.files})
    assert _check_layers(folder, model, tensors) == set(tensors)


def test_a_dilated_layer_agrees_with_tensorflow(shared: Path) -> None:
    """TensorFlow's convolution gives four phases; BatchToSpaceND puts them together."""
    folder = shared / "models" / "made"
    with np.load(folder / "larq" / "larq_sep.layers.npz") as data:
        tensors = layer_tensors({k: data[k] for k in data.files})
    conv = "model/quant_conv2d/QuantConv2D"
    assert tensors[conv].shape == (4, 8, 8, 8)
    tensors[conv] = tensors.pop(f"{conv}/BatchToSpaceND")
    assert _check_layers(folder, "larq/larq_sep", tensors) == set(tensors)


def _nearest_boundary(module: Module, x: np.ndarray) -> np.ndarray:
    """How near, relative to the range of levels, each image comes to where ``Round`` jumps."""
    nearest = np.full(len(x), np.inf)
    for op, results in trace(module, {"images_placeholder": x}):
        if op.loc.op == "Mul" and op.loc.name.endswith("tread_half/mul"):
            distance = np.abs(results[0] - np.floor(results[0]) - 0.5) / np.max(results[0])
            nearest = np.minimum(nearest, distance.reshape(len(x), -1).min(axis=1))
    return nearest


@pytest.mark.slow
def test_a_trained_network_with_quantizers_in_its_library(shared: Path) -> None:
    """Where a value lies at a boundary between levels, the order of sums decides on the level.

    Such an image needs the same class only. TensorFlow's own layers, fed TensorFlow's inputs, were
    compared when this was written: no difference in any of the 32 images.
    """
    folder = shared / "models" / "real" / "blueoil_cifar10"
    with np.load(folder / "golden32.npz") as data:
        x = data["image"].astype(np.float32) / np.float32(255)
        want = data["output"]
    module = load(folder / "minimal_graph_with_shape.pb", ImportOptions(batch=len(x)))
    (y,) = interpret(module, {"images_placeholder": x}).values()
    far = np.abs(y - want).max(axis=1) > 1e-4 * np.abs(want).max()
    assert far.sum() <= 10
    assert (_nearest_boundary(module, x)[far] < 1e-5).all()
    np.testing.assert_array_equal(y.argmax(axis=1), want.argmax(axis=1))


def test_nothing_is_folded(shared: Path) -> None:
    """Weight binarization of the seed's kind stays an operation chain over its resource."""
    module = load(shared / "models" / "made" / "tf1" / "bench_floatbin_256.pb")
    kinds = " ".join(op.loc.op for op in module.func.ops)
    assert kinds == "Minimum Maximum Sign Abs Mean Mul Sub AddV2 Conv2D Conv2D AddV2"
