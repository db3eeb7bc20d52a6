# SPDX-License-Identifier: Apache-2.0
"""TensorFlow Lite models: tensors and operators, as the file lists them.

The numbers of fields are those of TensorFlow Lite's schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bnnc.ir.diagnostics import ImportFailure, UsageError

from ..tensorflow.graphdef import Attr
from ..tensorflow.tensors import DType
from .flatbuffer import Damaged, Table
from .flexbuffer import read_map
from .operators import CUSTOM, OPERATORS
from .options import DTYPES, read_options

_MOST_AXES = 8


@dataclass(frozen=True, eq=False)
class Quantization:
    """Real value = scale * (integer - zero), for the whole tensor or along an axis."""

    scales: np.ndarray
    zeros: np.ndarray
    axis: int


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor; `data` is None for what is computed.

    ``shape`` has -1 where the model leaves an axis open.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: DType
    data: np.ndarray | None
    quantization: Quantization | None

    @property
    def is_byte(self) -> bool:
        """Whether it holds quantized bytes."""
        return self.dtype in (DType.INT8, DType.UINT8) and self.quantization is not None


@dataclass(frozen=True, eq=False)
class Operator:
    """An operator: its kind, the tensors that it reads (-1: left out) and writes, its options."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    attrs: Mapping[str, Attr] = field(default_factory=dict[str, Attr])


@dataclass(frozen=True, eq=False)
class Model:
    """The first subgraph of a file."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read_model(path: Path) -> Model:
    """Read a ``.tflite`` file.

    Raises:
        UsageError: It cannot be read.
        ImportFailure: It is damaged or no such file.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    if data[4:8] != b"TFL3":
        raise ImportFailure(
            f"{path} is no TensorFlow Lite model",
            hint="it has another format or is damaged: the bytes 4 to 7 of one are TFL3",
        )
    try:
        return _read(data)
    except Damaged as why:
        raise ImportFailure(
            f"{path} is damaged: {why}", hint="the file is incomplete or was changed; copy it again"
        ) from None


def _read(data: bytes) -> Model:
    model = Table.root(data)
    kinds = model.tables(1, _kind)
    buffers = model.tables(4, lambda t: t)
    graphs = model.tables(2, lambda t: t)
    if not graphs:
        raise Damaged("it has no graph")
    tables = graphs[0].tables(0, lambda t: t)
    tensors = tuple(_tensor(i, t, buffers, data) for i, t in enumerate(tables))
    count = len(tensors)
    inputs, outputs = (_places(graphs[0], slot, count, optional=False) for slot in (1, 2))
    operators = tuple(graphs[0].tables(3, lambda t: _operator(t, kinds, count)))
    return Model(tensors, operators, inputs, outputs)


def _kind(code: Table) -> str:
    """The name of an operator code; numbers above 126 stand in a newer field."""
    number = max(code.integer(0, "b"), code.integer(3))
    if not 0 <= number < len(OPERATORS):
        return f"operator number {number}"
    return code.text(1) if OPERATORS[number] == CUSTOM else OPERATORS[number]


def _places(table: Table, slot: int, count: int, *, optional: bool) -> tuple[int, ...]:
    array = table.array(slot, np.int32)
    lowest = -1 if optional else 0
    if array.size and not lowest <= int(array.min()) <= int(array.max()) < count:
        raise Damaged(f"tensors {array[:8].tolist()} are named, there are {count}")
    return tuple(int(i) for i in array)


def _operator(table: Table, kinds: list[str], count: int) -> Operator:
    code = table.integer(0, "I")
    if code >= len(kinds):
        raise Damaged(f"operator code {code} is named, there are {len(kinds)}")
    kind, attrs = kinds[code], dict[str, Attr]()
    custom = bytes(table.array(5, np.uint8))
    if custom and kind.startswith("Lce"):
        attrs |= read_map(custom)
    else:
        attrs |= read_options(kind, table.table(4))
    inputs = _places(table, 1, count, optional=True)
    return Operator(kind, inputs, _places(table, 2, count, optional=False), attrs)


def _tensor(index: int, table: Table, buffers: list[Table], data: bytes) -> Tensor:
    dtype = DTYPES.get(table.integer(1, "b"), DType.OTHER)
    shape, signature = (_dims(table, slot) for slot in (0, 7))
    sparse = table.table(6) is not None
    buffer = table.integer(2, "I")
    if buffer >= len(buffers):
        raise Damaged(f"buffer {buffer} is named, there are {len(buffers)}")
    quantization = table.table(4)
    return Tensor(
        index,
        table.text(3) or f"tensor{index}",
        signature if len(signature) == len(shape) else shape,
        dtype,
        None if sparse else _data(buffers[buffer], dtype, shape, data),
        None if quantization is None else _quantization(quantization, shape),
    )


def _dims(table: Table, slot: int) -> tuple[int, ...]:
    array = table.array(slot, np.int32)
    if array.size > _MOST_AXES or (array.size and int(array.min()) < -1):
        raise Damaged(f"a tensor has the shape {array[:_MOST_AXES].tolist()}")
    return tuple(int(d) for d in array)


def _data(buffer: Table, dtype: DType, shape: tuple[int, ...], data: bytes) -> np.ndarray | None:
    """The constant that a buffer holds; None for an empty one."""
    stored = buffer.array(0, np.uint8)
    offset, size = (buffer.integer(slot, "Q") for slot in (1, 2))
    if not stored.size and offset > 1:
        if offset + size > len(data):
            raise Damaged(f"a buffer of {size} bytes at {offset} goes beyond the end")
        stored = np.frombuffer(data, np.uint8, size, offset)
    kind = dtype.stored()
    if not stored.size or kind is None:
        return None
    count = 1
    for d in shape:
        count *= d
    if min(shape, default=1) < 0 or count * kind.itemsize != stored.size:
        raise Damaged(f"a constant of shape {list(shape)} has {stored.size} bytes")
    return stored.view(kind).reshape(shape)


def _quantization(table: Table, shape: tuple[int, ...]) -> Quantization | None:
    scales, zeros = table.array(2, np.float32), table.array(3, np.int64)
    axis = table.integer(6)
    if not scales.size:
        return None
    if zeros.size != scales.size:
        zeros = np.broadcast_to(zeros[:1] if zeros.size else np.zeros(1, np.int64), scales.shape)
    if scales.size > 1 and not (0 <= axis < len(shape) and shape[axis] == scales.size):
        raise Damaged(f"{scales.size} scales for axis {axis} of {list(shape)}")
    return Quantization(scales, zeros, axis)
