# SPDX-License-Identifier: Apache-2.0
"""Reads HDF5 without following links out of the file or believing in sizes.

HDF5 Group, HDF5 File Format Specification 3.0: an object may be reached through a hard link, a soft
link (a path) or an external one (another file); the bytes of a dataset may lie in other files too,
or nowhere, where it is filled with one value. The library itself runs in another process.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bnnc.ir.diagnostics import BnncError
from bnnc.ir.limits import require_affordable

from ..failures import Unsupported
from .damage import damaged
from .hdf5_pipe import Hdf5Pipe, ReadError

_FLOATS = ("<f4", ">f4", "<f8", ">f8", "<i8", "<i4")


@contextmanager
def _reading(what: str) -> Generator[None]:
    """Turn what the library says of damaged bytes into an ImportFailure that says `what`."""
    try:
        yield
    except ReadError as why:
        raise damaged(f"{what}: {why}") from None


class Hdf5:
    """An open file; everything is found by the names of groups from its top."""

    def __init__(self, source: Path | bytes, name: str) -> None:
        with _reading(f"{name} is no HDF5 file, or a damaged one"):
            self._pipe = Hdf5Pipe(source, name)
        self._name = name

    def close(self) -> None:
        """Close the file."""
        self._pipe.close()

    def text(self, name: str) -> str | None:
        """A string attribute of the file; None where there is none."""
        found = self._attribute((), name)
        if found is not None and not isinstance(found, str):
            raise damaged(f"{self._name}: attribute '{name}' is no text")
        return found

    def texts(self, path: tuple[str, ...], name: str) -> list[str]:
        """A list of strings that is an attribute of a group, in one piece or in numbered chunks."""
        self._look(path)  # a group that is not there has another message
        whole = self._attribute(path, name)
        if whole is not None:
            return self._checked(whole, name)
        found: list[str] = []
        for number in itertools.count():
            part = self._attribute(path, f"{name}{number}")
            if part is None:
                break
            found += self._checked(part, f"{name}{number}")
        return found

    def _attribute(self, path: tuple[str, ...], name: str) -> str | list[str] | None:
        place = "/".join(path) or "the file"
        with _reading(f"{self._name}: attribute '{name}' of {place} cannot be read"):
            found: str | list[str] | None = self._pipe.ask("attribute", path, name)
        return found

    def _checked(self, found: str | list[str], name: str) -> list[str]:
        if isinstance(found, str):
            raise damaged(f"{self._name}: attribute '{name}' is no list")
        return found

    def has(self, path: tuple[str, ...]) -> bool:
        """Whether a group or dataset is there."""
        try:
            self._look(path)
        except BnncError:
            return False
        return True

    def count(self, path: tuple[str, ...]) -> int:
        """How many entries a group has."""
        return int(self._look(path).get("count", 0))

    def _look(self, path: tuple[str, ...]) -> Mapping[str, Any]:
        """What stands in a place.

        Raises:
            ImportFailure: Nothing does, or a link.
        """
        where = "/".join(path)
        with _reading(f"{self._name}: '{where}' cannot be read"):
            found: Mapping[str, Any] = self._pipe.ask("look", path)
        if found["kind"] == "nothing":
            raise damaged(f"{self._name} holds no '{where}'")
        if found["kind"] == "link":
            raise damaged(
                f"{self._name}: '{where}' is a link to another place",
                "save the model again, as one file",
            )
        return found

    def array(self, path: tuple[str, ...]) -> np.ndarray:
        """A dataset as f32 (or integers as they are).

        Raises:
            ImportFailure: It is not there or cannot be read.
            Unsupported: It is too large, of another type, or its bytes lie elsewhere.
            IRError: Its shape promises more than the file holds.
        """
        found, where = self._look(path), "/".join(path)
        if found["kind"] != "dataset" or found["shape"] is None:
            raise Unsupported(f"has weights '{where}' that are no dataset")
        if found["elsewhere"]:
            raise Unsupported(f"has weights '{where}' that lie in another file")
        if found["dtype"] not in _FLOATS:
            raise Unsupported(
                f"has weights '{where}' of type {_type_name(found['dtype'])}",
                "save the model with the dtype policy float32",
            )
        dtype, shape = np.dtype(found["dtype"]), tuple(map(int, found["shape"]))
        require_affordable(shape, int(found["stored"]) // dtype.itemsize)
        with _reading(f"{self._name}: '{where}' cannot be read"):
            data = self._pipe.ask("read", path) if math.prod(shape) else b""
        if len(data) != math.prod(shape) * dtype.itemsize:
            raise damaged(f"{self._name}: '{where}' holds {len(data)} bytes, not {list(shape)}")
        array = np.frombuffer(data, dtype).reshape(shape)
        if array.dtype.kind != "f":
            return array.astype(np.int64)
        with np.errstate(over="ignore"):
            single = array.astype(np.float32)
        if not np.isfinite(single).all():
            raise Unsupported(
                f"has weights '{where}' that hold NaN or infinity",
                "the model did not train well, or the file is damaged",
            )
        return single


def _type_name(dtype: str) -> str:
    """What numpy calls a type, for a message."""
    try:
        return str(np.dtype(dtype))
    except TypeError:
        return dtype
