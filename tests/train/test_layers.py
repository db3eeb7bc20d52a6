# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bnnc.ir.diagnostics import UsageError

pytestmark = pytest.mark.tensorflow

Array = NDArray[np.float64]


def _normal(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def _convolve(x: Array, w: Array, stride: tuple[int, int], same: bool) -> Array:
    """The definition, loop by loop; SAME splits what is missing, the odd rest at the end."""
    n, height, width, _ = x.shape
    kh, kw, _, units = w.shape
    if same:
        out = (-(-height // stride[0]), -(-width // stride[1]))
        lack = [
            max((o - 1) * s + k - size, 0)
            for o, s, k, size in zip(out, stride, (kh, kw), (height, width), strict=True)
        ]
        around = [(0, 0), *((p // 2, p - p // 2) for p in lack), (0, 0)]
        x = np.pad(x, around)
    else:
        out = ((height - kh) // stride[0] + 1, (width - kw) // stride[1] + 1)
    y = np.zeros((n, *out, units))
    for row in range(out[0]):
        for column in range(out[1]):
            top, left = row * stride[0], column * stride[1]
            window = x[:, top : top + kh, left : left + kw, :]
            y[:, row, column, :] = np.einsum("nhwc,hwcu->nu", window, w)
    return y


def _value(variables: Any, name: str) -> Array:
    found = [v for v in variables.variables if v.name == f"{name}:0"]
    assert len(found) == 1, f"{name} is not one of {[v.name for v in variables.variables]}"
    value: Array = found[0].numpy().astype(np.float64)
    return value


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize(
    ("kernel", "stride"), [(3, 1), ((2, 3), 1), (1, 2), (5, (2, 3)), ((4, 1), (3, 1))]
)
def test_convolution(
    train: Any,
    variables: Any,
    kernel: int | tuple[int, int],
    stride: int | tuple[int, int],
    padding: str,
) -> None:
    x = _normal(2, 8, 7, 3)
    y = train.layer(
        variables, x, 5, name="conv", kernel=kernel, stride=stride, padding=padding, bias=True
    )
    variables.get("conv/bias", [5], None).assign([0.0, 1.0, 2.0, 3.0, 4.0])
    y = train.layer(
        variables, x, 5, name="conv", kernel=kernel, stride=stride, padding=padding, bias=True
    )
    w = _value(variables, "conv/weights")
    steps = (stride, stride) if isinstance(stride, int) else stride
    expected = _convolve(x.astype(np.float64), w, steps, padding == "SAME") + np.arange(5)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("scale", [True, False])
def test_binarized_convolution(train: Any, variables: Any, scale: bool) -> None:
    x = _normal(2, 6, 6, 3)
    y = train.layer(
        variables, x, 5, name="conv", kernel=3, binarize_weights=True, scale_weights=scale
    )
    w = _value(variables, "conv/weights")
    alpha = np.abs(w).mean(axis=(0, 1, 2)) if scale else 1.0
    expected = _convolve(x.astype(np.float64), np.sign(w), (1, 1), True) * alpha
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


def test_dense_flattens_images_with_channels_innermost(train: Any, variables: Any) -> None:
    x = _normal(2, 4, 3, 5)
    y = train.layer(variables, x, 6, name="dense")
    w = _value(variables, "dense/weights").reshape(4, 3, 5, 6)
    np.testing.assert_allclose(y, np.einsum("nhwc,hwcu->nu", x, w), rtol=1e-4, atol=1e-5)


def test_pool_takes_the_place_that_is_asked_for(train: Any, variables: Any, tf: Any) -> None:
    """With a negative gamma, max pool before batch normalization is a min pool of what follows."""
    x = _normal(2, 6, 6, 3)

    def apply(pool: Any) -> Any:
        return train.layer(
            variables, x, 4, name="conv", kernel=3, pool=pool, batch_norm=True,
            activation=tf.tanh,
        ).numpy()  # fmt: skip

    apply(None)
    variables.get("conv/norm/gamma", [4], None).assign([-1.0, 1.0, -0.5, 0.0])
    full = apply(None)
    windows = full.reshape(2, 3, 2, 3, 2, 4)
    largest, least = windows.max(axis=(2, 4)), windows.min(axis=(2, 4))

    np.testing.assert_allclose(apply(train.Pool(2, place="after_activation")), largest)
    before = apply(train.Pool(2, place="before_norm"))
    np.testing.assert_allclose(before[..., [0, 2]], least[..., [0, 2]], rtol=1e-5)
    np.testing.assert_allclose(before[..., [1, 3]], largest[..., [1, 3]], rtol=1e-5)


def test_pool_with_overlap(train: Any) -> None:
    x = _normal(1, 7, 7, 2)
    y = train.Pool(3, stride=2)(x).numpy()
    for row in range(3):
        for column in range(3):
            window = x[:, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3, :]
            assert np.array_equal(y[:, row, column, :], window.max(axis=(1, 2)))
    assert train.Pool(3, stride=2, padding="SAME")(x).shape.as_list() == [1, 4, 4, 2]


def test_order_of_the_nodes(train: Any, variables: Any, tf: Any) -> None:
    def whole(x: Any) -> Any:
        return train.layer(
            variables, x, 4, name="conv", kernel=3, bias=True, pool=train.Pool(2),
            batch_norm=True, activation=train.binary_activation,
        )  # fmt: skip

    spec = tf.TensorSpec([None, 6, 6, 3], tf.float32)
    graph = tf.function(whole).get_concrete_function(spec).graph
    on_the_way = [graph.outputs[0].op.inputs[0].op]
    while on_the_way[-1].type != "Conv2D":
        on_the_way.append(on_the_way[-1].inputs[0].op)
    assert [op.type for op in reversed(on_the_way)] == [
        "Conv2D", "AddV2", "MaxPool", "FusedBatchNormV3", "Minimum", "Maximum", "AddV2",
    ]  # fmt: skip


def test_each_layer_has_variables_of_its_own(train: Any, variables: Any) -> None:
    x = _normal(2, 6, 6, 3)
    for name in ("conv1", "conv2"):
        train.layer(variables, x, 3, name=name, kernel=3, bias=True, batch_norm=True)
    own = ["bias", "norm/beta", "norm/gamma", "norm/mean", "norm/variance", "weights"]
    expected = [f"{name}/{v}:0" for name in ("conv1", "conv2") for v in own]
    assert sorted(v.name for v in variables.variables) == expected


@pytest.mark.parametrize(
    ("shape", "units", "options", "message"),
    [
        ((2, 5), 4, {"kernel": 3}, "needs an input [n, h, w, c], got rank 2"),
        ((5,), 4, {}, "needs an input [n, ..., c], got rank 1"),
        ((2, 5), 0, {}, "asks for 0 output channels"),
        ((2, 4, 4, 1), 4, {"pool": True}, "has no height and width to pool over"),
    ],
)
def test_unfit_arguments_are_refused(
    train: Any,
    variables: Any,
    tf: Any,
    shape: tuple[int, ...],
    units: int,
    options: dict[str, Any],
    message: str,
) -> None:
    if "pool" in options:
        options = {"pool": train.Pool(2)}
    with pytest.raises(UsageError) as caught:
        train.layer(variables, tf.zeros(shape), units, name="first", **options)
    assert caught.value.message.startswith("layer 'first' ")
    assert caught.value.message.endswith(message)


def test_dense_layer_needs_known_sizes(train: Any, variables: Any, tf: Any) -> None:
    def dense(x: Any) -> Any:
        return train.layer(variables, x, 4, name="first")

    traced = tf.function(dense, autograph=False)
    with pytest.raises(UsageError, match="needs a known shape"):
        traced.get_concrete_function(tf.TensorSpec([None, None, 4, 2], tf.float32))


def test_a_tiny_binary_network_learns_random_labels(train: Any, tf: Any) -> None:
    """One hundred random images with random labels: only a network that trains can know them."""
    random = np.random.default_rng(7)
    images = random.normal(size=(100, 6, 6, 1)).astype(np.float32)
    labels = random.integers(0, 4, size=100)
    variables = train.Variables(seed=7)
    optimizer = tf.keras.optimizers.Adam(0.02)

    def network(x: Any, training: bool) -> Any:
        options: dict[str, Any] = {
            "binarize_weights": True, "batch_norm": True, "training": training,
        }  # fmt: skip
        binary = train.binary_activation
        x = train.layer(variables, x, 32, name="conv1", kernel=3, activation=binary, **options)
        x = train.layer(variables, x, 64, name="conv2", kernel=3, activation=binary, **options)
        return train.layer(variables, x, 4, name="dense", **options)

    @tf.function  # type: ignore[untyped-decorator]
    def step() -> None:
        with tf.GradientTape() as tape:
            logits = network(images, True)
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        weights = variables.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        variables.clip_latent()

    network(images, False)
    for _ in range(150):
        step()
    learned = network(images, False).numpy().argmax(axis=1) == labels
    assert learned.mean() >= 0.95
