# SPDX-License-Identifier: Apache-2.0
"""What the kernels compute, written plainly in numpy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from bnnc.ir.interpreter.rounding import add_flushed, fma, multiply_flushed

from .library import Field

F32 = np.float32


def pack(x: np.ndarray) -> np.ndarray:
    """Bits (1 where negative) of the last axis, padded with zeros to bytes."""
    return np.packbits(x < 0, axis=-1, bitorder="little")


def pack_ternary(w: np.ndarray) -> np.ndarray:
    """The sign plane, then the plane of nonzeros."""
    mask = np.packbits(w != 0, axis=-1, bitorder="little")
    return np.concatenate([pack(w).ravel(), mask.ravel()])


def ternary_in_steps(w: np.ndarray) -> np.ndarray:
    """Each step of eight rows of signs, then the same of nonzeros: [tiles, steps, 2, 8, 16]."""
    signs, nonzeros = in_steps(w), in_steps(np.where(w != 0, -1, 1))
    parts: list[np.ndarray] = []
    for at in range(0, len(signs), 128):
        parts += [signs[at : at + 128], nonzeros[at : at + 128]]
    return np.concatenate(parts)


def pack_levels(bits: int, x: np.ndarray) -> np.ndarray:
    """Plane after plane: bit 0 of every level, bit 1 of every level, and so on."""
    rows = x.reshape(-1, x.shape[-1])
    found: list[np.ndarray] = []
    for j in range(bits):
        ones = np.zeros((len(rows), (rows.shape[1] + 7) // 8), np.uint8)
        for c in range(rows.shape[1]):
            ones[:, c // 8] |= (rows[:, c] // 2**j % 2 << c % 8).astype(np.uint8)
        found.append(ones)
    return np.concatenate([f.ravel() for f in found])


def tile_bits(w: np.ndarray) -> np.ndarray:
    """[oc, kh, kw, ic] to bytes [tiles, kh, kw, ic], bit l for channel 8 t + l."""
    tiles = np.zeros((-(-w.shape[0] // 8), *w.shape[1:]), np.uint8)
    for o, row in enumerate(w):
        tiles[o // 8] |= ((row < 0) << o % 8).astype(np.uint8)
    return tiles


def in_steps(w: np.ndarray) -> np.ndarray:
    """[oc, kh, kw, ic] to [tiles, steps, 8, 16 bytes]; a row is kh * kw * ceil(ic / 8) bytes."""
    oc, row = w.shape[0], pack(w).reshape(w.shape[0], -1)
    found: list[np.ndarray] = []
    for tile in range(0, oc, 8):
        for at in range(0, row.shape[1], 16):
            for channel in range(tile, tile + 8):
                step = np.zeros(16, np.uint8)
                if channel < oc:
                    part = row[channel, at : at + 16]
                    step[: len(part)] = part
                found.append(step)
    return np.concatenate(found)


def in_eights(w: np.ndarray) -> np.ndarray:
    """[oc, ...] to [tiles, groups of eight weights, 8 bytes]: a byte for each channel."""
    rows = [[(v < 0) << k % 8 for k, v in enumerate(row)] for row in w.reshape(len(w), -1)]
    rows += [[0] * len(rows[0])] * (-len(rows) % 8)
    groups = range(0, len(rows[0]), 8)
    tiles = [rows[tile : tile + 8] for tile in range(0, len(rows), 8)]
    found = [sum(row[g : g + 8]) for tile in tiles for g in groups for row in tile]
    return np.array(found, np.uint8)


def byte_tiles(w: np.ndarray, lanes: int, depth: int) -> np.ndarray:
    """Sums of the weights of [oc, ...], then rows: [oc / lanes][row / depth][lanes][depth]."""
    rows = [[int(v) for v in row] for row in w.reshape(len(w), -1)]
    rows = [row + [0] * (-len(row) % 16) for row in rows]
    rows += [[0] * len(rows[0])] * (-len(rows) % 8)
    found = [v % 256 for row in rows for v in sum(row).to_bytes(4, "little", signed=True)]
    for tile in range(0, len(rows), lanes):
        for at in range(0, len(rows[0]), depth):
            for row in rows[tile : tile + lanes]:
                found += [v % 256 for v in row[at : at + depth]]
    return np.array(found, np.uint8)


def sign_tiles(w: np.ndarray, lanes: int, depth: int) -> np.ndarray:
    """The same of +-1, with the signs of eight weights in a byte."""
    found = byte_tiles(w, lanes, depth)
    sums = 4 * (-(-len(w) // 8) * 8)
    tiles = found[sums:].tolist()
    signs = [sum((tiles[at + k] > 127) << k for k in range(8)) for at in range(0, len(tiles), 8)]
    return np.concatenate([found[:sums], np.array(signs, np.uint8)])


def tap_bytes(w: np.ndarray) -> np.ndarray:
    """Sums of the weights of [oc, ...], then [...][oc], filled up to a multiple of 16."""
    rows = [[int(v) for v in row] for row in w.reshape(len(w), -1)]
    rows += [[0] * len(rows[0])] * (-len(rows) % 16)
    found = [v % 256 for row in rows for v in sum(row).to_bytes(4, "little", signed=True)]
    found += [row[k] % 256 for k in range(len(rows[0])) for row in rows]
    return np.array(found, np.uint8)


def nibbles(w: np.ndarray) -> np.ndarray:
    """Sums of the weights of [oc, ...], then [oc / 16][row / 8][16] bytes of eight weights."""
    rows = [[int(v) for v in row] for row in w.reshape(len(w), -1)]
    rows += [[0] * len(rows[0])] * (-len(rows) % 16)
    found = [v % 256 for row in rows for v in sum(row).to_bytes(4, "little", signed=True)]
    for tile in range(0, len(rows), 16):
        for at in range(0, -(-len(rows[0]) // 16) * 16, 8):
            bits = [[(v < 0) << k for k, v in enumerate(r[at : at + 8])] for r in rows]
            found += [sum(eight) for eight in bits[tile : tile + 16]]
    return np.array(found, np.uint8)


def tile8(w: np.ndarray) -> np.ndarray:
    """[oc, kh, kw, ic] to [tiles, kh, kw, ic, 8]."""
    oc = w.shape[0]
    padded = np.zeros((-(-oc // 8) * 8, *w.shape[1:]), F32)
    padded[:oc] = w
    tiles = padded.reshape(-1, 8, *w.shape[1:])
    return np.ascontiguousarray(np.moveaxis(tiles, 1, -1))


@dataclass(frozen=True)
class Geometry:
    """A convolution's sizes; channels are per group."""

    n: int = 1
    ih: int = 5
    iw: int = 6
    ic: int = 3
    oc: int = 4
    kh: int = 3
    kw: int = 3
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    pad: tuple[int, int, int, int] = (0, 0, 0, 0)  # top, left, bottom, right
    groups: int = 1
    pad_value: float = 0.0
    nan_minus: int = 0
    bits_in: int = 0
    levels: int = 0

    @property
    def out(self) -> tuple[int, int]:
        """Output height and width."""
        h = self.ih + self.pad[0] + self.pad[2] - (self.kh - 1) * self.dilation[0] - 1
        w = self.iw + self.pad[1] + self.pad[3] - (self.kw - 1) * self.dilation[1] - 1
        return h // self.stride[0] + 1, w // self.stride[1] + 1

    @property
    def x_shape(self) -> tuple[int, ...]:
        """Shape of the input."""
        return self.n, self.ih, self.iw, self.ic * self.groups

    @property
    def w_shape(self) -> tuple[int, ...]:
        """Shape of the weights."""
        return self.oc * self.groups, self.kh, self.kw, self.ic

    @property
    def y_shape(self) -> tuple[int, ...]:
        """Shape of the result."""
        return self.n, *self.out, self.oc * self.groups

    def fields(self) -> dict[str, Field]:
        """The fields of bnnc_conv2d."""
        (oh, ow), (n, ih, iw, ic) = self.out, self.x_shape
        image = {"n": n, "ih": ih, "iw": iw, "ic": ic, "oh": oh, "ow": ow, "oc": self.y_shape[-1]}
        steps = {
            "stride_h": self.stride[0],
            "stride_w": self.stride[1],
            "dilation_h": self.dilation[0],
            "dilation_w": self.dilation[1],
            "pad_top": self.pad[0],
            "pad_left": self.pad[1],
        }
        kernel = {"kh": self.kh, "kw": self.kw, "groups": self.groups, "nan_minus": self.nan_minus}
        bits = {"bits_in": self.bits_in, "levels": self.levels}
        bits["bits_out"] = self.levels.bit_length()
        return {**image, **steps, **kernel, **bits, "pad_value": self.pad_value}


def random_geometries(count: int, seed: int, *, grouped: bool, deepest: int = 40) -> list[Geometry]:
    """Convolutions of every stride, dilation, pad and odd size, at least one output each."""
    rng = np.random.default_rng(seed)
    found: list[Geometry] = []
    while len(found) < count:
        n, kh, kw, ih, iw = (int(v) for v in rng.integers(1, [3, 5, 5, 9, 9]))
        sh, sw, dh, dw = (int(v) for v in rng.integers(1, [4, 4, 4, 4]))
        top, left, bottom, right = (int(v) for v in rng.integers(0, 4, 4))
        one = Geometry(n, ih, iw, int(rng.integers(1, deepest)), int(rng.integers(1, 20)), kh, kw)
        one = replace(one, stride=(sh, sw), dilation=(dh, dw), pad=(top, left, bottom, right))
        one = replace(one, pad_value=float(rng.integers(-1, 2)), nan_minus=int(rng.integers(2)))
        if grouped:
            one = replace(one, groups=int(rng.integers(2, 5)), oc=int(rng.integers(1, 6)))
        if min(one.out) >= 1 and max(one.out) <= 12:
            found.append(one)
    return found


def accumulate(
    g: Geometry,
    x: np.ndarray,
    w: np.ndarray,
    *,
    skip_zero_weights: bool = False,
    fused: bool = False,
    flushed: bool = False,
) -> np.ndarray:
    """acc = acc + x * w over the taps in the order kh, kw, ic, each in the dtype of x.

    A fused product and sum of float32 is rounded once; flushed ones are zero where denormal.

    Vectorized over outputs alone, so that each output's additions keep their order.
    """
    acc = np.zeros(g.y_shape, x.dtype)
    for taps, weights in taps_in_order(g, x, w):
        with np.errstate(all="ignore"):
            if flushed:
                new = add_flushed(acc, multiply_flushed(taps, weights))
            else:
                new = fma(taps, weights, acc) if fused else acc + taps * weights
        acc = np.where(weights == 0, acc, new) if skip_zero_weights else new
    return acc


def accumulate_eights(g: Geometry, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The order `eights`: acc = acc + (four + four) for each group of eight taps."""
    acc = np.zeros(g.y_shape, F32)
    products = [taps * weights for taps, weights in taps_in_order(g, x, w)]
    products += [np.zeros_like(acc)] * (-len(products) % 8)
    for at in range(0, len(products), 8):
        a, b, c, d, e, f, h, i = products[at : at + 8]
        acc = acc + ((((a + b) + c) + d) + (((e + f) + h) + i))
    return acc


def taps_in_order(
    g: Geometry, x: np.ndarray, w: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """What each output meets, [n, oh, ow, oc], and the weight of each channel, tap by tap."""
    (oh, ow), oc = g.out, g.oc * g.groups
    below = (g.stride[0] * oh + g.kh * g.dilation[0], g.stride[1] * ow + g.kw * g.dilation[1])
    padded = np.pad(
        x,
        ((0, 0), (g.pad[0], below[0]), (g.pad[1], below[1]), (0, 0)),
        constant_values=x.dtype.type(g.pad_value),
    )
    first = np.arange(oc) // g.oc * g.ic  # the first input channel of each output's group
    for i in range(g.kh):
        for j in range(g.kw):
            y0, x0 = i * g.dilation[0], j * g.dilation[1]
            rows = slice(y0, y0 + (oh - 1) * g.stride[0] + 1, g.stride[0])
            cols = slice(x0, x0 + (ow - 1) * g.stride[1] + 1, g.stride[1])
            tap = padded[:, rows, cols]
            for c in range(g.ic):
                yield tap[..., first + c], w[:, i, j, c].astype(x.dtype)


def count(acc: np.ndarray, thr: np.ndarray, nan_minus: int) -> np.ndarray:
    """How many of thr [c, l] each accumulator [..., c] passes."""
    column = acc[..., None]
    passed = column >= thr if nan_minus else ~(column < thr)
    return np.asarray(passed.sum(axis=-1))


def cut(acc: np.ndarray, thr: np.ndarray, nan_minus: int) -> np.ndarray:
    """Packed bits of acc >= thr."""
    minus = ~(acc >= thr) if nan_minus else acc < thr
    return np.packbits(minus, axis=-1, bitorder="little")
