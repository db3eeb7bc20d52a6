# SPDX-License-Identifier: Apache-2.0
"""Damage: to bytes of any kind, to text, to zip archives of arrays, to weight files."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

Rng: TypeAlias = np.random.Generator
Mutator: TypeAlias = Callable[[bytes, Rng], bytes]

_NUMBERS = (0, 1, 2, 7, 8, 127, 128, 255, 256, 65535, 2**16, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
_LARGE = (2**32, 2**40, 2**53, 2**63 - 1, 2**63, 2**64 - 1, 10**20)
NUMBERS: tuple[int, ...] = (*_NUMBERS, *_LARGE)


def below(rng: Rng, high: int) -> int:
    """An integer of [0, high); 0 where there is none."""
    return int(rng.integers(high)) if high > 0 else 0


def _piece(data: bytes, rng: Rng) -> tuple[int, int]:
    start = below(rng, len(data) + 1)
    length = min(len(data) - start, 1 + int(rng.geometric(0.08)))
    return start, start + length


def _flip(data: bytes, rng: Rng) -> bytes:
    changed = bytearray(data)
    if changed:
        changed[below(rng, len(changed))] ^= 1 << below(rng, 8)
    return bytes(changed)


def _set(data: bytes, rng: Rng) -> bytes:
    changed = bytearray(data)
    if changed:
        changed[below(rng, len(changed))] = int(rng.choice([0, 1, 127, 128, 255, below(rng, 256)]))
    return bytes(changed)


def _integer(data: bytes, rng: Rng) -> bytes:
    """A number of 1, 2, 4 or 8 bytes, as files hold them, or as a varint."""
    value = NUMBERS[below(rng, len(NUMBERS))]
    at = below(rng, len(data) + 1)
    size = 1 << below(rng, 4)
    new: bytes = (value % 2 ** (8 * size)).to_bytes(size, "little")
    if rng.random() < 0.3:
        new, size = _varint(value % 2**64), int(rng.integers(1, 3))
    return data[:at] + new + data[at + size :]


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def _delete(data: bytes, rng: Rng) -> bytes:
    start, end = _piece(data, rng)
    return data[:start] + data[end:]


def _repeat(data: bytes, rng: Rng) -> bytes:
    start, end = _piece(data, rng)
    times = int(rng.choice([1, 1, 2, 50]))
    return data[:end] + data[start:end] * times + data[end:]


def _insert(data: bytes, rng: Rng) -> bytes:
    at = below(rng, len(data) + 1)
    return data[:at] + rng.bytes(1 + below(rng, 8)) + data[at:]


def _move(data: bytes, rng: Rng) -> bytes:
    start, end = _piece(data, rng)
    rest = data[:start] + data[end:]
    at = below(rng, len(rest) + 1)
    return rest[:at] + data[start:end] + rest[at:]


def _cut(data: bytes, rng: Rng) -> bytes:
    return data[: below(rng, len(data) + 1)]


_BYTE_DAMAGE: tuple[Mutator, ...] = (
    *(_flip, _flip, _set, _set, _integer, _integer, _delete, _repeat, _insert, _move, _cut),
)


def damage_bytes(data: bytes, rng: Rng) -> bytes:
    """One to a few changes anywhere."""
    for _ in range(int(rng.geometric(0.5))):
        data = _BYTE_DAMAGE[below(rng, len(_BYTE_DAMAGE))](data, rng)
    return data


# Names with dots and slashes, strings, numbers with signs and exponents, any other character.
_TOKEN = re.compile(r'"[^"\n]*"|[@%#]?[A-Za-z_][\w./]*|-?\d[\w.+]*|\s+|.', re.DOTALL)
_NUMBER = re.compile(r"-?\d")
_WORDS = (
    *("0", "-1", "1", "2", "3", "65536", "2147483648", "99999999999", "-9223372036854775809"),
    *("1e30", "1e999", "nan", "inf", "-inf", "0.1", "-0.0", "none", "true", "unit", "[", "]", "("),
    *(")", "{", "}", ",", '"', "=", ":", "->", "f32", "bit", "tern", "u2", "u8", "odd<3>", "i32"),
    *("plus", "minus", "keep", "bp8", "tp8", "t8", "lp8", "planned", "imported", "lowered", "%x0"),
    *("splat(1.0)", "dense([])", 'blob("sha256:0000000000000000", "x")', 'blob("file:x.npy")'),
    *("nn.add", "nn.pad", "nn.reshape", "nn.conv2d", "bin.pack", "bin.conv2d_bb", "func.return"),
    *("tensor<f32>", "tensor<0xf32>", "tensor<99999x99999x99999xf32>", "tensor<1x1x1x1x1x1x1xf32>"),
)


def damage_text(data: bytes, rng: Rng) -> bytes:
    """Changes to words and lines of a text, now and then to its bytes."""
    text = data.decode("utf-8", "replace")
    for _ in range(int(rng.geometric(0.5))):
        text = _damage_lines(text, rng) if rng.random() < 0.25 else _damage_words(text, rng)
    found = text.encode()
    return damage_bytes(found, rng) if rng.random() < 0.1 else found


def _damage_words(text: str, rng: Rng) -> str:
    tokens = _TOKEN.findall(text)
    if not tokens:
        return text
    at = below(rng, len(tokens))
    if rng.random() < 0.5:  # numbers are what sizes are made of
        numbers = [i for i, t in enumerate(tokens) if _NUMBER.match(t)]
        at = numbers[below(rng, len(numbers))] if numbers else at
        if rng.random() < 0.3:
            tokens[at] = str(_NUMBERS[below(rng, len(_NUMBERS))])
            return "".join(tokens)
    choice = below(rng, 6)
    if choice == 0:
        del tokens[at]
    elif choice == 1:
        tokens[at] = tokens[below(rng, len(tokens))]
    elif choice == 2:
        other = below(rng, len(tokens))
        tokens[at], tokens[other] = tokens[other], tokens[at]
    elif choice == 3:
        tokens[at] = tokens[at] * int(rng.choice([2, 3, 2000]))
    else:
        tokens[at] = _WORDS[below(rng, len(_WORDS))]
    return "".join(tokens)


def _damage_lines(text: str, rng: Rng) -> str:
    lines = text.splitlines(keepends=True)
    if not lines:
        return text
    at, other = below(rng, len(lines)), below(rng, len(lines))
    choice = below(rng, 4)
    if choice == 0:
        del lines[at]
    elif choice == 1:
        lines[at], lines[other] = lines[other], lines[at]
    elif choice == 2:
        lines.insert(other, lines[at])
    else:
        lines = lines[:at]
    return "".join(lines)


def damage_archive(data: bytes, rng: Rng) -> bytes:
    """Damage to the bytes of an .npz, or to one of its members under a right checksum."""
    if rng.random() < 0.4:
        return damage_bytes(data, rng)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {i.filename: archive.read(i) for i in archive.infolist()}
    except (ValueError, OSError, zipfile.BadZipFile):  # two archives in one
        return damage_bytes(data, rng)
    names = list(members)
    if not names:
        return damage_bytes(data, rng)
    name = names[below(rng, len(names))]
    content = members.pop(name)
    if rng.random() < 0.6:
        end = min(len(content), 128)
        content = _damage_header(content[:end], rng) + content[end:]
    else:
        content = damage_bytes(content, rng)
    if rng.random() < 0.1:
        name = name[: below(rng, len(name) + 1)]
    members[name] = content
    buffer = io.BytesIO()
    kind = zipfile.ZIP_DEFLATED if rng.random() < 0.5 else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "w", kind) as archive:
        for key, value in members.items():
            archive.writestr(zipfile.ZipInfo(key or "x"), value, kind)
    return buffer.getvalue()


_HEADER_PARTS = (
    *("(99999999999,)", "(2147483648, 2147483648)", "()", "(-1,)", "(0,)", "(3, 0)", "(1.5,)"),
    *("('3',)", "((1,),)", "'<f8'", "'<i8'", "'|O'", "'<U9'", "'<c8'", "'|b1'", "'>f4'", "'|V8'"),
    *("True", "False", "None", "[" * 300, "{}", "1" * 5000, "__import__('os')", "<f2", "|u1"),
)


def _damage_header(head: bytes, rng: Rng) -> bytes:
    """A .npy header with another shape or dtype, padded to the old length where it fits."""
    if rng.random() < 0.3:
        return damage_bytes(head, rng)
    text = head.decode("latin-1")
    part = _HEADER_PARTS[below(rng, len(_HEADER_PARTS))]
    pattern = rng.choice([r"\([^)]*\)", r"'[<|>=][a-zA-Z]\d+'", r"True|False"])
    changed = re.sub(str(pattern), lambda _: part, text, count=1)
    return changed.rstrip(" \n").ljust(len(text) - 1).encode("latin-1")[: len(head) - 1] + b"\n"


def damage_weights(data: bytes, rng: Rng) -> bytes:
    """Damage to a weight file, mostly under right checksums."""
    damaged = damage_bytes(data, rng)
    if rng.random() < 0.6 and len(damaged) >= 64:
        damaged = with_checksums(damaged)
    return damaged


def with_checksums(data: bytes) -> bytes:
    """The file with the checksums that its sizes ask for."""
    fixed = bytearray(data)
    header = min(struct.unpack_from("<I", fixed, 12)[0], len(fixed))
    struct.pack_into("<I", fixed, 28, zlib.crc32(bytes(fixed[header:])))
    struct.pack_into("<I", fixed, 24, 0)
    struct.pack_into("<I", fixed, 24, zlib.crc32(bytes(fixed[:header])))
    return bytes(fixed)


def spliced(data: bytes, others: Sequence[bytes], rng: Rng) -> bytes:
    """The beginning of one file and the end of another."""
    other = others[below(rng, len(others))]
    return data[: below(rng, len(data) + 1)] + other[below(rng, len(other) + 1) :]
