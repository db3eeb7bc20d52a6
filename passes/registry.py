# SPDX-License-Identifier: Apache-2.0
"""Finding passes by name: built-in ones, those of plug-ins, and those of a user's file."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TypeVar

from bnnc.ir.diagnostics import PassError, UsageError, did_you_mean
from bnnc.ir.plugins import describe, load_entry_point

from .base import Pass

PassT = TypeVar("PassT", bound=Pass)
_PASSES: dict[str, type[Pass]] = {}


def register_pass(cls: type[PassT]) -> type[PassT]:
    """Make a pass known by its name; a clash is an error. Usable as a decorator."""
    if not cls.name:
        raise PassError(f"pass class {cls.__qualname__} has no name")
    known = _PASSES.get(cls.name)
    if known is not None and _origin(known) != _origin(cls):
        raise PassError(
            f"two passes are called '{cls.name}': {_origin(known)} and {_origin(cls)}",
            hint="rename one of them",
        )
    _PASSES[cls.name] = cls
    return cls


def _origin(cls: type[Pass]) -> tuple[str, str]:
    try:
        return str(inspect.getsourcefile(cls)), cls.__qualname__
    except TypeError:
        return cls.__module__, cls.__qualname__


@cache
def _load_all() -> None:
    importlib.import_module("bnnc.passes.pipelines")
    for point in entry_points(group="bnnc.passes"):
        loaded = load_entry_point(point, PassError)
        if inspect.isclass(loaded) and issubclass(loaded, Pass):
            register_pass(loaded)
        else:
            raise PassError(f"{describe(point)} is not a Pass class")


def registered_passes() -> dict[str, type[Pass]]:
    """All known passes by name, sorted."""
    _load_all()
    return dict(sorted(_PASSES.items()))


def find_pass(name: str) -> type[Pass]:
    """Return the class of a pass name; unknown names are errors with a suggestion."""
    _load_all()
    found = _PASSES.get(name)
    if found is None:
        raise PassError(
            f"unknown pass '{name}'",
            hint=did_you_mean(name, _PASSES) or "`bnnc passes` lists all",
        )
    return found


def load_pass_file(path: str | Path) -> list[type[Pass]]:
    """Import a Python file and register every Pass that it defines."""
    file = Path(path)
    if not file.is_file():
        raise UsageError(f"no pass file at {file}", hint="--load-pass takes a Python file")
    module_name = f"bnnc_user_pass_{file.stem}"
    spec = importlib.util.spec_from_file_location(module_name, file)
    if spec is None or spec.loader is None:
        raise UsageError(f"cannot load {file} as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        raise PassError(f"loading {file} failed: {type(error).__name__}: {error}") from error
    found = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Pass) and value.__module__ == module_name
    ]
    if not found:
        raise PassError(f"{file} defines no Pass", hint="subclass bnnc.Pass and give it a name")
    return [register_pass(cls) for cls in found]
