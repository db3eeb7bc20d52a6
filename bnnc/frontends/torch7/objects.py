# SPDX-License-Identifier: Apache-2.0
"""What a file of Torch 7 holds: Lua's values, and objects of Torch's classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

Key: TypeAlias = "str | int | float | bool"
LuaValue: TypeAlias = "bool | int | float | str | Table | Object | np.ndarray | None"
"""Numbers that are whole are ints; tensors and storages are arrays, functions are None."""


@dataclass(eq=False)
class Table:
    """A table of Lua; entries under tables and objects are left out."""

    entries: dict[Key, LuaValue] = field(default_factory=dict["Key", "LuaValue"])

    def sequence(self) -> list[LuaValue]:
        """The entries 1, 2, ... up to the first that is missing."""
        found: list[LuaValue] = []
        while len(found) + 1 in self.entries:
            found.append(self.entries[len(found) + 1])
        return found


@dataclass(eq=False)
class Object:
    """An object of a class such as ``nn.ReLU``, with its fields by name."""

    kind: str
    table: Table = field(default_factory=Table)

    @property
    def fields(self) -> Mapping[Key, LuaValue]:
        """The fields."""
        return self.table.entries
