# SPDX-License-Identifier: Apache-2.0
"""Walks the nodes that the outputs need and lets the converters translate each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bnnc.ir import Resource, Value
from bnnc.ir.diagnostics import BnncError

from ..building import Batch, ModuleBuilder
from ..failures import Failures, Unsupported
from .advice import advice
from .context import Context
from .control import WIRES, Wiring
from .convert import OPERATIONS
from .dilation import MERGES, SPLITS, Phases, merge, split, work_on
from .graphdef import Graph, Node, TensorRef
from .signature import Input
from .tensors import DType

# Integer inputs arrive as f32, which holds them exactly; only what moves values may touch them.
_KEEPS_INTEGERS = frozenset(
    (*WIRES, "IdentityN", "Cast", "Reshape", "Squeeze", "ExpandDims", "Transpose", "Shape", "Rank")
) | {"Size", "StridedSlice", "Slice", "Concat", "ConcatV2", "Split", "SplitV", "Pack", "Pad"}


class Importer(ModuleBuilder):
    """Builds a module of stage imported from the live part of a graph."""

    def __init__(
        self, graph: Graph, wiring: Wiring, name: str, constants: Mapping[str, np.ndarray]
    ) -> None:
        super().__init__(name)
        self.graph = graph
        self.wiring = wiring
        self.constants = constants
        self.failures = Failures()
        self._tensors: dict[TensorRef, Value] = {}
        self._phases: dict[TensorRef, Phases] = {}
        self._converted: set[str] = set()
        self._failed: set[str] = set()
        self._integral: set[TensorRef] = set()

    def run(
        self, order: Sequence[str], inputs: Sequence[Input], outputs: Sequence[TensorRef]
    ) -> None:
        """Translate the nodes of `order`; what fails is in `failures` afterwards."""
        for one in inputs:
            self._add_input(one)
        if inputs:
            self.batch = Batch(inputs[0].shape[0], inputs[0].model_batch)
        fed = {one.ref.node for one in inputs}
        for name in order:
            if name not in fed:
                self._visit(self.graph.nodes[name])
        if self.failures:
            return
        sources = [self.wiring.source(ref) for ref in outputs]
        for ref in sources:
            if ref not in self._tensors:
                node = self.graph.nodes[ref.node]
                self.failures.add(
                    node.op, node.name, f"has no output {ref.output} that can be imported"
                )
        if not self.failures:
            self.set_outputs([self._tensors[ref] for ref in sources], list(map(str, outputs)))

    def _add_input(self, one: Input) -> None:
        self._tensors[one.ref] = self.add_input(one.name, one.shape, hint=one.ref.node)
        if one.dtype.is_integer:
            self._integral.add(one.ref)

    def _visit(self, node: Node) -> None:
        sources = [self.wiring.source(ref) for ref in node.inputs]
        if node.name in self.constants:
            constant = Resource.of(node.name, self.constants[node.name])
            self._tensors[TensorRef(node.name)] = constant
        elif node.name in self.graph.kept_calls:
            self._failed.add(node.name)
            self.failures.add(node.op, node.name, *self.graph.kept_calls[node.name])
        elif OPERATIONS.find(node.op) is None and node.op not in (*SPLITS, *MERGES):
            self._failed.add(node.name)
            self.failures.add(node.op, node.name, "is not supported", advice(node))
        elif self._failed.intersection(ref.node for ref in sources):
            self._failed.add(node.name)
        else:
            try:
                self._check_integers(node, sources)
                made = self._convert(node, sources)
            except Unsupported as why:
                self._failed.add(node.name)
                self.failures.add(node.op, node.name, why.message, why.advice)
            except BnncError as why:
                self._failed.add(node.name)
                self.failures.add(node.op, node.name, f"does not fit: {why.message}", why.hint)
            except (ArithmeticError, LookupError, TypeError, ValueError) as why:
                # Converters rely on the number and ranks of operands that TensorFlow guarantees.
                self._failed.add(node.name)
                self.failures.add(
                    node.op, node.name, f"is damaged ({why})", "export the model again"
                )
            else:
                if isinstance(made, Phases):
                    self._phases[TensorRef(node.name)] = made
                else:
                    self._keep(node, sources, [made] if isinstance(made, Value) else made)

    def _convert(
        self, node: Node, sources: Sequence[TensorRef]
    ) -> Value | Sequence[Value] | Phases:
        """Translate a node, or put it off until the phases that it works on are merged."""
        phases = next((self._phases[ref] for ref in sources if ref in self._phases), None)
        if phases is not None and node.op not in MERGES:
            known = [None if ref in self._phases else self._operand(ref) for ref in sources]
            return work_on(phases, node, known)
        # BatchToSpaceND's own operand 0 has no value yet; the image stands in its place.
        operands = [
            phases.x if phases and ref in self._phases else self._operand(ref) for ref in sources
        ]
        c = Context(self, node, operands)
        if node.op in SPLITS:
            return split(c)
        convert = OPERATIONS.find(node.op)
        return merge(c, phases) if convert is None else convert(c)

    def _operand(self, ref: TensorRef) -> Value:
        value = self._tensors.get(ref)
        if value is None:
            op = self.graph.nodes[ref.node].op
            raise Unsupported(f"reads output {ref.output} of a {op}, which is not supported")
        return value

    def _keep(self, node: Node, sources: Sequence[TensorRef], results: Sequence[Value]) -> None:
        target = node.attrs.get("DstT")
        to_float = isinstance(target, DType) and target.is_float
        integral = not to_float and not self._integral.isdisjoint(sources)
        for index, value in enumerate(results):
            ref = TensorRef(node.name, index)
            self._tensors[ref] = value
            if value.owner is not None and not value.name:
                value.name = node.name
            if integral and self.is_varying(value):
                self._integral.add(ref)

    def _check_integers(self, node: Node, sources: Sequence[TensorRef]) -> None:
        if node.op not in _KEEPS_INTEGERS and not self._integral.isdisjoint(sources):
            raise Unsupported(
                "computes with integers that come from an input", "cast the input to float first"
            )
