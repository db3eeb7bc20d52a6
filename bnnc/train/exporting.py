# SPDX-License-Identifier: Apache-2.0
"""Keras models to frozen graphs, which the compiler reads without TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from bnnc.frontends.tensorflow.freezing import freeze
from bnnc.ir.diagnostics import UsageError

from ._tensorflow import keras, tf


def export(
    model: Any, path: str | PathLike[str], *, outputs: Sequence[str] | None = None
) -> list[str]:
    """Write a Keras model as a frozen GraphDef, in inference mode.

    The file's inputs bear the names of the model's inputs. The same model gives the same bytes.

    Args:
        model: a built ``keras.Model`` of any layers, computing in float32.
        path: the file to write, ``.pb`` by custom.
        outputs: names for the outputs, by default the model's own: those of its last layers.

    Returns:
        The names of the outputs.

    Raises:
        UsageError: this is no built Keras model, layers compute in another type than float32, or
            the names do not fit.
    """
    graph, names = _frozen(model, outputs)
    Path(path).write_bytes(graph.SerializeToString(deterministic=True))
    return names


def _frozen(model: Any, outputs: Sequence[str] | None) -> tuple[Any, list[str]]:
    if not isinstance(model, keras.Model):
        raise UsageError(f"type '{type(model).__name__}' is no keras.Model")
    if not getattr(model, "inputs", None):
        raise UsageError(
            f"model '{model.name}' does not know the shape of its inputs yet",
            hint="start it with keras.Input, or call its build()",
        )
    lossy = [layer.name for layer in model.layers if layer.compute_dtype != "float32"]
    if lossy:
        raise UsageError(
            f"layers compute in another type than float32: {', '.join(lossy)}",
            hint="build the model under the dtype policy 'float32' and copy the weights to it: "
            "new.set_weights(old.get_weights())",
        )
    names = list(model.output_names if outputs is None else outputs)
    if len(set(names)) != len(names) or len(names) != len(model.outputs):
        raise UsageError(
            f"{len(model.outputs)} outputs cannot be named {', '.join(names)}",
            hint="give one name for each output, all different",
        )
    specs = [tf.TensorSpec(x.shape, x.dtype, name=x.name) for x in model.inputs]

    def function(*tensors: Any) -> Any:
        return model(keras.tree.pack_sequence_as(model.input, list(tensors)), training=False)

    graph = freeze(function, specs, names)
    _name_after_layers(graph, model)
    return graph, names


def _name_after_layers(graph: Any, model: Any) -> None:
    """Rename nodes so that layer ``conv`` of model ``net`` has ``conv/...``, as the user knows it.

    Keras opens the scope of a layer twice in each call, once to see whether the layer is built, so
    that TensorFlow makes ``net_1/conv_1/...`` of it. A graph in which two nodes would get the same
    name that way keeps all of its names.
    """
    layers = {layer.name for layer in model._flatten_layers()}

    def short(name: str) -> str:
        first, _, rest = name.partition("/")
        parts = (rest if rest and first == f"{model.name}_1" else name).split("/")
        plain = [part.removesuffix("_1") for part in parts]
        return "/".join(p if p in layers else part for p, part in zip(plain, parts, strict=True))

    old = [node.name for node in graph.node]
    new = dict(zip(old, map(short, old), strict=True))
    if len(set(new.values())) < len(new):
        return
    for node in graph.node:
        node.name = new[node.name]
        for i, source in enumerate(node.input):
            name, colon, output = source.removeprefix("^").partition(":")
            node.input[i] = source[: source.startswith("^")] + new[name] + colon + output
