# SPDX-License-Identifier: Apache-2.0
"""Names, dtypes and batches of arrays, as users give them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bnnc import arrays
from bnnc.ir import F32, I32, TensorType
from bnnc.ir.diagnostics import Remark, UsageError

X = {"x": TensorType((2, 3), F32)}
XY = {"a": TensorType((2, 3), F32), "b": TensorType((2, 5), F32)}


def _ones(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


@pytest.mark.parametrize(
    ("name", "key"), [("x", "x"), ("x", "x:0"), ("x:0", "x"), ("scope/x:0", "scope/x:0")]
)
def test_a_trailing_zero_counts_for_nothing(name: str, key: str) -> None:
    types = {name: TensorType((2, 3), F32)}
    found = arrays.select(types, {key: _ones(2, 3), "other": _ones(1)}, side="input")
    assert list(found) == [name]
    assert found[name].shape == (2, 3)


def test_other_output_numbers_count() -> None:
    with pytest.raises(UsageError):
        arrays.select(XY, {"a:1": _ones(2, 3), "b": _ones(2, 5)}, side="input")


@pytest.mark.parametrize(("side", "keys"), [("input", ("x", "x0")), ("output", ("y", "y0"))])
def test_one_key_named_x_or_y_is_taken_with_a_remark(
    side: arrays.Side, keys: tuple[str, str]
) -> None:
    types = {"images": TensorType((2, 3), F32)}
    for key in keys:
        remarks: list[Remark] = []
        found = arrays.select(types, {key: _ones(2, 3), "z": _ones(1)}, side=side, remarks=remarks)
        assert found["images"].shape == (2, 3)
        assert [str(r) for r in remarks] == [f"remark: {side} 'images' takes the array '{key}'"]
    with pytest.raises(UsageError):
        arrays.select(types, dict.fromkeys(keys, _ones(2, 3)), side=side)
    other: arrays.Side = "output" if side == "input" else "input"
    with pytest.raises(UsageError):
        arrays.select(types, {keys[0]: _ones(2, 3)}, side=other)


def test_no_fallback_for_two_inputs() -> None:
    with pytest.raises(UsageError, match="no array for input 'a'"):
        arrays.select(XY, {"x": _ones(2, 3), "b": _ones(2, 5)}, side="input")


def test_missing_key_lists_both_sides() -> None:
    with pytest.raises(UsageError) as caught:
        arrays.select(XY, {"a": _ones(2, 3), "c": np.zeros(4, np.int64)}, side="input")
    assert caught.value.exit_code == 2
    assert str(caught.value).splitlines() == [
        "error: no array for input 'b'",
        "  inputs of the network:",
        "    a: f32[2, 3]",
        "    b: f32[2, 5]",
        "  arrays given:",
        "    a: float32[2, 3]",
        "    c: int64[4]",
        "  hint: name them alike, or say --map INPUT=KEY",
    ]


def test_mapping() -> None:
    given = {"first": _ones(2, 3), "b": _ones(2, 5), "a": _ones(7)}
    found = arrays.select(XY, given, side="input", mapping={"a:0": "first"})
    assert found["a"].shape == (2, 3)
    with pytest.raises(UsageError, match=r"(?s)there is no input 'aa'.*did you mean 'a'"):
        arrays.select(XY, given, side="input", mapping={"aa": "first"})
    with pytest.raises(UsageError, match="no array for input 'nope'"):
        arrays.select(XY, given, side="input", mapping={"a": "nope"})


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.int64])
def test_integers_are_cast_by_value(dtype: type[np.generic]) -> None:
    found = arrays.cast("x", np.array([[0, 7, 127]], dtype), X["x"])
    assert found.dtype == np.float32
    assert found.tolist() == [[0.0, 7.0, 127.0]]


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.bool_])
def test_other_changes_of_dtype_are_refused(dtype: type[np.generic]) -> None:
    with pytest.raises(UsageError, match=r"(?s)array for 'x' is .*the network takes f32.*astype"):
        arrays.cast("x", np.zeros((2, 3), dtype), X["x"])


def test_an_integer_input_takes_its_own_dtype_only() -> None:
    type_ = TensorType((2,), I32)
    assert arrays.cast("n", np.zeros(2, np.int32), type_).dtype == np.int32
    with pytest.raises(UsageError):
        arrays.cast("n", np.zeros(2, np.int64), type_)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_chunks_of_the_batch_the_last_padded_and_cut(count: int) -> None:
    x = np.arange(count * 3, dtype=np.float32).reshape(count, 3)
    sizes: list[int] = []

    def call(chunk: arrays.Arrays) -> arrays.Arrays:
        sizes.append(len(chunk["x"]))
        return {"y": chunk["x"] * 2, "flat": chunk["x"].reshape(-1)}

    outputs = {"y": TensorType((2, 3), F32), "flat": TensorType((6,), F32)}
    found = arrays.run_in_batches(call, X, outputs, {"x": x})
    assert sizes == [2] * ((count + 1) // 2)
    np.testing.assert_array_equal(found["y"], x * 2)
    np.testing.assert_array_equal(found["flat"], x.reshape(-1))


def test_progress_counts_samples() -> None:
    told: list[tuple[int, int]] = []

    def progress(done: int, count: int) -> None:
        told.append((done, count))

    arrays.run_in_batches(
        lambda chunk: {"y": chunk["x"]}, X, {"y": X["x"]}, {"x": _ones(5, 3)}, progress
    )
    assert told == [(2, 5), (4, 5), (5, 5)]


def test_an_output_without_a_batch_axis() -> None:
    outputs = {"total": TensorType((), F32)}

    def call(chunk: arrays.Arrays) -> arrays.Arrays:
        return {"total": np.asarray(chunk["x"].sum())}

    found = arrays.run_in_batches(call, X, outputs, {"x": _ones(2, 3)})
    assert found["total"].shape == ()
    assert found["total"] == 6
    with pytest.raises(UsageError, match="it has no batch axis, so 4 samples"):
        arrays.run_in_batches(call, X, outputs, {"x": _ones(4, 3)})


def test_shapes_must_fit() -> None:
    with pytest.raises(UsageError, match=r"(?s)has shape \[3\], .* takes \[N, 3\].*x\[None\]"):
        arrays.count_samples(X, {"x": _ones(3)})
    with pytest.raises(UsageError, match=r"has shape \[2, 4\]"):
        arrays.count_samples(X, {"x": _ones(2, 4)})
    with pytest.raises(UsageError, match=r"different numbers of samples \(a: 4, b: 6\)"):
        arrays.count_samples(XY, {"a": _ones(4, 3), "b": _ones(6, 5)})
    with pytest.raises(UsageError, match="no samples"):
        arrays.count_samples(X, {"x": _ones(0, 3)})


def test_inputs_without_a_batch_axis_must_be_set() -> None:
    scalar = TensorType((), F32)
    with pytest.raises(UsageError, match=r"(?s)input 'k' has no batch axis.*--set k=VALUE"):
        arrays.batch_of(X | {"k": scalar})
    with pytest.raises(UsageError, match=r"(?s)first axes of the inputs disagree.*--set"):
        arrays.batch_of(X | {"k": TensorType((7,), F32)})


def test_random_arrays_are_seeded_and_in_range() -> None:
    types = X | {"n": TensorType((2, 4), I32)}
    first, again = arrays.random_arrays(types, 6), arrays.random_arrays(types, 6)
    assert first["x"].shape == (6, 3)
    assert first["n"].dtype == np.int32
    for name in types:
        np.testing.assert_array_equal(first[name], again[name])
    assert not np.array_equal(first["x"], arrays.random_arrays(types, 6, seed=1)["x"])


def test_files_round_trip_and_depend_on_content_alone(tmp_path: Path) -> None:
    held: arrays.Arrays = {
        "a/b:0": np.arange(6, dtype=np.float32).reshape(2, 3),
        "n": np.array(7, np.int64),
    }
    arrays.save_arrays(tmp_path / "1.npz", held)
    arrays.save_arrays(tmp_path / "2.npz", held)
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()
    with np.load(tmp_path / "1.npz") as plain:
        assert plain["a/b:0"].tolist() == [[0, 1, 2], [3, 4, 5]]
    found = arrays.load_arrays(tmp_path / "1.npz")
    assert found["n"] == 7
    assert found["n"].dtype == np.int64


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 broken", b"\x80\x04K\x01."])
def test_files_that_are_no_npz(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.npz"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=r"cannot be read as \.npz"):
        arrays.load_arrays(file)


def test_other_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file"):
        arrays.load_arrays(tmp_path / "absent.npz")
    np.save(tmp_path / "one.npy", np.ones(3))
    with pytest.raises(UsageError, match="a single array"):
        arrays.load_arrays(tmp_path / "one.npy")
    np.savez(tmp_path / "objects.npz", x=np.array([{}], dtype=object))
    with pytest.raises(UsageError, match="cannot be read"):
        arrays.load_arrays(tmp_path / "objects.npz")


@pytest.mark.parametrize("part", ["(99999999999,)", "(3", "[" * 300, "(-1,)", "1" * 5000])
def test_a_damaged_array_asks_for_no_memory(tmp_path: Path, part: str) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.ones(3, np.float32))
    head = buffer.getvalue()[:128].replace(b"(3,)", part.encode())
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("a.npy", head[:8] + len(head[10:]).to_bytes(2, "little") + head[10:])
    with pytest.raises(UsageError, match=r"cannot be read as \.npz"):
        arrays.load_arrays(tmp_path / "x.npz")
