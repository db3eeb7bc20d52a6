# SPDX-License-Identifier: Apache-2.0
"""Several inputs and outputs, batches with a remainder, models without a batch axis."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

import bnnc as package
from bnnc import arrays
from bnnc.ir import Module, interpreter, nn
from bnnc.ir.text import write_module

from .conftest import Command
from .networks import Builder

RNG = np.random.default_rng(9)
SAMPLES = 5
A = RNG.normal(size=(SAMPLES, 4, 4, 3)).astype(np.float32)
B = RNG.normal(size=(SAMPLES, 6)).astype(np.float32)


def _network(batch: int) -> Module:
    """Inputs img [n, 4, 4, 3] and aux [n, 6]; outputs scores [n, 6] and rows [3 n, 2]."""
    b = Builder("two", 3, "plus")
    image, aux = b.input("img", batch, 4, 4, 3), b.input("aux", batch, 6)
    v = b.sign(b.conv(image, "conv", b.rng.normal(size=(8, 3, 3, 3))), "sign")
    v = b.add(nn.Reshape(v, shape=(batch, 128)), "flat", "Reshape")
    w = b.constant("fc/w", b.rng.choice([-1.0, 1.0], (6, 128)))
    v = b.add(nn.Dense(v, w), "fc", "MatMul")
    scores = b.add(nn.Add(v, aux), "scores", "AddV2")
    rows = b.add(nn.Reshape(aux, shape=(batch * 3, 2)), "rows", "Reshape")
    b.output("scores:0", scores)
    b.output("rows", b.add(nn.Relu(rows), "relu", "Relu"))
    return b.module


def _expected() -> dict[str, np.ndarray]:
    """Sample by sample through the network of batch 1."""
    single = _network(1)
    found = [
        interpreter.interpret(single, {"img": A[i : i + 1], "aux": B[i : i + 1]})
        for i in range(SAMPLES)
    ]
    return {name: np.concatenate([f[name] for f in found]) for name in ("scores:0", "rows")}


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """The network with a batch of 2."""
    write_module(_network(2), tmp_path / "two.bnn")
    arrays.save_arrays(tmp_path / "x.npz", {"img:0": A, "aux": B, "unused": np.zeros(3)})
    return tmp_path / "two.bnn"


@pytest.mark.parametrize("target", ["interp", "c"])
def test_run(bnnc: Command, two: Path, tmp_path: Path, target: str) -> None:
    out = tmp_path / "y.npz"
    arguments = ["run", two, "--target", target, "--inputs", tmp_path / "x.npz", "--outputs", out]
    done = bnnc(*arguments)
    assert done.code == 0, done.err
    assert done.out.splitlines() == ["scores:0: float32[5, 6]", "rows: float32[15, 2]"]
    found, expected = arrays.load_arrays(out), _expected()
    assert list(found) == list(expected)  # in graph order
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
    done = bnnc(*arguments, "--map-output", "scores=s", "--map-output", "rows=r")
    assert list(arrays.load_arrays(out)) == ["s", "r"]


def test_python(tmp_path: Path) -> None:
    given, expected = {"img": A, "aux": B}, _expected()
    compiled = package.compile(_network(2), out=tmp_path / "out")
    for found in (package.interpret(_network(2), given), compiled.run(given)):
        assert list(found) == list(expected)
        for name, array in expected.items():
            np.testing.assert_array_equal(found[name], array)


def test_verify_with_references(bnnc: Command, two: Path, tmp_path: Path) -> None:
    expected = _expected()
    good = {"scores": expected["scores:0"], "rows": expected["rows"]}
    arrays.save_arrays(tmp_path / "good.npz", good)
    bad = good["rows"].copy()
    bad[14, 1] += 1  # of the last sample, which is alone in its call
    arrays.save_arrays(tmp_path / "bad.npz", good | {"rows": bad})
    arguments = ["verify", two, "--inputs", tmp_path / "x.npz", "--reference"]
    done = bnnc(*arguments, tmp_path / "good.npz")
    assert done.code == 0, done.err
    failed = bnnc(*arguments, tmp_path / "bad.npz", "--target", "interp")
    assert failed.code == 1
    assert "'rows' differs (outputs against reference): [14, 1] (channel 1): " in failed.err


def test_the_driver_takes_raw_bytes(bnnc: Command, two: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = bnnc("compile", two, "-o", out)
    assert done.out.splitlines()[:4] == [
        *("input   img: [2, 4, 4, 3] f32, NHWC", "input   aux: [2, 6] f32, NC"),
        *("output  scores:0: [2, 6] f32", "output  rows: [6, 2] f32"),
    ]
    subprocess.run(["make", "-s", "-C", out], check=True)
    (out / "in0.bin").write_bytes(A[:4].astype("<f4").tobytes())
    (out / "in1.bin").write_bytes(B[:4].astype("<f4").tobytes())
    names = ["two.bnnw", "in0.bin", "in1.bin", "out0.bin", "out1.bin"]
    subprocess.run(["./two", *names], cwd=out, check=True)
    expected = _expected()
    scores = np.frombuffer((out / "out0.bin").read_bytes(), "<f4").reshape(4, 6)
    np.testing.assert_array_equal(scores, expected["scores:0"][:4])
    rows = np.frombuffer((out / "out1.bin").read_bytes(), "<f4").reshape(12, 2)
    np.testing.assert_array_equal(rows, expected["rows"][:12])


def test_what_is_refused(bnnc: Command, two: Path, tmp_path: Path) -> None:
    def complaint(**given: np.ndarray) -> str:
        arrays.save_arrays(tmp_path / "given.npz", given)
        failed = bnnc("run", two, "--target", "interp", "--inputs", tmp_path / "given.npz")
        assert failed.code == 2
        return failed.err

    missing = complaint(img=A, x=B)
    assert "no array for input 'aux'" in missing
    assert "    img: f32[2, 4, 4, 3]\n    aux: f32[2, 6]\n" in missing
    assert "    img: float32[5, 4, 4, 3]\n    x: float32[5, 6]\n" in missing
    assert "img: 5, aux: 4" in complaint(img=A, aux=B[:4])
    assert "the network takes [N, 6]" in complaint(img=A, aux=B[:, :5])
    assert "hold no samples" in complaint(img=A[:0], aux=B[:0])
    one_key = bnnc(
        *("run", two, "--target", "interp", "--inputs", tmp_path / "x.npz"),
        *("--map-output", "scores=k", "--map-output", "rows=k"),
    )
    assert one_key.code == 2
    assert "two outputs would be written under one key" in one_key.err
    failed = bnnc(
        *("run", two, "--target", "interp", "--inputs", tmp_path / "x.npz"),
        *("--outputs", tmp_path / "absent" / "y.npz"),
    )
    assert failed.code == 8
    assert "there is no folder" in failed.err


def _without_batch() -> Module:
    """Input x [4, 3], which is one sample; outputs y [3] and z without axes."""
    b = Builder("plain", 0, "plus")
    x = b.input("x", 4, 3)
    b.output("y", b.add(nn.Reduce(x, kind="max", axes=(0,), keep_dims=False), "y", "Max"))
    b.output("z", b.add(nn.Reduce(x, kind="max", axes=(0, 1), keep_dims=False), "z", "Max"))
    return b.module


@pytest.mark.parametrize("target", ["interp", "c"])
def test_a_model_without_a_batch_axis(bnnc: Command, tmp_path: Path, target: str) -> None:
    text, out = tmp_path / "plain.bnn", tmp_path / "y.npz"
    write_module(_without_batch(), text)
    x = RNG.normal(size=(4, 3)).astype(np.float32)
    arrays.save_arrays(tmp_path / "x.npz", {"x": x})
    arguments = ["run", text, "--target", target, "--outputs", out, "--inputs"]
    done = bnnc(*arguments, tmp_path / "x.npz")
    assert done.code == 0, done.err
    found = arrays.load_arrays(out)
    np.testing.assert_array_equal(found["y"], x.max(axis=0))
    assert found["z"].shape == ()
    assert found["z"] == x.max()
    arrays.save_arrays(tmp_path / "two.npz", {"x": np.concatenate([x, x])})
    failed = bnnc(*arguments, tmp_path / "two.npz")
    assert failed.code == 2
    assert "it has no batch axis" in failed.err
    for given in (["--inputs", tmp_path / "x.npz"], []):
        verified = bnnc("verify", text, *given, "--target", target)
        assert verified.code == 0, verified.err


def test_inputs_that_must_be_set(bnnc: Command, tmp_path: Path) -> None:
    b = Builder("scaled", 0, "plus")
    x, scale = b.input("x", 2, 3), b.input("scale")
    b.output("y", b.add(nn.Mul(x, scale), "y", "Mul"))
    write_module(b.module, tmp_path / "scaled.bnn")
    failed = bnnc("run", tmp_path / "scaled.bnn", "--target", "interp")
    assert failed.code == 2
    assert "input 'scale' has no batch axis" in failed.err
    assert "--set scale=VALUE" in failed.err


def test_another_byte_order_is_no_other_dtype(bnnc: Command, two: Path, tmp_path: Path) -> None:
    swapped = {"img": A.astype(">f4"), "aux": B.astype(">f4")}
    found = package.interpret(_network(2), swapped)
    for name, array in _expected().items():
        np.testing.assert_array_equal(found[name], array)


def test_nothing_depends_on_where_the_model_is(
    bnnc: Command, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = tmp_path / "deep" / "digits.pb"
    moved.parent.mkdir()
    moved.write_bytes(digits.read_bytes())
    monkeypatch.chdir(moved.parent)
    assert bnnc("compile", "digits.pb").code == 0
    assert bnnc("compile", digits, "-o", tmp_path / "other").code == 0

    def contents(folder: Path) -> dict[str, bytes]:
        files = [f for f in folder.rglob("*") if f.is_file()]
        return {str(f.relative_to(folder)): f.read_bytes() for f in files}

    first = contents(moved.parent / "digits")
    assert first == contents(tmp_path / "other")
    assert len(first) > 10
    for data in first.values():
        assert str(tmp_path).encode() not in data
        assert str(digits.parent).encode() not in data
