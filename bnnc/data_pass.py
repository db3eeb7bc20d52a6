# SPDX-License-Identifier: Apache-2.0
"""Passes that interpret the network on data: an .npz file by option, or arrays in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Self

import numpy as np

from bnnc import arrays as batches
from bnnc.passes import Pass

Progress = Callable[[int, int], None]


class DataPass(Pass):
    """``data`` is an .npz with arrays [N, ...] by input name; no pass by itself."""

    data: str = ""

    _arrays: ClassVar[Mapping[str, np.ndarray] | None] = None
    _mapping: ClassVar[Mapping[str, str]] = {}
    _listeners: ClassVar[tuple[Progress, ...]] = ()

    def on(
        self,
        arrays: Mapping[str, np.ndarray] | None,
        mapping: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """The same pass with arrays in memory, and someone to tell how far it is."""
        # Not fields, since no pipeline string can hold them.
        object.__setattr__(self, "_arrays", arrays)
        object.__setattr__(self, "_mapping", mapping or {})
        object.__setattr__(self, "_listeners", () if progress is None else (progress,))
        return self

    def arrays(self) -> Mapping[str, np.ndarray] | None:
        """The data, or None without any."""
        if self._arrays is None and self.data:
            return batches.load_arrays(self.data)
        return self._arrays
