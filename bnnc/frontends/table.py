# SPDX-License-Identifier: Apache-2.0
"""Tables of converters: one function for each operation, layer or operator of a format."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from typing import Generic, TypeVar

ConverterT = TypeVar("ConverterT", bound=Callable[..., object])


class ConverterTable(Generic[ConverterT]):
    """Converters by the name of what they translate.

    They register themselves when their module is imported; the table imports all modules of its
    folder when it is first read, so it is complete whoever has imported one of them before.
    """

    def __init__(self, package: str, folder: str = "converters") -> None:
        """Make a table.

        Args:
            package: The frontend's package, ``__package__`` of who calls.
            folder: The package in it that holds the modules of converters.
        """
        self._folder = f"{package}.{folder}"
        self._converters: dict[str, ConverterT] = {}
        self._complete = False

    def converts(self, *names: str) -> Callable[[ConverterT], ConverterT]:
        """Register a function as the converter of what has these names.

        Raises:
            ValueError: One of them has a converter.
        """

        def register(converter: ConverterT) -> ConverterT:
            for name in names:
                if name in self._converters:
                    raise ValueError(f"two converters for {name}")
                self._converters[name] = converter
            return converter

        return register

    def find(self, name: str) -> ConverterT | None:
        """Return the converter of a name, or None."""
        return self._all().get(name)

    def names(self) -> list[str]:
        """Return all names that have a converter, sorted."""
        return sorted(self._all())

    def _all(self) -> dict[str, ConverterT]:
        if not self._complete:
            for module in iter_modules(import_module(self._folder).__path__):
                import_module(f"{self._folder}.{module.name}")
            self._complete = True
        return self._converters
