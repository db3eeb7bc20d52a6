# SPDX-License-Identifier: Apache-2.0
"""Reads the binary files of ``torch.save``, of machines with longs of 64 and of 32 bits.

Source of the format: torch7's File.lua, Tensor.c and Storage.c. Every value starts with its type as
an int32; tables, objects and functions follow it with a number by which they are named again. Longs
are those of the machine that wrote the file, and the file does not say which: a file that cannot be
read with the one size is read with the other.

Files are not trusted: sizes are checked against what is left, nesting and counts are bounded.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bnnc.ir.diagnostics import ImportFailure, UsageError

from .objects import LuaValue, Object, Table

_NIL, _NUMBER, _STRING, _TABLE, _TORCH, _BOOLEAN, _FUNCTION, _OLD_CLOSURE, _CLOSURE = range(9)
_MOST_OBJECTS = 1_000_000
_DEEPEST = 100  # a network of networks of networks is not ten deep
_ELEMENTS = {
    "Byte": "<u1",
    "Char": "<i1",
    "Short": "<i2",
    "Int": "<i4",
    "Half": "<f2",
    "Float": "<f4",
    "Double": "<f8",
    "": "<f4",  # CudaTensor
}
_AGAIN = "the file is cut short or damaged; save it again: torch.save(path, model)"


class _Damage(Exception):
    """The bytes are not those of a file with longs of the size that was tried."""


def read_file(path: Path) -> LuaValue:
    """Return the object that a file holds; arrays are views of the file where it is mapped.

    Raises:
        UsageError: The file cannot be opened.
        ImportFailure: It is damaged, or written in text mode.
    """
    try:
        with path.open("rb") as stream:
            empty = stream.seek(0, 2) == 0
            data = b"" if empty else mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    if empty:
        raise ImportFailure(f"{path.name} is empty", hint=_AGAIN)
    if data[:4].split(b"\n")[0].isdigit():
        raise ImportFailure(
            f"{path.name} is written as text", hint="save it as torch does by default, in binary"
        )
    if data[:8] == b"version ":
        raise ImportFailure(
            f"{path.name} is a git-lfs pointer", hint="fetch the file itself: git lfs pull"
        )
    complaints: list[str] = []
    for long_size in (8, 4):
        try:
            return _Reader(memoryview(data), long_size).whole()
        except _Damage as why:
            complaints.append(str(why))
    raise ImportFailure(f"{path.name} is no file of Torch 7: {complaints[0]}", hint=_AGAIN)


class _Reader:
    def __init__(self, data: memoryview, long_size: int) -> None:
        self._data = data
        self._at = 0
        self._long = np.dtype(f"<i{long_size}")
        self._known: dict[int, LuaValue] = {}
        self._count = 0

    def whole(self) -> LuaValue:
        value = self.value(0)
        if self._at != len(self._data):
            raise _Damage(f"{len(self._data) - self._at} bytes follow its end")
        return value

    def value(self, depth: int) -> LuaValue:
        self._count += 1
        if self._count > _MOST_OBJECTS or depth > _DEEPEST:
            raise _Damage("it holds too many values, or they are nested too deep")
        kind = self._int()
        if kind == _NIL:
            return None
        if kind == _NUMBER:
            (number,) = struct.unpack("<d", self._bytes(8))
            return int(number) if number.is_integer() else number
        if kind == _BOOLEAN:
            return self._int() == 1
        if kind == _STRING:
            return self._text()
        if kind == _FUNCTION:
            self._skip_function(depth)
            return None
        if kind not in (_TABLE, _TORCH, _CLOSURE, _OLD_CLOSURE):
            raise _Damage(f"byte {self._at - 4} starts a value of an unknown type {kind}")
        index = self._int()
        if index in self._known:
            return self._known[index]
        self._known[index] = None  # a tensor that holds itself does not exist
        if kind == _TABLE:
            return self._table(index, depth)
        if kind == _TORCH:
            return self._object(index, depth)
        self._skip_function(depth)
        return None

    def _table(self, index: int, depth: int) -> Table:
        table = Table()
        self._known[index] = table
        for _ in range(self._count_of("a table", 8)):
            key, value = self.value(depth + 1), self.value(depth + 1)
            if isinstance(key, (str, int, float, bool)):
                table.entries[key] = value
        return table

    def _object(self, index: int, depth: int) -> LuaValue:
        version = self._text()
        kind = self._text() if version.startswith("V ") else version
        if kind.startswith("torch.") and kind.endswith("Storage"):
            array: LuaValue = self._storage(self._elements(kind, "Storage"))
        elif kind.startswith("torch.") and kind.endswith("Tensor"):
            array = self._tensor(self._elements(kind, "Tensor"), depth)
        else:
            made = Object(kind)
            self._known[index] = made
            fields = self.value(depth + 1)
            if isinstance(fields, Table):
                made.table = fields
            return made
        self._known[index] = array
        return array

    def _elements(self, kind: str, ending: str) -> np.dtype[np.generic]:
        name = kind.removeprefix("torch.").removesuffix(ending).removeprefix("Cuda")
        if name == "Long":
            return self._long
        if name not in _ELEMENTS:
            raise _Damage(f"it holds a {kind[:60]}")
        return np.dtype(_ELEMENTS[name])

    def _storage(self, dtype: np.dtype[np.generic]) -> np.ndarray:
        (count,) = self._longs(1)
        if not 0 <= count <= self._left() // dtype.itemsize:
            raise _Damage(f"a storage of {count} elements does not fit into it")
        return np.frombuffer(self._bytes(count * dtype.itemsize), dtype)

    def _tensor(self, dtype: np.dtype[np.generic], depth: int) -> np.ndarray:
        rank = self._int()
        if not 0 <= rank <= 16:
            raise _Damage(f"a tensor has rank {rank}")
        shape, strides = self._longs(rank), self._longs(rank)
        (offset,) = self._longs(1)
        storage = self.value(depth + 1)
        if rank == 0 or not isinstance(storage, np.ndarray):
            return np.zeros(0, dtype)
        start = offset - 1  # Lua counts from one
        last = start + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
        size = 1
        for n in shape:
            size *= n
        # More elements than stored ones: repeated by strides of zero, which no weight is.
        if min(shape) < 1 or min(strides) < 0 or start < 0 or not size <= storage.size > last:
            raise _Damage(f"a tensor {shape} with strides {strides} leaves its storage")
        if storage.dtype != dtype:
            raise _Damage("a tensor and its storage have different types")
        steps = [s * dtype.itemsize for s in strides]
        return np.lib.stride_tricks.as_strided(storage[start:], shape, steps, writeable=False)

    def _skip_function(self, depth: int) -> None:
        self._bytes(self._count_of("a function", 1))
        self.value(depth + 1)

    def _left(self) -> int:
        return len(self._data) - self._at

    def _bytes(self, count: int) -> memoryview:
        if not 0 <= count <= self._left():
            raise _Damage(f"it ends within a value of {count} bytes at byte {self._at}")
        self._at += count
        return self._data[self._at - count : self._at]

    def _int(self) -> int:
        number: int
        (number,) = struct.unpack("<i", self._bytes(4))
        return number

    def _count_of(self, what: str, least: int) -> int:
        count = self._int()
        if not 0 <= count <= self._left() // least:
            raise _Damage(f"{what} of size {count} does not fit into it")
        return count

    def _longs(self, count: int) -> Sequence[int]:
        numbers: list[int] = np.frombuffer(
            self._bytes(count * self._long.itemsize), self._long
        ).tolist()
        return numbers

    def _text(self) -> str:
        return bytes(self._bytes(self._count_of("a string", 1))).decode("utf-8", "replace")
