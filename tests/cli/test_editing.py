# SPDX-License-Identifier: Apache-2.0
"""Edits of the text take effect at every stage, in the interpreter and in C."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from bnnc import arrays
from bnnc.ir.text import read_module

from .conftest import Command

TEXT = """\
bnnc.ir 1
module @edited {stage = "imported"} {
  resource @w : tensor<9x3x3x2xf32> = WEIGHTS
  func @main(%x: tensor<1x4x6x2xf32>) -> (tensor<1x2x3x9xf32>) {inputs = ["x"], outputs = ["y"]} {
    %bits = nn.sign(%x) {zero = plus, nan = plus} : tensor<1x4x6x2xf32> loc("sign" : "Sign")
    %sums = nn.conv2d(%bits, @w) {stride = [1, 1], pad = [1, 1, 1, 1], pad_value = 0.0}
      : tensor<1x4x6x9xf32> loc("conv" : "Conv2D")
    %y = nn.max_pool(%sums) {kernel_size = [2, 2], stride = [2, 2], pad = [0, 0, 0, 0]}
      : tensor<1x2x3x9xf32> loc("pool" : "MaxPool")
    func.return(%y)
  }
}
"""
AFTER = ["", "binarize", "pack-weights", "plan-memory"]
RNG = np.random.default_rng(5)
W = RNG.choice([-1.0, 1.0], (9, 3, 3, 2)).astype(np.float32)
X = RNG.choice([-1.0, 0.0, 2.0], (3, 4, 6, 2)).astype(np.float32)


def _expected(
    *, w: np.ndarray = W, pad_value: float = 0.0, zero: float = 1.0, stride: int = 2
) -> np.ndarray:
    """What the network computes, by loops over every element."""
    signs = np.where(X == 0, zero, np.sign(X))
    padded = np.pad(signs, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=pad_value)
    sums = np.zeros((3, 4, 6, 9))
    for n, i, j, c in np.ndindex(sums.shape):
        sums[n, i, j, c] = (padded[n, i : i + 3, j : j + 3] * w[c]).sum()
    rows, columns = range(0, 3, stride), range(0, 5, stride)
    pooled = [[sums[:, i : i + 2, j : j + 2].max(axis=(1, 2)) for j in columns] for i in rows]
    return np.stack([np.stack(row, axis=1) for row in pooled], axis=1).astype(np.float32)


@pytest.fixture(params=AFTER)
def text(request: pytest.FixtureRequest, bnnc: Command, tmp_path: Path) -> Path:
    """The network as dumped after a pass."""
    return _dumped(bnnc, request.param, tmp_path)


def _dumped(bnnc: Command, after: str, folder: Path) -> Path:
    np.save(folder / "w.npy", W)
    source, dump = folder / "source.bnn", folder / "net.bnn"
    source.write_text(TEXT.replace("WEIGHTS", 'blob("file:w.npy")'))
    done = bnnc("dump", source, *(["--after", after] if after else []), "-o", dump)
    assert done.code == 0, done.err
    assert dump.with_name("net.bnn.npz").is_file()
    return dump


def _edit(text: Path, pattern: str, new: str, count: int = 1) -> Path:
    edited = text.with_name("edited.bnn")
    found, times = re.subn(pattern, new, text.read_text())
    assert times == count, text.read_text()
    edited.write_text(found)
    # The side file goes with the text.
    edited.with_name("edited.bnn.npz").write_bytes(text.with_name("net.bnn.npz").read_bytes())
    return edited


def _runs(bnnc: Command, text: Path) -> dict[str, np.ndarray]:
    """The network's outputs: interpreted as it stands, as planned, and in C."""
    inputs, outputs = text.with_name("x.npz"), text.with_name("y.npz")
    arrays.save_arrays(inputs, {"x": X})
    found: dict[str, np.ndarray] = {}
    for target in ("interp", "c"):
        done = bnnc("run", text, "--target", target, "--inputs", inputs, "--outputs", outputs)
        assert done.code == 0, done.err
        found[target] = arrays.load_arrays(outputs)["y"]
    return found


def _gives(bnnc: Command, text: Path, expected: np.ndarray) -> None:
    """Both targets give exactly this."""
    for target, found in _runs(bnnc, text).items():
        np.testing.assert_array_equal(found, expected, err_msg=target)


def test_a_pad_value(bnnc: Command, text: Path) -> None:
    _gives(bnnc, text, _expected())
    edited = _edit(text, r"pad_value = 0\.0", "pad_value = -1.0")
    assert not np.array_equal(_expected(), _expected(pad_value=-1.0))
    _gives(bnnc, edited, _expected(pad_value=-1.0))


@pytest.mark.parametrize("after", ["", "canonicalize", "binarize", "fold-thresholds"])
def test_what_a_sign_gives_for_zero(bnnc: Command, after: str, tmp_path: Path) -> None:
    assert not np.array_equal(_expected(), _expected(zero=-1.0))
    edited = _edit(_dumped(bnnc, after, tmp_path), "zero = plus", "zero = minus")
    _gives(bnnc, edited, _expected(zero=-1.0))


def test_the_stride_of_a_pool(bnnc: Command, text: Path) -> None:
    strided = _edit(text, r"(max_pool.*)stride = \[2, 2\]", r"\1stride = [1, 1]")
    failed = bnnc("run", strided)
    assert failed.code == 4
    assert re.search(r"edited\.bnn:\d+:\d+: error: declared tensor<1x2x3x9xf32>", failed.err)
    assert "tensor<1x3x5x9xf32>" in failed.err  # says what it should be
    text.write_text(strided.read_text())
    _gives(bnnc, _edit(text, "1x2x3x9xf32", "1x3x5x9xf32", count=2), _expected(stride=1))


@pytest.mark.parametrize("kind", ["stored", "logical"])
def test_a_weight_file(bnnc: Command, text: Path, kind: str) -> None:
    edited = _edit(text, r'(resource .* = )blob\("sha256:.*', r'\1blob("file:mine.npy")')
    (resource,) = read_module(text).resources.values()
    negated = -W
    negated[4] = W[4]
    if kind == "logical":
        array = negated.astype(resource.array.dtype)
    elif resource.type.layout is None:
        array = np.array(resource.stored) * np.where(np.arange(9) == 4, 1, -1)[:, None, None, None]
        array = array.astype(resource.stored.dtype)
    else:  # two channels are two bits of one byte
        array = np.array(resource.stored).reshape(9, -1)
        array[np.arange(9) != 4] ^= 3
        array = array.reshape(-1)
    np.save(text.with_name("mine.npy"), array)
    _gives(bnnc, edited, _expected(w=negated))
    moved = text.parent / "elsewhere"
    moved.mkdir()
    done = bnnc("opt", edited, "--passes", "default", "-o", moved / "planned.bnn")
    assert done.code == 0, done.err
    text.with_name("mine.npy").unlink()
    _gives(bnnc, moved / "planned.bnn", _expected(w=negated))  # the weights are in its side file
    assert bnnc("compile", edited).code == 4


def test_weights_that_do_not_fit(bnnc: Command, text: Path) -> None:
    edited = _edit(text, r'(resource .* = )blob\("sha256:.*', r'\1blob("file:mine.npy")')
    (type_,) = [r.type for r in read_module(text).resources.values()]
    np.save(text.with_name("mine.npy"), W[:8].astype(type_.dtype))
    failed = bnnc("compile", edited)
    assert failed.code == 4
    assert re.search(r"edited\.bnn:3:\d+: error: ", failed.err)
    assert "8x3x3x2" in failed.err or "8, 3, 3, 2" in failed.err
    assert "^" in failed.err


def test_a_side_file_of_another_text(bnnc: Command, text: Path) -> None:
    edited = _edit(text, "sha256:.", "sha256:" + "0")
    if edited.read_text() == text.read_text():
        edited = _edit(text, "sha256:.", "sha256:" + "1")
    failed = bnnc("compile", edited)
    assert failed.code == 4
    assert "do not belong together" in failed.err
