# SPDX-License-Identifier: Apache-2.0
"""Walks the layers that the outputs need and lets the converters translate each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bnnc.ir import Resource, Value
from bnnc.ir.diagnostics import BnncError

from ..building import ModuleBuilder
from ..failures import Failures, Unsupported
from .advice import advice
from .config import INDEXED
from .context import Context
from .convert import LAYERS
from .network import Node, Operand, Source
from .values import as_mapping, as_number, class_and_options
from .weights import Weights

_POLICIES = ("float32", None)
_HARMLESS = ("mask", "name")
_ARRAYS = ("__numpy__", "__tensor__")


class Importer(ModuleBuilder):
    """Builds a module of stage imported from nodes in order."""

    def __init__(self, name: str, weights: Weights, keras: int) -> None:
        super().__init__(name)
        self.weights = weights
        self.keras = keras
        self.failures = Failures()
        self._tensors: dict[str, Value] = {}
        self._failed: set[str] = set()
        self._shared: dict[tuple[str, ...], Resource] = {}

    def run(
        self,
        nodes: Sequence[Node],
        inputs: Mapping[str, tuple[int, ...]],
        constants: Mapping[str, np.ndarray],
        outputs: Sequence[str],
    ) -> None:
        """Translate the nodes, in this order; what fails is in `failures` afterwards.

        Args:
            nodes: What the outputs need, inputs among it.
            inputs: Names and shapes of the nodes to feed.
            constants: Inputs that are fixed.
            outputs: The nodes to compute.
        """
        for name, shape in inputs.items():
            self._tensors[name] = self.add_input(name, shape, hint=name)
        for name, array in constants.items():
            self._tensors[name] = Resource.of(name, array)
        for node in nodes:
            if node.name not in self._tensors:
                self._visit(node)
        if not self.failures:
            self.set_outputs([self._tensors[name] for name in outputs], outputs)

    def shared_constant(self, node: Node, part: str, array: np.ndarray) -> Resource:
        """A weight of a layer, the same resource in each of its calls."""
        key = (*node.path, part)
        if key not in self._shared:
            self._shared[key] = Resource.of("/".join(key), array)
        return self._shared[key]

    def _visit(self, node: Node) -> None:
        kind = node.layer.kind
        shown = kind.removeprefix("Custom>")
        convert = LAYERS.find(kind)
        if convert is None:
            self._failed.add(node.name)
            self.failures.add(shown, node.name, "is not supported", advice(kind))
            return
        if not self._failed.isdisjoint(node.reads):
            self._failed.add(node.name)
            return
        try:
            made = convert(self._context(node))
        except Unsupported as why:
            self._fail(node, why.message, why.advice)
        except BnncError as why:
            self._fail(node, f"does not fit: {why.message}", why.hint)
        except (ArithmeticError, LookupError, TypeError, ValueError) as why:
            # Converters rely on ranks and options that Keras guarantees.
            self._fail(node, f"is damaged ({why})", "save the model again")
        else:
            self._tensors[node.name] = made
            if made.owner is not None and not made.name:
                made.name = node.name

    def _fail(self, node: Node, message: str, hint: str = "") -> None:
        self._failed.add(node.name)
        self.failures.add(node.layer.kind, node.name, message, hint)

    def _context(self, node: Node) -> Context:
        given = node.layer.config.get("dtype")
        policy = class_and_options(given)[1].get("name") if as_mapping(given) else given
        if policy not in _POLICIES:
            raise Unsupported(
                f"computes in {policy}", "build the model with the policy float32, load the weights"
            )
        named = {k: v for k, v in node.kwargs.items() if v is not None and k not in _HARMLESS}
        if named.pop("training", False):
            raise Unsupported("is called for training", "call it with training=False")
        # What stands behind the tensor that is indexed is its index.
        args = node.args[:1] if node.layer.kind == INDEXED else node.args
        operands = [self._value(node, v) for v in args if v is not None]
        return Context(self, node, operands, {k: self._named(v) for k, v in named.items()})

    def _value(self, node: Node, operand: Operand) -> Value:
        if isinstance(operand, Source):
            return self._tensors[operand.node]
        number = as_number(operand)
        if number is not None:
            return Resource.of(f"{node.name}/constant", np.array(number, dtype=np.float32))
        entry = as_mapping(operand) or {}
        if entry.get("class_name") in _ARRAYS:
            values = (as_mapping(entry.get("config")) or {}).get("value")
            return Resource.of(f"{node.name}/constant", np.array(values, dtype=np.float32))
        raise Unsupported(f"is called with {str(operand)[:60]}")

    def _named(self, operand: Operand) -> object:
        return self._tensors[operand.node] if isinstance(operand, Source) else operand
