# SPDX-License-Identifier: Apache-2.0
"""Files of torch.save: what they hold, and one clear message where they are damaged."""

from __future__ import annotations

import importlib
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnc.frontends import load
from bnnc.frontends.options import ImportOptions
from bnnc.frontends.torch7.objects import Object, Table
from bnnc.frontends.torch7.reader import read_file
from bnnc.ir.diagnostics import BnncError, ImportFailure, UsageError
from examples.alexnet.networks import alexnet_xnor
from examples.alexnet.torch_file import Module, Storage, save, sequential

_ARRAYS: dict[str, np.ndarray] = {
    "f4": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "f8": np.linspace(0, 1, 5),
    "f2": np.array([[0.5, -2]], np.float16),
    "i8": np.array([1, -7, 1 << 30]),
    "i4": np.array([3, -4], np.int32),
    "u1": np.array([0, 255], np.uint8),
}


@pytest.mark.parametrize("long_size", [8, 4])
@pytest.mark.parametrize("cuda", [False, True])
def test_values_return(long_size: int, cuda: bool, tmp_path: Path) -> None:
    shared = Module("nn.Shared", {"t": _ARRAYS["f4"]})
    value: dict[str, Any] = {
        "none": None,
        "yes": True,
        "whole": 7,
        "half": 0.5,
        "text": "grüß",
        "list": [1, "b"],
        "storage": Storage(_ARRAYS["i8"]),
        "one": shared,
        "two": shared,
        **_ARRAYS,
    }
    save(tmp_path / "a.t7", value, long_size=long_size, cuda=cuda)
    read = read_file(tmp_path / "a.t7")
    assert isinstance(read, Table)
    found = read.entries
    assert [found[k] for k in ("none", "yes", "whole", "half", "text")] == [
        *(None, True, 7, 0.5, "grüß")
    ]
    entries = found["list"]
    assert isinstance(entries, Table) and entries.sequence() == [1, "b"]
    assert found["one"] is found["two"] and isinstance(found["one"], Object)
    for name, array in (*_ARRAYS.items(), ("storage", _ARRAYS["i8"])):
        other = found[name]
        assert isinstance(other, np.ndarray) and other.shape == array.shape
        assert np.array_equal(other, array)


def test_an_independent_reader_agrees(tmp_path: Path) -> None:
    torchfile: Any = importlib.import_module("torchfile")
    network = alexnet_xnor(0.05, 7, 3)
    save(tmp_path / "a.t7", network, cuda=True)
    theirs = torchfile.load(str(tmp_path / "a.t7"))
    _agree(read_file(tmp_path / "a.t7"), theirs)


def _agree(ours: Any, theirs: Any) -> None:
    if isinstance(ours, Object):
        assert theirs.torch_typename().decode() == ours.kind
        _agree(ours.table, theirs._obj)
    elif isinstance(ours, Table):
        pairs: Any = theirs.items() if hasattr(theirs, "items") else enumerate(theirs, 1)
        named = {k.decode() if isinstance(k, bytes) else k: v for k, v in pairs}
        assert ours.entries.keys() == named.keys()
        for key, value in ours.entries.items():
            _agree(value, named[key])
    else:
        assert np.array_equal(ours, theirs)


def test_strides_and_offsets(tmp_path: Path) -> None:
    """A transposed part of a storage, which the writer of the examples does not write."""
    path = tmp_path / "a.t7"
    save(path, np.zeros((2, 3), np.float32))
    data = bytearray(path.read_bytes())
    head = data.index(b"torch.FloatTensor") + len("torch.FloatTensor")
    data[head : head + 44] = struct.pack("<i5q", 2, 2, 2, 1, 3, 2)
    data[-24:] = np.arange(6, dtype="<f4").tobytes()
    path.write_bytes(data)
    read = read_file(path)
    assert isinstance(read, np.ndarray)
    assert read.tolist() == [[1, 4], [2, 5]]


def _refused(path: Path, **options: Any) -> str:
    with pytest.raises(ImportFailure) as caught:
        load(path, ImportOptions(**options))
    assert caught.value.exit_code == 3
    return str(caught.value)


def test_a_module_that_holds_itself(tmp_path: Path) -> None:
    inner: list[Module] = []
    network = Module("nn.Sequential", {"modules": inner})
    inner.append(network)
    save(tmp_path / "a.t7", network)
    assert "holds itself" in _refused(tmp_path / "a.t7")


@pytest.mark.parametrize("innermost", [Module("nn.ReLU"), sequential()])
def test_modules_named_again_and_again(innermost: Module, tmp_path: Path) -> None:
    network = innermost
    for _ in range(25):
        network = sequential(network, network)
    save(tmp_path / "a.t7", network)
    assert "more than 10000 modules" in _refused(tmp_path / "a.t7")


def test_deep_nesting(tmp_path: Path) -> None:
    nested: list[Any] = []
    for _ in range(400):
        nested = [nested]
    save(tmp_path / "a.t7", nested)
    assert "nested too deep" in _refused(tmp_path / "a.t7")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"4\n1\n3\nV 1\n13\nnn.Sequential\n", "written as text"),
        (b"version https://git-lfs", "git-lfs pointer"),
        (b"\x80\x02}q\x00.", "is no file of Torch 7"),
        (struct.pack("<ii", 2, 1 << 30), "a string of size 1073741824"),
        (struct.pack("<iii", 3, 1, 1 << 30), "a table of size 1073741824"),
        (struct.pack("<iii", 3, 1, -1), "a table of size -1"),
        (struct.pack("<ii", 5, 1), "holds no network"),
        (struct.pack("<iii", 5, 1, 0), "4 bytes follow its end"),
        (struct.pack("<i", 1), "ends within a value"),
    ],
)
def test_what_is_no_network(data: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.t7").write_bytes(data)
    assert words in _refused(tmp_path / "a.t7")


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((1, 1 << 40, 1, 1), "leaves its storage"),
        ((1, 6, 2, 1), "leaves its storage"),
        ((1, 6, -1, 6), "leaves its storage"),
        ((1, 6, 1, 0), "leaves its storage"),
        ((1, 1 << 40, 0, 1), "leaves its storage"),
        ((-1, 6, 1, 1), "rank -1"),
        ((1 << 30, 6, 1, 1), "rank 1073741824"),
    ],
)
def test_tensors_stay_in_their_storage(
    numbers: tuple[int, ...], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.t7"
    save(path, np.zeros(6, np.float32))
    data = bytearray(path.read_bytes())
    head = data.index(b"torch.FloatTensor") + len("torch.FloatTensor")
    data[head : head + 28] = struct.pack("<i3q", *numbers)
    path.write_bytes(data)
    assert words in _refused(path)


def test_a_storage_larger_than_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.t7"
    save(path, Storage(np.zeros(6, np.float32)))
    data = bytearray(path.read_bytes())
    data[-32:-24] = struct.pack("<q", 1 << 60)
    path.write_bytes(data)
    assert "does not fit" in _refused(path)


def test_any_damage_is_one_message(tmp_path: Path) -> None:
    path = tmp_path / "a.t7"
    save(path, alexnet_xnor(0.02, 3, 1))
    whole = path.read_bytes()
    random = np.random.default_rng(5)
    shape = {"input": (1, 227, 227, 3)}
    cuts = random.integers(0, len(whole), 60)
    for number, at in enumerate(cuts.tolist()):
        if number % 2:
            data = bytearray(whole[:at])
        else:
            data = bytearray(whole)
            start = at // 8 if number % 4 else at
            data[start : start + 4] = random.bytes(4)
        path.write_bytes(data)
        try:
            load(path, ImportOptions(input_shapes=shape))
        except (ImportFailure, UsageError) as why:
            assert why.exit_code in (2, 3)
        except BnncError as why:
            pytest.fail(f"{number}: {why}")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        load(tmp_path / "none.t7")
