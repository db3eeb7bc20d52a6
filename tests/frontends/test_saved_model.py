# SPDX-License-Identifier: Apache-2.0
"""SavedModels: signatures, variables that functions capture, what Keras exports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnc.cli.entry import run
from bnnc.frontends import ImportOptions, load
from bnnc.ir.diagnostics import UsageError
from bnnc.ir.interpreter import interpret

from .graphs import GraphBuilder

_X = np.random.default_rng(10).standard_normal((2, 4)).astype(np.float32)


@pytest.fixture
def folder(tf: Any, tmp_path: Path) -> Path:
    """Two signatures: one calls a function of its own, both read variables."""
    spec = tf.TensorSpec([None, 4], tf.float32, "x")
    w = tf.Variable(np.arange(12, dtype=np.float32).reshape(4, 3) / 10)
    twice, shift = tf.Variable(2.0), tf.constant([1.0, 2.0, 3.0])

    @tf.function  # type: ignore[untyped-decorator]
    def product(x: Any) -> Any:
        return tf.matmul(x, w) + shift

    def doubled(x: Any) -> Any:
        return product(x) * twice

    def probabilities(x: Any) -> Any:
        scores = product(x)
        return {"probabilities": tf.nn.softmax(scores), "logits": scores}

    module = tf.Module()
    module.variables_read = [w, twice]
    module.first = tf.function(probabilities, input_signature=[spec])
    module.second = tf.function(doubled, input_signature=[spec])
    path = tmp_path / "saved"
    signatures = {"first": module.first, "second": module.second}
    tf.saved_model.save(module, str(path), signatures=signatures)
    return path


def scores() -> np.ndarray:
    w = np.arange(12, dtype=np.float32).reshape(4, 3) / 10
    return np.asarray(_X @ w + np.array([1.0, 2.0, 3.0]))


@pytest.mark.tensorflow
def test_a_signature_is_chosen_by_name(folder: Path) -> None:
    module = load(folder, ImportOptions(batch=2, signature="second"))
    assert module.func.input_names == ["x"]
    (y,) = interpret(module, {"x": _X}).values()
    np.testing.assert_allclose(y, scores() * 2, rtol=1e-5)


@pytest.mark.tensorflow
def test_outputs_go_by_their_names_in_the_signature(folder: Path) -> None:
    found = interpret(load(folder, ImportOptions(batch=2, signature="first")), {"x": _X})
    assert [*found] == ["logits", "probabilities"]
    np.testing.assert_allclose(found["logits"], scores(), rtol=1e-5)
    total = np.exp(scores()).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found["probabilities"], np.exp(scores()) / total, rtol=1e-5)
    one = ImportOptions(batch=2, signature="first", output_names=("probabilities",))
    assert load(folder, one).func.output_names == ["probabilities"]


@pytest.mark.tensorflow
def test_several_signatures_are_named(folder: Path) -> None:
    with pytest.raises(UsageError, match="several signatures: first, second") as caught:
        load(folder)
    assert caught.value.hint == "choose one: --signature NAME"
    with pytest.raises(UsageError, match=r"--signature frist: .* has first, second"):
        load(folder, ImportOptions(signature="frist"))


@pytest.mark.tensorflow
def test_the_command_line_chooses_one(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "net.bnn"
    assert run(["dump", str(folder), "--signature", "second", "-o", str(out)]) == 0
    assert "nn.softmax" not in out.read_text()
    assert run(["dump", str(folder)]) == 2


@pytest.mark.tensorflow
def test_what_keras_exports(tf: Any, tmp_path: Path) -> None:
    layers = tf.keras.layers
    x = tf.keras.Input((6, 5, 2), name="pixels")
    y = layers.Conv2DTranspose(3, 3, strides=2, padding="same", activation="selu")(x)
    y = layers.BatchNormalization()(layers.UpSampling2D(2)(y))
    model = tf.keras.Model(x, [layers.GlobalAveragePooling2D()(y), layers.Flatten()(y)])
    model.export(str(tmp_path / "exported"), verbose=False)
    image = np.random.default_rng(1).standard_normal((2, 6, 5, 2)).astype(np.float32)
    module = load(tmp_path / "exported", ImportOptions(batch=2))
    assert module.func.input_names == ["pixels"]
    assert module.func.output_names == ["output_0", "output_1"]
    found = interpret(module, {"pixels": image}).values()
    for got, want in zip(found, model.predict(image, verbose=0), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-5)


def test_other_files_have_no_signatures(tmp_path: Path) -> None:
    g = GraphBuilder()
    g.node("Relu", "y", g.placeholder("x", (1, 3)))
    with pytest.raises(UsageError, match=r"--signature: net\.pb is no SavedModel"):
        g.load(tmp_path, signature="serving_default")
