# SPDX-License-Identifier: Apache-2.0
"""Writes small TensorFlow Lite files, straight from the schema's numbers."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from bnnc.frontends.tflite.operators import CUSTOM, OPERATORS

Scalar: TypeAlias = "tuple[str, int | float]"
Value: TypeAlias = "Scalar | str | np.ndarray | Fields | list[Fields]"
Fields: TypeAlias = "dict[int, Value]"
_TYPES = {"float32": 0, "int32": 2, "uint8": 3, "int64": 4, "int8": 9}


def flatbuffer(root: Fields, identifier: bytes = b"TFL3") -> bytes:
    """A buffer of a table; every part stands behind what points to it, on a multiple of 8."""
    data = bytearray(8)
    data[4:8] = identifier
    _point(data, 0, _table(data, root))
    return bytes(data)


def _align(data: bytearray, behind: int = 0) -> int:
    data += b"\0" * (-(len(data) + behind) % 8)
    return len(data)


def _point(data: bytearray, at: int, target: int) -> None:
    struct.pack_into("<I", data, at, target - at)


def _table(data: bytearray, fields: Fields) -> int:
    """Vtable, then the table with eight bytes for each field."""
    slots = max(fields, default=-1) + 1
    places = {slot: 8 + 8 * i for i, slot in enumerate(fields)}
    vtable = _align(data)
    sizes = [4 + 2 * slots, 8 + 8 * len(fields), *(places.get(s, 0) for s in range(slots))]
    data += struct.pack(f"<{len(sizes)}H", *sizes)
    at = _align(data)
    data += struct.pack("<i", at - vtable) + bytes(4 + 8 * len(fields))
    for slot, value in fields.items():
        place = at + places[slot]
        if isinstance(value, tuple):
            struct.pack_into(f"<{value[0]}", data, place, value[1])
        else:
            _point(data, place, _part(data, value))
    return at


def _part(data: bytearray, value: str | np.ndarray | Fields | list[Fields]) -> int:
    if isinstance(value, dict):
        return _table(data, value)
    if isinstance(value, str):
        value = np.frombuffer(value.encode() + b"\0", np.uint8)
        at = _align(data, behind=4)
        data += struct.pack("<I", value.size - 1) + value.tobytes()
        return at
    at = _align(data, behind=4)
    if isinstance(value, list):
        data += struct.pack("<I", len(value)) + bytes(4 * len(value))
        for i, one in enumerate(value):
            place = at + 4 + 4 * i
            _point(data, place, _table(data, one))
    else:
        data += struct.pack("<I", value.size) + value.tobytes()
    return at


def flexbuffer(options: dict[str, int]) -> bytes:
    """A map of numbers, all of them of four bytes."""
    data = bytearray()
    keys: dict[str, int] = {}
    for key in sorted(options):
        keys[key] = len(data)
        data += key.encode() + b"\0"
    data += b"\0" * (-len(data) % 4)
    data += struct.pack("<I", len(keys))
    keys_at = len(data)
    for key in keys:
        data += struct.pack("<I", len(data) - keys[key])
    data += struct.pack("<III", len(data) - keys_at, 4, len(keys))
    at = len(data)
    data += b"".join(struct.pack("<i", options[key]) for key in keys)
    data += bytes([1 << 2 | 2] * len(keys))
    data += bytes([len(data) - at, 9 << 2 | 2, 1])
    return bytes(data)


def packed(signs: np.ndarray) -> np.ndarray:
    """+-1 [..., channels] as Larq Compute Engine's words."""
    tail = -signs.shape[-1] % 32
    negative = np.pad(signs < 0, [(0, 0)] * (signs.ndim - 1) + [(0, tail)])
    words = np.packbits(negative, axis=-1, bitorder="little").view("<i4")
    return np.asarray(words, np.int32)


@dataclass
class Net:
    """Tensors and operators in order; an operator gives one tensor."""

    tensors: list[Fields] = field(default_factory=list[Fields])
    buffers: list[Fields] = field(default_factory=lambda: [{}])
    operators: list[Fields] = field(default_factory=list[Fields])
    codes: list[Fields] = field(default_factory=list[Fields])
    inputs: list[int] = field(default_factory=list[int])

    def tensor(
        self, shape: tuple[int, ...], dtype: str = "float32", name: str = "", **quant: Any
    ) -> int:
        fields: Fields = {
            0: np.array(shape, np.int32),
            1: ("b", _TYPES[dtype]),
            3: name or f"t{len(self.tensors)}",
        }
        if quant:
            fields[4] = {
                2: np.array(quant["scale"], np.float32).reshape(-1),
                3: np.array(quant.get("zero", 0), np.int64).reshape(-1),
                6: ("i", quant.get("axis", 0)),
            }
        self.tensors.append(fields)
        return len(self.tensors) - 1

    def input(self, shape: tuple[int, ...], **options: Any) -> int:
        self.inputs.append(self.tensor(shape, **options))
        return self.inputs[-1]

    def constant(self, array: np.ndarray, **quant: Any) -> int:
        index = self.tensor(array.shape, str(array.dtype), **quant)
        self.tensors[index][2] = ("I", len(self.buffers))
        self.buffers.append({0: np.frombuffer(array.tobytes(), np.uint8)})
        return index

    def add(
        self,
        kind: str,
        inputs: list[int],
        shape: tuple[int, ...],
        options: Mapping[int, Value] | Mapping[str, int] | None = None,
        **tensor: Any,
    ) -> int:
        """An operator; options of those that are Larq's go by name."""
        output = self.tensor(shape, **tensor)
        number = OPERATORS.index(CUSTOM if kind.startswith("Lce") else kind)
        code: Fields = {0: ("b", min(number, 127)), 3: ("i", number)}
        operator: Fields = {
            0: ("I", len(self.codes)),
            1: np.array(inputs, np.int32),
            2: np.array([output], np.int32),
        }
        given: Any = options or {}
        if kind.startswith("Lce"):
            code[1] = kind
            operator[5] = np.frombuffer(flexbuffer(given), np.uint8)
        elif given:
            operator[4] = given
        self.codes.append(code)
        self.operators.append(operator)
        return output

    def file(self, *outputs: int) -> bytes:
        graph: Fields = {
            0: self.tensors,
            1: np.array(self.inputs, np.int32),
            2: np.array(outputs, np.int32),
            3: self.operators,
        }
        return flatbuffer({0: ("I", 3), 1: self.codes, 2: [graph], 4: self.buffers})
