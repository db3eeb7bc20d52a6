# SPDX-License-Identifier: Apache-2.0
"""FlatBuffers, read without a schema compiler; every read is checked against the file's end.

A table begins with the distance back to its vtable, which holds its own size, the table's size and
for each field where it lies in the table (0: it has its default). Offsets point forward from where
they stand. https://flatbuffers.dev/internals
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import DTypeLike

T = TypeVar("T")


class Damaged(Exception):
    """The bytes are no such file; the message says where they stop making sense."""


@dataclass(frozen=True)
class Table:
    """A table of a buffer, at a position."""

    data: bytes
    at: int

    @classmethod
    def root(cls, data: bytes) -> Table:
        """The table that the buffer is about."""
        return cls(data, _offset(data, 0))

    def scalar(self, slot: int, kind: str, default: float | bool) -> int | float | bool:
        """A number; `kind` is its code in `struct`."""
        at = self._field(slot)
        if at is None:
            return default
        found: int | float | bool = _unpack(self.data, at, kind)
        return found

    def integer(self, slot: int, kind: str = "i", default: int = 0) -> int:
        """An integer."""
        return int(self.scalar(slot, kind, default))

    def table(self, slot: int) -> Table | None:
        """Another table."""
        at = self._field(slot)
        return None if at is None else Table(self.data, _offset(self.data, at))

    def text(self, slot: int) -> str:
        """A string; empty where there is none."""
        return bytes(self.array(slot, np.uint8)).decode("utf-8", "replace")

    def array(self, slot: int, dtype: DTypeLike) -> np.ndarray:
        """A vector of numbers, as a view of the file; empty where there is none."""
        kind = np.dtype(dtype).newbyteorder("<")
        found = self._vector(slot, kind.itemsize)
        if found is None:
            return np.zeros(0, kind)
        start, count = found
        return np.frombuffer(self.data, kind, count, start)

    def tables(self, slot: int, make: Callable[[Table], T]) -> list[T]:
        """A vector of tables."""
        return [make(t) for t in self._tables(slot)]

    def _tables(self, slot: int) -> Iterator[Table]:
        start, count = self._vector(slot, 4) or (0, 0)
        for at in range(start, start + 4 * count, 4):
            yield Table(self.data, _offset(self.data, at))

    def _vector(self, slot: int, size: int) -> tuple[int, int] | None:
        """Where the elements of a vector begin, and how many there are."""
        at = self._field(slot)
        if at is None:
            return None
        begin = _offset(self.data, at)
        count = int(_unpack(self.data, begin, "I"))
        if begin + 4 + count * size > len(self.data):
            raise Damaged(f"a list of {count} entries at byte {begin} goes beyond the end")
        return begin + 4, count

    def _field(self, slot: int) -> int | None:
        vtable = self.at - int(_unpack(self.data, self.at, "i"))
        size = int(_unpack(self.data, vtable, "H"))
        place = 4 + 2 * slot
        if place + 2 > size:
            return None
        inside = int(_unpack(self.data, vtable + place, "H"))
        return self.at + inside if inside else None


def _offset(data: bytes, at: int) -> int:
    """Follow an offset."""
    target = at + int(_unpack(data, at, "I"))
    if target + 4 > len(data):
        raise Damaged(f"byte {at} points beyond the end")
    return target


def _unpack(data: bytes, at: int, kind: str) -> int | float | bool:
    # `struct` would count a negative place from the end.
    if at < 0 or at + struct.calcsize(f"<{kind}") > len(data):
        raise Damaged(f"there is no byte {at}")
    found: int | float | bool = struct.unpack_from(f"<{kind}", data, at)[0]
    return found
