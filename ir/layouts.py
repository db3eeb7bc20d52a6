# SPDX-License-Identifier: Apache-2.0
"""Layouts: how the logical elements of a tensor lie in memory.

A layout is a registered object; ``unpack(pack(x)) == x`` and tails are zero for every layout.
Tensors without a layout are plain: row-major, little-endian, one element after the other.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np

from .diagnostics import IRError, did_you_mean
from .types import TensorType


class Layout(ABC):
    """One way to store a tensor; `name` is what the text shows after ``#``."""

    name: str
    alignment: int = 1

    @abstractmethod
    def accepts(self, tensor: TensorType) -> bool:
        """Whether a tensor of this type can be stored in this layout."""

    @abstractmethod
    def nbytes(self, tensor: TensorType) -> int:
        """Bytes that a tensor of this type takes."""

    @abstractmethod
    def pack(self, array: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Return the packed bytes (u8, flat) of a logical array."""

    @abstractmethod
    def unpack(self, data: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Return the logical array that packed bytes hold."""


class Plain(Layout):
    """Row-major elements of the logical dtype, little-endian."""

    name = ""

    def accepts(self, tensor: TensorType) -> bool:
        """Every type can be stored plainly."""
        return True

    def nbytes(self, tensor: TensorType) -> int:
        """Elements times element size."""
        return tensor.size * tensor.dtype.itemsize

    def pack(self, array: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Return the little-endian bytes of the array."""
        little = np.ascontiguousarray(array, dtype=tensor.dtype.newbyteorder("<"))
        return little.reshape(-1).view(np.uint8)

    def unpack(self, data: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Read the little-endian bytes back."""
        little = np.frombuffer(data.tobytes(), dtype=tensor.dtype.newbyteorder("<"))
        return little.astype(tensor.dtype).reshape(tensor.shape)


def _last_axis_bytes(tensor: TensorType) -> tuple[int, int]:
    """Rows and bytes per row when the last axis is packed to bits."""
    channels = tensor.shape[-1] if tensor.shape else 1
    return math.prod(tensor.shape[:-1]), (channels + 7) // 8


class BitPlane(Layout):
    """Bits of the last axis packed to bytes: channel c is bit c%8 of byte c/8, 1 means -1."""

    name = "bp8"

    def accepts(self, tensor: TensorType) -> bool:
        """Only ``bit`` tensors with at least one axis."""
        return tensor.scalar.name == "bit" and tensor.rank > 0

    def nbytes(self, tensor: TensorType) -> int:
        """Rows times ceil(channels / 8)."""
        rows, width = _last_axis_bytes(tensor)
        return rows * width

    def pack(self, array: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Pack logical +-1 values."""
        return np.packbits(array.reshape(tensor.shape) < 0, axis=-1, bitorder="little").reshape(-1)

    def unpack(self, data: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Return logical +-1 values (int8)."""
        return np.where(_unpack_bits(data, tensor), np.int8(-1), np.int8(1))


class TernaryPlanes(Layout):
    """Two bit planes: first the signs (1 = negative), then the mask (1 = not zero)."""

    name = "tp8"

    def accepts(self, tensor: TensorType) -> bool:
        """Only ``tern`` tensors with at least one axis."""
        return tensor.scalar.name == "tern" and tensor.rank > 0

    def nbytes(self, tensor: TensorType) -> int:
        """Two planes of rows times ceil(channels / 8)."""
        rows, width = _last_axis_bytes(tensor)
        return 2 * rows * width

    def pack(self, array: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Pack logical -1, 0, +1 values."""
        values = array.reshape(tensor.shape)
        planes = [np.packbits(p, axis=-1, bitorder="little") for p in (values < 0, values != 0)]
        return np.concatenate([p.reshape(-1) for p in planes])

    def unpack(self, data: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Return logical -1, 0, +1 values (int8)."""
        half = data.size // 2
        negative, nonzero = (_unpack_bits(d, tensor) for d in (data[:half], data[half:]))
        return np.where(nonzero, np.where(negative, np.int8(-1), np.int8(1)), np.int8(0))


class LevelPlanes(Layout):
    """k bit planes, the low bits of all levels first: plane j holds bit j of each level.

    Each plane lies like `BitPlane`: rows of ceil(channels / 8) bytes, channel c in bit c%8 of
    byte c/8.
    """

    name = "lp8"

    def accepts(self, tensor: TensorType) -> bool:
        """Only levels (u1..u8) with at least one axis."""
        return tensor.scalar.level_bits is not None and tensor.rank > 0

    def nbytes(self, tensor: TensorType) -> int:
        """K planes of rows times ceil(channels / 8)."""
        rows, width = _last_axis_bytes(tensor)
        return (tensor.scalar.level_bits or 0) * rows * width

    def pack(self, array: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Pack levels."""
        levels = array.reshape(tensor.shape)
        planes = [(levels >> j) & 1 for j in range(tensor.scalar.level_bits or 0)]
        return np.concatenate(
            [np.packbits(p, axis=-1, bitorder="little").reshape(-1) for p in planes]
        )

    def unpack(self, data: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Return levels (uint8)."""
        levels = np.zeros(tensor.shape, np.uint8)
        for j, plane in enumerate(np.split(data, tensor.scalar.level_bits or 1)):
            levels |= _unpack_bits(plane, tensor).astype(np.uint8) << j
        return levels


def _unpack_bits(data: np.ndarray, tensor: TensorType) -> np.ndarray:
    _, width = _last_axis_bytes(tensor)
    rows = np.ascontiguousarray(data, dtype=np.uint8).reshape(*tensor.shape[:-1], width)
    return np.unpackbits(rows, axis=-1, bitorder="little", count=tensor.shape[-1]).astype(np.bool_)


class OutputTiles(Layout):
    """Float weights with 8 output channels innermost: [ceil(o/8)][...][8], zero padded.

    Lanes are output channels, so vector code keeps the summation order of each output.
    """

    name = "t8"
    alignment = 4
    tile = 8

    def accepts(self, tensor: TensorType) -> bool:
        """Float tensors with at least two axes, output channels first."""
        return tensor.scalar.is_float and tensor.rank >= 2

    def nbytes(self, tensor: TensorType) -> int:
        """The size with output channels rounded up to the tile."""
        tiles = (tensor.shape[0] + self.tile - 1) // self.tile
        return 4 * self.tile * tiles * math.prod(tensor.shape[1:])

    def pack(self, array: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Move the output channels of each tile innermost."""
        outputs, inner = tensor.shape[0], math.prod(tensor.shape[1:])
        tiles = (outputs + self.tile - 1) // self.tile
        padded = np.zeros((tiles * self.tile, inner), np.dtype("<f4"))
        padded[:outputs] = array.reshape(outputs, inner)
        lanes = padded.reshape(tiles, self.tile, inner).transpose(0, 2, 1)
        return np.ascontiguousarray(lanes).reshape(-1).view(np.uint8)

    def unpack(self, data: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Return the logical array, dropping the padding channels."""
        outputs, inner = tensor.shape[0], math.prod(tensor.shape[1:])
        tiles = (outputs + self.tile - 1) // self.tile
        lanes = np.frombuffer(data.tobytes(), np.dtype("<f4")).reshape(tiles, inner, self.tile)
        rows = lanes.transpose(0, 2, 1).reshape(tiles * self.tile, inner)[:outputs]
        return np.ascontiguousarray(rows, dtype=np.float32).reshape(tensor.shape)


class BitTiles(Layout):
    """Bit weights with 8 output channels in a byte: [ceil(o/8)][...], bit l is channel 8 t + l.

    The bits that meet one activation lie in one byte. 1 means -1, bits without a channel are 0.
    """

    name = "bt8"

    def accepts(self, tensor: TensorType) -> bool:
        """Only ``bit`` tensors with at least two axes, output channels first."""
        return tensor.scalar.name == "bit" and tensor.rank >= 2

    def nbytes(self, tensor: TensorType) -> int:
        """Ceil(outputs / 8) times the size of the other axes."""
        return (tensor.shape[0] + 7) // 8 * math.prod(tensor.shape[1:])

    def pack(self, array: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Pack logical +-1 values."""
        rows = array.reshape(tensor.shape[0], math.prod(tensor.shape[1:]))
        return np.packbits(rows < 0, axis=0, bitorder="little").reshape(-1)

    def unpack(self, data: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Return logical +-1 values (int8)."""
        outputs, inner = tensor.shape[0], math.prod(tensor.shape[1:])
        tiles = np.ascontiguousarray(data, np.uint8).reshape((outputs + 7) // 8, inner)
        bits = np.unpackbits(tiles, axis=0, bitorder="little", count=outputs)
        return np.where(bits.astype(np.bool_), np.int8(-1), np.int8(1)).reshape(tensor.shape)


class BitSteps(Layout):
    """Bit weights of 8 output channels in turn: [ceil(o/8)][steps][8][16 bytes].

    The row of a channel is packed like `BitPlane`, each tap to whole bytes, and cut into steps of
    16 bytes. 1 means -1; bits without a weight are 0.
    """

    name = "bs8"
    tile = 8
    step = 16

    def accepts(self, tensor: TensorType) -> bool:
        """Only ``bit`` tensors with at least two axes, output channels first."""
        return tensor.scalar.name == "bit" and tensor.rank >= 2

    def _counts(self, tensor: TensorType) -> tuple[int, int, int]:
        """Tiles, steps, and bytes of a row."""
        _, width = _last_axis_bytes(tensor)
        row = math.prod(tensor.shape[1:-1]) * width
        return -(-tensor.shape[0] // self.tile), -(-row // self.step), row

    def nbytes(self, tensor: TensorType) -> int:
        """The size with channels rounded up to tiles, and their rows to steps."""
        tiles, steps, _ = self._counts(tensor)
        return tiles * steps * self.tile * self.step

    def pack(self, array: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Pack logical +-1 values."""
        tiles, steps, row = self._counts(tensor)
        rows = np.zeros((tiles * self.tile, steps * self.step), np.uint8)
        bits = np.packbits(array.reshape(tensor.shape) < 0, axis=-1, bitorder="little")
        rows[: tensor.shape[0], :row] = bits.reshape(tensor.shape[0], row)
        in_steps = rows.reshape(tiles, self.tile, steps, self.step).transpose(0, 2, 1, 3)
        return np.ascontiguousarray(in_steps).reshape(-1)

    def unpack(self, data: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Return logical +-1 values (int8)."""
        tiles, steps, row = self._counts(tensor)
        in_steps = np.ascontiguousarray(data, np.uint8).reshape(tiles, steps, self.tile, self.step)
        rows = in_steps.transpose(0, 2, 1, 3).reshape(tiles * self.tile, steps * self.step)
        used = np.ascontiguousarray(rows[: tensor.shape[0], :row])
        return np.where(_unpack_bits(used, tensor), np.int8(-1), np.int8(1))


class BitEights(Layout):
    """Bit weights of 8 output channels in turn, 8 of each: [ceil(o/8)][ceil(row/8)][8 bytes].

    The row of a channel is [...] without gaps, bit k of a byte weight 8 g + k of group g. 1 means
    -1; bits without a weight are 0.
    """

    name = "be8"
    tile = 8

    def accepts(self, tensor: TensorType) -> bool:
        """Only ``bit`` tensors with at least two axes, output channels first."""
        return tensor.scalar.name == "bit" and tensor.rank >= 2

    def _counts(self, tensor: TensorType) -> tuple[int, int, int]:
        """Tiles, groups, and the weights of a row."""
        row = math.prod(tensor.shape[1:])
        return -(-tensor.shape[0] // self.tile), -(-row // 8), row

    def nbytes(self, tensor: TensorType) -> int:
        """The size with channels rounded up to tiles, and their rows to bytes."""
        tiles, groups, _ = self._counts(tensor)
        return tiles * groups * self.tile

    def pack(self, array: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Pack logical +-1 values."""
        tiles, groups, row = self._counts(tensor)
        rows = np.zeros((tiles * self.tile, groups), np.uint8)
        logical = array.reshape(tensor.shape[0], row)
        rows[: tensor.shape[0]] = np.packbits(logical < 0, axis=1, bitorder="little")
        return np.ascontiguousarray(rows.reshape(tiles, self.tile, groups).swapaxes(1, 2)).ravel()

    def unpack(self, data: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Return logical +-1 values (int8)."""
        tiles, groups, row = self._counts(tensor)
        turned = np.ascontiguousarray(data, np.uint8).reshape(tiles, groups, self.tile)
        rows = turned.swapaxes(1, 2).reshape(tiles * self.tile, groups)[: tensor.shape[0]]
        bits = np.unpackbits(rows, axis=1, bitorder="little", count=row)
        return np.where(bits.astype(np.bool_), np.int8(-1), np.int8(1)).reshape(tensor.shape)


class TernarySteps(Layout):
    """Ternary weights as two planes of bits in turn: [ceil(o/8)][steps][2][8][16 bytes].

    Signs (1 = negative) lie like `BitSteps`; behind each step of them comes the mask of these
    weights (1 = not zero).
    """

    name = "ts8"

    def accepts(self, tensor: TensorType) -> bool:
        """Only ``tern`` tensors with at least two axes, output channels first."""
        return tensor.scalar.name == "tern" and tensor.rank >= 2

    def nbytes(self, tensor: TensorType) -> int:
        """Twice the size of bits."""
        return 2 * BitSteps().nbytes(tensor)

    def pack(self, array: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Pack logical -1, 0, +1 values."""
        values = array.reshape(tensor.shape)
        planes = [
            BitSteps().pack(np.where(plane, -1, 1), tensor).reshape(-1, _TILE_STEP)
            for plane in (values < 0, values != 0)
        ]
        return np.stack(planes, axis=1).reshape(-1)

    def unpack(self, data: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Return logical -1, 0, +1 values (int8)."""
        planes = np.ascontiguousarray(data, np.uint8).reshape(-1, 2, _TILE_STEP)
        sign, mask = (BitSteps().unpack(planes[:, i], tensor) for i in range(2))
        return np.where(mask < 0, sign, np.int8(0))


_TILE_STEP = BitSteps.tile * BitSteps.step
_LAYOUTS: dict[str, Layout] = {}


def register_layout(layout: Layout) -> None:
    """Add a layout; a second one of the same name is an error."""
    if layout.name in _LAYOUTS:
        raise IRError(f"layout '#{layout.name}' is already registered")
    _LAYOUTS[layout.name] = layout


def layouts() -> Iterator[Layout]:
    """All registered layouts in the order of registration."""
    return iter(_LAYOUTS.values())


def layout_of(tensor: TensorType) -> Layout:
    """Return the layout object of a type; unknown or unfit layouts are IR errors."""
    layout = _LAYOUTS.get(tensor.layout or "")
    if layout is None:
        raise IRError(
            f"unknown layout '#{tensor.layout}'", hint=did_you_mean(tensor.layout or "", _LAYOUTS)
        )
    if not layout.accepts(tensor):
        raise IRError(f"layout '#{layout.name}' cannot hold {tensor.logical()}")
    return layout


for _layout in (
    Plain(),
    BitPlane(),
    TernaryPlanes(),
    LevelPlanes(),
    OutputTiles(),
    BitTiles(),
    BitSteps(),
    BitEights(),
    TernarySteps(),
):
    register_layout(_layout)
