# SPDX-License-Identifier: Apache-2.0
"""What a converter sees of a module: its input, its fields, a way to add operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from bnnc.ir import Value, nn

from ..building import ModuleBuilder
from ..context import NodeContext
from ..failures import Unsupported
from .network import Layer

_DAMAGED = "the file is damaged; save the model again"


class Context(NodeContext):
    """A module of the network; images are NHWC here, in Torch they are NCHW.

    Whatever is missing or of another kind raises `Unsupported`.

    Attributes:
        x: What the module reads.
        is_binary: Whether the module's weights are the signs of the stored ones.
    """

    def __init__(self, builder: ModuleBuilder, layer: Layer, x: Value, *, is_binary: bool) -> None:
        attrs = {str(k): v for k, v in layer.fields.items()}
        super().__init__(builder, layer.name, layer.kind, attrs)
        self.x = x
        self.is_binary = is_binary

    def number(self, name: str, default: float | None = None) -> float:
        """A number."""
        value = self._attrs.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        return self._default(name, default)

    def flag(self, name: str, default: bool) -> bool:
        """A truth value; nil is the default."""
        value = self._attrs.get(name)
        return value if isinstance(value, bool) else default

    def pair(self, height: str, width: str, default: int | None = None) -> tuple[int, int]:
        """Two ints, as height and width."""
        return self.integer(height, default), self.integer(width, default)

    def image(self) -> Value:
        """The input, which must be an image."""
        if self.x.type.rank != 4:
            raise Unsupported(f"reads a tensor of shape {list(self.x.shape)} and not an image")
        return self.x

    def array(self, name: str) -> np.ndarray | None:
        """A tensor or storage as float32, None where there is none."""
        array = self._array(name)
        return None if array is None or array.size == 0 else array.astype(np.float32)

    def sizes(self, name: str) -> list[int]:
        """A storage of whole numbers."""
        value = self._array(name)
        if value is None or value.ndim != 1 or value.dtype.kind != "i":
            raise Unsupported(f"has no usable field '{name}'", _DAMAGED)
        sizes: list[int] = value.tolist()
        return sizes

    def _array(self, name: str) -> np.ndarray | None:
        value = self._attrs.get(name)
        return cast("np.ndarray", value) if isinstance(value, np.ndarray) else None

    def weight(self, name: str, shape: Sequence[int]) -> Value:
        """A tensor with as many elements as the shape has, in that shape.

        Raises:
            Unsupported: It is missing, of another size, or holds what is not finite.
        """
        array = self.array(name)
        if array is None:
            raise Unsupported(f"has no tensor '{name}'", _DAMAGED)
        if array.size != np.prod(shape, dtype=object):
            raise Unsupported(
                f"has a {name} of shape {list(array.shape)} where {list(shape)} fits", _DAMAGED
            )
        if not np.isfinite(array).all():
            raise Unsupported(f"has a {name} that is not finite", "train again from before that")
        return self.constant(np.ascontiguousarray(array).reshape(shape), name)

    def bias(self, channels: int) -> Value | None:
        """The bias, None where the module has none."""
        return None if self.array("bias") is None else self.weight("bias", (channels,))

    def reshape(self, x: Value, shape: Sequence[int]) -> Value:
        """The same elements under another shape."""
        return x if x.shape == tuple(shape) else self.emit(nn.Reshape(x, shape=tuple(shape)))
