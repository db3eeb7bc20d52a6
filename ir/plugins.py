# SPDX-License-Identifier: Apache-2.0
"""What installed packages add under entry points: loaded with errors that name the package."""

from __future__ import annotations

from importlib.metadata import EntryPoint

from .diagnostics import BnncError


def load_entry_point(point: EntryPoint, error: type[BnncError]) -> object:
    """Return the object that an entry point names.

    Raises:
        error: the package cannot be imported, or does not define the object.
    """
    try:
        found: object = point.load()
    except Exception as problem:
        raise error(
            f"{describe(point)} cannot be loaded: {type(problem).__name__}: {problem}",
            hint="repair the package or uninstall it",
        ) from problem
    return found


def describe(point: EntryPoint) -> str:
    """Name an entry point and, where it is known, the package that it comes from."""
    package = f" of package '{point.dist.name}'" if point.dist is not None else ""
    return f"entry point {point.group}:{point.name} = {point.value}{package}"
