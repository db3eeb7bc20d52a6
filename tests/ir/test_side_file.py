# SPDX-License-Identifier: Apache-2.0
"""Text and side file belong together, or the error names both."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnc.ir.diagnostics import FileError, IRError
from bnnc.ir.module import Module
from bnnc.ir.text import parse_module, print_module, read_module, write_module
from bnnc.ir.types import BIT, F32, TensorType

TEXT = """\
module @net {
  func @main(%x: tensor<2x5xf32>) -> (tensor<2x5xf32>) {
    func.return(%x)
  }
}
"""


@pytest.fixture
def weights() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((4, 5)).astype(np.float32)


@pytest.fixture
def net(tmp_path: Path, weights: np.ndarray) -> Path:
    """A text with one constant in its side file."""
    module = parse_module(TEXT)
    module.add_resource("conv/w", weights)
    write_module(module, tmp_path / "net.bnn")
    return tmp_path / "net.bnn"


def failure(path: Path) -> str:
    with pytest.raises(IRError) as caught:
        read_module(path)
    assert caught.value.exit_code == 4
    return str(caught.value)


def save(net: Path, **arrays: np.ndarray) -> None:
    arguments: dict[str, Any] = dict(arrays)
    np.savez(net.with_name("net.bnn.npz"), **arguments)


def test_numpy_reads_it(net: Path, weights: np.ndarray) -> None:
    with np.load(net.with_name("net.bnn.npz")) as arrays:
        assert arrays.files == ["conv/w"]
        np.testing.assert_array_equal(arrays["conv/w"], weights)


def test_it_holds_no_dates(net: Path) -> None:
    with zipfile.ZipFile(net.with_name("net.bnn.npz")) as archive:
        assert {i.date_time for i in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {i.compress_type for i in archive.infolist()} == {zipfile.ZIP_STORED}


def test_numpy_may_write_it(net: Path, weights: np.ndarray) -> None:
    save(net, **{"conv/w": weights, "other": weights})
    np.testing.assert_array_equal(read_module(net).resources["conv/w"].array, weights)


def test_other_data(net: Path, weights: np.ndarray) -> None:
    save(net, **{"conv/w": weights + 1})
    message = failure(net)
    assert f"{net} and {net}.npz do not belong together: 'conv/w' has the digest" in message
    assert f"{net}:3:" in message


@pytest.mark.parametrize("change", ["shape", "dtype"])
def test_other_shape_or_dtype(net: Path, weights: np.ndarray, change: str) -> None:
    other = weights.T if change == "shape" else weights.astype(np.float64)
    save(net, **{"conv/w": other})
    assert "do not belong together" in failure(net)


def test_text_of_another_shape(net: Path) -> None:
    net.write_text(net.read_text().replace("tensor<4x5xf32>", "tensor<5x4xf32>"))
    assert f"{net} and {net}.npz do not belong together: @conv/w is declared" in failure(net)


def test_missing_key(net: Path, weights: np.ndarray) -> None:
    save(net, **{"conv/v": weights})
    message = failure(net)
    assert f"{net}.npz has no 'conv/w', which {net} needs" in message
    assert "did you mean 'conv/v'?" in message


def test_missing_side_file(net: Path) -> None:
    net.with_name("net.bnn.npz").unlink()
    assert f"{net} belongs to {net}.npz, which is not there" in failure(net)


def test_damaged_side_file(net: Path) -> None:
    side = net.with_name("net.bnn.npz")
    data = bytearray(side.read_bytes())
    data[200] ^= 1
    side.write_bytes(data)
    assert f"{side} is damaged" in failure(net)
    side.write_bytes(b"PK")
    assert f"{side} is no readable .npz file" in failure(net)


def test_a_header_cannot_ask_for_much(tmp_path: Path) -> None:
    """The array would take 4 TB; the file is short, so nothing is allocated."""
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1048576, 1048576), }\n"
    data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"\0" * 64
    (tmp_path / "w.npy").write_bytes(data)
    resource = '  resource @w : tensor<1048576x1048576xf32> = blob("file:w.npy")\n'
    (tmp_path / "net.bnn").write_text(TEXT.replace("{\n", "{\n" + resource, 1))
    assert f"which {len(data)} bytes cannot hold" in failure(tmp_path / "net.bnn")


@pytest.mark.parametrize("order", ["by columns", "big-endian"])
def test_other_orders_of_the_same_array(net: Path, weights: np.ndarray, order: str) -> None:
    by_columns = order == "by columns"
    save(net, **{"conv/w": np.asfortranarray(weights) if by_columns else weights.astype(">f4")})
    array = read_module(net).resources["conv/w"].array
    np.testing.assert_array_equal(array, weights)
    assert array.dtype == np.float32


def test_missing_or_binary_text(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"cannot read .*none\.bnn"):
        read_module(tmp_path / "none.bnn")
    (tmp_path / "binary.bnn").write_bytes(b"module \xff")
    assert "byte 7 is not UTF-8" in failure(tmp_path / "binary.bnn")


def test_unwritable_folder(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot write"):
        write_module(parse_module(TEXT), tmp_path / "none" / "net.bnn")


def test_without_constants_there_is_no_side_file(net: Path) -> None:
    write_module(parse_module(TEXT), net)
    assert sorted(f.name for f in net.parent.iterdir()) == ["net.bnn"]


def test_text_alone_has_no_data(net: Path) -> None:
    module = parse_module(net.read_text())
    assert module == read_module(net)
    with pytest.raises(IRError, match="data of @conv/w is not at hand"):
        _ = module.resources["conv/w"].array
    with pytest.raises(IRError, match="data of @conv/w is not at hand"):
        write_module(module, net)


@pytest.mark.parametrize("stored", ["logical", "packed", "wide"])
def test_weights_edited_by_hand(tmp_path: Path, stored: str) -> None:
    """A .npy named in the text: packed bytes, or values of any integer dtype."""
    bits = np.where(np.arange(45).reshape(5, 9) % 3 == 0, 1, -1).astype(np.int8)
    packed = np.packbits(bits < 0, axis=-1, bitorder="little").reshape(-1)
    arrays: dict[str, np.ndarray] = {"logical": bits, "packed": packed, "wide": bits.astype(int)}
    array = arrays[stored]
    np.save(tmp_path / "w.npy", array)
    resource = '  resource @w : tensor<5x9xbit, #bp8> = blob("file:w.npy")\n'
    text = TEXT.replace("{\n", '{stage = "planned", target = "c", arena_bytes = 0, '
                        "arena_align = 1} {\n" + resource, 1)  # fmt: skip
    (tmp_path / "net.bnn").write_text(text)
    module = read_module(tmp_path / "net.bnn")
    np.testing.assert_array_equal(module.resources["w"].array, bits)
    np.testing.assert_array_equal(module.resources["w"].packed, packed)
    assert 'blob("file:w.npy")' in print_module(module)
    (tmp_path / "other").mkdir()
    write_module(module, tmp_path / "other" / "net.bnn")
    assert read_module(tmp_path / "other" / "net.bnn") == module
    assert parse_module(text) == parse_module(text)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(3), "holds float64, tensor<3xi8> needs int8"),
        (np.full(3, 300), "holds values that i8 does not have"),
        (np.zeros(4, np.int8), "@w is declared tensor<3xi8> but its data is int8[4]"),
        (np.array([None]), "cannot read"),
        (None, "cannot read"),
    ],
)
def test_unfit_edited_weights(tmp_path: Path, array: np.ndarray | None, message: str) -> None:
    if array is not None:
        held: Any = array
        np.save(tmp_path / "w.npy", held, allow_pickle=True)
    resource = '  resource @w : tensor<3xi8> = blob("file:w.npy")\n'
    (tmp_path / "net.bnn").write_text(TEXT.replace("{\n", "{\n" + resource, 1))
    assert message in failure(tmp_path / "net.bnn")


@pytest.mark.parametrize(
    ("array", "type_", "text"),
    [
        (np.float32(0.1), TensorType((), F32), "dense([0.1])"),
        (np.zeros((3, 3), np.float32), TensorType((3, 3), F32), "splat(0.0)"),
        (np.array([0.0, -0.0], np.float32), TensorType((2,), F32), "dense([0.0, -0.0])"),
        (np.full((3, 9), -1, np.int8), TensorType((3, 9), BIT, "bp8"), "splat(-1)"),
        (np.array([1, -1], np.int8), TensorType((2,), BIT, "bp8"), "dense([1, -1])"),
        (np.zeros((0, 4), np.float32), TensorType((0, 4), F32), "dense([])"),
    ],
)
def test_small_constants_stand_inline(array: np.ndarray, type_: TensorType, text: str) -> None:
    module = Module("m")
    module.add_resource("w", np.asarray(array), type_)
    assert print_module(module).split("\n")[2] == f"  resource @w : {type_} = {text}"


@pytest.mark.parametrize(
    "bits", [[0x7FC00001, 0x7FC00001], [0xFFC00000, 0], [0x7F800001, 0x3F800000]]
)
def test_strange_nans_stay_out_of_the_text(bits: list[int]) -> None:
    """Text has one NaN only; any other one would come back changed."""
    module = Module("m")
    module.add_resource("w", np.array(bits, np.uint32).view(np.float32))
    assert "blob(" in print_module(module)


def test_keys_are_distinct_and_fit_into_a_zip(tmp_path: Path) -> None:
    module = parse_module(TEXT)
    rng = np.random.default_rng(0)
    symbols = ["w", "w.npy", "w_", "a\0b", "a_b", "a\\b", "\n", "ü/ü:0", ""]
    for symbol in symbols:
        resource = module.add_resource("x", rng.standard_normal((4, 5)).astype(np.float32))
        del module.resources[resource.symbol]
        resource.symbol = symbol
        module.resources[symbol] = resource
    write_module(module, tmp_path / "net.bnn")
    with np.load(tmp_path / "net.bnn.npz") as arrays:
        stored = [arrays[k] for k in arrays.files]
        text = (tmp_path / "net.bnn").read_text()
        again = parse_module(text, resources=dict(arrays), verify=False)
    for symbol, array in zip(symbols, stored, strict=True):
        np.testing.assert_array_equal(array, module.resources[symbol].stored)
    assert again == module


def test_importing_and_printing_do_not_load_lark() -> None:
    code = (
        "import sys, bnnc.ir.text, bnnc.ir.verifier, bnnc.ir.equality; "
        "from bnnc.ir import Module; str(Module('m')); "
        "print(any(m.split('.')[0] in ('lark', 'networkx') for m in sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                         cwd=Path(__file__).parents[2])  # fmt: skip
    assert run.stdout == "False\n"
