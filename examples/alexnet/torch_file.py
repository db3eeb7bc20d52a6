# SPDX-License-Identifier: Apache-2.0
"""Writes files as ``torch.save`` of Torch 7 does, to have some where Torch cannot be installed.

Source of the format: torch7's File.lua, Tensor.c and Storage.c.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

_NAMES = {"f4": "Float", "f8": "Double", "f2": "Half", "i8": "Long", "i4": "Int", "u1": "Byte"}


@dataclass(eq=False)
class Module:
    """An object of a class of Torch.

    Attributes:
        kind: The class, such as ``nn.ReLU``.
        fields: None, bools, numbers, texts, lists and dicts (tables), arrays (tensors), `Storage`
            and further modules.
        version: Of the class; None writes the name alone, as the first releases did.
    """

    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    version: int | None = 1


@dataclass(eq=False)
class Storage:
    """An array that is written as a storage instead of a tensor."""

    array: np.ndarray


def sequential(*modules: Module) -> Module:
    """Modules that run one after the other."""
    return Module("nn.Sequential", {"modules": list(modules), "train": False})


def save(path: Path, value: Any, *, long_size: int = 8, cuda: bool = False) -> None:
    """Write a value.

    Args:
        path: The file.
        value: What a field of a `Module` may be.
        long_size: Bytes of a long on the machine that writes: 8, or 4 on one of 32 bits.
        cuda: Whether float tensors are those of a GPU.
    """
    with path.open("wb") as stream:
        _Writer(stream, long_size, cuda).value(value)


class _Writer:
    def __init__(self, stream: BinaryIO, long_size: int, cuda: bool) -> None:
        self._stream = stream
        self._long = "q" if long_size == 8 else "i"
        self._cuda = cuda
        self._known: dict[int, int] = {}
        self._kept: list[object] = []  # their ids must stay theirs

    def value(self, value: Any) -> None:
        if value is None:
            self._ints(0)
        elif isinstance(value, bool):
            self._ints(5, value)
        elif isinstance(value, (int, float)):
            self._ints(1)
            self._stream.write(struct.pack("<d", value))
        elif isinstance(value, str):
            self._ints(2)
            self._text(value)
        elif self._is_new(value, 3 if _is_table(value) else 4):
            self._content(value)

    def _is_new(self, value: object, kind: int) -> bool:
        """Write type and number of what may be named again."""
        is_new = id(value) not in self._known
        if is_new:
            self._known[id(value)] = len(self._known) + 1
            self._kept.append(value)
        self._ints(kind, self._known[id(value)])
        return is_new

    def _content(self, value: Any) -> None:
        if _is_table(value):
            entries = list(_entries(value))
            self._ints(len(entries))
            for key, one in entries:
                self.value(key)
                self.value(one)
        elif isinstance(value, Module):
            self._class(value.kind, value.version)
            self.value(dict(value.fields))
        elif isinstance(value, Storage):
            self._class(f"torch.{self._name(value.array)}Storage", 1)
            self._longs(value.array.size)
            wide = value.array.dtype.kind == "i" and value.array.dtype.itemsize == 8
            stored = value.array.astype(f"<{'i8' if self._long == 'q' else 'i4'}") if wide else None
            self._stream.write((value.array if stored is None else stored).tobytes())
        else:
            array = np.asarray(value)
            self._class(f"torch.{self._name(array)}Tensor", 1)
            self._ints(array.ndim)
            strides = (s // array.itemsize for s in np.empty(array.shape, array.dtype).strides)
            self._longs(*array.shape, *strides, 1)
            self.value(Storage(array.reshape(-1)))

    def _name(self, array: np.ndarray) -> str:
        name = _NAMES[array.dtype.str[1:]]
        if self._cuda and name == "Float":
            return "Cuda"
        return name

    def _class(self, name: str, version: int | None) -> None:
        if version is not None:
            self._text(f"V {version}")
        self._text(name)

    def _text(self, text: str) -> None:
        data = text.encode()
        self._ints(len(data))
        self._stream.write(data)

    def _ints(self, *numbers: int) -> None:
        self._stream.write(struct.pack(f"<{len(numbers)}i", *numbers))

    def _longs(self, *numbers: int) -> None:
        self._stream.write(struct.pack(f"<{len(numbers)}{self._long}", *numbers))


def _is_table(value: Any) -> bool:
    return isinstance(value, (list, dict))


def _entries(table: list[Any] | dict[Any, Any]) -> Iterator[tuple[Any, Any]]:
    if isinstance(table, dict):
        yield from table.items()
    else:
        yield from enumerate(table, 1)
