# SPDX-License-Identifier: Apache-2.0
"""From a frozen GraphDef to a module of stage imported."""

from __future__ import annotations

from pathlib import Path

from bnnc.ir import Module
from bnnc.ir.diagnostics import ImportFailure

from ..options import ImportOptions
from ..registry import module_name
from .advice import LOOP, advice
from .control import execution_order, reachable, resolve
from .convert import OPERATIONS
from .graphdef import Graph, read_graph
from .importer import Importer
from .library import inline_calls
from .placeholders import set_constants
from .signature import choose_inputs, choose_outputs, cut_tensors


def load(path: Path, options: ImportOptions) -> Module:
    """Import a frozen GraphDef (``.pb``).

    Args:
        path: The file.
        options: Names, shapes, batch and fixed inputs.

    Raises:
        UsageError: The file cannot be read, or an option does not fit it.
        ImportFailure: It is damaged or no GraphDef, or holds what cannot be imported; everything
            is listed.
    """
    module = import_graph(read_graph(path), path, options)
    module.attrs |= {"producer": "tensorflow", "source": path.name}
    return module


def import_graph(graph: Graph, path: Path, options: ImportOptions) -> Module:
    """Import a graph that is already read; `path` names the module and appears in messages."""
    constants = set_constants(graph, options)
    graph = inline_calls(graph, constants)
    wiring = resolve(graph, constants)
    cuts = cut_tensors(graph, options)
    for ref in cuts:
        wiring.alias.pop(ref, None)
    outputs = choose_outputs(graph, wiring, options)
    live = reachable(graph, wiring, outputs, {*constants, *(ref.node for ref in cuts)})
    inputs = choose_inputs(graph, live, constants, options)
    order = [name for name in execution_order(graph, graph.nodes) if name in live]
    importer = Importer(graph, wiring, module_name(path), constants)
    if len(order) < len(live):
        for name in sorted(live.difference(order)):
            node = graph.nodes[name]
            if OPERATIONS.find(node.op) is None:
                importer.failures.add(node.op, name, "is not supported", advice(node))
            else:
                importer.failures.add(node.op, name, "is part of a loop or reads from one", LOOP)
        raise importer.failures.error(path.name)
    importer.run(order, inputs, outputs)
    if importer.failures:
        raise importer.failures.error(path.name)
    if not inputs:
        raise ImportFailure("the graph has no inputs left", hint="leave one input unset")
    return importer.module
