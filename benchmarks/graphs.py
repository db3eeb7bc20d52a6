# SPDX-License-Identifier: Apache-2.0
"""Frozen graphs with random weights, written like the exporters of binary networks did.

Weights and activations are binarized by chains of clip, sign and mean, batch normalization is one
operation, and the names are those that TensorFlow 1 gave.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from bnnc.frontends.tensorflow.schema import new
from bnnc.frontends.tensorflow.tensors import DType

_DTYPES = {"float32": DType.FLOAT, "int32": DType.INT32}


class GraphWriter:
    """Adds nodes to a GraphDef; every method returns the name of the node that it ends with."""

    def __init__(self, seed: int) -> None:
        self.graph = new("GraphDef")
        self._rng = np.random.default_rng(seed)
        self._names: Counter[str] = Counter()

    def node(self, op: str, name: str, *inputs: str, **attrs: Any) -> str:
        """Add a node; its name is made unique as TensorFlow does, by a number behind it."""
        seen = self._names[name]
        self._names[name] += 1
        made = self.graph.node.add(name=f"{name}_{seen}" if seen else name, op=op, input=inputs)
        for key, value in {"T": DType.FLOAT, **attrs}.items():
            _set_attr(made.attr[key], value)
        return str(made.name)

    def placeholder(self, *shape: int) -> str:
        """An input `x` of any batch."""
        dims = new("TensorShapeProto")
        for size in (-1, *shape):
            dims.dim.add(size=size)
        return self.node("Placeholder", "x", dtype=DType.FLOAT, shape=dims)

    def constant(self, name: str, value: np.ndarray | float) -> str:
        """A constant as it is; a number is a float32."""
        array = value if isinstance(value, np.ndarray) else np.array(value, np.float32)
        return self.node("Const", name, dtype=_DTYPES[array.dtype.name], value=_tensor(array))

    def variable(self, name: str, value: np.ndarray) -> str:
        """A frozen variable: a constant that an Identity reads."""
        made = self.constant(name, value)
        return self.node("Identity", f"{made}/read", made)

    def weights(self, *shape: int) -> str:
        """A random variable `W`."""
        return self.variable("W", self._rng.normal(0, 0.5, shape).astype(np.float32))

    def clip(self, x: str) -> str:
        """Cut to -1 .. 1."""
        name = f"clip_by_value_{n}" if (n := self._names["clip_by_value"]) else "clip_by_value"
        one = self.constant(f"{name}/Minimum/y", 1.0)
        low = self.node("Minimum", f"{name}/Minimum", x, one)
        return self.node("Maximum", "clip_by_value", low, self.constant(f"{name}/y", -1.0))

    def straight_through(self, clipped: str, value: str) -> str:
        """`value`, as training with gradients of `clipped` writes it."""
        rest = self.node("Sub", "sub", value, clipped)
        return self.node("AddV2", "add", clipped, self.node("StopGradient", "StopGradient", rest))

    def sign(self, x: str) -> str:
        """An activation cut to bits."""
        clipped = self.clip(x)
        return self.straight_through(clipped, self.node("Sign", "Sign", clipped))

    def binary_weights(self, *shape: int) -> str:
        """Weights cut to bits, scaled by the mean magnitude of each output channel."""
        clipped = self.clip(self.weights(*shape))
        sign = self.node("Sign", "Sign", clipped)
        axes = self.constant("Mean/reduction_indices", np.arange(3, dtype=np.int32))
        magnitude = self.node("Abs", "Abs", clipped)
        mean = self.node("Mean", "Mean", magnitude, axes, Tidx=DType.INT32, keep_dims=False)
        return self.straight_through(clipped, self.node("Mul", "mul", sign, mean))

    def larq_sign(self, x: str) -> str:
        """Bits as Larq makes them: the sign of 0 is 1."""
        sign = self.node("Sign", "ste_sign/Sign", x)
        moved = self.node("AddV2", "ste_sign/add", sign, self.constant("ste_sign/add/y", 0.1))
        return self.node("Sign", "ste_sign/Rounded", moved)

    def bare_conv(self, x: str, w: str, stride: int = 1, padding: str = "SAME") -> str:
        """A convolution without bias."""
        return self.node("Conv2D", "Conv2D", x, w, strides=(1, stride, stride, 1), padding=padding)

    def depthwise(self, x: str, w: str, stride: int) -> str:
        """A convolution of each channel by itself, without bias."""
        name, strides = "DepthwiseConv2dNative", (1, stride, stride, 1)
        return self.node(name, name, x, w, strides=strides, padding="SAME")

    def pad(self, x: str, each: int, value: float) -> str:
        """Rows and columns of a value around images."""
        pads = np.array([[0, 0], [each, each], [each, each], [0, 0]], np.int32)
        sizes, filler = self.constant("PadV2/paddings", pads), self.constant("PadV2/value", value)
        return self.node("PadV2", "PadV2", x, sizes, filler, Tpaddings=DType.INT32)

    def conv(self, x: str, w: str, channels: int, stride: int = 1, padding: str = "SAME") -> str:
        """A convolution and its bias."""
        made = self.bare_conv(x, w, stride, padding)
        bias = self._rng.normal(0, 0.1, channels).astype(np.float32)
        return self.node("AddV2", "add", made, self.variable("b", bias))

    def batch_norm(self, x: str, channels: int) -> str:
        """A fused batch normalization with random statistics."""
        rng = self._rng
        values = {
            "gamma": rng.normal(1, 0.5, channels),
            "beta": rng.normal(0, 0.5, channels),
            "moving_mean": rng.normal(0, 3, channels),
            "moving_variance": rng.uniform(0.5, 30, channels),
        }
        inputs = [self.variable(name, v.astype(np.float32)) for name, v in values.items()]
        name = "FusedBatchNormV3"
        return self.node(name, name, x, *inputs, U=DType.FLOAT, is_training=False, epsilon=1e-4)

    def max_pool(self, x: str, size: int, stride: int = 2) -> str:
        """A pool of `size` x `size`, by default two apart."""
        window, strides = (1, size, size, 1), (1, stride, stride, 1)
        return self.node("MaxPool", "MaxPool", x, ksize=window, strides=strides, padding="VALID")

    def dense(self, x: str, inputs: int, outputs: int) -> str:
        """A dense layer and its bias."""
        w, flags = self.weights(inputs, outputs), {"transpose_a": False, "transpose_b": False}
        made = self.node("MatMul", "MatMul", x, w, **flags)
        return self.node("BiasAdd", "BiasAdd", made, self.weights(outputs))

    def reshape(self, x: str, name: str, *shape: int) -> str:
        """A reshape to a constant shape."""
        sizes = self.constant(f"{name}/shape", np.array(shape, np.int32))
        return self.node("Reshape", name, x, sizes, Tshape=DType.INT32)

    def write(self, path: Path) -> int:
        """Write the graph; its size in bytes."""
        return path.write_bytes(self.graph.SerializeToString())


def _tensor(value: np.ndarray) -> Any:
    proto = new("TensorProto", dtype=int(_DTYPES[value.dtype.name]))
    for size in value.shape:
        proto.tensor_shape.dim.add(size=size)
    proto.tensor_content = value.tobytes()
    return proto


def _set_attr(attr: Any, value: Any) -> None:
    if isinstance(value, DType):
        attr.type = int(value)
    elif isinstance(value, bool):
        attr.b = value
    elif isinstance(value, float):
        attr.f = value
    elif isinstance(value, str):
        attr.s = value.encode()
    elif isinstance(value, tuple):
        attr.list.i.extend(value)
    elif value.DESCRIPTOR.name == "TensorProto":
        attr.tensor.CopyFrom(value)
    else:
        attr.shape.CopyFrom(value)
