# SPDX-License-Identifier: Apache-2.0
"""Bad TensorFlow Lite files through the command line: exit code 3, one message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bnnc.frontends import load

from ..refusing import compile_bounded, refusal
from .writer import Fields, Net, flatbuffer

_KERNEL = np.ones((2, 4), np.float32)


def dense(change: Callable[[Net], object] = lambda net: None) -> bytes:
    """A dense layer; `change` spoils its parts before they are written."""
    net = Net()
    x = net.input((1, 4), name="x")
    y = net.add("FULLY_CONNECTED", [x, net.constant(_KERNEL), -1], (1, 2), name="layer")
    change(net)
    return net.file(y)


def _tensor(index: int, field: int, value: object) -> Callable[[Net], None]:
    def change(net: Net) -> None:
        net.tensors[index][field] = value  # type: ignore[assignment]

    return change


def _operator(field: int, value: object) -> Callable[[Net], None]:
    def change(net: Net) -> None:
        net.operators[0][field] = value  # type: ignore[assignment]

    return change


def _cycle(net: Net) -> None:
    """Two operators that read each other's results."""
    a = net.tensor((1, 4))
    b = net.add("ABS", [a], (1, 4))
    c = net.add("NEG", [b], (1, 4))
    net.operators[-2][1] = np.array([c], np.int32)
    net.operators[0][1] = np.array([b, 1, -1], np.int32)


def _itself(net: Net) -> None:
    net.operators[0][1] = np.array([2, 1, -1], np.int32)


def _twice(net: Net) -> None:
    net.add("ABS", [0], (1, 2))
    net.operators[-1][2] = np.array([2], np.int32)


def _code(net: Net) -> None:
    net.codes[0] |= {0: ("b", 127), 3: ("i", 9999)}


def _far_buffer(net: Net) -> None:
    """A buffer that lies behind the tables, where the file ends before it does."""
    net.buffers[1] = {1: ("Q", 1 << 40), 2: ("Q", 32)}


def _no_axis(net: Net) -> None:
    net.tensors[1][4] = {2: np.ones(3, np.float32), 3: np.zeros(3, np.int64), 6: ("i", 9)}


def _indices(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_tensor(0, 0, _indices(1 << 30, 1 << 30)), "where the file says [1, 2]"),
        (_tensor(0, 0, _indices(1, -5)), "is damaged: a tensor has the shape [1, -5]"),
        (_tensor(0, 0, _indices(*[1] * 900)), "is damaged: a tensor has the shape"),
        (_tensor(0, 0, _indices(1, 0)), "elements"),
        (_tensor(0, 0, _indices(1, 5)), "layer"),
        (_tensor(0, 1, ("b", 99)), "input 'x' holds"),
        (_tensor(0, 2, ("I", 77)), "buffer 77 is named"),
        (_tensor(1, 0, _indices(2, 5)), "a constant of shape [2, 5] has 32 bytes"),
        (_tensor(1, 0, _indices(1 << 30, 1 << 30)), "has 32 bytes"),
        (_tensor(1, 0, _indices(1, 8)), "layer"),
        (_tensor(1, 0, _indices(4, 2)), "layer"),
        (_tensor(2, 0, _indices(1, 3)), "where the file says [1, 3]"),
        (_tensor(1, 1, ("b", 5)), "layer"),
        (_tensor(1, 2, ("I", 0)), "which no operator computes"),
        (_operator(0, ("I", 5)), "operator code 5 is named"),
        (_operator(1, _indices(0, 99, -1)), "are named, there are 3"),
        (_operator(1, _indices(0, -7, -1)), "are named"),
        (_operator(1, _indices(0)), "layer"),
        (_operator(2, _indices(44)), "are named"),
        (_operator(2, _indices(-1)), "are named"),
        (_code, "operator number 9999"),
        (_cycle, "before it is computed"),
        (_itself, "before it is computed"),
        (_far_buffer, "goes beyond the end"),
        (_no_axis, "3 scales for axis 9"),
    ],
)
def test_models(tmp_path: Path, change: Callable[[Net], object], message: str) -> None:
    assert message in refusal(_write(tmp_path, dense(change)))


def _write(folder: Path, data: bytes) -> Path:
    path = folder / "net" / "net.tflite"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def test_graphs_that_are_not_there(tmp_path: Path) -> None:
    none: Fields = {0: ("I", 3)}
    assert "it has no graph" in refusal(_write(tmp_path, flatbuffer(none)))
    empty: Fields = {0: ("I", 3), 2: [{}]}
    assert "has no outputs" in refusal(_write(tmp_path, flatbuffer(empty)))


def test_an_operator_that_writes_anothers_result(tmp_path: Path) -> None:
    """The later one counts, as in the engine, or the file is refused; nothing else."""
    code, text = compile_bounded(_write(tmp_path, dense(_twice)))
    assert code in (0, 3), text


def test_cut_files(tmp_path: Path) -> None:
    whole = dense()
    load(_write(tmp_path, whole))
    for size in range(0, len(whole) - 8, 13):
        path = _write(tmp_path, whole[:size])
        code, text = compile_bounded(path)
        assert code in (0, 3), text  # what stands at the end may not be needed
        assert "Traceback" not in text
    assert "is no TensorFlow Lite model" in refusal(_write(tmp_path, b""))
    assert "is no TensorFlow Lite model" in refusal(_write(tmp_path, b"PK\3\4" + bytes(99)))


@pytest.mark.parametrize("value", [0x7FFFFFFF, 0xFFFFFFF0, 0x80000000])
def test_offsets_and_sizes(tmp_path: Path, value: int) -> None:
    """Every word in turn points out of the file, back, or says that much follows."""
    whole = dense()
    refused = 0
    for at in range(0, len(whole), 12):
        data = whole[:at] + value.to_bytes(4, "little") + whole[at + 4 :]
        code, text = compile_bounded(_write(tmp_path, data))
        assert code in (0, 3), f"byte {at}, exit code {code}: {text}"
        refused += code == 3
    assert refused > 10
