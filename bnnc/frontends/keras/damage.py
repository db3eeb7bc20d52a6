# SPDX-License-Identifier: Apache-2.0
"""One kind of error for all that a damaged file makes the readers of HDF5 and zip raise."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager

from bnnc.ir.diagnostics import ImportFailure

AGAIN = "the file is cut short or damaged; save the model again"


def damaged(what: str, hint: str = AGAIN) -> ImportFailure:
    """Return the error for a file that cannot be read."""
    return ImportFailure(what, hint=hint)


@contextmanager
def reading(what: str) -> Generator[None]:
    """Turn what h5py and zipfile raise for damaged bytes into an ImportFailure that says `what`."""
    try:
        yield
    except (
        *(OSError, EOFError, LookupError, RuntimeError, ValueError, TypeError, MemoryError),
        *(AttributeError, NotImplementedError, SystemError, zipfile.BadZipFile, zlib.error),
    ) as why:
        lines = str(why).splitlines()
        raise damaged(f"{what}: {lines[0] if lines else type(why).__name__}") from None
