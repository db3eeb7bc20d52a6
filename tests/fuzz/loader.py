# SPDX-License-Identifier: Apache-2.0
"""Damaged weight files for the C loader, under sanitizers, and against the reader in Python."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bnnc.backends import read_weight_file
from bnnc.driver import plan
from bnnc.ir import Module
from bnnc.ir.diagnostics import WeightFileError

from .damage import WEIGHT_NETWORKS, Files, weight_files
from .fault import Fault
from .grower import grow
from .native import Native

_GOOD = 0


@dataclass(frozen=True)
class Loader:
    """Generated code for each network that weight files are made for.

    Attributes:
        native: the kernels.
        library: the generated code.
        modules: the planned networks by C name, in the order of the seeds.
    """

    native: Native
    library: Path
    modules: dict[str, Module]

    @classmethod
    def made(cls, native: Native) -> Loader:
        """Compile the networks under the name that is part of their files' model id."""
        modules = {"net": plan(grow(0, WEIGHT_NETWORKS[0]))}
        return cls(native, native.build(modules), modules)

    def check(self, cases: Sequence[Files]) -> None:
        """Give each file to the code.

        Raises:
            Fault: init accepts what is damaged or refuses what is whole, or a sanitizer complains;
                the detail begins with ``file N``.
        """
        files = [case["net.bnnw"] for case in cases]
        found = self.native.statuses(self.library, "net", self.modules["net"], files)
        whole = weight_files()[0]["net.bnnw"]
        for index, (data, status) in enumerate(zip(files, found, strict=True)):
            if (status == _GOOD) != _fits(data, whole):
                raise Fault("loader", f"file {index}: status {status}")
            if status != _GOOD and _reader_accepts(data) and _same_kind(data, whole):
                raise Fault("loader", f"file {index}: status {status}, but the reader accepts it")


def _fits(data: bytes, whole: bytes) -> bool:
    """What init promises, in other words: right sizes and ids, and both checksums."""
    if len(data) < len(whole) or data[:12] != whole[:12] or data[16:24] != whole[16:24]:
        return False
    data = data[: len(whole)]
    header_bytes = int.from_bytes(data[12:16], "little")
    if not 64 <= header_bytes <= len(data) or data[32:52] != whole[32:52]:
        return False
    header, payload = (int.from_bytes(data[i : i + 4], "little") for i in (24, 28))
    blank = data[:24] + bytes(4) + data[28:header_bytes]
    return zlib.crc32(blank) == header and zlib.crc32(data[header_bytes:]) == payload


def _reader_accepts(data: bytes) -> bool:
    try:
        read_weight_file(data)
    except WeightFileError:
        return False
    return True


def _same_kind(data: bytes, whole: bytes) -> bool:
    return data[16:24] == whole[16:24] and data[32:52] == whole[32:52]
