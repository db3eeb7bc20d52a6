# SPDX-License-Identifier: Apache-2.0
"""Layouts of 8-bit and bit weights that meet bytes, several output channels at once."""

from __future__ import annotations

import math

import numpy as np

from .layouts import Layout, register_layout
from .types import TensorType

_CHANNELS = 8
_STEP = 16


class ByteTiles(Layout):
    """Weights i8 of several output channels in turn, behind the sum of each channel's weights.

    First an i32 for each channel, then [channels/`lanes`][row/`depth`][`lanes`][`depth`]: with
    rows [kh][kw][ic] filled up with zeros to a multiple of 16, and channels to one of 8.
    """

    alignment = 4

    def __init__(self, lanes: int, depth: int) -> None:
        self.lanes, self.depth = lanes, depth
        self.name = f"w{lanes}x{depth}"

    def accepts(self, tensor: TensorType) -> bool:
        """Only i8 tensors with at least two axes, output channels first."""
        return tensor.scalar.name == "i8" and tensor.rank >= 2

    def _counts(self, tensor: TensorType) -> tuple[int, int, int]:
        """Channels and the length of their rows, both filled up, and the length that is used."""
        row = math.prod(tensor.shape[1:])
        channels = -(-tensor.shape[0] // _CHANNELS) * _CHANNELS
        return channels, -(-row // _STEP) * _STEP, row

    def nbytes(self, tensor: TensorType) -> int:
        """Four bytes for each channel, and its row."""
        channels, row, _ = self._counts(tensor)
        return channels * (4 + row)

    def pack(self, array: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Sum up each channel's weights, and put channels beside each other."""
        channels, row, used = self._counts(tensor)
        rows = np.zeros((channels, row), np.int8)
        rows[: tensor.shape[0], :used] = array.reshape(tensor.shape[0], used)
        tiles = rows.reshape(channels // self.lanes, self.lanes, row // self.depth, self.depth)
        sums = rows.sum(axis=1, dtype=np.dtype("<i4"))
        inner = np.ascontiguousarray(tiles.transpose(0, 2, 1, 3)).reshape(-1)
        return np.concatenate([sums.view(np.uint8), inner.view(np.uint8)])

    def unpack(self, data: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Return the logical array."""
        channels, row, used = self._counts(tensor)
        inner = np.ascontiguousarray(data[4 * channels :], np.uint8).view(np.int8)
        tiles = inner.reshape(channels // self.lanes, row // self.depth, self.lanes, self.depth)
        rows = tiles.transpose(0, 2, 1, 3).reshape(channels, row)
        return np.ascontiguousarray(rows[: tensor.shape[0], :used]).reshape(tensor.shape)


class SignTiles(ByteTiles):
    """Bit weights like the bytes of `ByteTiles`, eight in a byte: bit l of byte k is byte 8 k + l.

    1 means -1; bits without a weight are 0. The sums in front are those of the weights.
    """

    def __init__(self, lanes: int, depth: int) -> None:
        super().__init__(lanes, depth)
        self.name = f"b{lanes}x{depth}"

    def accepts(self, tensor: TensorType) -> bool:
        """Only ``bit`` tensors with at least two axes, output channels first."""
        return tensor.scalar.name == "bit" and tensor.rank >= 2

    def nbytes(self, tensor: TensorType) -> int:
        """Four bytes for each channel, and its row."""
        channels, row, _ = self._counts(tensor)
        return channels * (4 + row // 8)

    def pack(self, array: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Pack logical +-1 values."""
        as_bytes = super().pack(array, tensor)
        sums, tiles = np.split(as_bytes, [4 * self._counts(tensor)[0]])
        return np.concatenate([sums, np.packbits(tiles.view(np.int8) < 0, bitorder="little")])

    def unpack(self, data: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Return logical +-1 values (int8)."""
        sums, bits = np.split(data, [4 * self._counts(tensor)[0]])
        signs = 1 - 2 * np.unpackbits(bits, bitorder="little").astype(np.int8)
        return super().unpack(np.concatenate([sums, signs.view(np.uint8)]), tensor)


class TapBytes(Layout):
    """Weights i8 with output channels innermost, behind the sum of each channel's weights.

    First an i32 for each channel, then [kh][kw][ic][channels]: filled up to a multiple of 16.
    """

    name = "d16"
    alignment = 4
    lanes = 16

    def accepts(self, tensor: TensorType) -> bool:
        """Only i8 tensors with at least two axes, output channels first."""
        return tensor.scalar.name == "i8" and tensor.rank >= 2

    def _counts(self, tensor: TensorType) -> tuple[int, int]:
        """Channels, filled up, and the weights of each."""
        return -(-tensor.shape[0] // self.lanes) * self.lanes, math.prod(tensor.shape[1:])

    def nbytes(self, tensor: TensorType) -> int:
        """Four bytes for each channel, and its weights."""
        channels, row = self._counts(tensor)
        return channels * (4 + row)

    def pack(self, array: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Sum up each channel's weights, and put channels beside each other."""
        channels, row = self._counts(tensor)
        rows = np.zeros((channels, row), np.int8)
        rows[: tensor.shape[0]] = array.reshape(tensor.shape[0], row)
        sums = rows.sum(axis=1, dtype=np.dtype("<i4"))
        taps = np.ascontiguousarray(rows.T).reshape(-1)
        return np.concatenate([sums.view(np.uint8), taps.view(np.uint8)])

    def unpack(self, data: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Return the logical array."""
        channels, row = self._counts(tensor)
        taps = np.ascontiguousarray(data[4 * channels :], np.uint8).view(np.int8)
        rows = taps.reshape(row, channels).T[: tensor.shape[0]]
        return np.ascontiguousarray(rows).reshape(tensor.shape)


class SignNibbles(Layout):
    """Bit weights of 16 output channels in turn, behind the sum of each channel's weights.

    First an i32 for each channel, then [channels/16][row/8][16] bytes: of eight weights of a row
    [kh][kw][ic] the first four are the low half of a byte, lowest bit first. 1 means -1; rows are
    filled up with zeros to a multiple of 16, and channels to one of 16.
    """

    name = "n16"
    alignment = 4
    lanes = 16

    def accepts(self, tensor: TensorType) -> bool:
        """Only ``bit`` tensors with at least two axes, output channels first."""
        return tensor.scalar.name == "bit" and tensor.rank >= 2

    def _counts(self, tensor: TensorType) -> tuple[int, int, int]:
        """Channels, and bytes of their rows, both filled up; and the weights of a row."""
        row = math.prod(tensor.shape[1:])
        return -(-tensor.shape[0] // self.lanes) * self.lanes, -(-row // _STEP) * 2, row

    def nbytes(self, tensor: TensorType) -> int:
        """Four bytes for each channel, and its row."""
        channels, row, _ = self._counts(tensor)
        return channels * (4 + row)

    def pack(self, array: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Pack logical +-1 values."""
        channels, row, used = self._counts(tensor)
        logical = array.reshape(tensor.shape[0], used)
        rows = np.zeros((channels, 8 * row), np.bool_)
        rows[: tensor.shape[0], :used] = logical < 0
        sums = np.zeros(channels, np.dtype("<i4"))
        sums[: tensor.shape[0]] = logical.sum(axis=1, dtype=np.int32)
        packed = np.packbits(rows, axis=1, bitorder="little")
        tiles = packed.reshape(channels // self.lanes, self.lanes, row).transpose(0, 2, 1)
        return np.concatenate([sums.view(np.uint8), np.ascontiguousarray(tiles).reshape(-1)])

    def unpack(self, data: np.ndarray, tensor: TensorType) -> np.ndarray:
        """Return logical +-1 values (int8)."""
        channels, row, used = self._counts(tensor)
        tiles = data[4 * channels :].reshape(channels // self.lanes, row, self.lanes)
        packed = np.ascontiguousarray(tiles.transpose(0, 2, 1)).reshape(channels, row)
        bits = np.unpackbits(packed, axis=1, bitorder="little", count=used)[: tensor.shape[0]]
        return np.where(bits.astype(np.bool_), np.int8(-1), np.int8(1)).reshape(tensor.shape)


for _layout in (
    ByteTiles(4, 16),
    ByteTiles(8, 4),
    ByteTiles(8, 8),
    TapBytes(),
    SignNibbles(),
    SignTiles(8, 4),
    SignTiles(8, 8),
):
    register_layout(_layout)
