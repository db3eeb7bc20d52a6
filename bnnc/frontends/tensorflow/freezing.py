# SPDX-License-Identifier: Apache-2.0
"""Functions of TensorFlow to frozen graphs; the one file here that needs TensorFlow itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any


def freeze(function: Callable[..., Any], inputs: Sequence[Any], outputs: Sequence[str]) -> Any:
    """Return a function of tensors as a GraphDef that holds constants for variables.

    Args:
        function: maps one tensor per input to a tensor, or to a list of them.
        inputs: a ``tf.TensorSpec`` for each, whose names the graph's inputs get.
        outputs: what to name the nodes of the results, in order; the names are unique.

    Returns:
        The ``tf.compat.v1.GraphDef``, without nodes that the outputs do not need.
    """
    tf: Any = import_module("tensorflow")
    convert = import_module("tensorflow.python.framework.convert_to_constants")

    def named(*tensors: Any) -> Any:
        results = tf.nest.flatten(function(*tensors))
        return [tf.identity(y, name=name) for y, name in zip(results, outputs, strict=True)]

    concrete = tf.function(named).get_concrete_function(*inputs)
    frozen = convert.convert_variables_to_constants_v2(concrete)
    return _leading_to(outputs, frozen.graph.as_graph_def(), tf)


def _leading_to(outputs: Sequence[str], graph_def: Any, tf: Any) -> Any:
    """The graph without the nodes that the outputs do not need.

    Those are the Identity which tf.function puts behind each output, with a name of its own, and
    inputs that nothing reads.
    """
    inputs = {node.name: node.input for node in graph_def.node}
    needed: set[str] = set()
    waiting = list(outputs)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += [source.lstrip("^").split(":")[0] for source in inputs[name]]
    kept = tf.compat.v1.GraphDef(versions=graph_def.versions, library=graph_def.library)
    kept.node.extend(node for node in graph_def.node if node.name in needed)
    return kept
