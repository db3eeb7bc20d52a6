# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytestmark = pytest.mark.tensorflow

_SHAPES = [(6, 4, 3, 5), (20, 5)]


def _data(shape: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(2, 3, size=shape).astype(np.float32)


def _set(variables: Any, name: str, values: list[float]) -> NDArray[np.float64]:
    variables.get(name, [5], None).assign(values)
    return np.array(values)


@pytest.mark.parametrize("shape", _SHAPES)
def test_training_normalizes_by_the_batch(
    train: Any, variables: Any, shape: tuple[int, ...]
) -> None:
    x = _data(shape, 1)
    train.batch_norm(variables, x, "norm", training=True)
    gamma = _set(variables, "norm/gamma", [1.0, -2.0, 0.5, 0.0, 3.0])
    beta = _set(variables, "norm/beta", [0.0, 1.0, -1.0, 2.0, 0.25])
    y = train.batch_norm(variables, x, "norm", training=True, epsilon=0.5).numpy()
    for c in range(5):
        values = x[..., c].astype(np.float64)
        deviation = np.sqrt(values.var() + 0.5)
        expected = gamma[c] * (values - values.mean()) / deviation + beta[c]
        np.testing.assert_allclose(y[..., c], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", _SHAPES)
def test_averages_move_in_training_only(train: Any, variables: Any, shape: tuple[int, ...]) -> None:
    mean, variance = np.zeros(5), np.ones(5)
    for seed in (1, 2):
        x = _data(shape, seed)
        train.batch_norm(variables, x, "norm", training=True, momentum=0.75)
        flat = x.reshape(-1, 5).astype(np.float64)
        mean = 0.75 * mean + 0.25 * flat.mean(axis=0)
        variance = 0.75 * variance + 0.25 * flat.var(axis=0)
    train.batch_norm(variables, _data(shape, 3), "norm", training=False)
    np.testing.assert_allclose(variables.get("norm/mean", [5], None), mean, rtol=1e-5)
    np.testing.assert_allclose(variables.get("norm/variance", [5], None), variance, rtol=1e-5)


@pytest.mark.parametrize("shape", _SHAPES)
def test_inference_uses_the_averages(train: Any, variables: Any, shape: tuple[int, ...]) -> None:
    x = _data(shape, 1)
    train.batch_norm(variables, x, "norm", training=False)
    gamma = _set(variables, "norm/gamma", [1.0, -2.0, 0.5, 0.0, 3.0])
    beta = _set(variables, "norm/beta", [0.0, 1.0, -1.0, 2.0, 0.25])
    mean = _set(variables, "norm/mean", [0.0, 1.0, 2.0, 3.0, 4.0])
    variance = _set(variables, "norm/variance", [0.5, 1.0, 2.0, 3.0, 4.0])
    y = train.batch_norm(variables, x, "norm", training=False, epsilon=0.5).numpy()
    expected = gamma * (x.astype(np.float64) - mean) / np.sqrt(variance + 0.5) + beta
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("shape", "fused"), [(_SHAPES[0], 1), (_SHAPES[1], 0)])
def test_inference_on_images_is_one_fused_node(
    train: Any, variables: Any, tf: Any, shape: tuple[int, ...], fused: int
) -> None:
    def inference(x: Any) -> Any:
        return train.batch_norm(variables, x, "norm", training=False)

    graph = tf.function(inference).get_concrete_function(tf.TensorSpec(shape, tf.float32)).graph
    kinds = [op.type for op in graph.get_operations()]
    assert kinds.count("FusedBatchNormV3") == fused
    assert kinds.count("Rsqrt") == 1 - fused
