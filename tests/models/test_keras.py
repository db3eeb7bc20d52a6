# SPDX-License-Identifier: Apache-2.0
"""Larq networks as Keras files and SavedModels, in C and interpreted, against their frameworks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bnnc
from bnnc.ir.diagnostics import ImportFailure

from . import made

NETWORKS = [name for name in made.LARQ if "." not in name]
SAVED = ["larq/larq_ste_pad1_saved", "larq/quicknet_saved", "keras3/k3_saved"]


def agrees(module: bnnc.Module, stored: dict[str, np.ndarray]) -> None:
    """C against the interpreter in every bit, outputs against the framework by the tolerances."""
    outputs = [k for k in stored if k.startswith("y")]
    inputs = [stored[k] for k in stored if k.startswith("x")]
    found = bnnc.verify(
        module,
        target="c",
        arrays=dict(zip(module.inputs, inputs, strict=True)),
        reference=stored,
        map_output=dict(zip(module.outputs, outputs, strict=True)),
    )
    assert found.ok, found.first_difference
    checks = {c.check for c in found.comparisons}
    assert {"code against interpreter", "outputs against reference"} <= checks


@pytest.mark.parametrize("suffix", ["h5", "keras"])
@pytest.mark.parametrize("name", NETWORKS)
def test_larq(shared: Path, name: str, suffix: str) -> None:
    model = f"larq/{name}"
    module = bnnc.load(made.graph(shared, model).with_suffix(f".{suffix}"))
    agrees(module, made.arrays(shared, model))
    found = [line.kind for line in bnnc.explain(module, target="c").layers]
    assert found == made.expected_kinds(shared, model)


@pytest.mark.parametrize("suffix", ["h5", "keras"])
def test_a_class_of_the_users_own_is_refused(shared: Path, suffix: str) -> None:
    with pytest.raises(ImportFailure, match="bin_conv") as caught:
        bnnc.load(shared / "models" / "made" / "keras3" / f"k3.{suffix}")
    text = str(caught.value)
    assert "BinConv" in text
    assert "model.export()" in text


def test_layers_bear_the_users_names(shared: Path) -> None:
    module = bnnc.load(shared / "models" / "made" / "larq" / "quicknet.keras")
    names = [line.name for line in bnnc.explain(module, target="c").layers]
    assert {"quant_conv2d", "depthwise_conv2d", "dense"} <= {n.partition("/")[0] for n in names}


def test_trained_resnet(shared: Path) -> None:
    """Residual sums, batch normalization in front of them, a pool over the whole image."""
    module = bnnc.load(shared / "models" / "real" / "mlperf_tiny" / "pretrainedResnet.h5")
    assert {line.kind for line in bnnc.explain(module, target="c").layers} == {"ff"}
    assert len(bnnc.explain(module, target="c").layers) == 10


@pytest.mark.tensorflow
@pytest.mark.parametrize("model", SAVED)
def test_saved_models(shared: Path, tf: Any, model: str) -> None:
    assert tf is not None
    network = model.removesuffix("_saved")
    module = bnnc.load(shared / "models" / "made" / model)
    agrees(module, made.arrays(shared, network))
    found = [line.kind for line in bnnc.explain(module, target="c").layers]
    assert found == made.expected_kinds(shared, network)


@pytest.mark.tensorflow
def test_keyword_spotting(shared: Path, tf: Any, tmp_path: Path) -> None:
    """The SavedModel against TensorFlow itself on real features."""
    folder = shared / "models" / "real" / "mlperf_tiny" / "kws" / "kws_ref_model"
    with np.load(shared / "data" / "kws01_mfcc_int8.npz") as data:
        x = (data["x"][:4].astype(np.float32) - 83) * np.float32(0.5847029)
    module = bnnc.load(folder)
    (name,) = module.inputs
    x = x.reshape(4, *module.inputs[name].shape[1:])
    (y,) = bnnc.compile(module, out=tmp_path / "out").run({name: x}).values()
    v1 = tf.compat.v1  # the newer loader stumbles over the optimizer that is saved with it
    with v1.Graph().as_default(), v1.Session() as session:
        meta = v1.saved_model.loader.load(session, ["serve"], str(folder))
        served = meta.signature_def["serving_default"]
        (fed,), (fetched,) = served.inputs.values(), served.outputs.values()
        expected = session.run(fetched.name, {fed.name: x})
    assert np.abs(y - expected).max() <= 1e-4 * np.abs(expected).max()
