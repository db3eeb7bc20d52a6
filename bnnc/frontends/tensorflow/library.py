# SPDX-License-Identifier: Apache-2.0
"""Calls of the graph's function library, inlined.

A call is a ``PartitionedCall``, a node whose operation type is a function's name (``Defun`` of
TensorFlow 1), or an ``If`` whose condition is known. Its node stays under its name as the
``IdentityN`` of what the function returns; the body's nodes come before it as ``call/node``.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ..failures import Unsupported
from .control import truth
from .graphdef import Attr, CallerAttr, FuncAttr, Function, Graph, Node, TensorRef

_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_BRANCHES = ("If", "StatelessIf")

# Function bodies name the outputs of a node. Operations with one named output need no entry.
_NORM = ("y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2")
_OUTPUT_NAMES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("FusedBatchNorm", "FusedBatchNormV2"), _NORM),
    **dict.fromkeys(("FusedBatchNormV3", "_FusedBatchNormEx"), (*_NORM, "reserve_space_3")),
    **dict.fromkeys(("Switch", "RefSwitch"), ("output_false", "output_true")),
    **dict.fromkeys(("Merge", "RefMerge"), ("output", "value_index")),
}

# Each function of a library may call the next one twice; a small file must not fill the memory.
_MAX_NODES = 100_000
_MAX_DEPTH = 100

_WITHOUT = "export the graph without this call, or cut it off with --output-names"


def inline_calls(graph: Graph, constants: Mapping[str, np.ndarray]) -> Graph:
    """Return the graph with every call replaced by the function's body.

    Args:
        graph: The graph as it was read.
        constants: Values of placeholders, by node name; they decide an ``If``.

    Returns:
        The graph itself when it calls nothing. Calls that cannot be inlined stay as they are, and
        `kept_calls` says why.
    """
    calls = {*_CALLS, *_BRANCHES, *graph.functions}
    if not any(node.op in calls for node in graph.nodes.values()):
        return graph
    inliner = _Inliner(graph, constants)
    for node in graph.nodes.values():
        inliner.expand(node, ())
    return Graph(inliner.nodes, graph.functions, inliner.kept)


@dataclass(frozen=True)
class _Call:
    function: str
    attrs: Mapping[str, Attr]
    inputs: tuple[TensorRef, ...]


class _Inliner:
    def __init__(self, graph: Graph, constants: Mapping[str, np.ndarray]) -> None:
        self.nodes: dict[str, Node] = {}
        self.kept: dict[str, tuple[str, str]] = {}
        self._graph = graph
        self._constants = constants
        self._taken = set(graph.nodes)

    def expand(self, node: Node, callers: tuple[str, ...]) -> None:
        """Add a node, or what it calls; `callers` are the functions that it stands in."""
        try:
            call = self._call(node)
            if call is not None:
                self._inline(node, call, callers)
        except Unsupported as why:
            self.kept[node.name] = why.message, why.advice
            self.nodes[node.name] = node
        else:
            if call is None:
                self.nodes[node.name] = node

    def _call(self, node: Node) -> _Call | None:
        """Return what a node calls, or None for an ordinary node."""
        if node.op in self._graph.functions:
            return _Call(node.op, node.attrs, node.inputs)
        if node.op in _CALLS:
            return _of_attr(node, "f", node.inputs)
        if node.op not in _BRANCHES:
            return None
        nodes = ChainMap(self.nodes, self._graph.nodes)
        taken = truth(nodes, node.inputs[0], self._constants) if node.inputs else None
        if taken is None:
            raise Unsupported(
                "has a condition that is no constant",
                "fix it: --set FLAG=false; a condition on the input is not supported",
            )
        return _of_attr(node, "then_branch" if taken else "else_branch", node.inputs[1:])

    def _inline(self, node: Node, call: _Call, callers: tuple[str, ...]) -> None:
        function = self._function(call, callers)
        body = [local for local in function.nodes if local in self._needed(function)]
        if len(self.nodes) + len(body) > _MAX_NODES:
            raise Unsupported(f"expands to more than {_MAX_NODES} nodes", _WITHOUT)
        names = {local: self._fresh(f"{node.name}/{local}") for local in (*function.args, *body)}

        def outside(ref: TensorRef) -> TensorRef:
            local = self._source(function, ref)
            return TensorRef(names[local.node], local.output)

        for arg, actual in zip(function.args, call.inputs, strict=True):
            self.nodes[names[arg]] = Node(names[arg], "Identity", (actual,))
        for local in body:
            inner = function.nodes[local]
            copy = Node(
                names[local],
                inner.op,
                tuple(map(outside, inner.inputs)),
                tuple(names[control] for control in inner.controls),
                {key: _bound(value, call.attrs) for key, value in inner.attrs.items()},
            )
            self.expand(copy, (*callers, call.function))
        # A call with a dead input is dead as a whole, even where no result depends on that input.
        condition = (ref.node for ref in node.inputs[: len(node.inputs) - len(call.inputs)])
        controls = (*node.controls, *condition, *(names[arg] for arg in function.args))
        results = tuple(outside(ref) for _, ref in function.results)
        op = "IdentityN" if results else "NoOp"
        self.nodes[node.name] = Node(node.name, op, results, controls)

    def _function(self, call: _Call, callers: tuple[str, ...]) -> Function:
        name = call.function
        function = self._graph.functions.get(name)
        if function is None:
            raise Unsupported(
                f"calls the function '{name}', which is not in the file", "export the graph again"
            )
        if name in callers:
            raise Unsupported(f"is a recursive call of the function '{name}'", _WITHOUT)
        if len(callers) >= _MAX_DEPTH:
            raise Unsupported(f"is nested in {_MAX_DEPTH} other calls", _WITHOUT)
        if function.takes_lists:
            raise Unsupported(f"calls the function '{name}', which takes lists", _WITHOUT)
        if len(function.args) != len(call.inputs):
            raise Unsupported(
                f"gives {len(call.inputs)} inputs to the function '{name}', "
                f"which takes {len(function.args)}",
                "export the graph again",
            )
        return function

    def _needed(self, function: Function) -> set[str]:
        """Return the nodes of a body that its results need, even if only to run before them."""
        found: set[str] = set()
        pending = [self._source(function, ref).node for _, ref in function.results]
        while pending:
            local = pending.pop()
            if local in found or local in function.args:
                continue
            found.add(local)
            node = function.nodes[local]
            refs = (*node.inputs, *map(TensorRef, node.controls))
            pending.extend(self._source(function, ref).node for ref in refs)
        return found

    def _source(self, function: Function, ref: TensorRef) -> TensorRef:
        """Resolve a reference of a body to a parameter or node of it, and an output number."""
        if ref.node in function.args or ref.node in function.nodes:
            return ref
        local, _, output = ref.node.rpartition(":")
        node = function.nodes.get(local)
        if node is None:
            raise Unsupported(f"calls a damaged function: it lacks '{ref}'", "export it again")
        names = _OUTPUT_NAMES.get(node.op, ())
        if node.op in self._graph.functions:
            names = tuple(name for name, _ in self._graph.functions[node.op].results)
        return TensorRef(local, (names.index(output) if output in names else 0) + ref.output)

    def _fresh(self, name: str) -> str:
        """Return the name, or with a number where the graph has it already."""
        chosen, count = name, 1
        while chosen in self._taken:
            chosen, count = f"{name}_{count}", count + 1
        self._taken.add(chosen)
        return chosen


def _of_attr(node: Node, key: str, inputs: Iterable[TensorRef]) -> _Call:
    value = node.attrs.get(key)
    if not isinstance(value, FuncAttr):
        raise Unsupported(f"has no usable attribute '{key}'")
    return _Call(value.name, value.attrs, tuple(inputs))


def _bound(value: Attr, attrs: Mapping[str, Attr]) -> Attr:
    """Put the caller's attributes into a value of the body."""
    if isinstance(value, CallerAttr):
        return attrs.get(value.name, value)
    if isinstance(value, FuncAttr):
        return FuncAttr(value.name, {k: _bound(v, attrs) for k, v in value.attrs.items()})
    return value
