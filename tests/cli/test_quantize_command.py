# SPDX-License-Identifier: Apache-2.0
"""``bnnc quantize``: the report, budgets, the text that it writes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnc import driver
from bnnc.ir import nn

from .conftest import Command
from .networks import Builder

WIDTHS = (6, 6, 8, 10)


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four convolutions, a mean and a dense layer; the classes are those of float, some wrong."""
    from bnnc.ir.text import write_module

    path = tmp_path_factory.mktemp("quantize") / "net.bnn"
    b = Builder("net", 5, "plus")
    v = b.input("x", 1, 6, 6, 3)
    for i, width in enumerate(WIDTHS):
        v = b.conv(v, f"conv{i}", b.rng.normal(size=(width, 3, 3, v.shape[-1])) / 4)
        v = b.add(nn.Relu(v), f"relu{i}", "Relu")
    v = b.add(nn.Reduce(v, kind="mean", axes=(1, 2), keep_dims=False), "mean", "Mean")
    v = b.add(nn.Dense(v, b.constant("fc/w", b.rng.normal(size=(5, WIDTHS[-1])))), "fc", "MatMul")
    b.output("probabilities", b.add(nn.Softmax(v), "softmax", "Softmax"))
    write_module(b.module, path)
    x = b.rng.normal(size=(40, 6, 6, 3)).astype(np.float32)
    y = driver.interpret(b.module, {"x": x})["probabilities"].argmax(axis=1)
    y[:4] = (y[:4] + 1) % 5
    np.savez(path.with_name("x.npz"), x=x)
    np.savez(path.with_name("xy.npz"), x=x, y=y)
    return path


def report(bnnc: Command, net: Path, *options: object) -> Any:
    done = bnnc("quantize", net, "--calibrate", net.with_name("x.npz"), "--json", *options)
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_noise_is_what_the_outputs_of_compiled_networks_say(bnnc: Command, net: Path) -> None:
    found = report(bnnc, net)
    rows = {row["name"]: row for row in found["layers"]}
    assert list(rows) == ["conv0", "conv1", "conv2", "conv3", "fc"]
    assert {(row["before"], row["after"]) for row in rows.values()} == {("ff", "ii")}
    # Floats are tiled by 8 output channels, bytes by 4 taps; weights are a quarter at least.
    assert rows["conv1"]["bytes_before"] == 8 * 9 * 6 * 4
    assert 6 * 9 * 6 <= rows["conv1"]["bytes_after"] <= 8 * 9 * 8
    x = dict(np.load(net.with_name("x.npz")))
    module = driver.load(net)
    module.func.set_results([module.func.results[0].owner.operands[0]])  # type: ignore[union-attr]

    def ratio(keep: list[str]) -> float:
        want = driver.interpret(module, x)["probabilities"]
        options: dict[str, Any] = {"quantize": "int8", "calibrate": x, "keep_float": keep}
        got = driver.run(module, "interp", x, **options)["probabilities"]
        return float(10 * np.log10((want**2).sum() / ((got - want) ** 2).sum()))

    (whole,) = [t for t in found["totals"] if t["name"] == "int8"]
    assert whole["measured"] == pytest.approx(ratio([]), abs=0.01)
    assert whole["predicted"] == pytest.approx(whole["measured"], abs=3)
    for name, row in rows.items():
        others = [other for other in rows if other != name]
        assert row["output"] == pytest.approx(ratio(others), abs=0.01)
        assert row["sqnr"] <= row["alone"] + 1


def test_accuracy_is_of_labels_or_of_what_float_finds(bnnc: Command, net: Path) -> None:
    found = report(bnnc, net)
    assert (found["measure"], found["samples"]) == ("agreement with float", 40)
    assert found["totals"][0]["accuracy"] == 100
    labelled = net.with_name("xy.npz")
    found = report(bnnc, net, "--eval", labelled, "--keep-float", "conv*")
    assert found["measure"] == "top-1"
    assert [t["name"] for t in found["totals"]] == ["float", "mixed", "int8"]
    assert [t["accuracy"] for t in found["totals"]][:2] == [90, 90]
    assert [row["after"] for row in found["layers"]] == ["ff"] * 4 + ["ii"]
    assert report(bnnc, net, "--eval", labelled, "--labels", "y")["totals"] == found["totals"][::2]
    found = report(bnnc, net, "--eval", labelled, "--io", "int8")
    assert found["totals"][0]["accuracy"] == 90
    assert 80 <= found["totals"][1]["accuracy"] <= 97.5


def test_the_text_goes_on_to_code(bnnc: Command, net: Path) -> None:
    x, text = net.with_name("x.npz"), net.with_name("mixed.bnn")
    options = ["--calibrate", x, "--keep-float", "conv1"]
    done = bnnc("quantize", net, *options, "-o", text)
    assert (done.code, done.out) == (0, f"wrote   {text}\n")
    want, got = net.with_name("want.npz"), net.with_name("got.npz")
    assert (
        bnnc("run", net, "--inputs", x, "--outputs", want, "--quantize", "int8", *options).code == 0
    )
    assert bnnc("run", text, "--inputs", x, "--outputs", got).code == 0
    np.testing.assert_array_equal(np.load(got)["probabilities"], np.load(want)["probabilities"])


def test_a_budget_of_weights_is_kept(bnnc: Command, net: Path) -> None:
    x = net.with_name("x.npz")
    totals = {t["name"]: t["weights"] for t in report(bnnc, net)["totals"]}
    budget = (totals["float"] + totals["int8"]) // 2
    found = report(bnnc, net, "--budget", f"weights={budget}")
    assert 0 < len(found["keep_float"]) < 5
    done = bnnc("compile", net, "-o", net.with_name("out"), "--quantize", "int8", "--calibrate", x,
                *found["options"])  # fmt: skip
    assert done.code == 0, done.err
    written = net.with_name("out") / "net.bnnw"
    mixed = next(t for t in found["totals"] if t["name"] == "mixed")
    assert written.stat().st_size == mixed["weights"] <= budget
    assert report(bnnc, net, "--budget", "weights=1M")["keep_float"] == [
        row["name"] for row in found["layers"]
    ]
    done = bnnc("quantize", net, "--calibrate", x, "--budget", "weights=1K")
    assert done.code == 2
    assert f"the smallest possible is --budget weights={totals['int8']}" in done.err


def test_a_budget_of_accuracy_is_kept(bnnc: Command, net: Path) -> None:
    assert report(bnnc, net, "--budget", "accuracy=100%")["options"] == []
    found = report(bnnc, net, "--budget", "accuracy=0%")
    totals = {t["name"]: t["accuracy"] for t in found["totals"]}
    assert totals.get("mixed", totals["int8"]) == 100
    kept = report(bnnc, net, "--budget", "accuracy=0%", "--keep-float", "fc")["keep_float"]
    assert "fc" in kept


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--budget", "accuracy=0.5"], "say accuracy=0.5% or weights=200K"),
        (["--budget", "size=3"], "--budget 'size=3' is not understood"),
        (["--labels", "z"], "no array 'z' with labels"),
        (["--labels", "x"], "labels 'x' are float32[40, 6, 6, 3], 40 samples need as many"),
        (["--eval", "nothing.npz"], "no file nothing.npz"),
        (["--keep-float", "cnov0"], "did you mean 'conv0'"),
    ],
)
def test_what_does_not_fit(bnnc: Command, net: Path, options: list[str], message: str) -> None:
    out = net.with_name("never.bnn")
    done = bnnc("quantize", net, "--calibrate", net.with_name("x.npz"), "-o", out, "--report",
                *options)  # fmt: skip
    assert done.code == 2
    assert message in done.err
    assert not out.exists()


def test_without_data(bnnc: Command, net: Path) -> None:
    done = bnnc("quantize", net)
    assert (done.code, "no data to measure with" in done.err) == (2, True)
    done = bnnc("quantize", net, "--calibrate", net.with_name("x.npz"), "--eval",
                net.with_name("x.npz"))  # fmt: skip
    assert done.code == 0
    assert "agreement with float %" in done.out
    assert "accuracy of 40 samples, noise of 40" in done.out
