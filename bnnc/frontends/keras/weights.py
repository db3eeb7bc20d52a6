# SPDX-License-Identifier: Apache-2.0
"""Where a layer's variables lie in the two layouts; both hold them in the order of creation."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ..failures import Unsupported
from .hdf5 import Hdf5


class Place(Protocol):
    """A layer as far as its weights are concerned."""

    @property
    def path(self) -> tuple[str, ...]:
        """Names of the models around it as the file has them, then its own."""
        ...

    @property
    def slots(self) -> tuple[str, ...]:
        """The same by class: ``conv2d_1`` is the second Conv2D of its model."""
        ...


class Weights(Protocol):
    """The variables of all layers."""

    def close(self) -> None:
        """Close the file."""
        ...

    def of(self, place: Place, count: int) -> list[np.ndarray]:
        """Return a layer's variables.

        Raises:
            Unsupported: There are not `count`.
            ImportFailure: They cannot be read.
        """
        ...


def _check(found: int, count: int) -> None:
    if found != count:
        raise Unsupported(
            f"has {found} stored weights where its configuration asks for {count}",
            "the file is damaged, or was saved by another version; save the model again",
        )


class LegacyWeights:
    """``model_weights/LAYER``: the attribute weight_names lists paths below it."""

    def __init__(self, file: Hdf5) -> None:
        self._file = file

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def of(self, place: Place, count: int) -> list[np.ndarray]:
        """The layer's own; below a nested model all names lie in that model's group."""
        if count == 0:
            return []
        group = ("model_weights", place.path[0])
        names = self._file.texts(group, "weight_names")
        inner = place.path[1:]
        if inner:
            own = [n for n in names if inner[-1] in n.split("/")[:-1]]
            exact = [n for n in own if "/".join(inner) in n]
            names = exact if len(own) > count else own
        _check(len(names), count)
        return [self._file.array((*group, *name.split("/"))) for name in names]


class ArchiveWeights:
    """``layers/SLOT/vars/0``, ``1``, ...; a nested model has ``layers`` of its own."""

    def __init__(self, file: Hdf5) -> None:
        self._file = file

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def of(self, place: Place, count: int) -> list[np.ndarray]:
        """The layer's own; quantizers and such lie beside ``vars``."""
        if count == 0:
            return []
        path = (*(part for slot in place.slots for part in ("layers", slot)), "vars")
        _check(self._file.count(path), count)
        return [self._file.array((*path, str(i))) for i in range(count)]
