# SPDX-License-Identifier: Apache-2.0
"""Writing an output folder as a whole or not at all, and never over somebody else's."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bnnc.ir.diagnostics import FileError, UsageError

from .manifest import read_manifest


def replace_folder(out: Path, files: Mapping[str, bytes]) -> None:
    """Put files (path within the folder -> bytes) in place of the folder `out`.

    They are written beside it and renamed, so `out` is never half-written.

    Raises:
        UsageError: `out` is there and bnnc did not make it.
        FileError: writing failed.
    """
    out = Path(os.path.realpath(out))
    if out.exists() and not _may_replace(out):
        raise UsageError(
            f"{out} is there already and was not made by bnnc; it is left as it is",
            hint="choose another folder with -o, or remove it",
        )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as work:
            fresh = Path(work) / "new"
            fresh.mkdir()
            for name, data in files.items():
                path = fresh / name
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(data)
            if out.exists():
                out.rename(Path(work) / "old")
            fresh.rename(out)
    except OSError as error:
        raise FileError(f"cannot write {out}: {error.strerror}") from error


def _may_replace(out: Path) -> bool:
    return out.is_dir() and (not any(out.iterdir()) or read_manifest(out) is not None)
