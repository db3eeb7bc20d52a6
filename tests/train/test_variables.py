# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnc.ir.diagnostics import UsageError

pytestmark = pytest.mark.tensorflow


def test_a_name_stands_for_one_variable(variables: Any, tf: Any) -> None:
    first = variables.get("a", [2, 3], tf.zeros)
    assert variables.get("a", (2, 3), tf.ones) is first
    assert variables.get("b", [2, 3], tf.zeros) is not first


def test_another_shape_under_the_same_name_is_refused(variables: Any, tf: Any) -> None:
    variables.get("conv1/bias", [3], tf.zeros)
    with pytest.raises(UsageError) as caught:
        variables.get("conv1/bias", [4], tf.zeros)
    assert caught.value.message == "variable 'conv1/bias' has shape [3], asked for as [4]"


def test_only_trainable_ones_are_offered_to_the_optimizer(variables: Any, tf: Any) -> None:
    weight = variables.get("weight", [1], tf.zeros)
    average = variables.get("average", [1], tf.zeros, trainable=False)
    assert [id(v) for v in variables.trainable_variables] == [id(weight)]
    assert {id(v) for v in variables.variables} == {id(weight), id(average)}


def test_initial_weights_follow_the_seed(train: Any) -> None:
    def first_weights(seed: int) -> Any:
        made = train.Variables(seed)
        return [made.weights(name, [30, 20], latent=True).numpy() for name in ("a", "b")]

    once, again, other = first_weights(1), first_weights(1), first_weights(9)
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)
    assert not np.array_equal(once[0], once[1])
    limit = np.sqrt(6 / (30 + 20))
    assert 0.9 * limit < np.abs(once[0]).max() <= limit


def test_clip_latent_touches_latent_weights_only(variables: Any) -> None:
    latent = variables.weights("latent", [2, 2], latent=True)
    plain = variables.weights("plain", [2, 2], latent=False)
    for weights in (latent, plain):
        weights.assign([[-5.0, 0.5], [1.5, -1.0]])
    variables.clip_latent()
    assert latent.numpy().tolist() == [[-1.0, 0.5], [1.0, -1.0]]
    assert plain.numpy().tolist() == [[-5.0, 0.5], [1.5, -1.0]]


def test_first_use_may_be_inside_a_traced_function(variables: Any, tf: Any) -> None:
    def two(shape: list[int]) -> Any:
        return tf.fill(shape, 2.0)

    @tf.function  # type: ignore[untyped-decorator]
    def double(x: Any) -> Any:
        return x * variables.get("factor", [], two)

    assert float(double(tf.constant(3.0))) == 6.0
    assert double(tf.constant([1.0, 2.0])).numpy().tolist() == [2.0, 4.0]
    assert len(variables.variables) == 1


def test_checkpoint_restores_every_variable(train: Any, tf: Any, tmp_path: Path) -> None:
    saved, restored = train.Variables(seed=1), train.Variables(seed=2)
    for made in (saved, restored):
        made.weights("conv/weights", [3, 3, 1, 2], latent=True)
    path = tf.train.Checkpoint(model=saved).write(str(tmp_path / "checkpoint"))
    tf.train.Checkpoint(model=restored).read(path).assert_consumed()
    assert np.array_equal(saved.variables[0].numpy(), restored.variables[0].numpy())
