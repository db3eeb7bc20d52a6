# SPDX-License-Identifier: Apache-2.0
"""The two kinds of file: HDF5 with the configuration as an attribute, or a zip archive of both."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bnnc.ir.diagnostics import BnncError, UsageError

from .damage import AGAIN, damaged, reading
from .hdf5 import Hdf5
from .values import as_mapping
from .weights import ArchiveWeights, LegacyWeights, Weights

_LARGEST = 1 << 26  # bytes that a member of an archive may unpack to whatever it is packed in
_LARGEST_RATIO = 16  # beyond that; trained weights hardly shrink at all
_WHOLE = (
    "save the whole model, not only its weights: model.save(...); or freeze it (docs/freezing.md)"
)


@dataclass(frozen=True)
class Saved:
    """A model as it was saved: its configuration, and where its weights are found."""

    config: Mapping[str, object]
    weights: Weights
    keras: int
    """Major version of Keras; some activations changed from 2 to 3."""


def read_saved(path: Path) -> Saved:
    """Read a model file.

    Raises:
        UsageError: The file cannot be opened.
        ImportFailure: It is damaged or holds no whole model.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(8)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    if head.startswith(b"PK\x03\x04"):
        return _read_archive(path)
    if not head:
        raise damaged(f"{path.name} is empty")
    if head.startswith(b"version "):
        raise damaged(f"{path.name} is a git-lfs pointer", "fetch the file itself: git lfs pull")
    file = Hdf5(path, path.name)
    try:
        text = file.text("model_config")
        if text is None:
            raise damaged(f"{path.name} holds no model_config", _WHOLE)
        version = file.text("keras_version") or "2"
        # tf_keras writes TensorFlow's version behind Keras 2's own number.
        return Saved(_mapping(text, path.name), LegacyWeights(file), _major(version))
    except BnncError:
        file.close()
        raise


def _read_archive(path: Path) -> Saved:
    with reading(f"{path.name} is a damaged archive"), zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if "config.json" not in names:
            raise damaged(f"{path.name} is an archive without config.json", AGAIN)
        if "model.weights.h5" not in names:
            sharded = any(name.startswith("model.weights") for name in names)
            raise damaged(
                f"{path.name} is an archive without model.weights.h5",
                "save it as one file, not in shards" if sharded else AGAIN,
            )
        config = _member(archive, "config.json")
        weights = _member(archive, "model.weights.h5")
        metadata = _member(archive, "metadata.json") if "metadata.json" in names else b"{}"
    version = _mapping(metadata, path.name).get("keras_version")
    parsed = _mapping(config, path.name)
    file = Hdf5(weights, f"{path.name}/model.weights.h5")
    return Saved(parsed, ArchiveWeights(file), _major(str(version or "3")))


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    info = archive.getinfo(name)
    if info.file_size > max(_LARGEST, _LARGEST_RATIO * info.compress_size):
        raise damaged(f"{name} would unpack {info.compress_size} bytes to {info.file_size}")
    with archive.open(info) as stream:
        return stream.read(info.file_size + 1)


def _mapping(text: str | bytes, name: str) -> Mapping[str, object]:
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError) as why:
        raise damaged(f"{name}: its configuration is no JSON ({why})") from None
    options = as_mapping(found)
    if options is None:
        raise damaged(f"{name}: its configuration is no JSON object")
    return options


def _major(version: str) -> int:
    return 3 if version.startswith("3.") or version == "3" else 2
