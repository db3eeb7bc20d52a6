# SPDX-License-Identifier: Apache-2.0
"""Control flow: resolve Switch and Merge of training graphs, order the nodes that are left.

``Switch(data, predicate)`` sends data to output 1 where the predicate holds and to output 0 where
it does not; the other output is dead. A node with a dead input, data or control, is dead; ``Merge``
passes on the one input that is alive. Once the predicates are constants, both become plain wires.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from .graphdef import Graph, Node, TensorRef
from .tensors import DType, TensorAttr

SWITCHES = ("Switch", "RefSwitch")
MERGES = ("Merge", "RefMerge")
WIRES = ("Identity", "StopGradient", "PreventGradient", "Snapshot", "RefIdentity")
PLACEHOLDERS = ("Placeholder", "PlaceholderV2", "PlaceholderWithDefault")

_LOGIC: dict[str, Callable[[bool, bool], bool]] = {
    "LogicalAnd": lambda a, b: a and b,
    "LogicalOr": lambda a, b: a or b,
}


@dataclass
class Wiring:
    """What control flow comes down to under the given constants.

    `alias` maps tensors to the tensors that they equal; `dead` holds the nodes and single tensors
    that are never computed.
    """

    alias: dict[TensorRef, TensorRef] = field(default_factory=dict[TensorRef, TensorRef])
    dead_nodes: set[str] = field(default_factory=set[str])
    dead_tensors: set[TensorRef] = field(default_factory=set[TensorRef])

    def source(self, ref: TensorRef) -> TensorRef:
        """Follow a tensor through resolved switches and merges."""
        while ref in self.alias:
            ref = self.alias[ref]
        return ref

    def is_dead(self, ref: TensorRef) -> bool:
        """Whether the tensor is never computed."""
        return ref.node in self.dead_nodes or ref in self.dead_tensors


def resolve(graph: Graph, constants: Mapping[str, np.ndarray]) -> Wiring:
    """Resolve every Switch whose predicate is known, the merges behind them, and IdentityN.

    Args:
        graph: The graph; nodes on cycles (loops) are left alone.
        constants: Values of placeholders, by node name.
    """
    wiring = Wiring()
    for node in graph.nodes.values():
        if node.op == "IdentityN":  # so that one output does not need what the others do
            wiring.alias |= {TensorRef(node.name, i): ref for i, ref in enumerate(node.inputs)}
    if not any(node.op in SWITCHES for node in graph.nodes.values()):
        return wiring
    for name in execution_order(graph, graph.nodes):
        node = graph.nodes[name]
        if node.op in MERGES:
            _resolve_merge(node, wiring)
        elif any(map(wiring.is_dead, node.inputs)) or wiring.dead_nodes.intersection(node.controls):
            wiring.dead_nodes.add(name)
        elif node.op in SWITCHES and len(node.inputs) == 2:
            taken = truth(graph.nodes, node.inputs[1], constants)
            if taken is not None:
                wiring.alias[TensorRef(name, int(taken))] = node.inputs[0]
                wiring.dead_tensors.add(TensorRef(name, int(not taken)))
    return wiring


def _resolve_merge(node: Node, wiring: Wiring) -> None:
    alive = [ref for ref in node.inputs if not wiring.is_dead(ref)]
    if not alive:
        wiring.dead_nodes.add(node.name)
    elif len(alive) == 1 and len(node.inputs) > 1:
        wiring.alias[TensorRef(node.name)] = alive[0]


def truth(
    nodes: Mapping[str, Node], ref: TensorRef, constants: Mapping[str, np.ndarray]
) -> bool | None:
    """Evaluate a predicate; None where it depends on an input.

    Args:
        nodes: The graph's nodes by name.
        ref: The predicate.
        constants: Values of placeholders, by node name.
    """
    negate = False
    for _ in range(len(nodes)):  # a damaged graph may go round in circles
        node = nodes[ref.node]
        if node.name in constants:
            array = constants[node.name]
            return bool(array.reshape(-1)[0]) != negate if array.size == 1 else None
        if node.op == "LogicalNot":
            negate = not negate
        elif node.op in _LOGIC and len(node.inputs) == 2:
            a, b = (truth(nodes, r, constants) for r in node.inputs)
            known = _LOGIC[node.op](a, b) if a is not None and b is not None else _short(node, a, b)
            return None if known is None else known != negate
        elif node.op == "Const":
            value = node.attrs.get("value")
            if not isinstance(value, TensorAttr) or value.dtype is not DType.BOOL:
                return None
            return bool(value.array().reshape(-1)[0]) != negate
        elif node.op not in (*WIRES, *SWITCHES, "IdentityN", "PlaceholderWithDefault"):
            return None
        # What a live switch passes on is its data input.
        index = ref.output if node.op == "IdentityN" else 0
        if index >= len(node.inputs):
            return None
        ref = node.inputs[index]
    return None


def _short(node: Node, a: bool | None, b: bool | None) -> bool | None:
    """One known operand may decide: false for and, true for or."""
    decides = node.op == "LogicalOr"
    return decides if a is decides or b is decides else None


def execution_order(graph: Graph, names: Iterable[str]) -> list[str]:
    """Return the given nodes, inputs first, otherwise in file order; nodes on cycles are left out.

    Edges from nodes outside `names` do not count.
    """
    position = {name: i for i, name in enumerate(graph.nodes)}
    chosen = set(names)
    waits: dict[str, int] = {}
    readers: dict[str, list[str]] = {}
    for name in chosen:
        node = graph.nodes[name]
        sources = {*(ref.node for ref in node.inputs), *node.controls} & chosen
        waits[name] = len(sources)
        for source in sources:
            readers.setdefault(source, []).append(name)
    ready = [(position[name], name) for name, count in waits.items() if count == 0]
    heapq.heapify(ready)
    order: list[str] = []
    while ready:
        _, name = heapq.heappop(ready)
        order.append(name)
        for reader in readers.get(name, ()):
            waits[reader] -= 1
            if waits[reader] == 0:
                heapq.heappush(ready, (position[reader], reader))
    return order


def reachable(
    graph: Graph, wiring: Wiring, outputs: Iterable[TensorRef], stops: set[str]
) -> set[str]:
    """Return the nodes that the outputs need as data, not going behind `stops`."""
    found: set[str] = set()
    pending = [wiring.source(ref).node for ref in outputs]
    while pending:
        name = pending.pop()
        if name in found:
            continue
        found.add(name)
        if name not in stops:
            pending.extend(wiring.source(ref).node for ref in graph.nodes[name].inputs)
    return found
