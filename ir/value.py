# SPDX-License-Identifier: Apache-2.0
"""Values: what operations use. SSA results and arguments, and resources (constants)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from .diagnostics import IRError
from .layouts import layout_of
from .types import TensorType, of_array

if TYPE_CHECKING:
    from .operation import Op


class Value:
    """An SSA value: the `index`-th result of `owner`, or a function argument (owner None).

    ``name`` is only a hint for the printer. ``uses`` counts the operand slots of linked
    operations that read the value, in the order in which the users were linked.
    """

    __slots__ = ("index", "name", "owner", "type", "uses")

    def __init__(
        self, type_: TensorType, *, name: str = "", owner: Op | None = None, index: int = 0
    ) -> None:
        self.type = type_
        self.name = name
        self.owner = owner
        self.index = index
        self.uses: dict[Op, int] = {}

    def __repr__(self) -> str:
        return f"%{self.name or '?'} : {self.type}"

    @property
    def shape(self) -> tuple[int, ...]:
        """Logical shape."""
        return self.type.shape

    @property
    def users(self) -> list[Op]:
        """The operations that use the value, each once."""
        return list(self.uses)

    @property
    def use_count(self) -> int:
        """Number of operand slots that hold the value."""
        return sum(self.uses.values())


def array_digest(array: np.ndarray) -> str:
    """SHA-256 (hex) over dtype, shape and little-endian row-major bytes of an array."""
    little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    digest = hashlib.sha256(f"{little.dtype.str}{list(array.shape)}".encode())
    digest.update(little.tobytes())
    return digest.hexdigest()


class Resource(Value):
    """A named constant ``@symbol``.

    ``stored`` is what the side file keeps: the logical array of the type for plain tensors, the
    packed bytes (u8, flat) when the type has a layout. It is loaded on first use.
    """

    __slots__ = ("_digest", "_load", "_stored", "file", "symbol")

    def __init__(
        self,
        symbol: str,
        type_: TensorType,
        stored: np.ndarray | None = None,
        *,
        load: Callable[[], np.ndarray] | None = None,
        digest: str | None = None,
        file: str | None = None,
    ) -> None:
        super().__init__(type_, name=symbol)
        self.symbol = symbol
        self._stored = stored
        self._load = load
        self._digest = digest
        self.file = file
        if stored is not None:
            self._check(stored)

    @classmethod
    def of(cls, symbol: str, array: np.ndarray, type_: TensorType | None = None) -> Resource:
        """Make a resource of a logical array, packed when the type has a layout."""
        if type_ is None:
            type_ = of_array(array)
        if type_.layout is None:
            return cls(symbol, type_, np.asarray(array, dtype=type_.dtype, order="C"))
        return cls(symbol, type_, layout_of(type_).pack(array, type_))

    def twin(self) -> Resource:
        """Return an unused resource of the same symbol, type and (shared) data."""
        twin = Resource(
            self.symbol, self.type, load=self._load, digest=self._digest, file=self.file
        )
        twin._stored = self._stored
        return twin

    def __repr__(self) -> str:
        return f"@{self.symbol} : {self.type}"

    @property
    def at_hand(self) -> bool:
        """Whether the data is here or can be loaded; else only its digest is known."""
        return self._stored is not None or self._load is not None

    @property
    def stored(self) -> np.ndarray:
        """The array as the side file keeps it."""
        if self._stored is None:
            if self._load is None:
                raise IRError(
                    f"the data of @{self.symbol} is not at hand",
                    hint="parse the text together with its side file",
                )
            self._stored = self._load()
            self._check(self._stored)
        return self._stored

    @property
    def array(self) -> np.ndarray:
        """The logical array (do not write to it)."""
        if self.type.layout is None:
            return self.stored
        return layout_of(self.type).unpack(self.stored, self.type)

    @property
    def packed(self) -> np.ndarray:
        """The bytes (u8, flat) as they lie in memory on the device."""
        if self.type.layout is None:
            return layout_of(self.type).pack(self.stored, self.type)
        return self.stored

    @property
    def digest(self) -> str:
        """SHA-256 over the stored array, or what the text claims while it is not loaded."""
        if self._digest is None:
            self._digest = array_digest(self.stored)
        return self._digest

    def _check(self, stored: np.ndarray) -> None:
        if self.type.layout is None:
            want: tuple[tuple[int, ...], object] = (self.type.shape, self.type.dtype)
        else:
            want = ((layout_of(self.type).nbytes(self.type),), np.dtype(np.uint8))
        if (tuple(stored.shape), stored.dtype) != want:
            raise IRError(
                f"@{self.symbol} is declared {self.type} but its data is "
                f"{stored.dtype}{list(stored.shape)}"
            )
        if self.type.layout is None and not self.type.scalar.admits(stored):
            raise IRError(f"@{self.symbol} holds values that {self.type.scalar} does not have")
