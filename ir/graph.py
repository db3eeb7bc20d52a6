# SPDX-License-Identifier: Apache-2.0
"""Views of a module as a networkx graph, made on demand: the module itself stays a list.

Nodes are the operations (the `Return` among them), an edge leads from the operation that defines
a value to each one that uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import networkx as nx

from .diagnostics import IRError
from .module import Module
from .operation import Op
from .value import Resource, Value

NodeT = TypeVar("NodeT")


def digraph(module: Module) -> nx.DiGraph[Op]:
    """The operations of a module as a graph; nodes carry their position as ``position``."""
    graph: nx.DiGraph[Op] = nx.DiGraph()
    for position, op in enumerate(module.func.walk()):
        graph.add_node(op, position=position)
    for op in list(graph.nodes):
        for value in op.operands:
            if value.owner is not None and value.owner in graph:
                graph.add_edge(value.owner, op)
    return graph


def topological_order(module: Module) -> list[Op]:
    """The operations, each behind those that it uses, as close to their present order as can be.

    Raises:
        IRError: when there is a cycle, with its path.
    """
    graph = digraph(module)
    positions: dict[Op, int] = {op: i for i, op in enumerate(graph.nodes)}
    try:
        ordered = list(nx.lexicographical_topological_sort(graph, key=positions.__getitem__))
    except nx.NetworkXUnfeasible:
        path = [op for op, _ in _cycle(graph)]
        raise IRError(f"operations depend on each other: {describe_cycle(path)}") from None
    return [op for op in ordered if op is not module.func.ret]


def _cycle(graph: nx.DiGraph[NodeT], start: NodeT | None = None) -> list[tuple[NodeT, NodeT]]:
    """The edges of a cycle; raises NetworkXNoCycle when there is none."""
    library: Any = nx  # the stubs leave this function's result untyped
    return cast("list[tuple[NodeT, NodeT]]", library.find_cycle(graph, start))


def describe_cycle(ops: Iterable[Op]) -> str:
    """The path of a cycle in words, back to where it began."""
    names = [f"{op.NAME}{f' ({op.loc.name})' if op.loc.name else ''}" for op in ops]
    return " -> ".join([*names, *names[:1]])


def find_cycle(uses: Mapping[str, Iterable[str]], start: str) -> list[str]:
    """A cycle through the names that `start` depends on, its first name again at the end.

    Args:
        uses: the names that each name is computed from.
        start: where the search begins.

    Returns:
        The names along the direction of the data, or nothing when there is no cycle.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_edges_from((name, used) for name, many in uses.items() for used in many)
    if start not in graph:
        return []
    try:
        edges = _cycle(graph, start)
    except nx.NetworkXNoCycle:
        return []
    backward = [edges[0][0], *(used for _, used in edges)]
    return backward[::-1]


def reachable(module: Module, source: Op, target: Op) -> bool:
    """Whether `target` uses what `source` computes, directly or through others."""
    return nx.has_path(digraph(module), source, target)


@dataclass(frozen=True)
class Interval:
    """Positions between which a value is alive: defined at `start`, last used at `end`.

    Arguments start at -1. Values that are returned end at the number of operations, values that
    nobody uses where they start.
    """

    start: int
    end: int

    def meets(self, other: Interval) -> bool:
        """Whether two values are alive at once; an operation's operands meet its results."""
        return self.start <= other.end and other.start <= self.end


def live_intervals(module: Module) -> dict[Value, Interval]:
    """The lifetime of every argument and result, in the present order of the operations.

    Two values of disjoint intervals may share memory.
    """
    func = module.func
    starts: dict[Value, int] = dict.fromkeys(func.args, -1)
    ends: dict[Value, int] = dict.fromkeys(func.args, -1)
    for position, op in enumerate(func.walk()):
        for value in op.operands:
            if not isinstance(value, Resource):
                ends[value] = position
        for result in op.results:
            starts[result] = ends[result] = position
    return {value: Interval(start, ends[value]) for value, start in starts.items()}


def to_dot(module: Module) -> str:
    """The graph in Graphviz's language, constants left out: ``dot -Tsvg``."""
    ids: dict[Op, str] = {}
    lines = [f"digraph {_dot(module.name)} {{", "  node [shape=box];"]
    for position, value in enumerate(module.func.args):
        label = f"{value.name}\n{value.type}"
        lines.append(f"  a{position} [label={_dot(label)}, shape=ellipse];")
    for position, op in enumerate(module.func.walk()):
        ids[op] = f"n{position}"
        types = [str(r.type) for r in op.results]
        label = "\n".join([op.loc.name, op.NAME, *types] if op.loc.name else [op.NAME, *types])
        lines.append(f"  {ids[op]} [label={_dot(label)}];")
    sources = {value: f"a{i}" for i, value in enumerate(module.func.args)}
    for op, name in ids.items():
        sources.update(dict.fromkeys(op.results, name))
    for op, name in ids.items():
        lines += [f"  {sources[v]} -> {name};" for v in op.operands if v in sources]
    return "\n".join([*lines, "}"]) + "\n"


def _dot(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
