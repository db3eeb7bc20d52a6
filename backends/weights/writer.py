# SPDX-License-Identifier: Apache-2.0
"""Writing weight files (format: ``docs/weight_file.md``)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from bnnc.ir import Resource

MAGIC = b"BNNW\r\n\x1a\n"
VERSION = 1
SECTION_ALIGN = 64
GUARD = 64
MODEL_ID_BYTES = 16
_HEADER = struct.Struct("<8sIIQII16sIIII")
_SECTION = struct.Struct("<QQIIII")


@dataclass(frozen=True)
class FilePlan:
    """Where everything goes in the file; fixed before the data is known.

    Attributes:
        offsets: byte offset of each resource from the beginning of the file.
        table: section table and strings, without padding.
        header_bytes: header, table, strings and padding.
        file_bytes: the whole file, guard included.
    """

    offsets: dict[Resource, int]
    table: bytes
    header_bytes: int
    file_bytes: int


def _aligned(number: int) -> int:
    return -(-number // SECTION_ALIGN) * SECTION_ALIGN


def plan_file(resources: Iterable[Resource]) -> FilePlan:
    """Lay out the sections, one for each resource, in the given order."""
    sections = list(resources)
    pool = bytearray()
    pool_at = _HEADER.size + _SECTION.size * len(sections)
    texts: list[tuple[int, int, int, int]] = []
    for section in sections:
        place: list[int] = []
        for text in (section.symbol, str(section.type)):
            data = text.encode()
            place += [pool_at + len(pool), len(data)]
            pool += data
        texts.append((place[0], place[1], place[2], place[3]))
    header_bytes = _aligned(pool_at + len(pool))
    offsets: dict[Resource, int] = {}
    table = bytearray()
    end = header_bytes
    for section, place_of_texts in zip(sections, texts, strict=True):
        offsets[section] = end
        size = section.packed.size
        table += _SECTION.pack(end, size, *place_of_texts)
        end = _aligned(end + size)
    return FilePlan(offsets, bytes(table + pool), header_bytes, end + GUARD)


def write_weight_file(plan: FilePlan, model_id: bytes, target: str) -> bytes:
    """Return the bytes of the file.

    Args:
        plan: the layout, which also names the resources.
        model_id: 16 bytes that the generated code compares.
        target: name of the target that the weights are packed for.
    """
    payload = bytearray(plan.file_bytes - plan.header_bytes)
    for resource, offset in plan.offsets.items():
        data = resource.packed.tobytes()
        payload[offset - plan.header_bytes : offset - plan.header_bytes + len(data)] = data
    fields = (zlib.crc32(payload), model_id, zlib.crc32(target.encode()), len(plan.offsets))

    def header(own_crc: int) -> bytes:
        head = _HEADER.pack(
            MAGIC, VERSION, plan.header_bytes, plan.file_bytes, own_crc, *fields, GUARD, 0
        )
        return (head + plan.table).ljust(plan.header_bytes, b"\0")

    return header(zlib.crc32(header(0))) + bytes(payload)
