# SPDX-License-Identifier: Apache-2.0
"""``bnnc explain``: kinds, reasons, sizes, expectations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import bnnc as package

from .conftest import Command
from .networks import network


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
