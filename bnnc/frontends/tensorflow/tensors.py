# SPDX-License-Identifier: Apache-2.0
"""Data types and constant tensors of a graph.

Every floating-point type becomes float32, the one float type of the IR: half and bfloat16 embed
exactly, double is rounded once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from bnnc.ir.diagnostics import ImportFailure
from bnnc.ir.limits import require_affordable


class DType(IntEnum):
    """``tensorflow.DataType``; the values of reference types are 100 higher."""

    INVALID = 0
    FLOAT = 1
    DOUBLE = 2
    INT32 = 3
    UINT8 = 4
    INT16 = 5
    INT8 = 6
    STRING = 7
    COMPLEX64 = 8
    INT64 = 9
    BOOL = 10
    QINT8 = 11
    QUINT8 = 12
    QINT32 = 13
    BFLOAT16 = 14
    QINT16 = 15
    QUINT16 = 16
    UINT16 = 17
    COMPLEX128 = 18
    HALF = 19
    RESOURCE = 20
    VARIANT = 21
    UINT32 = 22
    UINT64 = 23
    OTHER = 99

    @classmethod
    def of(cls, number: int) -> DType:
        """Return the type of a number in a file; reference types become plain ones."""
        try:
            return cls(number - 100 if number > 100 else number)
        except ValueError:
            return cls.OTHER

    @property
    def is_float(self) -> bool:
        """Whether the IR holds it as f32."""
        return self in _FLOATS

    @property
    def is_integer(self) -> bool:
        """Whether it is a plain integer type (bool is none)."""
        return self in _STORED and not self.is_float and self is not DType.BOOL

    def logical(self) -> np.dtype[np.generic] | None:
        """The numpy dtype in the IR, or None for types that the IR does not have."""
        if self.is_float:
            return np.dtype(np.float32)
        return _STORED[self][0] if self in _STORED else None

    def stored(self) -> np.dtype[np.generic] | None:
        """The numpy dtype in a file, or None for types that the IR does not have."""
        return _STORED[self][0] if self in _STORED else None


_FLOATS = (DType.FLOAT, DType.DOUBLE, DType.HALF, DType.BFLOAT16)

# The dtype in tensor_content, and the field that holds single values.
_STORED: dict[DType, tuple[np.dtype[np.generic], str]] = {
    DType.FLOAT: (np.dtype("<f4"), "float_val"),
    DType.DOUBLE: (np.dtype("<f8"), "double_val"),
    DType.HALF: (np.dtype("<f2"), "half_val"),
    DType.BFLOAT16: (np.dtype("<u2"), "half_val"),
    DType.INT8: (np.dtype("<i1"), "int_val"),
    DType.INT16: (np.dtype("<i2"), "int_val"),
    DType.INT32: (np.dtype("<i4"), "int_val"),
    DType.INT64: (np.dtype("<i8"), "int64_val"),
    DType.UINT8: (np.dtype("<u1"), "int_val"),
    DType.UINT16: (np.dtype("<u2"), "int_val"),
    DType.UINT32: (np.dtype("<u4"), "uint32_val"),
    DType.UINT64: (np.dtype("<u8"), "uint64_val"),
    DType.BOOL: (np.dtype("?"), "bool_val"),
}


def read_shape(proto: Any) -> tuple[int, ...] | None:
    """Return a TensorShapeProto's dimensions, -1 where unknown; None when the rank is unknown."""
    if proto.unknown_rank:
        return None
    return tuple(int(d.size) for d in proto.dim)


@dataclass(frozen=True)
class TensorAttr:
    """A constant that is still in its message."""

    proto: Any

    @property
    def dtype(self) -> DType:
        """Its data type in the graph."""
        return DType.of(self.proto.dtype)

    def array(self) -> np.ndarray:
        """Decode the constant: f32 for every float type, integers and bool as they are.

        Fewer values than elements mean that the last one repeats.

        Raises:
            ImportFailure: The type is not a number, or the data does not fit the shape.
        """
        dtype, proto = self.dtype, self.proto
        if dtype not in _STORED:
            raise ImportFailure(f"a constant of type {dtype.name.lower()} is not supported")
        shape = read_shape(proto.tensor_shape)
        if shape is None or min(shape, default=0) < 0:
            raise ImportFailure("a constant without a static shape")
        stored, field = _STORED[dtype]
        size = math.prod(shape)
        if proto.tensor_content:
            values = _from_bytes(proto.tensor_content, stored, size)
        else:
            values = _from_list(getattr(proto, field), dtype, stored, size)
        return _to_logical(values, dtype).reshape(shape)


def _from_bytes(content: bytes, stored: np.dtype[np.generic], size: int) -> np.ndarray:
    if len(content) != size * stored.itemsize:
        want = size * stored.itemsize
        raise ImportFailure(f"a constant with {len(content)} bytes of data instead of {want}")
    return np.frombuffer(content, dtype=stored)


def _from_list(field: Any, dtype: DType, stored: np.dtype[np.generic], size: int) -> np.ndarray:
    values = list(field)
    if len(values) > size:
        raise ImportFailure(f"a constant with {len(values)} values instead of {size}")
    if dtype is DType.HALF:  # 16-bit patterns in an int32 field
        array = np.array(values, dtype=np.int64).astype(np.uint16).view(stored)
    elif stored.kind in "iu" and stored.itemsize < 8:  # small types wrap rather than fail
        array = np.array(values, dtype=np.int64).astype(stored)
    else:
        array = np.array(values, dtype=stored)
    if array.size == size:
        return array
    require_affordable((size,), array.size)
    if array.size == 0:
        return np.zeros(size, dtype=stored)
    return np.concatenate([array, np.full(size - array.size, array[-1], dtype=stored)])


def _to_logical(values: np.ndarray, dtype: DType) -> np.ndarray:
    if dtype is DType.BFLOAT16:  # the upper half of a float32
        return (values.astype(np.uint32) << 16).view(np.float32)
    if dtype is DType.DOUBLE:
        with np.errstate(over="ignore"):
            return values.astype(np.float32)
    wanted = dtype.logical()
    return values if wanted is None else values.astype(wanted, copy=False)
