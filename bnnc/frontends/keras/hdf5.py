# SPDX-License-Identifier: Apache-2.0
"""Reads HDF5 without following links out of the file or believing in sizes.

HDF5 Group, HDF5 File Format Specification 3.0: an object may be reached through a hard link, a soft
link (a path) or an external one (another file); the bytes of a dataset may lie in other files too,
or nowhere, where it is filled with one value.
"""

from __future__ import annotations

import io
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from bnnc.ir.diagnostics import BnncError, UsageError
from bnnc.ir.limits import require_affordable

from ..failures import Unsupported
from .damage import damaged, reading

_FLOATS = ("<f4", ">f4", "<f8", ">f8", "<i8", "<i4")


def h5py() -> Any:
    """The library, imported when the first file needs it.

    Raises:
        UsageError: It is not installed.
    """
    try:
        return import_module("h5py")
    except ModuleNotFoundError:
        raise UsageError(
            "Keras files are read with h5py, which is not installed", hint="pip install h5py"
        ) from None


class Hdf5:
    """An open file; everything is found by the names of groups from its top."""

    def __init__(self, source: Path | bytes, name: str) -> None:
        library = h5py()
        with reading(f"{name} is no HDF5 file, or a damaged one"):
            stream = io.BytesIO(source) if isinstance(source, bytes) else source
            self._file: Any = library.File(stream, "r")
        self._library = library
        self._name = name

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def text(self, name: str) -> str | None:
        """A string attribute of the file; None where there is none."""
        with reading(f"{self._name}: attribute '{name}' cannot be read"):
            if name not in self._file.attrs:
                return None
            attribute = self._file.attrs.get_id(name)
            if attribute.shape != ():
                raise damaged(f"{self._name}: attribute '{name}' is no text")
            value = self._file.attrs[name]
            text = value.decode() if isinstance(value, bytes) else value
        if not isinstance(text, str):
            raise damaged(f"{self._name}: attribute '{name}' is no text")
        return text

    def texts(self, path: tuple[str, ...], name: str) -> list[str]:
        """A list of strings that is an attribute of a group, in one piece or in numbered chunks."""
        group = self._group(path)
        with reading(f"{self._name}: '{name}' of {'/'.join(path)} cannot be read"):
            keys = [name] if name in group.attrs else []
            while not (keys and keys[0] == name) and f"{name}{len(keys)}" in group.attrs:
                keys.append(f"{name}{len(keys)}")
            found: list[str] = []
            for key in keys:
                attribute = group.attrs.get_id(key)
                if len(attribute.shape) != 1:
                    raise damaged(f"{self._name}: attribute '{key}' is no list")
                require_affordable(attribute.shape)
                values = group.attrs[key]
                found += [v.decode() if isinstance(v, bytes) else str(v) for v in values]
        return found

    def has(self, path: tuple[str, ...]) -> bool:
        """Whether a group or dataset is there."""
        try:
            self._group(path)
        except BnncError:
            return False
        return True

    def count(self, path: tuple[str, ...]) -> int:
        """How many entries a group has."""
        with reading(f"{self._name}: '{'/'.join(path)}' cannot be read"):
            return len(self._group(path))

    def _group(self, path: tuple[str, ...]) -> Any:
        here = self._file
        for depth, part in enumerate(path):
            where = "/".join(path[: depth + 1])
            with reading(f"{self._name}: '{where}' cannot be read"):
                link = here.get(part, getlink=True) if isinstance(here, self._library.Group) else 0
                if link is None or link == 0:
                    raise damaged(f"{self._name} holds no '{where}'")
                if not isinstance(link, self._library.HardLink):
                    raise damaged(
                        f"{self._name}: '{where}' is a link to another place",
                        "save the model again, as one file",
                    )
                here = here[part]
        return here

    def array(self, path: tuple[str, ...]) -> np.ndarray:
        """A dataset as f32 (or integers as they are).

        Raises:
            ImportFailure: It is not there or cannot be read.
            Unsupported: It is too large, of another type, or its bytes lie elsewhere.
            IRError: Its shape promises more than the file holds.
        """
        dataset = self._group(path)
        where = "/".join(path)
        with reading(f"{self._name}: '{where}' cannot be read"):
            if not isinstance(dataset, self._library.Dataset):
                raise Unsupported(f"has weights '{where}' that are no dataset")
            if dataset.is_virtual or dataset.external:
                raise Unsupported(f"has weights '{where}' that lie in another file")
            if dataset.dtype.str not in _FLOATS:
                raise Unsupported(
                    f"has weights '{where}' of type {dataset.dtype}",
                    "save the model with the dtype policy float32",
                )
            require_affordable(
                dataset.shape, dataset.id.get_storage_size() // dataset.dtype.itemsize
            )
            array = np.asarray(dataset[()])
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
