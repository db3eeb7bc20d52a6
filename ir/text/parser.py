# SPDX-License-Identifier: Apache-2.0
"""From text to a module."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..diagnostics import FileError, IRError
from ..module import Module
from .blobs import Blobs
from .sidefile import SideFile, side_file_of


def parse_module(
    text: str,
    filename: str = "<string>",
    resources: Mapping[str, np.ndarray] | None = None,
    base_dir: Path | None = None,
    *,
    verify: bool = True,
) -> Module:
    """Parse textual IR.

    Args:
        text: the whole text.
        filename: its name in messages.
        resources: stored arrays by the keys of ``blob("sha256:...", "key")``. Without them such a
            constant knows only its digest, and its data is an error when it is asked for.
        base_dir: the folder that ``blob("file:...")`` is relative to; without it such a constant
            has no data either.
        verify: verify the module for its stage.

    Raises:
        IRError: with all errors that were found, each with its place.
    """
    blobs = Blobs(filename, resources, base_dir=base_dir)
    return _parse(text, blobs, verify=verify)


def read_module(path: str | os.PathLike[str]) -> Module:
    """Read a text and its side file (`net.bnn` and `net.bnn.npz`), and verify the module.

    Raises:
        FileError: when the text cannot be read.
        IRError: when it does not parse or verify, or does not belong to its side file.
    """
    file = Path(path)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise FileError(f"cannot read {file}: {error.strerror}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise IRError(f"{file} is no text: byte {error.start} is not UTF-8") from None
    beside = side_file_of(file)
    arrays = SideFile(beside) if beside.exists() else None
    blobs = Blobs(str(file), arrays, str(beside), required=True, base_dir=file.parent)
    try:
        return _parse(text, blobs, verify=True)
    finally:
        if arrays is not None:
            arrays.close()


def _parse(text: str, blobs: Blobs, *, verify: bool) -> Module:
    # Lark takes a while to load, and programs that parse nothing should not wait for it.
    from .builder import build_module
    from .source import Source
    from .syntax_errors import parse_or_explain

    source = Source(text, blobs.text)
    module = build_module(parse_or_explain(source), source, blobs)
    if verify:
        from ..verifier import verify as verify_module

        verify_module(module)
    return module
