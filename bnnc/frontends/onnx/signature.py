# SPDX-License-Identifier: Apache-2.0
"""Inputs and outputs: which tensors they are, their static shapes, what is fixed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from bnnc.ir.diagnostics import Diagnostic, ImportFailure, UsageError, did_you_mean

from ..inputs import collect_inputs, find_each, require_inputs
from ..options import ImportOptions
from ..set_values import set_array
from ..shapes import static_shape
from .graph import Declared, Model, Node
from .tensors import logical_dtype, type_name

_FLOAT = Declared(TensorProto.FLOAT, None)


@dataclass(frozen=True)
class Input:
    """A tensor to feed. `model_batch` is the batch that the model fixes, or -1."""

    name: str
    shape: tuple[int, ...]
    kind: int
    model_batch: int


def set_constants(model: Model, options: ImportOptions) -> dict[str, np.ndarray]:
    """Return the inputs that the user fixed, as arrays of the IR's dtypes.

    Raises:
        UsageError: A name is no input, or its value does not fit its type or shape.
    """
    constants: dict[str, np.ndarray] = {}
    for text, value in options.set_values.items():
        name = _tensor_name(model, text, "--set")
        declared = model.inputs.get(name)
        if declared is None:
            hint = did_you_mean(name, model.inputs) or f"inputs: {', '.join(model.inputs)}"
            raise UsageError(f"--set {text}: the model has no such input", hint=hint)
        dtype = logical_dtype(declared.kind)
        if dtype is None:
            raise UsageError(f"--set {name}: cannot set a {type_name(declared.kind)}")
        constants[name] = set_array(name, value, dtype, declared.dims)
    return constants


def choose_outputs(model: Model, options: ImportOptions) -> list[str]:
    """Return the tensors to compute: those named, or the model's own outputs."""
    if options.output_names:
        return _named(model, options.output_names, "--output-names")
    return list(model.outputs)


def cut_tensors(model: Model, options: ImportOptions) -> list[str]:
    """Return the tensors that the user declared to be inputs."""
    return _named(model, options.input_names, "--input-names")


def choose_inputs(
    model: Model, live: Collection[str], constants: Collection[str], options: ImportOptions
) -> list[Input]:
    """Return the tensors to feed, with static shapes.

    Args:
        model: The model.
        live: The tensors that the outputs need.
        constants: Inputs that are fixed.
        options: Names, shapes and batch.

    Raises:
        ImportFailure: Some input has no static shape, no batch axis or an unfit type; all of them
            are listed.
        UsageError: An option names no input or contradicts the model.
    """
    own = [name for name in model.inputs if name in live and name not in constants]
    names = cut_tensors(model, options) or own
    shapes = {_tensor_name(model, k, "--input-shape"): v for k, v in options.input_shapes.items()}
    require_inputs(shapes, names, model.inputs)

    def make(name: str) -> Input | Diagnostic:
        return _input(name, model.declared.get(name, _FLOAT), shapes.get(name), options.batch)

    return collect_inputs(names, own, make)


def _input(
    name: str, declared: Declared, given: tuple[int, ...] | None, batch: int | None
) -> Input | Diagnostic:
    if declared.kind == TensorProto.BOOL:
        return Diagnostic(f"the bool input '{name}' is not set", hint=f"fix it: --set {name}=false")
    if logical_dtype(declared.kind) is None:
        return Diagnostic(
            f"input '{name}' is a {type_name(declared.kind)}",
            hint="name a later, numeric tensor: --input-names NAME --input-shape NAME=1,3,32,32",
        )
    shape = static_shape(name, declared.dims, given, batch)
    if isinstance(shape, Diagnostic):
        return shape
    return Input(name, shape, declared.kind, declared.dims[0] if declared.dims else -1)


def _named(model: Model, names: Iterable[str], flag: str) -> list[str]:
    return find_each(names, lambda text: _tensor_name(model, text, flag), flag)


def _tensor_name(model: Model, text: str, flag: str) -> str:
    """A tensor by its name, with or without ``:0``, or by the name of the node that makes it."""
    tensors = {*model.inputs, *model.constants}
    makers: dict[str, str] = {}
    for node in model.nodes:
        tensors.update(filter(None, node.outputs))
        makers.setdefault(node.name, next(iter(filter(None, node.outputs)), ""))
    for candidate in (text, f"{text}:0", text.removesuffix(":0")):
        if candidate in tensors:
            return candidate
    if makers.get(text):
        return makers[text]
    raise UsageError(
        f"{flag}: the model has no tensor '{text}'", hint=did_you_mean(text, {*tensors, *makers})
    )


def live_nodes(
    model: Model, outputs: Iterable[str], stops: Collection[str]
) -> tuple[list[Node], set[str]]:
    """Return the nodes that the outputs need, each behind those that it reads, and the tensors.

    Args:
        model: The model.
        outputs: Tensors to compute.
        stops: Tensors that are given.

    Raises:
        ImportFailure: The nodes go round in circles.
    """
    producer = {name: node for node in model.nodes for name in node.outputs if name}
    order: list[Node] = []
    live: set[str] = set()
    done: dict[int, bool] = {}  # by node: False while its operands are being visited
    stack: list[tuple[str, bool]] = [(name, False) for name in reversed(list(outputs))]
    while stack:
        name, leaving = stack.pop()
        node = None if name in stops else producer.get(name)
        live.add(name)
        if node is None:
            continue
        if leaving:
            done[id(node)] = True
            order.append(node)
        elif id(node) not in done:
            done[id(node)] = False
            stack.append((name, True))
            stack += [(one, False) for one in reversed(node.inputs) if one]
        elif not done[id(node)]:
            raise ImportFailure(
                f"the graph goes round in circles at node '{node.name}'",
                hint="the file is damaged; export it again",
            )
    position = {id(node): i for i, node in enumerate(model.nodes)}
    if all(_ordered(node, producer, position, stops) for node in order):
        order.sort(key=lambda node: position[id(node)])
    return order, live


def _ordered(
    node: Node, producer: dict[str, Node], position: dict[int, int], stops: Collection[str]
) -> bool:
    """Whether a node stands behind all that it reads, as ONNX asks."""
    sources = [producer[n] for n in node.inputs if n in producer and n not in stops]
    return all(position[id(s)] < position[id(node)] for s in sources)
