# SPDX-License-Identifier: Apache-2.0
"""From Keras to C: a trained model, its file and the emitted code agree sample by sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import bnnc
from bnnc.ir.diagnostics import UsageError

from .networks import fit, samples, small_network

pytestmark = pytest.mark.tensorflow

# Where a layer's value before its sign is nearer to zero, the order of float additions decides.
TIE = 1e-4


@pytest.fixture(scope="module")
def trained(train: Any, keras: Any) -> Any:
    model = small_network(train, keras)
    fit(train, keras, model, *samples(200), epochs=10)
    return model


def _clear(keras: Any, model: Any, images: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which samples have no value near a tie in front of any binary activation."""
    before = [x.input for x in model.layers if x.name.endswith("_activation")]
    clear = np.ones(len(images), bool)
    for values in keras.Model(model.input, before).predict(images, verbose=0):
        clear &= (np.abs(values) > TIE).all(axis=tuple(range(1, values.ndim)))
    return clear


@pytest.mark.slow
def test_keras_interpreter_and_c_agree(
    train: Any, keras: Any, trained: Any, tmp_path: Path, cc: str
) -> None:
    assert cc
    images, _ = samples(60, seed=7)
    assert train.export(trained, tmp_path / "small.pb", outputs=["scores"]) == ["scores"]
    clear = _clear(keras, trained, images)
    assert clear.mean() > 0.5
    expected = trained.predict(images, verbose=0)

    imported = bnnc.interpret(bnnc.load(tmp_path / "small.pb"), {"image": images})["scores"]
    np.testing.assert_allclose(imported[clear], expected[clear], rtol=1e-4, atol=1e-4)

    compiled = bnnc.compile(tmp_path / "small.pb", out=tmp_path / "out")
    in_c = compiled.run({"image": images})["scores"]
    np.testing.assert_allclose(in_c[clear], expected[clear], rtol=1e-4, atol=1e-4)
    assert np.array_equal(in_c[clear].argmax(axis=1), expected[clear].argmax(axis=1))
    assert np.array_equal(in_c, bnnc.interpret(compiled.module, {"image": images})["scores"])


@pytest.mark.slow
@pytest.mark.parametrize("scale", [False, True])
def test_all_files_of_a_model_agree_in_c(
    train: Any, keras: Any, scale: bool, tmp_path: Path, cc: str
) -> None:
    assert cc
    model = small_network(train, keras, seed=4, scale_weights=scale)
    fit(train, keras, model, *samples(60), epochs=2)
    images, _ = samples(30, seed=9)
    train.export(model, tmp_path / "small.pb")
    model.save(tmp_path / "small.keras")
    model.export(tmp_path / "small", verbose=False)  # a SavedModel
    expected = model.predict(images, verbose=0)
    clear = _clear(keras, model, images)
    for name in ("small.pb", "small.keras", "small"):
        compiled = bnnc.compile(tmp_path / name, out=tmp_path / f"{name}.out", name="small")
        kinds = [line.kind for line in bnnc.explain(tmp_path / name).layers]
        assert kinds == ["fb", "bb", "bb", "bb", "bb"]
        (in_c,) = compiled.run({"image": images}).values()
        np.testing.assert_allclose(in_c[clear], expected[clear], rtol=1e-4, atol=1e-4)
        interpreted = bnnc.interpret(compiled.module, {"image": images})
        assert np.array_equal(in_c, next(iter(interpreted.values())))


def test_layers_are_binary_and_bear_the_users_names(trained: Any) -> None:
    found = {line.name: line.kind for line in bnnc.explain(trained).layers}
    assert found == {
        "conv1/convolution": "fb",
        "depthwise/depthwise": "bb",
        "conv2/convolution": "bb",
        "dense1/MatMul": "bb",
        "dense2/MatMul": "bb",
    }


@pytest.mark.slow
def test_a_keras_model_compiles_without_a_file(
    keras: Any, trained: Any, tmp_path: Path, cc: str
) -> None:
    assert cc
    images, _ = samples(20, seed=8)
    compiled = bnnc.compile(trained, target="c", out=tmp_path / "out")
    assert compiled.module.name == "small"
    in_c = compiled.run({"image": images})["dense2_norm"]
    clear = _clear(keras, trained, images)
    np.testing.assert_allclose(
        in_c[clear], trained.predict(images, verbose=0)[clear], rtol=1e-4, atol=1e-4
    )


def test_the_same_model_gives_the_same_bytes(train: Any, trained: Any, tmp_path: Path) -> None:
    for name in ("a.pb", "b.pb"):
        train.export(trained, tmp_path / name)
    assert (tmp_path / "a.pb").read_bytes() == (tmp_path / "b.pb").read_bytes()


def test_several_inputs_and_outputs(train: Any, keras: Any, tmp_path: Path) -> None:
    a, b = keras.Input([4], name="a"), keras.Input([4], name="b")
    dense = train.BinaryDense(3, name="shared")
    total = keras.layers.Add(name="total")([dense(a), dense(b)])
    model = keras.Model({"b": b, "a": a}, [total, keras.layers.ReLU(name="relu")(total)])
    assert train.export(model, tmp_path / "two.pb") == ["total", "relu"]
    x = {name: np.random.default_rng(i).normal(size=(1, 4)) for i, name in enumerate("ab")}
    x = {name: array.astype(np.float32) for name, array in x.items()}
    found = bnnc.interpret(bnnc.load(tmp_path / "two.pb"), x)
    for name, expected in zip(("total", "relu"), model(x), strict=True):
        np.testing.assert_allclose(found[name], expected, rtol=1e-5, atol=1e-6)


def test_what_cannot_be_exported_says_why(train: Any, keras: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.pb"
    with pytest.raises(UsageError, match=r"type 'dict' is no keras\.Model"):
        train.export({}, path)
    with pytest.raises(UsageError, match="does not know the shape of its inputs"):
        train.export(keras.Sequential([keras.layers.Dense(2)]), path)
    half = keras.Sequential([keras.Input([3]), keras.layers.Dense(2, dtype="float16", name="d")])
    with pytest.raises(UsageError, match="another type than float32: d"):
        train.export(half, path)
    whole = keras.Sequential([keras.Input([3]), keras.layers.Dense(2)])
    with pytest.raises(UsageError, match="1 outputs cannot be named y, y"):
        train.export(whole, path, outputs=["y", "y"])
    with pytest.raises(
        UsageError, match="type 'object' is neither a module nor a path nor a Keras"
    ):
        bnnc.compile(object())  # type: ignore[arg-type]
    assert not path.exists()
