# SPDX-License-Identifier: Apache-2.0
"""Files that are damaged or hold what is not supported, names, shapes and options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import bnnc
from bnnc.frontends.tflite.flatbuffer import Damaged, Table
from bnnc.frontends.tflite.flexbuffer import read_map
from bnnc.ir.diagnostics import BnncError, ImportFailure, UsageError

from .test_golden import golden
from .writer import Net


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Path]:
    def put(data: bytes) -> Path:
        path = tmp_path / "net.tflite"
        path.write_bytes(data)
        return path

    return put


def model(name: str = "add_relu") -> bytes:
    return golden()[f"{name}.model"].tobytes()


Write = Callable[[bytes], Path]


@pytest.mark.parametrize("size", [0, 3, 8, 40, 500])
def test_truncated_files(write: Write, size: int) -> None:
    with pytest.raises(ImportFailure, match=r"is damaged|is no TensorFlow Lite model"):
        bnnc.load(write(model()[:size]))


def test_another_file(write: Write) -> None:
    with pytest.raises(ImportFailure, match="no TensorFlow Lite model"):
        bnnc.load(write(b"not a model at all"))


@pytest.mark.parametrize("name", ["add_relu", "conv_same", "split", "softmax"])
def test_flipped_bits_give_one_clear_error_or_a_model(write: Write, name: str) -> None:
    rng = np.random.default_rng(3)
    refused = 0
    for _ in range(300):
        data = bytearray(model(name))
        for at in rng.integers(0, len(data), rng.integers(1, 4)):
            data[at] ^= 1 << int(rng.integers(8))
        try:
            bnnc.load(write(bytes(data)))
        except ImportFailure as error:
            refused += 1
            assert error.exit_code == 3
        except UsageError:
            refused += 1
    assert refused > 20


@pytest.mark.parametrize("value", [0x7FFFFFFF, 0xFFFFFFFF, 0x80000000])
def test_huge_declared_sizes(write: Write, value: int) -> None:
    """Every aligned word in turn becomes a size or offset beyond the end."""
    data = model("softmax")
    for at in range(0, len(data) - 4, 4):
        changed = data[:at] + value.to_bytes(4, "little") + data[at + 4 :]
        try:
            bnnc.load(write(changed))
        except BnncError as error:
            assert error.exit_code in (2, 3)


def test_a_table_that_points_outside() -> None:
    with pytest.raises(Damaged):
        Table.root(b"\xff\xff\xff\x7fTFL3")
    with pytest.raises(Damaged):
        Table(b"\x10\0\0\0", 0).integer(0)


def test_flexbuffers() -> None:
    # {"a": 1, "b": -3}, as flexbuffers' own builder writes it.
    data = bytes([97, 0, 98, 0, 2, 5, 4, 2, 1, 2, 1, 253, 4, 4, 4, 36, 1])
    assert read_map(data) == {"a": 1, "b": -3}
    for end in range(len(data)):
        try:
            read_map(data[:end])
        except Damaged:
            continue


def test_names_batch_and_types(write: Write) -> None:
    module = bnnc.load(write(model("dense")), batch=7)
    ((name, type_),) = module.inputs.items()
    assert not name.endswith(":0")
    assert (str(type_.scalar), type_.shape) == ("i8", (7, 40))
    assert type_.quant is not None
    assert [t.shape for t in module.outputs.values()] == [(7, 30)]
    assert module.name == "net"


def test_outputs_may_be_chosen(write: Write) -> None:
    path = write(model("add_relu"))
    module = bnnc.load(path)
    first = module.func.ops[0].loc.name
    cut = bnnc.load(path, output_names=(first,))
    assert next(iter(cut.outputs)).startswith(first)
    assert len(cut.func.ops) < len(module.func.ops)
    behind = bnnc.load(path, input_names=(cut.func.ops[-1].loc.name, next(iter(module.inputs))))
    assert len(behind.inputs) == 2
    with pytest.raises(UsageError, match="has no tensor 'nothing'"):
        bnnc.load(path, output_names=("nothing",))


def test_layers_go_by_the_first_of_their_joined_names(write: Write) -> None:
    net = Net()
    x = net.input((1, 4), name="x")
    first = net.add("ABS", [x], (1, 4), name="relu;norm/add;conv")
    second = net.add("NEG", [first], (1, 4), name="twice;a")
    path = write(net.file(net.add("NEG", [second], (1, 4), name="twice;b")))
    module = bnnc.load(path)
    assert [op.loc.name for op in module.func.ops] == ["relu", "twice;a", "twice;b"]
    assert list(module.outputs) == ["twice;b"]
    assert list(bnnc.load(path, output_names=("relu",)).outputs) == ["relu;norm/add;conv"]


def test_locations_have_the_operators_of_the_file(write: Write) -> None:
    ops = bnnc.load(write(model("conv_relu6"))).func.ops
    assert [op.loc.op for op in ops] == ["CONV_2D"]


def test_operators_out_of_order_are_refused(write: Write) -> None:
    """Exchange the entries of two operators that depend on each other."""
    data = bytearray(model("add_relu"))
    graph = Table.root(bytes(data)).tables(2, lambda t: t)[0]
    tables = graph.tables(3, lambda t: t)
    start = next(
        at
        for at in range(0, len(data) - 8, 4)
        if all(
            at + 4 * i + int.from_bytes(data[at + 4 * i : at + 4 * i + 4], "little") == t.at
            for i, t in enumerate(tables)
        )
    )
    last = start + 4 * (len(tables) - 1)
    data[start : start + 4] = (tables[-1].at - start).to_bytes(4, "little")
    data[last : last + 4] = ((tables[0].at - last) % 2**32).to_bytes(4, "little")
    with pytest.raises(ImportFailure, match=r"before it is computed|is damaged"):
        bnnc.load(write(bytes(data)))
