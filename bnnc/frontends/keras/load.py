# SPDX-License-Identifier: Apache-2.0
"""From a Keras file to a module of stage imported."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np

from bnnc.ir import Module
from bnnc.ir.diagnostics import Diagnostic, ImportFailure

from ..inputs import collect_inputs, require_inputs
from ..options import ImportOptions
from ..registry import module_name
from ..set_values import set_array
from ..shapes import static_shape
from .config import read_model
from .files import read_saved
from .importer import Importer
from .network import Network, Node, flatten


def load(path: Path, options: ImportOptions) -> Module:
    """Import a Keras model (``.h5``, or an archive ``.keras``) of version 2 or 3.

    Args:
        path: The file.
        options: Names, shapes, batch and fixed inputs; names are those of layers.

    Raises:
        UsageError: The file cannot be opened, or an option does not fit the model.
        ImportFailure: The file is damaged, or holds what cannot be imported; all of it is listed.
    """
    saved = read_saved(path)
    try:
        network = flatten(read_model(saved.config))
        constants = _constants(network, options)
        outputs = network.named(options.output_names, "--output-names") or list(network.outputs)
        outputs = list(dict.fromkeys(outputs))
        cuts = network.named(options.input_names, "--input-names")
        nodes = network.needed(outputs, {*cuts, *constants})
        inputs = _inputs(network, nodes, cuts, constants, options)
        importer = Importer(module_name(path), saved.weights, saved.keras)
        importer.run(nodes, inputs, constants, outputs)
    finally:
        saved.weights.close()
    if importer.failures:
        raise importer.failures.error(path.name)
    importer.module.attrs |= {"producer": "keras", "source": path.name}
    return importer.module


def _constants(network: Network, options: ImportOptions) -> dict[str, np.ndarray]:
    constants: dict[str, np.ndarray] = {}
    for text, value in options.set_values.items():
        (name,) = network.named([text], "--set")
        declared = _declared(network.nodes[name])
        constants[name] = set_array(name, value, np.dtype(np.float32), declared)
    return constants


def _inputs(
    network: Network,
    nodes: list[Node],
    cuts: list[str],
    constants: dict[str, np.ndarray],
    options: ImportOptions,
) -> dict[str, tuple[int, ...]]:
    """The tensors to feed with static shapes, in the model's order or the user's."""
    live = {node.name for node in nodes}
    own = [name for name in network.inputs if name in live and name not in constants]
    names = cuts or own
    shapes = {
        name: shape
        for text, shape in options.input_shapes.items()
        for name in network.named([text], "--input-shape")
    }
    require_inputs(shapes, names, network.inputs)

    def make(name: str) -> tuple[int, ...] | Diagnostic:
        return static_shape(name, _declared(network.nodes[name]), shapes.get(name), options.batch)

    found = dict(zip(names, collect_inputs(names, own, make), strict=True))
    if not found:
        raise ImportFailure("the model has no inputs left", hint="leave one input unset")
    return found


def _declared(node: Node) -> tuple[int, ...] | None:
    """The shape of an InputLayer, -1 where it is open; None where nothing is said."""
    config = node.layer.config
    shape = config.get("batch_input_shape", config.get("batch_shape"))
    if node.layer.kind != "InputLayer" or not isinstance(shape, list):
        return None
    sizes = [-1 if d is None else d for d in cast("list[object]", shape)]
    if not all(type(d) is int and (d == -1 or d > 0) for d in sizes):
        raise ImportFailure(f"input '{node.name}' has the shape {shape}")
    return tuple(cast("list[int]", sizes))
