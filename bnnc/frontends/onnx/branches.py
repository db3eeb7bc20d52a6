# SPDX-License-Identifier: Apache-2.0
"""An `If` whose condition is a constant of the model is replaced by the branch that is taken."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from onnx import AttributeProto, GraphProto, NodeProto, TensorProto

from bnnc.ir.diagnostics import ImportFailure

from .tensors import Tensor


def choose_branches(graph: GraphProto) -> None:
    """Put branches in the place of the nodes that choose one, nested ones too."""
    if not any(_is_if(node) for node in graph.node):
        return
    constants = {tensor.name: tensor for tensor in graph.initializer}
    taken = set(_names(graph))
    numbers = itertools.count(1)
    waiting = list(reversed(graph.node))
    nodes: list[NodeProto] = []
    while waiting:
        node = waiting.pop()
        branch = _branch(node, constants) if _is_if(node) else None
        if branch is None:
            nodes.append(node)
            _note(node, constants)
            continue
        taken |= _renamed(branch, taken, node.output[0] if node.output else "", numbers)
        graph.initializer.extend(branch.initializer)
        graph.sparse_initializer.extend(branch.sparse_initializer)
        constants |= {tensor.name: tensor for tensor in branch.initializer}
        results = zip(branch.output, node.output, strict=False)
        waiting += [
            NodeProto(op_type="Identity", name=f"{node.name}/{y}", input=[value.name], output=[y])
            for value, y in results
            if y
        ]
        waiting += reversed(branch.node)
    del graph.node[:]
    graph.node.extend(nodes)


def _is_if(node: NodeProto) -> bool:
    return node.op_type == "If" and node.domain in ("", "ai.onnx") and len(node.input) == 1


def _note(node: NodeProto, constants: dict[str, TensorProto]) -> None:
    """Remember what a node gives if that is a constant."""
    if node.op_type == "Constant" and len(node.output) == 1:
        for attribute in node.attribute:
            if attribute.name == "value":
                constants[node.output[0]] = attribute.t
    elif node.op_type == "Identity" and len(node.input) == len(node.output) == 1:
        source = constants.get(node.input[0])
        if source is not None:
            constants[node.output[0]] = source


def _branch(node: NodeProto, constants: Mapping[str, TensorProto]) -> GraphProto | None:
    """A copy of the branch that is taken, None where the condition is no constant."""
    proto = constants.get(node.input[0])
    if proto is None or proto.data_type != TensorProto.BOOL:
        return None
    try:
        condition = Tensor(proto).array()
    except ImportFailure:
        return None
    wanted = "then_branch" if condition.size == 1 and condition.all() else "else_branch"
    for attribute in node.attribute:
        if condition.size == 1 and attribute.name == wanted:
            copy = GraphProto()
            copy.CopyFrom(attribute.g)
            return copy
    return None


def _names(graph: GraphProto) -> Iterator[str]:
    """What the graph defines."""
    for tensor in graph.initializer:
        yield tensor.name
    for value in graph.input:
        yield value.name
    for node in graph.node:
        yield from node.output


def _renamed(branch: GraphProto, taken: set[str], prefix: str, numbers: Iterator[int]) -> set[str]:
    """Give what the branch defines names that are free around it; return these."""
    new: dict[str, str] = {}
    given: set[str] = set()
    for name in filter(None, _names(branch)):
        free = name if name not in taken else f"{prefix}/{name}"
        while free in taken or free in given:
            free = f"{prefix}/{name}.{next(numbers)}"  # numbers are never tried twice
        given.add(free)
        new[name] = free
    changed = {old: name for old, name in new.items() if old != name}
    if changed:
        _rename(branch, changed)
    return given


def _rename(graph: GraphProto, new: Mapping[str, str]) -> None:
    for tensor in graph.initializer:
        tensor.name = new.get(tensor.name, tensor.name)
    for value in graph.output:
        value.name = new.get(value.name, value.name)
    for node in graph.node:
        node.input[:] = [new.get(name, name) for name in node.input]
        node.output[:] = [new.get(name, name) for name in node.output]
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                _rename(attribute.g, new)
