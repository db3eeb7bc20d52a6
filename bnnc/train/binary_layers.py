# SPDX-License-Identifier: Apache-2.0
"""Keras layers of a binary network, which `.keras` files name and bnnc's reader knows.

Each behaves as the Keras layer it extends, has its options, and these beside:

============================  ======================  ====================================
registered name               extends                 further keys of its configuration
============================  ======================  ====================================
``bnnc>BinaryActivation``     ``Layer``               ``zero``
``bnnc>BinaryConv2D``         ``Conv2D``              ``scale``, ``zero``
``bnnc>BinaryDense``          ``Dense``               ``scale``, ``zero``
``bnnc>BinaryDepthwiseConv2D``  ``DepthwiseConv2D``   ``scale``, ``zero``
``bnnc>ClipLatent``           ``Constraint``          none; changes nothing in a trained model
============================  ======================  ====================================

The weights are those of the extended layer, ``kernel`` and ``bias``; ``kernel`` is latent, what is
computed with are `binary_weights` of it. ``zero`` is the sign of zero, ``scale`` says whether the
signs are multiplied by mean(|w|) of their output channel.
"""

from __future__ import annotations

from typing import Any

from ._tensorflow import keras, registered, tf
from .activation import ZeroRule, binary_activation
from .weights import binary_weights


@registered
class ClipLatent(keras.constraints.Constraint):  # type: ignore[misc]  # keras is Any
    """Keeps latent weights in [-1, 1].

    Beyond that range a latent weight has no gradient and no influence, and would never come back
    (BinaryNet, arXiv:1602.02830, algorithm 1).
    """

    def __call__(self, w: Any) -> Any:
        """Return w clipped, of the same shape and dtype."""
        return keras.ops.clip(w, -1.0, 1.0)


@registered
class BinaryActivation(keras.layers.Layer):  # type: ignore[misc]  # keras is Any
    """`binary_activation` as a layer: +1 or -1 for each value, gradients straight through."""

    def __init__(self, zero: ZeroRule = "plus", **options: Any) -> None:
        keras.layers.Layer.__init__(self, **options)
        self.zero: ZeroRule = zero

    def call(self, x: Any) -> Any:
        """Binarize x, of any shape."""
        return binary_activation(x, self.zero)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return what the layer is made of again."""
        return {**keras.layers.Layer.get_config(self), "zero": self.zero}


class _Latent:
    """What the layers with binary weights have in common; stands before the Keras layer."""

    def __init__(
        self, *sizes: Any, scale: bool = False, zero: ZeroRule = "plus", **options: Any
    ) -> None:
        # Where the weights start matters to how far a step goes, see `LatentAdam`.
        kind = "depthwise" if isinstance(self, keras.layers.DepthwiseConv2D) else "kernel"
        options.setdefault(f"{kind}_constraint", ClipLatent())
        options.setdefault(
            f"{kind}_initializer", keras.initializers.RandomUniform(minval=-1.0, maxval=1.0)
        )
        super().__init__(*sizes, **options)
        self.scale = scale
        self.zero: ZeroRule = zero

    def get_config(self) -> dict[str, Any]:
        """Return what the layer is made of again."""
        config: dict[str, Any] = super().get_config()  # type: ignore[misc]
        return {**config, "scale": self.scale, "zero": self.zero}


@registered
class BinaryConv2D(_Latent, keras.layers.Conv2D):  # type: ignore[misc]  # keras is Any
    """A convolution whose weights are `binary_weights`."""

    def convolution_op(self, x: Any, kernel: Any) -> Any:
        """Convolve x [n, h, w, cin] with the binarized kernel [kh, kw, cin, cout]."""
        w = binary_weights(kernel, self.scale, self.zero)
        return keras.layers.Conv2D.convolution_op(self, x, w)


@registered
class BinaryDense(_Latent, keras.layers.Dense):  # type: ignore[misc]  # keras is Any
    """A dense layer whose weights are `binary_weights`."""

    def call(self, x: Any, training: Any = None) -> Any:
        """Map x [..., cin] to [..., cout]."""
        del training
        w = binary_weights(keras.ops.convert_to_tensor(self.kernel), self.scale, self.zero)
        y = keras.ops.matmul(x, w)
        if self.bias is not None:
            y = keras.ops.add(y, self.bias)
        return y if self.activation is None else self.activation(y)


@registered
class BinaryDepthwiseConv2D(_Latent, keras.layers.DepthwiseConv2D):  # type: ignore[misc]
    """A depthwise convolution whose weights are `binary_weights`, scaled channel by channel."""

    def call(self, x: Any) -> Any:
        """Convolve each channel of x [n, h, w, cin] with its own kernels [kh, kw, multiplier]."""
        w = keras.ops.convert_to_tensor(self.kernel)
        y = keras.ops.depthwise_conv(
            x,
            binary_weights(w, self.scale, self.zero, channel_axes=2),
            strides=self.strides,
            padding=self.padding,
            dilation_rate=self.dilation_rate,
            data_format=self.data_format,
        )
        if self.use_bias:
            y = tf.nn.bias_add(y, keras.ops.convert_to_tensor(self.bias), self._layout)
        return y if self.activation is None else self.activation(y)

    @property
    def _layout(self) -> str:
        return "NHWC" if self.data_format == "channels_last" else "NCHW"
