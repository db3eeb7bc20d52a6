# SPDX-License-Identifier: Apache-2.0
"""Reading .npy data that may be damaged: nothing is allocated that the file cannot fill."""

from __future__ import annotations

import math
from typing import IO

import numpy as np


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
