# SPDX-License-Identifier: Apache-2.0
"""Inputs and outputs: which tensors they are, their public names, their static shapes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from bnnc.ir.diagnostics import Diagnostic, ImportFailure, UsageError, did_you_mean

from ..inputs import collect_inputs, find_each, require_inputs
from ..options import ImportOptions
from ..shapes import static_shape
from .control import PLACEHOLDERS, Wiring, reachable
from .graphdef import Graph, Node, TensorRef
from .placeholders import placeholder_dtype, placeholder_shape, uses_default
from .tensors import DType

_NO_OUTPUT = ("NoOp", "Const", "Assert", *PLACEHOLDERS)


@dataclass(frozen=True)
class Input:
    """A tensor to feed. `model_batch` is the batch that the graph fixes, or -1."""

    ref: TensorRef
    shape: tuple[int, ...]
    dtype: DType
    model_batch: int

    @property
    def name(self) -> str:
        """The public name."""
        return str(self.ref)


def choose_outputs(graph: Graph, wiring: Wiring, options: ImportOptions) -> list[TensorRef]:
    """Return the tensors to compute: those named, or the sinks in node order.

    A sink is a node whose outputs nobody reads, not even for control, and that computes something
    from an input.
    """
    if options.output_names:
        return _named(graph, options.output_names, "--output-names")
    read = {ref.node for node in graph.nodes.values() for ref in node.inputs}
    read |= {control for node in graph.nodes.values() for control in node.controls}
    sinks = [
        TensorRef(node.name)
        for node in graph.nodes.values()
        if node.op not in _NO_OUTPUT
        and node.name not in read
        and not wiring.is_dead(TensorRef(node.name))
    ]
    feeds = {node.name for node in graph.nodes.values() if node.op in PLACEHOLDERS}
    feeds |= {TensorRef.parse(name).node for name in options.input_names}
    outputs = [ref for ref in sinks if reachable(graph, wiring, [ref], feeds) & feeds]
    if not outputs:
        raise ImportFailure(
            "the graph has no output that depends on an input",
            hint="name the tensors to compute with --output-names",
        )
    return outputs


def _named(graph: Graph, names: Iterable[str], flag: str) -> list[TensorRef]:
    def find(name: str) -> TensorRef:
        ref = TensorRef.parse(name)
        if ref.node not in graph.nodes:
            hint = did_you_mean(ref.node, graph.nodes)
            raise UsageError(f"{flag}: the graph has no tensor '{name}'", hint=hint)
        return ref

    return find_each(names, find, flag)


def cut_tensors(graph: Graph, options: ImportOptions) -> list[TensorRef]:
    """Return the tensors that the user declared to be inputs."""
    return _named(graph, options.input_names, "--input-names")


def choose_inputs(
    graph: Graph, live: Collection[str], constants: Collection[str], options: ImportOptions
) -> list[Input]:
    """Return the tensors to feed, with static shapes.

    Args:
        graph: The graph.
        live: The nodes that the outputs need.
        constants: Placeholders that are fixed.
        options: Names, shapes and batch.

    Raises:
        ImportFailure: Some input has no static shape, no batch axis or an unfit type; all of them
            are listed.
        UsageError: An option names no input or contradicts the model.
    """
    placeholders = [
        node
        for node in graph.nodes.values()
        if node.op in PLACEHOLDERS and node.name in live and node.name not in constants
    ]
    own = [TensorRef(node.name) for node in placeholders if not uses_default(node)]
    refs = _named(graph, options.input_names, "--input-names") or own
    shapes = {str(TensorRef.parse(k)): v for k, v in options.input_shapes.items()}
    others = [node.name for node in graph.nodes.values() if node.op in PLACEHOLDERS]
    require_inputs(shapes, [str(ref) for ref in refs], others)

    def make(ref: TensorRef) -> Input | Diagnostic:
        return _input(graph.nodes[ref.node], ref, shapes.get(str(ref)), options.batch)

    return collect_inputs(refs, own, make)


def _input(
    node: Node, ref: TensorRef, given: tuple[int, ...] | None, batch: int | None
) -> Input | Diagnostic:
    is_placeholder = node.op in PLACEHOLDERS
    dtype = placeholder_dtype(node) if is_placeholder else DType.FLOAT
    model = placeholder_shape(node) if is_placeholder else None
    if dtype is DType.BOOL:
        return Diagnostic(
            f"the bool input '{ref}' is not set", hint=f"fix it: --set {ref}=false (inference)"
        )
    if dtype.logical() is None:
        return Diagnostic(
            f"input '{ref}' is a {dtype.name.lower()}",
            hint="name a later, numeric tensor: --input-names NAME --input-shape NAME=1,32,32,3",
        )
    shape = static_shape(str(ref), model, given, batch)
    if isinstance(shape, Diagnostic):
        return shape
    return Input(ref, shape, dtype, model[0] if model else -1)
