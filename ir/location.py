# SPDX-License-Identifier: Apache-2.0
"""Locations: the names of the user's own layers, kept through every rewrite."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .diagnostics import Span


@dataclass(frozen=True)
class Loc:
    """Names of source nodes, the one that produced the value first; fused ops list several.

    ``op`` is the operation's type in the source (``Conv2D``), ``span`` its place in IR text.
    """

    names: tuple[str, ...] = ()
    op: str = ""
    span: Span | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Loc) and (self.names, self.op) == (other.names, other.op)

    def __hash__(self) -> int:
        return hash((self.names, self.op))

    @property
    def name(self) -> str:
        """The primary name, or an empty string."""
        return self.names[0] if self.names else ""

    @property
    def title(self) -> str:
        """The primary name with its type, as messages show it: ``'conv1' (Conv2D)``."""
        return f"'{self.name}' ({self.op})" if self.op else f"'{self.name}'"

    def fuse(self, others: Iterable[Loc]) -> Loc:
        """Return this location with the names of others appended (each once)."""
        names = dict.fromkeys(self.names)
        for other in others:
            names.update(dict.fromkeys(other.names))
        return Loc(tuple(names), self.op, self.span)


UNKNOWN = Loc()
