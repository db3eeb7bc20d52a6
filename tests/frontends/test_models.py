# SPDX-License-Identifier: Apache-2.0
"""Whole networks that TensorFlow wrote, against the outputs that it computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bnnc.frontends import ImportOptions, load
from bnnc.ir import Module, Stage
from bnnc.ir.diagnostics import ImportFailure
from bnnc.ir.interpreter import interpret

_TF1 = (
    "bench_bin_256 bench_float_256 bench_floatbin_256 bwn_small bwn_small.tf1old cifar_odd "
    "cifar_small cifar_small.grappler cifar_small_neg cifar_small_neg.tf1old cifar_small_unfused "
    "cifar_small_zbias cifar_small_zbias.grappler cifar_small_zbias_neg "
    "cifar_small_zbias_neg.grappler cifar_small_zero xnor_small xnor_small.tf1old xnor_small_pos"
)
_LARQ = (
    "bireal bireal_pad1 larq_approx_mag larq_chain larq_dorefa larq_heaviside larq_ste "
    "larq_ste_pad1 larq_ste_pad1.grappler larq_swish larq_tern pad_stride quicknet"
)
_MODELS = [f"tf1/{name}" for name in _TF1.split(" ")] + [f"larq/{n}" for n in _LARQ.split(" ")]
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


@pytest.mark.parametrize("model", _MODELS)
def test_outputs_agree_with_tensorflow(shared: Path, model: str) -> None:
    folder = shared / "models" / "made"
    stored = _stored(folder, model)
    module = load(folder / f"{model}.pb", ImportOptions(batch=len(next(iter(stored.values())))))
    assert module.stage is Stage.IMPORTED
    _compare(module, stored)


def test_training_graph(shared: Path) -> None:
    path = shared / "models" / "made" / "tf1" / "cifar_small_traincond.pb"
    with pytest.raises(ImportFailure, match="--set is_training=false"):
        load(path)
    options = ImportOptions(set_values={"is_training": "false"}, batch=_SAMPLES)
    _compare(load(path, options), _stored(path.parent, "cifar_small_traincond"))


def test_all_models_are_tried(shared: Path) -> None:
    folder = shared / "models" / "made"
    found = {
        f"{kind}/{path.name.removesuffix('.pb')}"
        for kind in ("tf1", "larq")
        for path in (folder / kind).glob("*.pb")
    }
    refused = {"larq/larq_grouped", "larq/larq_sep", "tf1/cifar_small_traincond"}
    assert found == {*_MODELS, *refused}


@pytest.mark.parametrize(
    ("model", "advice"),
    [("larq_grouped", "functions of the graph's library"), ("larq_sep", "with dilations")],
)
def test_refused_models(shared: Path, model: str, advice: str) -> None:
    with pytest.raises(ImportFailure, match=advice):
        load(shared / "models" / "made" / "larq" / f"{model}.pb")


def test_nothing_is_folded(shared: Path) -> None:
    """Weight binarization of the seed's kind stays an operation chain over its resource."""
    module = load(shared / "models" / "made" / "tf1" / "bench_floatbin_256.pb")
    kinds = " ".join(op.loc.op for op in module.func.ops)
    assert kinds == "Minimum Maximum Sign Abs Mean Mul Sub AddV2 Conv2D Conv2D AddV2"
