# SPDX-License-Identifier: Apache-2.0
"""Inputs and outputs: which tensors they are, their public names, their static shapes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from bnnc.ir import TensorType
from bnnc.ir.diagnostics import Diagnostic, ImportFailure, UsageError, did_you_mean
from bnnc.ir.types import Quant, Scalar

from ..failures import Unsupported
from ..inputs import collect_inputs, find_each, require_inputs
from ..options import ImportOptions
from ..set_values import set_array
from ..shapes import static_shape
from .model import Model, Operator, Tensor
from .quantization import PerTensor


@dataclass(frozen=True)
class Input:
    """A tensor to feed. `model_batch` is the batch that the model was made for, or -1."""

    tensor: Tensor
    name: str
    type: TensorType
    model_batch: int


def public_names(model: Model) -> list[str]:
    """A name for each tensor, without a trailing ``:0``; a second one of its name has a number."""
    seen: dict[str, int] = {}
    names: list[str] = []
    for tensor in model.tensors:
        name = tensor.name.removesuffix(":0")
        count = seen.get(name, 0)
        seen[name] = count + 1
        names.append(f"{name}.{tensor.index}" if count else name)
    return names


def short_names(model: Model, names: list[str]) -> list[str]:
    """What operators go by: converters join the names of all that was fused, the last one first.

    Names that are no result's, or that two results begin with, stay as they are.
    """
    results = {index for operator in model.operators for index in operator.outputs}
    counts = Counter(names[index].partition(";")[0] for index in results)
    counts.update(names[index] for index in {*model.inputs} - results)
    found = list(names)
    for index in results:
        first = names[index].partition(";")[0]
        if first and counts[first] == 1:
            found[index] = first
    return found


def find_tensors(model: Model, names: list[str], wanted: Iterable[str], flag: str) -> list[int]:
    """Tensors by public or short name, with or without ``:0``.

    Raises:
        UsageError: There is none of a name, or one is given twice.
    """
    places = {name: i for i, name in enumerate(short_names(model, names))}
    places |= {name: i for i, name in reversed(list(enumerate(names)))}

    def find(name: str) -> int:
        index = places.get(name.removesuffix(":0"))
        if index is None:
            hint = did_you_mean(name, places)
            raise UsageError(f"{flag}: the model has no tensor '{name}'", hint=hint)
        return index

    return find_each(wanted, find, flag)


def set_constants(model: Model, names: list[str], options: ImportOptions) -> dict[int, np.ndarray]:
    """The inputs that the user fixes, as arrays."""
    found: dict[int, np.ndarray] = {}
    for name, value in options.set_values.items():
        (index,) = find_tensors(model, names, [name], "--set")
        tensor = model.tensors[index]
        dtype = tensor.dtype.logical()
        if index not in model.inputs or dtype is None:
            raise UsageError(f"--set {name}: the model has no such input")
        found[index] = set_array(name, value, dtype, tensor.shape)
    return found


def live_operators(
    model: Model, outputs: Iterable[int], stops: Iterable[int]
) -> tuple[list[Operator], set[int]]:
    """The operators that the outputs need, in the order of the file, and the tensors read.

    Raises:
        ImportFailure: An operator reads what only a later one computes.
    """
    given = set(stops)
    maker = {t: i for i, op in enumerate(model.operators) for t in op.outputs if t not in given}
    needed: set[int] = set()
    live = set(outputs)
    stack = list(live)
    while stack:
        index = maker.get(stack.pop())
        if index is None or index in needed:
            continue
        needed.add(index)
        for tensor in model.operators[index].inputs:
            if tensor >= 0 and maker.get(tensor, -1) >= index:
                raise ImportFailure(
                    f"operator {index} ({model.operators[index].kind}) reads tensor "
                    f"'{model.tensors[tensor].name}' before it is computed",
                    hint="the file is damaged; convert the model again",
                )
            if tensor >= 0 and tensor not in live:
                live.add(tensor)
                stack.append(tensor)
    return [op for i, op in enumerate(model.operators) if i in needed], live


def choose_inputs(
    model: Model,
    names: list[str],
    live: set[int],
    constants: Mapping[int, np.ndarray],
    options: ImportOptions,
) -> list[Input]:
    """The tensors to feed, with static shapes.

    Raises:
        ImportFailure: Some input has no static shape, no batch axis or an unfit type.
        UsageError: An option names no input or contradicts the model.
    """
    own = [i for i in model.inputs if i in live and i not in constants]
    chosen = find_tensors(model, names, options.input_names, "--input-names") or own
    shapes = {
        find_tensors(model, names, [name], "--input-shape")[0]: shape
        for name, shape in options.input_shapes.items()
    }
    require_inputs(
        [names[i] for i in shapes], [names[i] for i in chosen], [names[i] for i in model.inputs]
    )

    def make(index: int) -> Input | Diagnostic:
        return _input(model.tensors[index], names[index], shapes.get(index), options.batch)

    return collect_inputs(chosen, own, make, lambda index: names[index])


def _input(
    tensor: Tensor, name: str, given: tuple[int, ...] | None, batch: int | None
) -> Input | Diagnostic:
    shape = static_shape(name, tensor.shape, given, batch)
    if isinstance(shape, Diagnostic):
        return shape
    try:
        type_ = input_type(tensor, shape)
    except Unsupported as why:
        return Diagnostic(f"input '{name}' {why.message}", hint=why.advice)
    return Input(tensor, name, type_, tensor.shape[0] if tensor.shape else -1)


def input_type(tensor: Tensor, shape: tuple[int, ...]) -> TensorType:
    """The type of an input: floats, or bytes with their scale.

    Raises:
        Unsupported: It is of another one.
    """
    if tensor.is_byte:
        q = PerTensor.of(tensor)
        return TensorType(shape, Scalar(q.to), quant=Quant(q.scale, q.zero))
    if tensor.dtype.is_float:
        return TensorType(shape)
    raise Unsupported(
        f"holds {tensor.dtype.name.lower()}",
        "name a later, float or quantized tensor: --input-names NAME, or fix it: --set NAME=VALUE",
    )
