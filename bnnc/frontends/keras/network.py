# SPDX-License-Identifier: Apache-2.0
"""A model as a list of nodes, nested models taken apart, each behind those that it reads."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from bnnc.ir.diagnostics import ImportFailure, UsageError, did_you_mean

from ..inputs import find_each
from .config import Argument, Call, Layer, Model, Ref
from .damage import AGAIN, damaged

Operand: TypeAlias = object
"""A `Source`, or a constant as the configuration has it."""

_MOST_NODES = 100_000


@dataclass(frozen=True)
class Node:
    """One call of a layer. Operands are names of nodes, or constants from the configuration.

    Attributes:
        name: The layer's name behind those of the models around it: ``encoder/conv``; a layer that
            is called again is ``conv:1``.
        layer: The layer.
        path: Names of the models around it, then its own.
        slots: The same as places among the weights.
        args: The operands.
        kwargs: Further ones by name.
    """

    name: str
    layer: Layer
    path: tuple[str, ...]
    slots: tuple[str, ...]
    args: tuple[Operand, ...]
    kwargs: Mapping[str, Operand] = field(default_factory=dict[str, Operand])

    @property
    def reads(self) -> list[str]:
        """Names of the nodes that this one reads."""
        return [v.node for v in (*self.args, *self.kwargs.values()) if isinstance(v, Source)]


@dataclass(frozen=True)
class Source:
    """The result of a node."""

    node: str


@dataclass(frozen=True)
class Network:
    """Nodes by name in an order of execution, the inputs among them, and the outputs' names."""

    nodes: Mapping[str, Node]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def named(self, names: Iterable[str], flag: str) -> list[str]:
        """Return nodes that the user names, with or without ``:0``.

        Raises:
            UsageError: One is not there or given twice.
        """

        def find(text: str) -> str:
            name = text if text in self.nodes else text.removesuffix(":0")
            if name not in self.nodes:
                hint = did_you_mean(name, self.nodes)
                raise UsageError(f"{flag}: the model has no layer '{text}'", hint=hint)
            return name

        return find_each(names, find, flag)

    def needed(self, outputs: Iterable[str], stops: Collection[str]) -> list[Node]:
        """Return the nodes that the outputs need, in order, those at which to stop included."""
        live: set[str] = set()
        stack = list(outputs)
        while stack:
            name = stack.pop()
            if name not in live:
                live.add(name)
                stack += [] if name in stops else self.nodes[name].reads
        return [node for name, node in self.nodes.items() if name in live]


@dataclass(frozen=True)
class _Around:
    """Where a layer or a model stands: its name, and what it is called in the file."""

    name: str = ""
    path: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()

    def inside(self, layer: Layer, call: int) -> _Around:
        name = f"{self.name}/{layer.name}" if self.name else layer.name
        name += f":{call}" if call else ""
        return _Around(name, (*self.path, layer.name), (*self.slots, layer.slot))


class _Flattening:
    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}

    def model(self, model: Model, around: _Around, feeds: Sequence[str]) -> list[str]:
        """Add a model's nodes; `feeds` are the nodes that its inputs are, none for the outermost.

        Returns the names of its outputs.
        """
        results: dict[tuple[str, int], list[str]] = {}
        if feeds:
            if len(feeds) != len(model.inputs):
                raise damaged(
                    f"model '{model.name}' has {len(model.inputs)} inputs, not {len(feeds)}"
                )
            for ref, feed in zip(model.inputs, feeds, strict=True):
                results[ref.layer, ref.node] = [feed]
        for ref, call in _order(model, model.outputs, results):
            layer = model.layers[ref.layer]
            again = ref.node - layer.first_call
            here = around.inside(layer, again)
            if layer.kind == "InputLayer" and feeds:
                raise damaged(f"model '{model.name}' reads its input '{layer.name}' twice")
            args = tuple(_operand(v, results) for v in call.args)
            if layer.model is not None:
                inner = [v.node for v in args if isinstance(v, Source)]
                if not inner:
                    raise damaged(f"model '{layer.name}' is called without inputs")
                results[ref.layer, ref.node] = self.model(layer.model, here, inner)
                continue
            kwargs = {k: _operand(v, results) for k, v in call.kwargs.items()}
            self._add(Node(here.name, layer, here.path, here.slots, args, kwargs))
            results[ref.layer, ref.node] = [here.name]
        return [_result(ref, results) for ref in model.outputs]

    def _add(self, node: Node) -> None:
        if node.name in self.nodes:
            raise damaged(f"two layers are called '{node.name}'")
        if len(self.nodes) >= _MOST_NODES:
            raise damaged(f"the model has more than {_MOST_NODES} layers")
        self.nodes[node.name] = node


def _order(
    model: Model, outputs: Sequence[Ref], given: Mapping[tuple[str, int], object]
) -> list[tuple[Ref, Call]]:
    """The calls that the outputs need, each behind those that it reads."""
    order: list[tuple[Ref, Call]] = []
    state: dict[tuple[str, int], bool] = {}  # False while what it reads is being visited
    stack = [(ref, False) for ref in reversed(outputs)]
    while stack:
        ref, leaving = stack.pop()
        key = (ref.layer, ref.node)
        if key in given:
            continue
        call = _call(model, ref)
        if leaving:
            state[key] = True
            order.append((ref, call))
        elif key not in state:
            state[key] = False
            stack.append((ref, True))
            sources = [v for v in (*call.args, *call.kwargs.values()) if isinstance(v, Ref)]
            stack += [(one, False) for one in reversed(sources)]
        elif not state[key]:
            raise ImportFailure(f"the model goes round in circles at '{ref.layer}'", hint=AGAIN)
    return order


def _call(model: Model, ref: Ref) -> Call:
    layer = model.layers.get(ref.layer)
    if layer is None:
        raise damaged(f"model '{model.name}' has no layer '{ref.layer}'")
    if layer.kind == "InputLayer":
        return Call(())
    node = ref.node - layer.first_call
    if not 0 <= node < len(layer.calls):
        raise damaged(f"layer '{ref.layer}' has no call {ref.node}")
    return layer.calls[node]


def _operand(value: Argument, results: Mapping[tuple[str, int], list[str]]) -> Operand:
    return Source(_result(value, results)) if isinstance(value, Ref) else value


def _result(ref: Ref, results: Mapping[tuple[str, int], list[str]]) -> str:
    names = results[ref.layer, ref.node]
    if not 0 <= ref.tensor < len(names):
        raise damaged(f"layer '{ref.layer}' has no output {ref.tensor}")
    return names[ref.tensor]


def flatten(model: Model) -> Network:
    """Take nested models apart.

    Raises:
        ImportFailure: References lead nowhere or in circles.
    """
    work = _Flattening()
    outputs = tuple(work.model(model, _Around(), ()))
    inputs = [name for name, node in work.nodes.items() if node.layer.kind == "InputLayer"]
    order = {ref.layer: i for i, ref in enumerate(model.inputs)}
    inputs.sort(key=lambda name: order.get(name, len(order)))
    return Network(work.nodes, tuple(inputs), outputs)
