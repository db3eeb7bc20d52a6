# SPDX-License-Identifier: Apache-2.0
"""Record small quantized models and what LiteRT's reference kernels compute for them.

Run in an environment with TensorFlow: python tests/frontends/tflite/record_golden.py [../shared]
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

tf: Any = importlib.import_module("tensorflow")

Function = Callable[[Any], Any]
Pair = Callable[[Any, Any], Any]
GOLDEN = Path(__file__).with_name("golden.npz")
NETWORKS = Path(__file__).with_name("networks.npz")
RNG = np.random.default_rng(31)


def normal(*shape: int, scale: float = 1.0) -> np.ndarray:
    return (RNG.standard_normal(shape) * scale).astype(np.float32)


def scales(*shape: int) -> np.ndarray:
    """Weights whose channels differ widely in size."""
    return np.asarray(normal(*shape) * np.exp(normal(shape[-1])), np.float32)


def convert(
    function: Function, shape: tuple[int, ...], high: float = 3.0, io: Any = tf.int8
) -> bytes:
    signature = [tf.TensorSpec((1, *shape), tf.float32)]
    concrete = tf.function(function, input_signature=signature).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    samples = RNG.uniform(-2.0, high, (30, 1, *shape)).astype(np.float32)
    converter.representative_dataset = lambda: ([s] for s in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = io
    return bytes(converter.convert())


def run(model: bytes, x: np.ndarray, resolver: str = "BUILTIN_REF") -> np.ndarray:
    kernels = tf.lite.experimental.OpResolverType[resolver]
    interpreter = tf.lite.Interpreter(model_content=model, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()
    results: list[np.ndarray] = []
    for sample in x:
        interpreter.set_tensor(given["index"], sample[None])
        interpreter.invoke()
        results.append(interpreter.get_tensor(made["index"]).copy())
    return np.array(results)


def _conv(*shape: int, **options: Any) -> Function:
    w, bias = scales(*shape), normal(shape[-1])
    fields = {"strides": 1, "padding": "SAME"} | options
    return lambda x: tf.nn.bias_add(tf.nn.conv2d(x, w, **fields), bias)


def _dense(features: int, outputs: int) -> Function:
    w, bias = scales(features, outputs), normal(outputs)
    return lambda x: tf.nn.bias_add(tf.matmul(x, w), bias)


def _depthwise(multiplier: int, stride: int) -> Function:
    w = normal(3, 3, 6, multiplier) * np.exp(normal(multiplier))
    steps = (1, stride, stride, 1)
    return lambda x: tf.nn.relu6(tf.nn.depthwise_conv2d(x, w, steps, "SAME"))


def _then(function: Function, inner: Function) -> Function:
    return lambda x: function(inner(x))


def _with(function: Pair, constant: np.ndarray) -> Function:
    return lambda x: function(x, constant)


def _relu_of_sum(a: Any, b: Any) -> Any:
    return tf.nn.relu(a + b)


def _joined(a: Any, b: Any) -> Any:
    return tf.concat([a, b], 3)


def _swapped(x: Any) -> Any:
    first, second = tf.split(x, 2, 3)
    return tf.concat([second, first], 3)


def _shared(function: Pair) -> Function:
    """A network of two branches with different scales."""
    return lambda x: function(x, tf.nn.relu(x) * 0.37)


IMAGE = (7, 6, 6)
PADS = [[0, 0], [1, 0], [0, 2], [0, 0]]
CASES: dict[str, tuple[Function, tuple[int, ...]]] = {
    "conv_same": (_conv(3, 3, 6, 8), IMAGE),
    "conv_stride": (_conv(3, 2, 6, 5, strides=2), IMAGE),
    "conv_dilated": (_conv(3, 3, 6, 4, dilations=2), IMAGE),
    "conv_relu": (_then(tf.nn.relu, _conv(1, 1, 6, 9, padding="VALID")), IMAGE),
    "conv_relu6": (_then(tf.nn.relu6, _conv(2, 2, 6, 9)), IMAGE),
    "depthwise": (_depthwise(1, 1), IMAGE),
    "depthwise_multiplier": (_depthwise(2, 2), IMAGE),
    "dense": (_dense(40, 30), (40,)),
    "dense_relu": (_then(tf.nn.relu, _dense(24, 50)), (24,)),
    "average": (lambda x: tf.nn.avg_pool2d(x, 3, 2, "SAME"), IMAGE),
    "maximum": (lambda x: tf.nn.max_pool2d(x, 3, 2, "SAME"), IMAGE),
    "add": (_shared(tf.add), IMAGE),
    "add_relu": (_shared(_relu_of_sum), IMAGE),
    "add_constant": (_with(tf.add, normal(6)), IMAGE),
    "sub": (_shared(tf.subtract), IMAGE),
    "mul": (_shared(tf.multiply), IMAGE),
    "mul_constant": (_with(tf.multiply, normal(6)), IMAGE),
    "larger": (_shared(tf.maximum), IMAGE),
    "concat": (_shared(_joined), IMAGE),
    "mean": (lambda x: tf.reduce_mean(x, (1, 2)), IMAGE),
    "mean_keep": (lambda x: tf.reduce_mean(x, (1, 2), keepdims=True), IMAGE),
    "mean_channels": (lambda x: tf.reduce_mean(x, 3), IMAGE),
    "softmax": (tf.nn.softmax, (20,)),
    "softmax_wide": (lambda x: tf.nn.softmax(x * 9.0), (12,)),
    "softmax_flat": (lambda x: tf.nn.softmax(x * 0.05), (12,)),
    "logistic": (tf.sigmoid, (64,)),
    "tanh": (tf.tanh, (64,)),
    "leaky": (lambda x: tf.nn.leaky_relu(x, 0.3), (64,)),
    "relu": (tf.nn.relu, (64,)),
    "relu6": (lambda x: tf.nn.relu6(x * 3.0), (64,)),
    "pad": (lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 1], [0, 0]]), IMAGE),
    "slices": (lambda x: tf.transpose(x[:, 1:6:2, :, 2:], (0, 2, 1, 3)), IMAGE),
    "split": (_swapped, IMAGE),
}


def main() -> None:
    arrays: dict[str, np.ndarray] = {}
    for name, (function, shape) in CASES.items():
        model = convert(function, shape)
        x = RNG.integers(-128, 128, (3 if len(shape) > 1 else 25, *shape)).astype(np.int8)
        arrays |= {f"{name}.model": np.frombuffer(model, np.uint8), f"{name}.x": x}
        arrays[f"{name}.y"] = run(model, x)
    model = convert(_dense(10, 12), (10,), io=tf.float32)
    x = RNG.uniform(-2.5, 3.5, (25, 10)).astype(np.float32)
    arrays |= {"floats.model": np.frombuffer(model, np.uint8), "floats.x": x}
    arrays["floats.y"] = run(model, x)
    model = convert(_conv(1, 1, 6, 4), IMAGE, io=tf.uint8)
    x = RNG.integers(0, 256, (3, *IMAGE)).astype(np.uint8)
    arrays |= {"unsigned.model": np.frombuffer(model, np.uint8), "unsigned.x": x}
    arrays["unsigned.y"] = run(model, x)
    save: Any = np.savez_compressed
    save(GOLDEN, **arrays)


def _phases(x: Any) -> Any:
    dealt = tf.space_to_batch_nd(x, [2, 2], [[2, 3], [2, 2]])
    filters = normal(3, 3, 6, 5)
    return tf.batch_to_space(tf.nn.conv2d(dealt, filters, 1, "VALID"), [2, 2], [[0, 1], [0, 0]])


def _stacked(x: Any) -> Any:
    first, *_, last = tf.unstack(x, axis=1)
    return tf.stack([last, first], axis=2)


FLOATS: dict[str, tuple[Function, tuple[int, ...]]] = {
    "conv_relu": (_then(tf.nn.relu, _conv(3, 2, 6, 5, strides=2)), IMAGE),
    "conv_dilated": (_conv(3, 3, 6, 4, dilations=2), IMAGE),
    "conv_phases": (_phases, IMAGE),
    "conv_groups": (_conv(3, 3, 2, 9), IMAGE),
    "depthwise": (_depthwise(2, 1), IMAGE),
    "dense": (_then(tf.nn.relu, _dense(40, 7)), (40,)),
    "average": (lambda x: tf.nn.avg_pool2d(x, 3, 2, "SAME"), IMAGE),
    "maximum": (lambda x: tf.nn.relu6(tf.nn.max_pool2d(x, (3, 2), 2, "VALID")), IMAGE),
    "arithmetic": (lambda x: (x * 2.0 - 1.5) / (tf.abs(x) + 0.5) + x, IMAGE),
    "extremes": (lambda x: tf.minimum(tf.maximum(x, -1.0), 0.7), IMAGE),
    "functions": (lambda x: tf.exp(tf.tanh(x)) * tf.sigmoid(x) + tf.sqrt(tf.abs(x)), IMAGE),
    "logarithm": (lambda x: tf.math.log(tf.square(x) + 0.1) - tf.math.rsqrt(x * x + 1.0), IMAGE),
    "activations": (lambda x: tf.nn.elu(x) + tf.nn.leaky_relu(x, 0.3) + tf.nn.relu(-x), IMAGE),
    "gelu": (lambda x: tf.nn.gelu(x, approximate=True), IMAGE),
    "hard_swish": (lambda x: x * tf.nn.relu6(x + 3.0) * (1.0 / 6.0), IMAGE),
    "choice": (lambda x: tf.where(x >= 0.3, x, -2.0 * x), IMAGE),
    "reductions": (
        lambda x: tf.reduce_sum(x, 1) + tf.reduce_max(x, 1) - tf.reduce_min(x, 1),
        IMAGE,
    ),
    "mean": (lambda x: tf.reduce_mean(x, (1, 2), keepdims=True), IMAGE),
    "softmax": (tf.nn.softmax, (20,)),
    "log_softmax": (tf.nn.log_softmax, (20,)),
    "pads": (
        lambda x: tf.pad(tf.pad(x, [[0, 0], [1, 2], [0, 1], [0, 0]]), PADS, "CONSTANT", 1.5),
        IMAGE,
    ),
    "mirror": (lambda x: tf.pad(x, PADS, "REFLECT"), IMAGE),
    "slices": (lambda x: tf.transpose(x[:, 1:6:2, ::-1, 2:], (0, 2, 1, 3))[:, 1], IMAGE),
    "stacked": (_stacked, IMAGE),
    "split": (_swapped, IMAGE),
    "axes": (lambda x: tf.squeeze(tf.expand_dims(tf.reshape(x, (-1, 42, 6)), 2), [2]), IMAGE),
    "depth": (lambda x: tf.nn.depth_to_space(tf.nn.space_to_depth(x, 2), 2) * 2.0, (6, 4, 4)),
    "rounding": (lambda x: tf.round(x * 3.0) + tf.sign(x), IMAGE),
}


def floats() -> None:
    """Small float models, and what LiteRT computes for them; its references lack some kernels."""
    arrays: dict[str, np.ndarray] = {}
    for name, (function, shape) in FLOATS.items():
        model, x, y = _in_float(function, shape)
        arrays |= {f"{name}.model": model, f"{name}.x": x, f"{name}.y": y}
    save: Any = np.savez_compressed
    save(GOLDEN.with_name("golden_float.npz"), **arrays)


def _transposed(kernel: tuple[int, int], stride: int, mode: str, size: tuple[int, int]) -> Function:
    w, bias = scales(*kernel, 5, 6), normal(5)
    w = np.asarray(w / np.abs(w).max(axis=(0, 1, 3), keepdims=True), np.float32)
    shape = (1, *size, 5)
    return lambda x: tf.nn.bias_add(tf.nn.conv2d_transpose(x, w, shape, stride, mode), bias)


def _resized(size: tuple[int, int], **options: bool) -> Function:
    resize: Any = tf.compat.v1.image.resize_nearest_neighbor
    if "half_pixel_centers" in options:
        return lambda x: tf.raw_ops.ResizeNearestNeighbor(images=x, size=size, **options)
    return lambda x: resize(x, size, **options)


def _ranked(x: Any) -> Any:
    return tf.math.top_k(x, 3).values


# What both floats and bytes go through.
MORE: dict[str, tuple[Function, tuple[int, ...]]] = {
    "transposed_same": (_transposed((3, 2), 2, "SAME", (13, 12)), IMAGE),
    "transposed_valid": (_transposed((3, 3), 2, "VALID", (16, 13)), IMAGE),
    "transposed_far": (_transposed((2, 2), 3, "VALID", (21, 18)), IMAGE),
    "transposed_near": (_transposed((3, 4), 1, "SAME", (7, 6)), IMAGE),
    "place": (lambda x: tf.argmax(x, 3), IMAGE),
    "place_smallest": (lambda x: tf.argmin(x, 1), IMAGE),
    "ranked": (_ranked, (20,)),
    "gather": (lambda x: tf.gather(x, [4, 0, 0, 3], axis=2), IMAGE),
    "nearest": (_resized((14, 18)), IMAGE),
    "nearest_odd": (_resized((10, 4)), IMAGE),
    "nearest_corners": (_resized((11, 9), align_corners=True), IMAGE),
    "nearest_centers": (_resized((11, 3), half_pixel_centers=True), IMAGE),
    "reversed": (lambda x: tf.reverse(x, [1]), IMAGE),
    "largest": (lambda x: tf.reduce_max(x, (1, 2)), IMAGE),
    "smallest": (lambda x: tf.reduce_min(x, 3, keepdims=True), IMAGE),
    "hard_swish": (lambda x: x * tf.nn.relu6(x + 3.0) * (1.0 / 6.0), (200,)),
    "hard_swish_wide": (lambda x: 9.0 * x * tf.nn.relu6(9.0 * x + 3.0) * (1.0 / 6.0), (200,)),
    "mirror": (lambda x: tf.pad(x, PADS, "REFLECT"), IMAGE),
    "stacked": (_stacked, IMAGE),
    "depth": (lambda x: tf.nn.depth_to_space(tf.nn.space_to_depth(x, 2), 2), (6, 4, 4)),
}
NO_REFERENCE = ("reversed", "depth")
BYTES_ONLY = ("hard_swish_wide", "transposed_far", "nearest_odd", "smallest")
MORE_FLOATS: dict[str, tuple[Function, tuple[int, ...]]] = {
    "matrices": (lambda x: tf.matmul(x, tf.nn.relu(x) + 0.5, transpose_b=True), IMAGE),
    "unit": (lambda x: tf.math.l2_normalize(x, axis=-1), IMAGE),
    "difference": (lambda x: tf.math.squared_difference(x, tf.nn.relu(x) * 0.3), IMAGE),
    "softplus": (tf.math.softplus, IMAGE),
    "compared": (lambda x: tf.cast(x > 0.3, tf.float32) + x, IMAGE),
    "prelu": (lambda x: tf.nn.relu(x) - normal(6) * tf.nn.relu(-x), IMAGE),
}


def more() -> None:
    """Operators that are in a second file, so that recording these leaves the others alone."""
    arrays: dict[str, np.ndarray] = {}
    for name, (function, shape) in MORE.items():
        model = convert(function, shape)
        x = RNG.integers(-128, 128, (2, *shape)).astype(np.int8)
        arrays |= {f"{name}.model": np.frombuffer(model, np.uint8), f"{name}.x": x}
        arrays[f"{name}.y"] = run(model, x, "BUILTIN" if name in NO_REFERENCE else "BUILTIN_REF")
    for name, (function, shape) in (MORE | MORE_FLOATS).items():
        if name in FLOATS or name in BYTES_ONLY:
            continue
        made = _in_float(function, shape)
        keys = (f"{name}_float.{part}" for part in ("model", "x", "y"))
        arrays |= dict(zip(keys, made, strict=True))
    save: Any = np.savez_compressed
    save(GOLDEN.with_name("golden_more.npz"), **arrays)


def _in_float(function: Function, shape: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    signature = [tf.TensorSpec((1, *shape), tf.float32)]
    concrete = tf.function(function, input_signature=signature).get_concrete_function()
    model = bytes(tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert())
    x = RNG.uniform(-2.0, 2.0, (1, *shape)).astype(np.float32)
    y = run(model, x, "BUILTIN_WITHOUT_DEFAULT_DELEGATES")
    return np.frombuffer(model, np.uint8), x, y


def networks(shared: Path) -> None:
    """The int8 networks of MLPerf Tiny on a thousand real inputs."""
    models = shared / "models" / "real" / "mlperf_tiny"
    with np.load(shared / "data" / "kws01_mfcc_int8.npz") as data:
        features = data["x"][..., None]
    with np.load(shared / "data" / "cifar10_test_jpeg_dev1000.npz") as data:
        images = (data["x"].astype(np.int16) - 128).astype(np.int8)
    keywords = run((models / "kws" / "kws_ref_model.tflite").read_bytes(), features)
    classes = run((models / "pretrainedResnet_quant.tflite").read_bytes(), images)
    np.savez_compressed(NETWORKS, keywords=keywords[:, 0], classes=classes[:, 0])


if __name__ == "__main__":
    main()
    floats()
    more()
    if len(sys.argv) == 2:
        networks(Path(sys.argv[1]))
