# SPDX-License-Identifier: Apache-2.0
"""Placeholders: what they declare, and the constants that a user puts in their place."""

from __future__ import annotations

import numpy as np

from bnnc.ir.diagnostics import UsageError, did_you_mean

from ..options import ImportOptions, SetValue
from ..set_values import set_array
from .control import PLACEHOLDERS
from .graphdef import Graph, Node, ShapeAttr, TensorRef
from .tensors import DType


def placeholder_dtype(node: Node) -> DType:
    """Return the declared data type."""
    dtype = node.attrs.get("dtype")
    return dtype if isinstance(dtype, DType) else DType.FLOAT


def placeholder_shape(node: Node) -> tuple[int, ...] | None:
    """Return the declared shape, -1 where unknown; None for an unknown rank."""
    shape = node.attrs.get("shape")
    return shape.dims if isinstance(shape, ShapeAttr) else None


def uses_default(node: Node) -> bool:
    """Whether an unfed placeholder stands for its default: flags and probabilities do.

    A default with a batch axis and an image behind it is only a stand-in for the real input.
    """
    if node.op != "PlaceholderWithDefault":
        return False
    shape = placeholder_shape(node)
    return not placeholder_dtype(node).is_float or (shape is not None and len(shape) < 2)


def set_constants(graph: Graph, options: ImportOptions) -> dict[str, np.ndarray]:
    """Return the placeholders that the user fixed, by node name, as arrays of the IR's dtypes.

    Raises:
        UsageError: A name is no placeholder, or its value does not fit its type or shape.
    """
    constants: dict[str, np.ndarray] = {}
    for text, value in options.set_values.items():
        ref = TensorRef.parse(text)
        node = graph.nodes.get(ref.node)
        if node is None or node.op not in PLACEHOLDERS:
            names = [n.name for n in graph.nodes.values() if n.op in PLACEHOLDERS]
            raise UsageError(
                f"--set {text}: the graph has no placeholder of this name",
                hint=did_you_mean(ref.node, names) or f"placeholders: {', '.join(names) or 'none'}",
            )
        constants[node.name] = _constant(node, value)
    return constants


def _constant(node: Node, value: SetValue) -> np.ndarray:
    dtype = placeholder_dtype(node)
    wanted = dtype.logical()
    if wanted is None:
        raise UsageError(f"--set {node.name}: cannot set a {dtype.name.lower()}")
    return set_array(node.name, value, wanted, placeholder_shape(node))
