# SPDX-License-Identifier: Apache-2.0
"""Graphs that TensorFlow builds and its optimizer rewrites, against TensorFlow itself.

What they hold is tested on graphs without TensorFlow in the other files; this one shows that those
graphs look as TensorFlow's do. The reference runs without the optimizer.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnc.frontends import ImportOptions, load
from bnnc.ir.interpreter import interpret

pytestmark = pytest.mark.tensorflow

_SHAPE = (2, 8, 9, 4)
_Layer = Callable[[Any, Any, np.random.Generator], Any]


def _normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def _conv(tf: Any, x: Any, rng: np.random.Generator, **options: Any) -> Any:
    w = _normal(rng, 3, 2, x.shape[-1], 8)
    return tf.nn.conv2d(x, w, **({"strides": 1, "padding": "SAME"} | options))


def _biased(tf: Any, x: Any, rng: np.random.Generator) -> Any:
    return tf.nn.bias_add(_conv(tf, x, rng), _normal(rng, 8))


def _norm(tf: Any, x: Any, rng: np.random.Generator) -> Any:
    c = int(x.shape[-1])
    parameters = [_normal(rng, c) for _ in range(3)] + [np.abs(_normal(rng, c)) + np.float32(0.5)]
    made = tf.compat.v1.nn.fused_batch_norm(x, *parameters, epsilon=1e-3, is_training=False)
    return made[0]


def _dense(tf: Any, x: Any, rng: np.random.Generator) -> Any:
    flat = tf.reshape(x, [2, -1])
    return tf.nn.bias_add(tf.matmul(flat, _normal(rng, int(flat.shape[1]), 8)), _normal(rng, 8))


def _depthwise(tf: Any, x: Any, rng: np.random.Generator, **options: Any) -> Any:
    w = _normal(rng, 3, 3, 4, 2)
    return tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME", **options)


def _quantizer(tf: Any, x: Any) -> Any:
    """A function of TensorFlow 1's kind: its name is the operation type of the node."""
    function = importlib.import_module("tensorflow.python.framework.function")

    defun: Any = function.Defun(tf.float32, tf.int32, func_name="QTZ_levels")

    def quantize(value: Any, bit: Any) -> Any:
        n = tf.pow(2.0, tf.cast(bit, tf.float32)) - 1.0
        return tf.round(tf.clip_by_value(value, 0.0, 1.0) * n) / n

    return defun(quantize)(x, tf.constant(2))


def _biased_depthwise(tf: Any, x: Any, rng: np.random.Generator) -> Any:
    return tf.nn.bias_add(_depthwise(tf, x, rng), _normal(rng, 8))


def _normed(tf: Any, x: Any, rng: np.random.Generator) -> Any:
    return _norm(tf, _conv(tf, x, rng), rng)


_FUSED: dict[str, tuple[str, _Layer]] = {
    "bias": ("_FusedConv2D", _biased),
    "norm": ("_FusedConv2D", _normed),
    "dense": ("_FusedMatMul", _dense),
    "depthwise": ("_FusedDepthwiseConv2dNative", _biased_depthwise),
}
_LAYERS: dict[str, tuple[str, _Layer]] = {
    "norm alone": (
        "_FusedBatchNormEx",
        lambda tf, x, rng: tf.nn.relu(_norm(tf, tf.nn.max_pool2d(x, 2, 2, "VALID"), rng)),
    ),
    "shortcut": (
        "_FusedConv2D",
        lambda tf, x, rng: tf.nn.relu(_biased(tf, x, rng) + _conv(tf, x, rng)),
    ),
    "sum of many": ("AddN", lambda tf, x, rng: tf.add_n([_conv(tf, x, rng) for _ in range(3)])),
    "gelu": ("_FusedMatMul", lambda tf, x, rng: tf.nn.gelu(_dense(tf, x, rng), approximate=True)),
    "dilated": (
        "SpaceToBatchND",
        lambda tf, x, rng: tf.nn.convolution(
            x, _normal(rng, 3, 2, 4, 8), padding="SAME", dilations=[2, 3]
        ),
    ),
    "atrous": (
        "SpaceToBatchND",
        lambda tf, x, rng: tf.nn.atrous_conv2d(x, _normal(rng, 3, 2, 4, 8), 3, "VALID"),
    ),
    "dilated depthwise": ("", lambda tf, x, rng: _depthwise(tf, x, rng, dilations=[2, 2])),
    "grouped": ("", lambda tf, x, rng: tf.nn.conv2d(x, _normal(rng, 3, 3, 2, 6), 1, "SAME")),
    "mirrored": (
        "MirrorPad",
        lambda tf, x, _: tf.pad(
            tf.pad(x, [[0, 0], [1, 2], [0, 3], [0, 0]], "REFLECT"),
            [[0, 0], [0, 1], [2, 0], [0, 0]],
            "SYMMETRIC",
        ),
    ),
    "deep": ("SpaceToDepth", lambda tf, x, _: tf.nn.space_to_depth(x[:, :, :8], 2)),
    "wide": ("DepthToSpace", lambda tf, x, _: tf.nn.depth_to_space(x, 2)),
    "log": ("LogSoftmax", lambda tf, x, _: tf.nn.log_softmax(x)),
    "levels": ("QTZ_levels", lambda tf, x, _: _quantizer(tf, x)),
}


def _graph(tf: Any, layer: _Layer) -> Any:
    graph = tf.Graph()
    with graph.as_default(), graph.device("/device:CPU:0"):
        x = tf.compat.v1.placeholder(tf.float32, _SHAPE, name="x")
        tf.identity(layer(tf, x, np.random.default_rng(17)), name="y")
    return graph


def _reference(tf: Any, graph: Any, x: np.ndarray) -> np.ndarray:
    config = tf.compat.v1.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    with tf.compat.v1.Session(graph=graph, config=config) as session:
        return np.asarray(session.run("y:0", {"x:0": x}))


def _optimized(tf: Any, graph: Any) -> Any:
    tf_optimizer = importlib.import_module("tensorflow.python.grappler.tf_optimizer")

    meta = tf.compat.v1.train.export_meta_graph(graph_def=graph.as_graph_def(), graph=graph)
    meta.collection_def["train_op"].node_list.value.append("y")
    config = tf.compat.v1.ConfigProto()
    rewrite = config.graph_options.rewrite_options
    rewrite.min_graph_nodes = -1
    rewrite.remapping = 3  # AGGRESSIVE
    return tf_optimizer.OptimizeGraph(config, meta)


def _check(tf: Any, folder: Path, layer: _Layer) -> set[str]:
    """Compare both forms of the graph with TensorFlow; return the operation types they hold."""
    graph = _graph(tf, layer)
    x = _normal(np.random.default_rng(19), *_SHAPE)
    want = _reference(tf, graph, x)
    ops: set[str] = set()
    for name, written in (("plain", graph.as_graph_def()), ("optimized", _optimized(tf, graph))):
        path = folder / f"{name}.pb"
        path.write_bytes(written.SerializeToString())
        # A custom gradient leaves nodes behind that nobody reads, so the output must be named.
        (y,) = interpret(load(path, ImportOptions(output_names=("y",))), {"x": x}).values()
        np.testing.assert_allclose(y, want, rtol=0, atol=1e-5 * np.abs(want).max(), err_msg=name)
        ops |= {node.op for node in written.node}
    return ops


@pytest.mark.parametrize(
    "activation", ["relu", "relu6", "elu", "leaky_relu", "tanh", "sigmoid", "silu"]
)
@pytest.mark.parametrize("kind", _FUSED)
def test_activations_behind_layers(tf: Any, tmp_path: Path, kind: str, activation: str) -> None:
    op, layer = _FUSED[kind]

    def activated(tf: Any, x: Any, rng: np.random.Generator) -> Any:
        return getattr(tf.nn, activation)(layer(tf, x, rng))

    assert op in _check(tf, tmp_path, activated)


@pytest.mark.parametrize("name", _LAYERS)
def test_layers(tf: Any, tmp_path: Path, name: str) -> None:
    op, layer = _LAYERS[name]
    ops = _check(tf, tmp_path, layer)
    assert op in ops or not op


def test_dilation_without_a_static_shape(tf: Any, tmp_path: Path) -> None:
    """The paddings and crops are computed from the shape inside of the graph."""
    w = _normal(np.random.default_rng(23), 3, 3, 4, 5)
    graph = tf.Graph()
    with graph.as_default():
        image = tf.compat.v1.placeholder(tf.float32, (None, None, None, 4), name="x")
        tf.identity(tf.nn.convolution(image, w, padding="SAME", dilations=2), name="y")
    x = _normal(np.random.default_rng(29), *_SHAPE)
    path = tmp_path / "net.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    (y,) = interpret(load(path, ImportOptions(input_shapes={"x": _SHAPE})), {"x": x}).values()
    np.testing.assert_allclose(y, _reference(tf, graph, x), atol=1e-4)


def test_functions_of_tensorflow_2(tf: Any, tmp_path: Path) -> None:
    """Nested tf.functions with two results, kept as calls by the freezer."""
    kernel = _normal(np.random.default_rng(31), 3, 3, 2, 6)

    def grouped_conv(x: Any) -> Any:
        y = tf.nn.conv2d(x, kernel, 1, "SAME")
        return y, tf.reduce_mean(y, [1, 2])

    grouped = tf.function(grouped_conv, jit_compile=True)

    def outer(x: Any) -> Any:
        y, mean = grouped(tf.sign(x))
        return tf.nn.relu(y) - tf.reshape(mean, [-1, 1, 1, 6])

    graph = _graph(tf, lambda _tf, x, _rng: tf.function(outer)(x))
    x = _normal(np.random.default_rng(37), *_SHAPE)
    path = tmp_path / "net.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    assert any("PartitionedCall" in n.op for n in graph.as_graph_def().node)
    (y,) = interpret(load(path), {"x": x}).values()
    np.testing.assert_allclose(y, _reference(tf, graph, x), atol=1e-4)
