# SPDX-License-Identifier: Apache-2.0
"""Reading .npy and .npz data that may be damaged: nothing is allocated that they cannot fill."""

from __future__ import annotations

import math
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import numpy as np

# What zipfile, the decompressors and numpy's parser of headers raise on damaged files.
_DAMAGE = (OSError, ValueError, EOFError, RuntimeError, LookupError, SyntaxError, OverflowError,
           MemoryError, TypeError, AttributeError, struct.error, zlib.error, zipfile.BadZipFile,
           tokenize.TokenError)  # fmt: skip


class NpzFile(Mapping[str, np.ndarray]):
    """The arrays of an .npz file by key, each read when it is asked for.

    Raises:
        ValueError: when the file, or the array that is asked for, is damaged.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._archive = zipfile.ZipFile(path)
        except FileNotFoundError:
            raise
        except _DAMAGE as error:
            raise ValueError(str(error)) from None
        self.path = path
        self._members = {i.filename.removesuffix(".npy"): i for i in self._archive.infolist()}

    def __getitem__(self, key: str) -> np.ndarray:
        member = self._members[key]
        try:
            with self._archive.open(member) as stream:
                array = read_npy(stream, member.file_size)
                stream.read(1)  # the end of a member is where its checksum is compared
        except _DAMAGE as error:
            raise ValueError(str(error)) from None
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def close(self) -> None:
        """Close the file."""
        self._archive.close()


def read_npy(stream: IO[bytes], size: int) -> np.ndarray:
    """The array of a .npy stream, in native byte order.

    Args:
        stream: at its beginning.
        size: how many bytes the stream holds, header included.

    Raises:
        ValueError: when it is no .npy data of numbers, or shorter than its header says.
    """
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    version = np.lib.format.read_magic(stream)
    if version not in readers:
        raise ValueError(f"version {version} of the .npy format is unknown")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # headers of Python 2 are read all the same
        shape, by_columns, dtype = readers[version](stream)
    if dtype.hasobject or dtype.names is not None or dtype.itemsize == 0:
        raise ValueError(f"it holds {dtype}, not numbers")
    nbytes = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or nbytes > size:
        raise ValueError(f"the header says {dtype}{list(shape)}, which {size} bytes cannot hold")
    data = stream.read(nbytes)
    if len(data) != nbytes:
        raise ValueError("the data is cut off")
    flat = np.frombuffer(data, dtype)
    array = flat.reshape(shape[::-1]).T if by_columns else flat.reshape(shape)
    return np.ascontiguousarray(array, dtype.newbyteorder("=")).reshape(shape)
