# SPDX-License-Identifier: Apache-2.0
"""The data behind ``blob(...)``: from the side file, or from a .npy file that somebody edits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..diagnostics import IRError, did_you_mean
from ..layouts import layout_of
from ..types import TensorType
from ..value import Resource, array_digest
from .constants import DIGEST_DIGITS, DIGEST_PREFIX, FILE_PREFIX
from .npy import read_npy

_DIGEST = re.compile(rf"{DIGEST_PREFIX}([0-9a-f]{{{DIGEST_DIGITS},64}})")


@dataclass(frozen=True)
class Blobs:
    """Where the data of one text comes from.

    Attributes:
        text: name of the text, for messages.
        arrays: stored arrays by key; None when there are none.
        origin: name of what holds them.
        required: whether a digest without data is an error.
        base_dir: the folder that ``file:`` names are relative to.
    """

    text: str
    arrays: Mapping[str, np.ndarray] | None = None
    origin: str = "the given arrays"
    required: bool = False
    base_dir: Path | None = None

    def resource(self, symbol: str, type_: TensorType, link: str, key: str | None) -> Resource:
        """Make the resource of ``blob(link, key)``.

        Raises:
            IRError: when the link is malformed, or the data is missing or not what text claims.
        """
        if link.startswith(FILE_PREFIX):
            if key is not None:
                raise IRError("a blob of a file has no key")
            return self._from_file(symbol, type_, link.removeprefix(FILE_PREFIX))
        match = _DIGEST.fullmatch(link)
        if match is None:
            raise IRError(
                f"'{link}' names neither a digest nor a file",
                hint=f'write blob("{DIGEST_PREFIX}<{DIGEST_DIGITS} to 64 hex digits>", "key") '
                f'or blob("{FILE_PREFIX}w.npy")',
            )
        return self._from_arrays(symbol, type_, match[1], symbol if key is None else key)

    def _from_arrays(self, symbol: str, type_: TensorType, digest: str, key: str) -> Resource:
        if self.arrays is None:
            if self.required:
                raise IRError(
                    f"{self.text} belongs to {self.origin}, which is not there",
                    hint="keep both files together; `bnnc dump` writes them",
                )
            return Resource(symbol, type_, digest=digest)
        if key not in self.arrays:
            raise IRError(
                f"{self.origin} has no '{key}', which {self.text} needs",
                hint=did_you_mean(key, self.arrays),
            )
        array = self.arrays[key]
        found = array_digest(array)
        if not found.startswith(digest):
            raise IRError(
                f"{self.text} and {self.origin} do not belong together: '{key}' has the digest "
                f"{found[:DIGEST_DIGITS]}, the text says {digest[:DIGEST_DIGITS]}",
                hint=f'to use edited weights, write blob("{FILE_PREFIX}NAME.npy")',
            )
        try:
            return Resource(symbol, type_, array, digest=found)
        except IRError as error:
            raise IRError(
                f"{self.text} and {self.origin} do not belong together: {error.message}",
                hint=error.hint,
            ) from None

    def _from_file(self, symbol: str, type_: TensorType, name: str) -> Resource:
        if self.base_dir is None:
            return Resource(symbol, type_, file=name)
        path = self.base_dir / name
        try:
            with path.open("rb") as stream:
                array = read_npy(stream, path.stat().st_size)
        except (OSError, ValueError) as error:
            raise IRError(f"cannot read {path}: {error}") from None
        return Resource(symbol, type_, _stored(array, type_, path), file=name)


def _stored(array: np.ndarray, type_: TensorType, path: Path) -> np.ndarray:
    """Fit an edited array to its type: any integer dtype, packed bytes or logical values."""
    both_integers = array.dtype.kind in "iu" and type_.dtype.kind in "iu"
    if array.dtype != type_.dtype and not both_integers:
        raise IRError(f"{path} holds {array.dtype}, {type_} needs {type_.dtype}")
    if type_.layout is None or array.shape == type_.shape:
        if not type_.scalar.admits(array):
            raise IRError(f"{path} holds values that {type_.scalar} does not have")
        logical = np.ascontiguousarray(array).astype(type_.dtype).reshape(array.shape)
        return logical if type_.layout is None else layout_of(type_).pack(logical, type_)
    return array
