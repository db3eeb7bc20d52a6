# SPDX-License-Identifier: Apache-2.0
"""Weight files: writer against reader and against the C loader, whole and damaged."""

from __future__ import annotations

import ctypes
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest

from bnnc.backends.weights import plan_file, read_weight_file, write_weight_file
from bnnc.ir import BIT, TERN, Module, TensorType
from bnnc.ir.diagnostics import FileError, WeightFileError
from bnnc.runtime import runtime_dir

MODEL_ID = bytes(range(16))
OK, ALIGN, SIZE, MAGIC, VERSION, CRC, MODEL, TARGET, NULL = 0, 1, 2, 3, 4, 5, 6, 7, 9


@pytest.fixture(scope="module")
def module() -> Module:
    rng = np.random.default_rng(3)
    m = Module("weights")
    m.add_resource(
        "conv/kernel",
        rng.choice([-1, 1], (5, 3, 3, 11)).astype(np.int8),
        TensorType((5, 3, 3, 11), BIT, "bp8"),
    )
    m.add_resource(
        "tern", rng.choice([-1, 0, 1], (7, 9)).astype(np.int8), TensorType((7, 9), TERN, "tp8")
    )
    m.add_resource("ünïcode", rng.normal(size=(3,)).astype(np.float32))
    m.add_resource("thr", np.array([-5, 2**31 - 1, -(2**31)], np.int32))
    return m


@pytest.fixture(scope="module")
def data(module: Module) -> bytes:
    return write_weight_file(plan_file(module.resources.values()), MODEL_ID, "c")


def test_reader_reads_what_the_writer_wrote(module: Module, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "w.bnnw"
    path.write_bytes(data)
    found = read_weight_file(path)
    assert (found.version, found.model_id) == (1, MODEL_ID.hex())
    assert found.is_for("c")
    assert not found.is_for("d")
    assert found.file_bytes == len(data)
    resources = list(module.resources.values())
    assert [s.name for s in found.sections] == [r.symbol for r in resources]
    assert [s.type for s in found.sections] == [str(r.type) for r in resources]
    for section, resource in zip(found.sections, resources, strict=True):
        assert section.offset % 64 == 0
        assert section.data.tobytes() == resource.packed.tobytes()
    assert data[-found.guard_bytes :] == bytes(64)


def test_header_fields_are_where_the_format_says(data: bytes) -> None:
    assert data[:8] == bytes.fromhex("424e4e570d0a1a0a")
    assert data[8:12] == (1).to_bytes(4, "little")
    header_bytes = int.from_bytes(data[12:16], "little")
    assert int.from_bytes(data[16:24], "little") == len(data)
    blank = data[:24] + bytes(4) + data[28:header_bytes]
    assert int.from_bytes(data[24:28], "little") == zlib.crc32(blank)
    assert int.from_bytes(data[28:32], "little") == zlib.crc32(data[header_bytes:])
    assert data[32:48] == MODEL_ID
    assert int.from_bytes(data[48:52], "little") == zlib.crc32(b"c")
    assert int.from_bytes(data[52:56], "little") == 4


def test_a_file_without_sections() -> None:
    data = write_weight_file(plan_file([]), MODEL_ID, "c")
    assert read_weight_file(data).sections == ()
    assert len(data) == 128


@pytest.mark.parametrize(
    ("start", "replacement", "complaint"),
    [
        (0, b"PK", "is not a weight file"),
        (8, b"\2", "has format version 2, this bnnc reads 1"),
        (40, b"\xff", "header's checksum differs"),
        (70, b"\xff", "header's checksum differs"),
        (-70, b"\xff", "payload's checksum differs"),
        (-1, b"\1", "payload's checksum differs"),
        (12, b"\xff\xff\xff", "header of impossible size"),
        (52, b"\xff\xff", "header of impossible size"),
    ],
)
def test_a_damaged_file(data: bytes, start: int, replacement: bytes, complaint: str) -> None:
    start %= len(data)
    damaged = data[:start] + replacement + data[start + len(replacement) :]
    with pytest.raises(WeightFileError, match=complaint) as error:
        read_weight_file(damaged)
    assert error.value.exit_code == 7


@pytest.mark.parametrize("kept", [0, 5, 63, 64, 200, -1])
def test_a_short_file(data: bytes, kept: int) -> None:
    with pytest.raises(WeightFileError):
        read_weight_file(data[:kept])
    with pytest.raises(WeightFileError, match="its header says"):
        read_weight_file(data + b"x")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot read"):
        read_weight_file(tmp_path / "none.bnnw")


def test_sections_outside_of_the_payload_are_refused(data: bytes) -> None:
    """The checksums are right; the reader does not trust the table all the same."""
    for start, complaint in [(64, "lies outside of the payload"), (64 + 16, "name lies outside")]:
        damaged = bytearray(data)
        damaged[start : start + 4] = (0x00FFFFC0).to_bytes(4, "little")
        header_bytes = int.from_bytes(damaged[12:16], "little")
        damaged[24:28] = bytes(4)
        damaged[24:28] = zlib.crc32(damaged[:header_bytes]).to_bytes(4, "little")
        with pytest.raises(WeightFileError, match=complaint):
            read_weight_file(bytes(damaged))


class Want(ctypes.Structure):
    _fields_ = [
        ("model_id", ctypes.c_uint8 * 16),
        ("target_id", ctypes.c_uint32),
        ("file_bytes", ctypes.c_uint32),
        ("align", ctypes.c_uint32),
    ]


class Loader:
    """The C loader in a shared library, on buffers of exactly the given size."""

    def __init__(self, library: ctypes.CDLL, file_bytes: int) -> None:
        self.check = library.bnnc_bnnw_check
        self.crc32 = library.bnnc_crc32
        self.crc32.restype = ctypes.c_uint32
        self.crc32.argtypes = [ctypes.c_uint32, ctypes.c_char_p, ctypes.c_size_t]
        self.want = Want((ctypes.c_uint8 * 16)(*MODEL_ID), zlib.crc32(b"c"), file_bytes, 8)

    def __call__(self, data: bytes, offset: int = 0) -> int:
        room = np.zeros(len(data) + 32, np.uint8)
        start = -room.ctypes.data % 16 + offset
        room[start : start + len(data)] = np.frombuffer(data, np.uint8)
        pointer = ctypes.c_void_p(room.ctypes.data + start)
        return int(self.check(ctypes.byref(self.want), pointer, ctypes.c_size_t(len(data))))


@pytest.fixture(scope="module")
def loader(cc: str, data: bytes, tmp_path_factory: pytest.TempPathFactory) -> Loader:
    path = tmp_path_factory.mktemp("loader") / "bnnw.so"
    root = runtime_dir()
    flags = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-shared", "-fPIC"]
    command = [cc, *flags, f"-I{root / 'include'}", str(root / "src/ref/bnnw.c"), "-o", str(path)]
    subprocess.run(command, check=True)
    return Loader(ctypes.CDLL(str(path)), len(data))


def test_crc32_is_that_of_zlib(loader: Loader) -> None:
    rng = np.random.default_rng(0)
    for size in (0, 1, 7, 1000):
        block = rng.bytes(size)
        assert loader.crc32(0, block, size) == zlib.crc32(block)
        assert loader.crc32(zlib.crc32(b"ab"), block, size) == zlib.crc32(b"ab" + block)


def test_c_loader_statuses(loader: Loader, data: bytes) -> None:
    def changed(at: int, byte: int) -> bytes:
        return data[:at] + bytes([byte]) + data[at + 1 :]

    assert loader(data) == OK
    assert loader(data + bytes(100)) == OK
    assert loader(data, offset=8) == OK
    assert loader(data, offset=4) == ALIGN
    assert loader(data[:63]) == SIZE
    assert loader(data[:-1]) == SIZE
    assert loader(changed(3, 0)) == MAGIC
    assert loader(changed(8, 2)) == VERSION
    assert loader(changed(32, 255)) == MODEL
    assert loader(changed(48, data[48] ^ 1)) == TARGET
    assert loader(changed(16, data[16] ^ 64)) == SIZE
    assert loader(changed(60, 1)) == CRC
    assert loader(changed(len(data) - 1, 1)) == CRC
    assert loader.check(None, None, 0) == NULL


def test_c_loader_refuses_every_flipped_bit(loader: Loader, data: bytes) -> None:
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    for index in range(bits.size):
        bits[index] ^= 1
        assert loader(np.packbits(bits).tobytes()) != OK, f"bit {index}"
        bits[index] ^= 1
