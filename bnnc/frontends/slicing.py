# SPDX-License-Identifier: Apache-2.0
"""Slices as Python writes them: x[1:-1, ::2, None, ..., 0]."""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType
from typing import TypeAlias

from bnnc.ir import Value, nn

from .context import NodeContext
from .failures import Unsupported

Entry: TypeAlias = slice | int | EllipsisType | None
"""Part of an axis, one element of it, all axes in between, or a new axis."""


def sliced(c: NodeContext, x: Value, index: Sequence[Entry]) -> Value:
    """Emit x[index].

    Raises:
        Unsupported: The index does not fit x.
    """
    parts: list[range] = []
    shape: list[int] = []

    def take(part: range) -> None:
        parts.append(part)
        shape.append(len(part))

    for place, entry in enumerate(index):
        if entry is None:
            shape.append(1)
            continue
        if entry is ...:
            later = sum(other is not None for other in index[place + 1 :])
            while len(parts) < x.type.rank - later:
                take(range(x.shape[len(parts)]))
            continue
        if len(parts) == x.type.rank:
            raise Unsupported(f"has more entries than {list(x.shape)} has axes")
        size = x.shape[len(parts)]
        if isinstance(entry, slice):
            take(range(size)[entry])
        elif -size <= entry < size:
            parts.append(range(entry % size, entry % size + 1))
        else:
            raise Unsupported(f"takes element {entry} of {size}")
    while len(parts) < x.type.rank:
        take(range(x.shape[len(parts)]))
    sizes = tuple(len(part) for part in parts)
    if sizes != x.shape or any(part.step < 0 for part in parts):
        begin = tuple(part.start if part else 0 for part in parts)
        steps = tuple(part.step for part in parts)
        x = c.emit(nn.Slice(x, begin=begin, size=sizes, step=steps))
    return x if tuple(shape) == x.shape else c.emit(nn.Reshape(x, shape=tuple(shape)))
