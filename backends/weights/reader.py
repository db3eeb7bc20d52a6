# SPDX-License-Identifier: Apache-2.0
"""Reading weight files (format: ``docs/weight_file.md``); written from the format alone."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bnnc.ir.diagnostics import FileError, WeightFileError

_HEAD = np.dtype(
    [
        ("magic", "V8"),
        ("version", "<u4"),
        ("header_bytes", "<u4"),
        ("file_bytes", "<u8"),
        ("header_crc", "<u4"),
        ("payload_crc", "<u4"),
        ("model_id", "V16"),
        ("target_id", "<u4"),
        ("sections", "<u4"),
        ("guard_bytes", "<u4"),
        ("reserved", "<u4"),
    ]
)
_ENTRY = np.dtype(
    [
        ("offset", "<u8"),
        ("bytes", "<u8"),
        ("name_at", "<u4"),
        ("name_bytes", "<u4"),
        ("type_at", "<u4"),
        ("type_bytes", "<u4"),
    ]
)
_ALIGN = 64
_VERSIONS = (1,)


@dataclass(frozen=True)
class Section:
    """One packed tensor: symbol, type as IR text, place in the file and bytes (u8, flat)."""

    name: str
    type: str
    offset: int
    data: np.ndarray


@dataclass(frozen=True)
class WeightFile:
    """A weight file that passed every check."""

    version: int
    model_id: str
    target_id: int
    file_bytes: int
    guard_bytes: int
    sections: tuple[Section, ...]

    def is_for(self, target: str) -> bool:
        """Whether the weights are packed for the target of this name."""
        return self.target_id == zlib.crc32(target.encode())


def read_weight_file(source: str | Path | bytes) -> WeightFile:
    """Read and check a weight file given by path or by its bytes.

    Raises:
        FileError: the file cannot be read.
        WeightFileError: it is no weight file, or is short, of another version or damaged.
    """
    if isinstance(source, bytes):
        return _Reader("weight file", source).read()
    try:
        data = Path(source).read_bytes()
    except OSError as error:
        raise FileError(f"cannot read {source}: {error.strerror}") from error
    return _Reader(str(source), data).read()


class _Reader:
    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.data = data

    def _error(self, message: str, hint: str = "") -> WeightFileError:
        return WeightFileError(f"{self.name}: {message}", hint=hint)

    def read(self) -> WeightFile:
        data = self.data
        if data[:8] != b"BNNW\r\n\x1a\n"[: len(data)] or not data:
            raise self._error("is not a weight file", "expected a .bnnw that bnnc wrote")
        if len(data) < _HEAD.itemsize:
            raise self._error(f"ends within the header, after {len(data)} bytes")
        head = np.frombuffer(data, _HEAD, 1)[0]
        version, header_bytes = int(head["version"]), int(head["header_bytes"])
        if version not in _VERSIONS:
            raise self._error(
                f"has format version {version}, this bnnc reads {_VERSIONS[-1]}",
                "compile the model again",
            )
        file_bytes, guard, count = (int(head[k]) for k in ("file_bytes", "guard_bytes", "sections"))
        if len(data) != file_bytes:
            raise self._error(f"has {len(data)} bytes, its header says {file_bytes}")
        table_end = _HEAD.itemsize + count * _ENTRY.itemsize
        if not table_end <= header_bytes <= file_bytes - guard or header_bytes % _ALIGN:
            raise self._error("has a header of impossible size")
        crc_at = 24
        blanked = data[:crc_at] + b"\0\0\0\0" + data[crc_at + 4 : header_bytes]
        if zlib.crc32(blanked) != head["header_crc"]:
            raise self._error("is damaged: the header's checksum differs")
        if zlib.crc32(data[header_bytes:]) != head["payload_crc"]:
            raise self._error("is damaged: the payload's checksum differs")
        entries = np.frombuffer(data, _ENTRY, count, _HEAD.itemsize)
        return WeightFile(
            version,
            head["model_id"].tobytes().hex(),
            int(head["target_id"]),
            file_bytes,
            guard,
            tuple(self._section(e, header_bytes, file_bytes - guard) for e in entries),
        )

    def _section(self, entry: np.void, header_bytes: int, limit: int) -> Section:
        offset, size = int(entry["offset"]), int(entry["bytes"])
        if offset % _ALIGN or offset < header_bytes or offset + size > limit:
            raise self._error(f"has a section at {offset} that lies outside of the payload")
        return Section(
            self._text(entry, "name", header_bytes),
            self._text(entry, "type", header_bytes),
            offset,
            np.frombuffer(self.data, np.uint8, size, offset),
        )

    def _text(self, entry: np.void, key: str, header_bytes: int) -> str:
        at, size = int(entry[f"{key}_at"]), int(entry[f"{key}_bytes"])
        if at + size > header_bytes:
            raise self._error(f"has a section whose {key} lies outside of the header")
        try:
            return self.data[at : at + size].decode()
        except UnicodeDecodeError as error:
            raise self._error(f"has a section whose {key} is not UTF-8") from error
