# SPDX-License-Identifier: Apache-2.0
"""``bnnc run`` and its like in Python."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bnnc as package
from bnnc import arrays, driver
from bnnc.ir import interpreter
from bnnc.ir.diagnostics import UsageError

from .conftest import Command
from .networks import BATCH, network


def _reference(inputs: Path) -> np.ndarray:
    """What the imported network gives, call by call."""
    x = arrays.load_arrays(inputs)["x"]
    rows: list[np.ndarray] = []
    for start in range(0, len(x), BATCH):
        chunk = np.zeros((BATCH, *x.shape[1:]), np.float32)
        chunk[: len(x) - start] = x[start : start + BATCH]
        rows.append(interpreter.interpret(network(), {"x": chunk})["y"])
    return np.concatenate(rows)[: len(x)]


@pytest.mark.parametrize("target", ["c", "interp", "interp:c"])
def test_run(bnnc: Command, net: Path, inputs: Path, tmp_path: Path, target: str) -> None:
    out = tmp_path / "y.npz"
    done = bnnc("run", net, "--target", target, "--inputs", inputs, "--outputs", out)
    assert done.code == 0, done.err
    assert done.out == "y: float32[5, 4]\n"
    found = arrays.load_arrays(out)["y"]
    np.testing.assert_allclose(found, _reference(inputs), atol=1e-6)
    planned = driver.interpret(driver.plan(network()), arrays.load_arrays(inputs))["y"]
    np.testing.assert_array_equal(found, planned)


def test_compiled_and_interpret_follow_the_same_rules(inputs: Path, tmp_path: Path) -> None:
    given = {"x:0": arrays.load_arrays(inputs)["x"]}
    compiled = package.compile(network(), target="c", out=tmp_path / "out")
    assert compiled.out == tmp_path / "out"
    assert compiled.manifest.name == compiled.module.name == "small"
    in_c = compiled.run(given)
    assert list(in_c) == ["y"]
    np.testing.assert_array_equal(in_c["y"], package.interpret(compiled.module, given)["y"])
    np.testing.assert_allclose(in_c["y"], package.interpret(network(), given)["y"], atol=1e-6)
    with pytest.raises(UsageError, match="has shape"):
        compiled.run({"x": np.zeros((6, 6, 3), np.float32)})
    with pytest.raises(UsageError, match="is float64"):
        package.interpret(network(), {"x": np.zeros((1, 6, 6, 3))})


def test_integers_are_cast_and_a_lone_key_is_taken(
    bnnc: Command, digits: Path, tmp_path: Path
) -> None:
    images = np.arange(3 * 64).reshape(3, 8, 8, 1) % 17
    arrays.save_arrays(tmp_path / "u8.npz", {"x": images.astype(np.uint8)})
    arrays.save_arrays(tmp_path / "f32.npz", {"image": images.astype(np.float32)})
    arrays.save_arrays(tmp_path / "f64.npz", {"image": images.astype(np.float64)})

    def run(name: str, *more: object) -> tuple[int, str]:
        inputs, outputs = tmp_path / f"{name}.npz", tmp_path / f"y-{name}.npz"
        done = bnnc("run", digits, "--inputs", inputs, "--outputs", outputs, *more)
        return done.code, done.err

    code, err = run("u8")
    assert code == 0
    assert "remark: input 'image' takes the array 'x'" in err
    assert run("f32")[0] == 0
    code, err = run("f64")
    assert code == 2
    assert "array for 'image' is float64, the network takes f32" in err
    code, err = run("u8", "--map", "image=image")
    assert code == 2
    assert "arrays given:\n    x: uint8[3, 8, 8, 1]" in err
    assert run("u8", "--map", "image:0=x") == (0, run("f32")[1])
    first, second = (arrays.load_arrays(tmp_path / f"y-{n}.npz") for n in ("u8", "f32"))
    np.testing.assert_array_equal(first["logits"], second["logits"])


def test_without_inputs_seeded_ones_are_used(bnnc: Command, net: Path, tmp_path: Path) -> None:
    for name in ("1.npz", "2.npz"):
        done = bnnc("run", net, "--target", "interp", "--outputs", tmp_path / name)
        assert done.code == 0
        assert "remark: no inputs given" in done.err
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()
    assert bnnc("run", net, "--target", "interp").out.startswith("y: float32[2, 4]\n[[")


def test_output_keys(bnnc: Command, net: Path, inputs: Path, tmp_path: Path) -> None:
    arguments = ["run", net, "--target", "interp", "--inputs", inputs, "--outputs"]
    out = tmp_path / "y.npz"
    assert bnnc(*arguments, out, "--map-output", "y:0=probabilities").code == 0
    assert list(arrays.load_arrays(out)) == ["probabilities"]
    failed = bnnc(*arguments, out, "--map-output", "z=probabilities")
    assert failed.code == 2
    assert "there is no output 'z'" in failed.err


def test_batch(bnnc: Command, digits: Path, tmp_path: Path) -> None:
    images = np.random.default_rng(0).uniform(0, 16, (5, 8, 8, 1)).astype(np.float32)
    arrays.save_arrays(tmp_path / "x.npz", {"image": images})
    found: list[np.ndarray] = []
    for batch in ([], ["--batch", 2], ["--batch", 7]):
        out = tmp_path / "y.npz"
        done = bnnc("run", digits, *batch, "--inputs", tmp_path / "x.npz", "--outputs", out)
        assert done.code == 0, done.err
        found.append(arrays.load_arrays(out)["logits"])
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    assert found[0].shape == (5, 10)


def test_no_compiler(
    bnnc: Command, net: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    failed = bnnc("run", net)
    assert failed.code == 6
    assert "apt-get install" in failed.err
    assert bnnc("compile", net, "-o", tmp_path / "out").code == 0  # needs none
    assert bnnc("run", net, "--target", "interp").code == 0


def test_unknown_targets(bnnc: Command, net: Path) -> None:
    for target in ("cc", "interp:cc"):
        failed = bnnc("run", net, "--target", target)
        assert failed.code == 6
        assert "did you mean 'c'?" in failed.err


def test_a_set_input(bnnc: Command, shared: Path, tmp_path: Path) -> None:
    model = shared / "models" / "made" / "tf1" / "cifar_small_traincond.pb"
    failed = bnnc("compile", model, "-o", tmp_path / "out")
    assert failed.code == 3
    assert "--set is_training=false" in failed.err
    inputs, out = model.with_suffix(".npz"), tmp_path / "y.npz"
    done = bnnc(
        "run", model, "--set", "is_training=false", "--inputs", inputs, "--outputs", out
    )  # fmt: skip
    assert done.code == 0, done.err
    want = arrays.load_arrays(inputs)["y"]
    np.testing.assert_allclose(
        arrays.load_arrays(out)["y"], want, rtol=0, atol=1e-4 * np.abs(want).max()
    )
