# SPDX-License-Identifier: Apache-2.0
"""Inputs and outputs: which tensors they are, their public names, their static shapes."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from bnnc.ir.diagnostics import Diagnostic, ImportFailure, UsageError, did_you_mean

from ..options import ImportOptions, SetValue
from .control import PLACEHOLDERS, Wiring, reachable
from .graphdef import Graph, Node, ShapeAttr, TensorRef
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


def public_ref(text: str) -> TensorRef:
    """Read a tensor name as users write it; ``x:0`` is ``x``."""
    return TensorRef.parse(text)


def set_constants(graph: Graph, options: ImportOptions) -> dict[str, np.ndarray]:
    """Return the placeholders that the user fixed, by node name, as arrays of the IR's dtypes.

    Raises:
        UsageError: A name is no placeholder, or its value does not fit its type or shape.
    """
    constants: dict[str, np.ndarray] = {}
    for text, value in options.set_values.items():
        ref = public_ref(text)
        node = graph.nodes.get(ref.node)
        if node is None or node.op not in PLACEHOLDERS:
            names = [n.name for n in graph.nodes.values() if n.op in PLACEHOLDERS]
            raise UsageError(
                f"--set {text}: the graph has no placeholder of this name",
                hint=did_you_mean(ref.node, names) or f"placeholders: {', '.join(names) or 'none'}",
            )
        constants[node.name] = _constant(node, value)
    return constants


def _constant(node: Node, value: SetValue) -> np.ndarray:
    dtype = _dtype(node)
    wanted = dtype.logical()
    if wanted is None:
        raise UsageError(f"--set {node.name}: cannot set a {dtype.name.lower()}")
    try:
        array = np.array(_parse(value) if isinstance(value, str) else value)
    except ValueError:
        array = np.array(None)
    if array.dtype.kind not in "biuf" or (dtype is DType.BOOL) != (array.dtype.kind == "b"):
        if dtype is DType.BOOL and array.dtype.kind in "iu" and np.isin(array, (0, 1)).all():
            array = array.astype(np.bool_)
        else:
            example = "true or false" if dtype is DType.BOOL else "a number or a list, e.g. 0.5"
            raise UsageError(f"--set {node.name}={value}: expected {example}")
    shape = _model_shape(node)
    if array.ndim == 0 and shape is not None and -1 not in shape:
        array = np.broadcast_to(array, shape)
    fits = shape is None or (
        len(shape) == array.ndim
        and all(s in (-1, d) for s, d in zip(shape, array.shape, strict=True))
    )
    if not fits:
        raise UsageError(f"--set {node.name}: shape {list(array.shape)} is not {list(shape or ())}")
    return array.astype(wanted)


def _parse(text: str) -> object:
    """Read a number, true/false, or a list with or without brackets."""
    lowered = text.strip().lower()
    for candidate in (lowered, f"[{lowered}]"):
        try:
            return json.loads(candidate)
        except json.JSONDecodeError:
            continue
    return float(lowered)  # inf, nan, .5


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
    feeds |= {public_ref(name).node for name in options.input_names}
    outputs = [ref for ref in sinks if reachable(graph, wiring, [ref], feeds) & feeds]
    if not outputs:
        raise ImportFailure(
            "the graph has no output that depends on an input",
            hint="name the tensors to compute with --output-names",
        )
    return outputs


def _named(graph: Graph, names: Iterable[str], flag: str) -> list[TensorRef]:
    refs: list[TensorRef] = []
    for name in names:
        ref = public_ref(name)
        if ref.node not in graph.nodes:
            hint = did_you_mean(ref.node, graph.nodes)
            raise UsageError(f"{flag}: the graph has no tensor '{name}'", hint=hint)
        if ref in refs:
            raise UsageError(f"{flag}: '{name}' is given twice")
        refs.append(ref)
    return refs


def cut_nodes(graph: Graph, options: ImportOptions) -> set[str]:
    """Return the nodes that the user declared to be inputs."""
    return {ref.node for ref in _named(graph, options.input_names, "--input-names")}


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
    shapes = {str(public_ref(k)): v for k, v in options.input_shapes.items()}
    known = {*map(str, refs), *(n.name for n in graph.nodes.values() if n.op in PLACEHOLDERS)}
    for name in shapes:
        if name not in known:
            hint = did_you_mean(name, known) or f"inputs: {', '.join(map(str, refs))}"
            raise UsageError(f"--input-shape {name}: the model has no such input", hint=hint)
    inputs: list[Input] = []
    problems = [
        Diagnostic(f"input '{ref}' is needed too", hint=f"add it to --input-names, or --set {ref}=")
        for ref in own
        if ref not in refs
    ]
    for ref in refs:
        made = _input(graph.nodes[ref.node], ref, shapes.get(str(ref)), options.batch)
        if isinstance(made, Input):
            inputs.append(made)
        else:
            problems.append(made)
    if problems:
        raise ImportFailure(problems[0].message, diagnostics=problems)
    return inputs


def uses_default(node: Node) -> bool:
    """Whether an unfed placeholder stands for its default: flags and probabilities do.

    A default with a batch axis and an image behind it is only a stand-in for the real input.
    """
    if node.op != "PlaceholderWithDefault":
        return False
    shape = _model_shape(node)
    return not _dtype(node).is_float or (shape is not None and len(shape) < 2)


def _input(
    node: Node, ref: TensorRef, given: tuple[int, ...] | None, batch: int | None
) -> Input | Diagnostic:
    is_placeholder = node.op in PLACEHOLDERS
    dtype = _dtype(node) if is_placeholder else DType.FLOAT
    model = _model_shape(node) if is_placeholder else None
    if dtype is DType.BOOL:
        return Diagnostic(
            f"the bool input '{ref}' is not set", hint=f"fix it: --set {ref}=false (inference)"
        )
    if dtype.logical() is None:
        return Diagnostic(
            f"input '{ref}' is a {dtype.name.lower()}",
            hint="name a later, numeric tensor: --input-names NAME --input-shape NAME=1,32,32,3",
        )
    if given is not None and model is not None:
        _check_shape(ref, given, model)
    dims = list(given or model or ())
    if model is not None:
        dims = [m if d == -1 else d for d, m in zip(dims, model, strict=True)]
    if given is None and model == ():
        return Diagnostic(
            f"input '{ref}' has no batch axis", hint=f"fix it: --set {ref}=VALUE (a constant)"
        )
    if dims and batch is not None:
        if given is not None and given[0] not in (-1, batch):
            raise UsageError(f"--batch {batch} contradicts --input-shape {ref} with {given[0]}")
        dims[0] = batch
    if dims and dims[0] == -1:
        dims[0] = 1
    if not dims or -1 in dims:
        shown = ",".join("?" if d == -1 else str(d) for d in dims) or "unknown"
        example = ",".join(str(32 if d == -1 else d) for d in dims) or "1,32,32,3"
        return Diagnostic(
            f"the shape of input '{ref}' is not static: {shown}",
            hint=f"give it: --input-shape {ref}={example}",
        )
    return Input(ref, tuple(dims), dtype, model[0] if model else -1)


def _check_shape(ref: TensorRef, given: tuple[int, ...], model: tuple[int, ...]) -> None:
    """Only the batch and what the model leaves open may be chosen."""
    fits = len(given) == len(model) and all(
        -1 in (g, m) or g == m for g, m in zip(given[1:], model[1:], strict=True)
    )
    if not fits or any(d < 1 and d != -1 for d in given):
        shown = ",".join("?" if d == -1 else str(d) for d in model)
        raise UsageError(
            f"--input-shape {ref}={','.join(map(str, given))} does not fit the model's {shown}"
        )


def _dtype(node: Node) -> DType:
    dtype = node.attrs.get("dtype")
    return dtype if isinstance(dtype, DType) else DType.FLOAT


def _model_shape(node: Node) -> tuple[int, ...] | None:
    shape = node.attrs.get("shape")
    return shape.dims if isinstance(shape, ShapeAttr) else None
