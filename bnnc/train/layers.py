# SPDX-License-Identifier: Apache-2.0
"""One layer of a binary network: convolution or dense, and what belongs to it, in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from bnnc.ir.diagnostics import UsageError

from ._tensorflow import tf
from .batch_norm import batch_norm as normalize
from .variables import Variables
from .weights import binary_weights

Padding = Literal["SAME", "VALID"]


@dataclass(frozen=True)
class Pool:
    """A max pool of a layer and its place in it.

    Attributes:
        size: side of the window, or (height, width).
        stride: step of the window; None for steps of its size.
        padding: as for a convolution; padded places never win.
        place: ``before_norm``, between bias and batch normalization, where BinaryNet has it;
            ``after_activation``, at the end, as in XNOR-Net's first layer.
    """

    size: int | tuple[int, int] = 2
    stride: int | tuple[int, int] | None = None
    padding: Padding = "VALID"
    place: Literal["before_norm", "after_activation"] = "before_norm"

    def __call__(self, x: Any) -> Any:
        """Pool x [n, h, w, c] to [n, h', w', c]."""
        step = self.size if self.stride is None else self.stride
        return tf.nn.max_pool2d(x, _pair(self.size), _pair(step), self.padding, name="pool")


def layer(
    variables: Variables,
    x: Any,
    units: int,
    *,
    name: str,
    kernel: int | tuple[int, int] | None = None,
    stride: int | tuple[int, int] = 1,
    padding: Padding = "SAME",
    binarize_weights: bool = False,
    scale_weights: bool = True,
    bias: bool = False,
    pool: Pool | None = None,
    batch_norm: bool = False,
    activation: Callable[[Any], Any] | None = None,
    training: bool = False,
    epsilon: float = 1e-3,
    momentum: float = 0.9,
) -> Any:
    """Apply convolution or dense, bias, max pool, batch normalization and activation, in order.

    The order is BinaryNet's. Only what is asked for becomes part of the graph. A layer is binary
    throughout when its weights are binarized and its input comes from `binary_activation`.

    Args:
        variables: holds the layer's variables: ``name/weights``, ``name/bias`` and those of
            ``name/norm``.
        x: input; float [n, h, w, c] for a convolution. A dense layer takes [n, c] and flattens
            everything else row by row, the channels innermost.
        units: number of output channels.
        name: name of the layer, unique in the model, and name scope of its nodes.
        kernel: side of the window, or (height, width); None makes a dense layer.
        stride: step of the window, or (down, right). Convolution only.
        padding: ``SAME`` pads with zeros, ``VALID`` not at all. Convolution only.
        binarize_weights: use `binary_weights` of the weights.
        scale_weights: let binarized weights have the scale mean(|w|) of their output channel.
        bias: add a bias per channel. Batch normalization without a pool in between makes it
            redundant.
        pool: a max pool, or none.
        batch_norm: normalize with `batch_norm`.
        activation: for instance `binary_activation` or ``tf.nn.relu``; None for none.
        training: passed to `batch_norm`.
        epsilon: passed to `batch_norm`.
        momentum: passed to `batch_norm`.

    Returns:
        float tensor [n, h', w', units] of a convolution, [n, units] of a dense layer.

    Raises:
        UsageError: the input's rank or a size is unfit, or the name belongs to another layer.
    """
    x = tf.convert_to_tensor(x)
    _check(x, units, name, kernel, pool)
    with tf.name_scope(name):
        if kernel is None and x.shape.rank > 2:
            x = tf.reshape(x, [-1, _values_per_sample(x, name)], name="flat")
        window = [] if kernel is None else _pair(kernel)
        shape = [*window, x.shape[-1], units]
        w = variables.weights(f"{name}/weights", shape, latent=binarize_weights)
        if binarize_weights:
            with tf.name_scope("binarized"):
                w = binary_weights(w, scale=scale_weights)
        if kernel is None:
            y = tf.matmul(x, w, name="dense")
        else:
            y = tf.nn.conv2d(x, w, strides=_pair(stride), padding=padding, name="convolution")
        if bias:
            y = tf.add(y, variables.get(f"{name}/bias", [units], tf.zeros), name="biased")
        if pool and pool.place == "before_norm":
            y = pool(y)
    if batch_norm:
        y = normalize(
            variables, y, f"{name}/norm", training=training, epsilon=epsilon, momentum=momentum
        )
    with tf.name_scope(f"{name}/activation"):
        if activation:
            y = activation(y)
        if pool and pool.place == "after_activation":
            y = pool(y)
    return y


def _check(
    x: Any, units: int, name: str, kernel: int | tuple[int, int] | None, pool: Pool | None
) -> None:
    rank = x.shape.rank
    if units < 1:
        raise UsageError(f"layer {name!r} asks for {units} output channels")
    if kernel is not None and rank != 4:
        raise UsageError(
            f"layer {name!r} is a convolution and needs an input [n, h, w, c], got rank {rank}",
            hint="leave kernel out for a dense layer",
        )
    if kernel is None and (rank is None or rank < 2):
        raise UsageError(f"layer {name!r} is dense and needs an input [n, ..., c], got rank {rank}")
    if x.shape[-1] is None:
        raise UsageError(f"layer {name!r} needs an input with a known last axis, got {x.shape}")
    if kernel is None and pool is not None:
        raise UsageError(f"layer {name!r} is dense and has no height and width to pool over")


def _values_per_sample(x: Any, name: str) -> int:
    count: int | None = x.shape[1:].num_elements()
    if count is None:
        raise UsageError(f"layer {name!r} is dense and needs a known shape, got {x.shape}")
    return count


def _pair(value: int | tuple[int, int]) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)
