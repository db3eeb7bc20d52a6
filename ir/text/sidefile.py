# SPDX-License-Identifier: Apache-2.0
"""The side file: the constants of ``net.bnn`` in ``net.bnn.npz``, readable with numpy alone.

An uncompressed zip of .npy members in the order of the text, without dates: the same module gives
the same bytes.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

import numpy as np

from ..diagnostics import FileError, IRError
from ..module import Module
from .constants import is_blob
from .keys import side_file_keys
from .npy import NpzFile
from .printer import print_lines

SUFFIX = ".npz"
_NO_DATE = (1980, 1, 1, 0, 0, 0)


def side_file_of(path: Path) -> Path:
    """The side file that belongs to a text."""
    return path.with_name(path.name + SUFFIX)


def write_module(module: Module, path: str | os.PathLike[str]) -> None:
    """Write a module as text, and the constants that do not stand inline beside it.

    Constants that were read from ``blob("file:...")`` go into the side file too, so that the text
    can be written to any folder. Both files appear whole or not at all.

    Raises:
        FileError: when writing fails.
        IRError: when the data of a constant is not at hand.
    """
    target = Path(path)
    text = "\n".join(print_lines(module, keep_files=False).lines) + "\n"
    keys = side_file_keys(module)
    arrays = {keys[s]: r.stored for s, r in module.resources.items() if is_blob(r)}
    side = side_file_of(target)
    try:
        if arrays:
            _replace(side, lambda file: _write_arrays(file, arrays))
        else:
            side.unlink(missing_ok=True)
        _replace(target, lambda file: file.write(text.encode()))
    except OSError as error:
        raise FileError(f"cannot write {target}: {error.strerror}") from None


def _replace(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write beside `path`, then rename."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as tmp:
        try:
            write(tmp)
            tmp.flush()
            os.chmod(tmp.name, 0o666 & ~_umask())
            os.replace(tmp.name, path)
        except BaseException:
            os.unlink(tmp.name)
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _write_arrays(file: IO[bytes], arrays: Mapping[str, np.ndarray]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for key, array in arrays.items():
            member = zipfile.ZipInfo(f"{key}.npy", _NO_DATE)
            little = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
            with archive.open(member, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, little, version=(1, 0), allow_pickle=False)


class SideFile(NpzFile):
    """The arrays of a side file by key; damage is an IR error."""

    def __init__(self, path: Path) -> None:
        try:
            super().__init__(path)
        except ValueError as error:
            raise IRError(f"{path} is no readable .npz file: {error}") from None

    def __getitem__(self, key: str) -> np.ndarray:
        try:
            return super().__getitem__(key)
        except ValueError as error:
            raise IRError(f"'{key}' in {self.path} is damaged: {error}") from None
