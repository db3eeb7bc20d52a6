# SPDX-License-Identifier: Apache-2.0
"""Frontends by file suffix: the built-in ones, and those that other packages register.

A package registers one under the entry point group ``bnnc.frontends``: the entry point's name is
the suffix without its dot, its object a function (path, options) -> Module. Nothing is loaded
before a file of its kind is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module, metadata
from pathlib import Path
from typing import TypeAlias, cast

from bnnc.ir import Module
from bnnc.ir.diagnostics import BnncError, ImportFailure, IRError, UsageError, did_you_mean
from bnnc.ir.plugins import describe, load_entry_point

from .options import ImportOptions
from .sizes import check_sizes

Loader: TypeAlias = Callable[[Path, ImportOptions], Module]

_GROUP = "bnnc.frontends"
_BUILT_IN = {
    ".h5": "bnnc.frontends.keras:load",
    ".hdf5": "bnnc.frontends.keras:load",
    ".keras": "bnnc.frontends.keras:load",
    ".onnx": "bnnc.frontends.onnx:load",
    ".onnx.gz": "bnnc.frontends.onnx:load",
    ".pb": "bnnc.frontends.tensorflow:load",
    ".t7": "bnnc.frontends.torch7:load",
    ".tflite": "bnnc.frontends.tflite:load",
}
_SAVED_MODEL = "saved_model.pb"
_FOLDER = "bnnc.frontends.tensorflow.saved_model:load_folder"

# No C identifier; a module's name becomes the prefix of C functions and the name of a C file.
_C_KEYWORD = re.compile(
    "auto|break|case|char|const|continue|default|do|double|else|enum|extern|float|for|goto|if|"
    "inline|int|long|main|register|restrict|return|short|signed|sizeof|static|struct|switch|"
    "typedef|union|unsigned|void|volatile|while"
)


def suffixes() -> list[str]:
    """Return the suffixes that some frontend reads, sorted."""
    return sorted({*_BUILT_IN, *(f".{e.name}" for e in metadata.entry_points(group=_GROUP))})


def load(path: Path | str, options: ImportOptions | None = None) -> Module:
    """Import a model file through the frontend of its suffix.

    Args:
        path: The model file.
        options: Import options; None means the defaults.

    Returns:
        A module of stage imported, named after the file's stem.

    Raises:
        UsageError: The file is missing or unreadable, its suffix is unknown, two installed
            packages claim it, or an option does not fit the model.
        ImportFailure: The model holds what cannot be imported; all of it is listed at once.
    """
    path = Path(path)
    options = options or ImportOptions()
    loader = _folder_loader(path) if path.is_dir() else _find(path)
    if options.signature and not (path.is_dir() or path.name == _SAVED_MODEL):
        raise UsageError(f"--signature: {path.name} is no SavedModel; only these have signatures")
    if not path.exists():
        raise UsageError(f"no such file: {path}")
    try:
        module = loader(path, options)
        check_sizes(module)
    except (ImportFailure, IRError) as error:
        raise _naming(error, path.name) from error
    except MemoryError:
        raise ImportFailure(f"{path.name} asks for more memory than there is") from None
    return module


def _naming(error: BnncError, name: str) -> ImportFailure:
    """The error with the file's name in front, unless it names the file already."""
    first, *others = error.diagnostics
    if name not in str(error):
        first = replace(first, message=f"{name}: {first.message}")
    return ImportFailure(first.message, hint=error.hint, diagnostics=[first, *others])


def module_name(path: Path) -> str:
    """Return a file's stem as a C identifier: ``a.grappler.pb`` is ``a_grappler``."""
    stem = path.name[: len(path.name) - len(_suffix(path))]
    name = re.sub(r"[^A-Za-z0-9_]", "_", stem)
    # Identifiers that start with an underscore are the C implementation's own.
    if not name or not name[0].isalpha() or _C_KEYWORD.fullmatch(name):
        return f"net_{name}".rstrip("_")
    return name


def _suffix(path: Path) -> str:
    """The suffix, together with the one before it when the file is compressed."""
    return "".join(path.suffixes[-2:]) if path.suffix.lower() == ".gz" else path.suffix


def _folder_loader(path: Path) -> Loader:
    """A folder is a SavedModel if it holds one's graph."""
    if not (path / _SAVED_MODEL).is_file():
        raise UsageError(f"cannot read {path}: a folder without {_SAVED_MODEL}")
    return _built_in(_FOLDER)


def _built_in(target: str) -> Loader:
    module, _, function = target.partition(":")
    loader: Loader = getattr(import_module(module), function)
    return loader


def _find(path: Path) -> Loader:
    if path.name == _SAVED_MODEL:
        return _built_in(_FOLDER)
    suffix = _suffix(path).lower()
    plugins = [e for e in metadata.entry_points(group=_GROUP) if f".{e.name}" == suffix]
    target = _BUILT_IN.get(suffix)
    owners = [*(e.value for e in plugins), *([target] if target else [])]
    if len(owners) > 1:
        raise UsageError(f"several frontends read {suffix} files: {', '.join(sorted(owners))}")
    if plugins:
        plugin = load_entry_point(plugins[0], UsageError)
        if not callable(plugin):
            raise UsageError(f"{describe(plugins[0])} is no function (path, options) -> Module")
        return cast("Loader", plugin)
    if target is None:
        known = ", ".join(suffixes())
        raise UsageError(
            f"no frontend reads '{path.name}'; known suffixes: {known}",
            hint=did_you_mean(suffix, suffixes()),
        )
    return _built_in(target)
