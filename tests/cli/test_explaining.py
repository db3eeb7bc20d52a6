# SPDX-License-Identifier: Apache-2.0
"""``bnnc explain``: kinds, reasons, sizes, expectations."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bnnc as package
from bnnc import driver
from bnnc.ir import Module, Value, nn
from bnnc.ir.text import write_module

from .conftest import Command
from .networks import Builder, network


def _layers(out: str) -> list[dict[str, Any]]:
    layers: list[dict[str, Any]] = json.loads(out)["layers"]
    return layers


def test_every_kind(bnnc: Command, net: Path) -> None:
    done = bnnc("explain", net, "--json")
    assert done.code == 0, done.err
    layers = _layers(done.out)
    keys = ["name", "source_op", "kind", "why", "weight_bytes", "macs", "kernel"]
    assert all(list(layer) == keys for layer in layers)
    assert [(x["name"], x["source_op"], x["kind"]) for x in layers] == [
        ("conv1", "Conv2D", "ff"),
        ("conv2", "Conv2D", "bb"),
        ("conv3", "Conv2D", "fewbit"),
        ("fc4", "MatMul", "bb"),
        ("fc5", "MatMul", "fb"),
    ]
    conv1, conv2, conv3, fc4, fc5 = layers
    # Bits of the last axis take whole bytes, ternary weights two planes of them.
    assert [x["weight_bytes"] for x in (conv2, conv3, fc4, fc5)] == [
        10 * 9 * 2,
        2 * 8 * 9 * 2,
        12 * 9,
        4 * 2,
    ]
    assert conv1["weight_bytes"] in (4 * 9 * 27, 4 * 16 * 27)  # tiles of 8 channels or none
    assert [x["macs"] for x in layers] == [
        *(36 * 9 * 27, 36 * 10 * 81, 9 * 8 * 90, 12 * 72, 4 * 12)
    ]
    assert conv1["why"].startswith("float weights: channel ")
    assert conv1["why"].endswith("float activations: reads the network's input 'x'")
    assert conv2["why"] == fc4["why"] == ""
    assert conv3["why"].startswith("bit x tern: ")
    assert fc5["why"] == "float activations: reads 'relu4' (Relu)"
    assert all(layer["kernel"] for layer in layers)
    assert conv2["kernel"].startswith("conv2d_bb")


def test_the_table(bnnc: Command, net: Path) -> None:
    shown = bnnc("explain", net).out.splitlines()
    assert shown[0].split()[:3] == ["layer", "op", "kind"]
    assert [line.split()[0] for line in shown[1:]] == ["conv1", "conv2", "conv3", "fc4", "fc5"]


@pytest.mark.parametrize(
    ("expectation", "code", "text"),
    [
        (["--expect-binary", "conv2"], 0, ""),
        (["--expect-binary", "conv2", "--expect-binary", "fc4"], 0, ""),
        (["--expect-kind", "conv3=fewbit", "--expect-kind", "fc5=fb"], 0, ""),
        (["--expect-kind", "*=ff"], 1, "layer 'conv2' is bb, not ff"),
        (["--expect-binary", "fc5"], 1, "layer 'fc5' is fb, not bb"),
        (["--expect-binary", "conv?"], 1, "layer 'conv1' is ff, not bb"),
        (["--expect-binary", "conv22"], 2, "did you mean 'conv2'?"),
        (["--expect-binary", "dense*"], 2, "no layer is called 'dense*'"),
        (["--expect-kind", "conv2=bbb"], 2, "did you mean 'bb'?"),
    ],
)
def test_expectations(
    bnnc: Command, net: Path, expectation: list[str], code: int, text: str
) -> None:
    done = bnnc("explain", net, "--json", *expectation)
    assert done.code == code
    assert text in done.err
    assert len(_layers(done.out)) == 5  # shown all the same


def _reasons(module: Module) -> dict[str, str]:
    return {line.name: line.why for line in package.explain(module).layers}


def _weights(b: Builder, *shape: int, values: Sequence[float] = (-1.0, 1.0)) -> np.ndarray:
    return b.rng.choice(np.asarray(values), shape)


def _padded(b: Builder, x: Value, node: str, pad_value: float) -> Value:
    w = b.constant(f"{node}/w", _weights(b, 8, 3, 3, x.shape[-1]))
    conv = nn.Conv2D(x, w, stride=(1, 1), pad=(1, 1, 1, 1), pad_value=pad_value)
    return b.add(conv, node, "Conv2D")


def test_a_residual_sum() -> None:
    b = Builder("residual", 0, "plus")
    x = b.input("x", 1, 6, 6, 8)
    first = b.conv(b.sign(x, "sign1"), "conv1", _weights(b, 8, 3, 3, 8))
    total = b.add(nn.Add(b.batch_norm(first, "bn1"), x), "add1", "AddV2")
    second = b.conv(b.sign(total, "sign2"), "conv2", _weights(b, 8, 3, 3, 8))
    total = b.add(nn.Add(b.batch_norm(second, "bn2"), total), "add2", "AddV2")
    b.output("y", b.conv(total, "conv3", _weights(b, 8, 3, 3, 8)))
    found = package.explain(b.module)  # batch norms become factors of their layers
    assert [(line.name, line.kind) for line in found.layers] == [
        *(("conv1", "bb"), ("conv2", "bb"), ("conv3", "fb"))
    ]
    assert found.layers[2].why == (
        "float activations: reads 'add2' (AddV2), the sum of 'conv2' (Conv2D) and 'add1' (AddV2)"
    )
    assert [(cut.name, cut.source_op, cut.why) for cut in found.cuts] == [
        ("sign1", "Sign", "reads the network's input 'x'"),
        ("sign2", "Sign", "'add1' (AddV2) is a float for 'add2' (AddV2) too"),
    ]
    lowered = driver.lower(b.module, after="pack-weights")  # the passes have nothing to say
    again = package.explain(lowered).cuts
    assert [cut.name for cut in again] == ["sign1", "sign2"]
    assert all(cut.why for cut in again)


def test_a_float_output_and_what_is_not_done_by_channel() -> None:
    b = Builder("shown", 0, "plus")
    x = b.input("x", 1, 6, 6, 8)
    first = b.conv(b.sign(x, "sign1"), "conv1", _weights(b, 8, 3, 3, 8))
    b.output("features", first)
    second = b.conv(b.sign(first, "sign2"), "conv2", _weights(b, 8, 3, 3, 8))
    soft = b.add(nn.Softmax(second), "soft", "Softmax")
    b.output("y", b.conv(b.sign(soft, "sign3"), "conv3", _weights(b, 8, 3, 3, 8)))
    cuts = {cut.name: cut.why for cut in package.explain(b.module).cuts}
    assert cuts["sign2"] == "'conv1' (Conv2D) is a float for the network's output too"
    assert cuts["sign3"] == (
        "'soft' (Softmax) stands in front, which is not done channel by channel"
    )


def test_bits_that_are_read_as_floats() -> None:
    b = Builder("padded", 0, "plus")
    x = b.input("x", 1, 6, 6, 8)
    v = _padded(b, b.sign(x, "sign1"), "conv1", 0.5)
    v = b.sign(b.batch_norm(v, "bn1"), "sign2")
    b.output("y", b.conv(v, "conv2", b.rng.normal(size=(4, 3, 3, 8))))
    reasons = _reasons(b.module)
    assert reasons["conv1"] == (
        "float activations: activations of bits, but the padding 0.5 is none of their values"
    )
    assert re.fullmatch(
        r"float weights: channel \d has 72 distinct magnitudes, the largest is \S+ times the "
        r"smallest; activations of bits, read as floats",
        reasons["conv2"],
    )


def test_few_bits() -> None:
    b = Builder("levels", 0, "plus")
    x = b.input("x", 1, 6, 6, 3)

    def quantized(value: Value, number: int) -> Value:
        clip = b.add(nn.Clip(value, lo=0.0, hi=1.0), f"clip{number}", "Maximum")
        three = b.constant("three", np.full((), 3.0))
        scaled = b.add(nn.Mul(clip, three), f"times{number}", "Mul")
        rounded = b.add(nn.Round(scaled), f"round{number}", "Round")
        return b.add(nn.Div(rounded, three), f"third{number}", "RealDiv")

    v = b.conv(quantized(x, 0), "conv1", _weights(b, 8, 3, 3, 3))
    v = b.conv(quantized(b.batch_norm(v, "bn1"), 1), "conv2", _weights(b, 8, 3, 3, 8))
    v = quantized(b.batch_norm(v, "bn2"), 2)
    v = b.conv(v, "conv3", _weights(b, 8, 3, 3, 8, values=(-1, 0, 1)))
    v = _padded(b, quantized(b.batch_norm(v, "bn3"), 3), "conv4", 0.25)
    b.output("y", v)
    found = package.explain(b.module)
    assert [line.kind for line in found.layers] == ["fewbit", "fewbit", "fewbit", "fb"]
    why = [line.why for line in found.layers]
    assert why[0] == "u2 x bit: activations of 4 levels, cut at 'round0' (Round)"
    assert why[1] == (
        "u2 x bit: activations of 4 levels, cut by the thresholds of 'conv1' (Conv2D)"
    )
    assert re.fullmatch(
        r"u2 x tern: \d+ of 576 weights are exactly zero; activations of 4 levels, "
        r"cut by the thresholds of 'conv2' \(Conv2D\)",
        why[2],
    )
    assert why[3] == (
        "float activations: activations of 4 levels, cut by the thresholds of 'conv3' (Conv2D), "
        "but the padding 0.25 is none of their values"
    )
    assert [cut.name for cut in found.cuts] == ["round0"]


def test_a_sign_whose_zeros_are_usual() -> None:
    b = Builder("relu", 0, "keep")
    x = b.input("x", 1, 6, 6, 3)
    v = b.add(nn.Neg(b.add(nn.Relu(x), "relu", "Relu")), "neg", "Neg")
    b.output("y", b.conv(b.sign(v, "sign"), "conv", _weights(b, 8, 3, 3, 3)))
    assert _reasons(b.module)["conv"] == (
        "float activations: reads 'sign' (Sign), zero is a usual value here, not a tie: "
        "the sign stays a float"
    )


def test_the_table_of_cuts(bnnc: Command, net: Path, tmp_path: Path) -> None:
    assert "cut of floats" not in bnnc("explain", net).out
    b = Builder("residual", 0, "plus")
    x = b.input("x", 1, 6, 6, 8)
    v = b.conv(b.sign(x, "sign1"), "conv1", _weights(b, 8, 3, 3, 8))
    v = b.add(nn.Add(v, x), "add1", "AddV2")
    w = b.conv(b.sign(v, "sign2"), "conv2", _weights(b, 8, 3, 3, 8))
    b.output("y", b.add(nn.Add(w, v), "add2", "AddV2"))
    text = tmp_path / "residual.bnn"
    write_module(b.module, text)
    shown = bnnc("explain", text)
    head, *rows = shown.out.partition("\n\n")[2].splitlines()
    assert head.split("  ")[0] == "cut of floats"
    assert [row.split()[0] for row in rows] == ["sign1", "sign2"]
    assert "stays a cut" not in shown.err  # the table says it
    in_json = bnnc("explain", text, "--json")
    assert list(json.loads(in_json.out)) == ["layers"]
    assert "remark: sign2: stays a cut of floats: 'add1' (AddV2) is a float for" in in_json.err


def test_python() -> None:
    found = package.explain(network())
    assert [line.kind for line in found.layers] == ["ff", "bb", "fewbit", "bb", "fb"]


def _expected(shared: Path) -> dict[str, list[str]]:
    """Model path to the kinds of its layers, from the notes beside the models."""
    notes = json.loads((shared / "models" / "expected_layers.json").read_text())
    kinds: dict[str, list[str]] = {}
    for names, layers in notes.items():
        if names == "note":
            continue
        without = names.endswith("(not _zero)")
        first, *rest = names.removesuffix(" (not _zero)").split(", ")
        folder = first.rsplit("/", 1)[0]
        for pattern in [first, *(f"{folder}/{name}" for name in rest)]:
            for file in (shared / "models").glob(pattern):
                if not (without and "_zero" in file.name):
                    kinds[str(file.relative_to(shared / "models"))] = layers
    return kinds


def test_shared_networks(bnnc: Command, shared: Path) -> None:
    expected = _expected(shared)
    assert len(expected) >= 25
    wrong: list[str] = []
    for name, kinds in expected.items():
        more = ["--set", "is_training=false"] if "traincond" in name else []
        done = bnnc("explain", shared / "models" / name, "--json", *more)
        assert done.code == 0, done.err
        layers = _layers(done.out)
        found = [x["why"].split(":")[0] if x["kind"] == "fewbit" else x["kind"] for x in layers]
        if found != kinds:
            wrong.append(f"{name}: {found}")
        for layer in layers:
            if layer["kind"] == "bb":  # a bit each, rows of input channels rounded up to bytes
                assert layer["weight_bytes"] * 8 < 32 * layer["macs"]
    assert wrong == []
