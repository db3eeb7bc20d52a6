# SPDX-License-Identifier: Apache-2.0
"""Element types and constant tensors of a model.

Every floating-point type becomes float32, the one float type of the IR: half and bfloat16 embed
exactly, double is rounded once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from onnx import TensorProto, numpy_helper

from bnnc.ir.diagnostics import BnncError, ImportFailure

_FLOATS: dict[int, int] = {
    TensorProto.FLOAT: 4,
    TensorProto.DOUBLE: 8,
    TensorProto.FLOAT16: 2,
    TensorProto.BFLOAT16: 2,
}
_OTHERS: dict[int, np.dtype[np.generic]] = {
    TensorProto.INT8: np.dtype(np.int8),
    TensorProto.INT16: np.dtype(np.int16),
    TensorProto.INT32: np.dtype(np.int32),
    TensorProto.INT64: np.dtype(np.int64),
    TensorProto.UINT8: np.dtype(np.uint8),
    TensorProto.UINT16: np.dtype(np.uint16),
    TensorProto.UINT32: np.dtype(np.uint32),
    TensorProto.UINT64: np.dtype(np.uint64),
    TensorProto.BOOL: np.dtype(np.bool_),
}

_MOST_ELEMENTS = 1 << 31
_MOST_AXES = 32
_SHOWN = 100  # characters of a path


def type_name(number: int) -> str:
    """Return the name of an element type as ONNX spells it."""
    known = number in TensorProto.DataType.values()
    return TensorProto.DataType.Name(number).lower() if known else f"type {number}"


def is_float(number: int) -> bool:
    """Whether the IR holds the type as f32."""
    return number in _FLOATS


def logical_dtype(number: int) -> np.dtype[np.generic] | None:
    """Return the numpy dtype in the IR, or None for types that the IR does not have."""
    return np.dtype(np.float32) if is_float(number) else _OTHERS.get(number)


@dataclass(frozen=True)
class Tensor:
    """A constant that is still in its message, or in a file beside the model.

    Attributes:
        proto: The message.
        folder: Where external data lies; None where a model may have none.
    """

    proto: TensorProto
    folder: Path | None = None

    def array(self) -> np.ndarray:
        """Decode the constant: f32 for every float type, integers and bool as they are.

        Raises:
            ImportFailure: The type is not a number, the data does not fit the shape or is not
                there.
        """
        kind, shape = self.proto.data_type, tuple(self.proto.dims)
        wanted = logical_dtype(kind)
        if wanted is None:
            raise ImportFailure(f"a constant of type {type_name(kind)} is not supported")
        if min(shape, default=0) < 0:
            raise ImportFailure("a constant without a static shape")
        if math.prod(shape) > _MOST_ELEMENTS or len(shape) > _MOST_AXES:
            raise ImportFailure(f"a constant of {len(shape)} axes and {math.prod(shape)} elements")
        proto = self.proto
        if proto.data_location == TensorProto.EXTERNAL:
            width = _FLOATS.get(kind) or wanted.itemsize
            proto = TensorProto(dims=shape, data_type=kind, raw_data=self._external(width))
        try:
            values = numpy_helper.to_array(proto)
        except (BnncError, MemoryError):
            raise
        except Exception as why:  # whatever a damaged message makes the library stumble over
            raise ImportFailure(f"a constant whose data does not fit its shape ({why})") from None
        with np.errstate(over="ignore"):
            return np.asarray(values.astype(wanted, copy=False), order="C").reshape(shape)

    def _external(self, width: int) -> bytes:
        """Read the bytes beside the model; a path must stay inside the model's folder."""
        where = {entry.key: entry.value for entry in self.proto.external_data}
        location = where.get("location", "")
        shown = location if len(location) <= _SHOWN else f"{location[:_SHOWN]}..."
        if self.folder is None:
            raise ImportFailure(f"external data '{shown}', but the model is not in a folder")
        size = math.prod(self.proto.dims) * width
        offset, length = (
            _number(where.get(key), key, default)
            for key, default in (("offset", 0), ("length", size))
        )
        if length != size:
            raise ImportFailure(f"external data of {length} bytes instead of {size}: '{shown}'")
        try:
            folder = self.folder.resolve()
            file = (folder / location).resolve()
            if not location or not file.is_relative_to(folder):
                raise ImportFailure(f"external data outside of the model's folder: '{shown}'")
            if not file.is_file():
                why = "it is no file" if file.exists() else "there is no such file"
                raise ImportFailure(f"external data '{shown}' cannot be read: {why}")
            if file.stat().st_size < offset + length:
                raise ImportFailure(f"external data is cut short: '{shown}'")
            with file.open("rb") as stream:
                stream.seek(offset)
                return stream.read(length)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ImportFailure(f"external data '{shown}' cannot be read: {reason}") from None


def _number(text: str | None, key: str, default: int) -> int:
    """A number of the description of external data, at most of 18 digits."""
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise ImportFailure(f"external data with the {key} '{text[:_SHOWN]}'")
    return int(text)
