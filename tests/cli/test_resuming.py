# SPDX-License-Identifier: Apache-2.0
"""Compiling resumes from the dump after any pass, and gives the same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bnnc import lowering
from bnnc.ir import Stage
from bnnc.ir.text import read_module

from .conftest import Command
from .networks import network
from .test_compiling import files_of

SHARED = [
    "larq/larq_dorefa",
    "larq/bireal",
    *(
        pytest.param(name, marks=pytest.mark.slow)
        for name in (
            *("tf1/cifar_small", "tf1/cifar_small.grappler", "tf1/xnor_small", "keras3/k3"),
            *("larq/larq_ste", "larq/larq_tern", "larq/larq_heaviside", "larq/quicknet"),
        )
    ),
]


def _check(bnnc: Command, model: Path, folder: Path) -> None:
    dumps, whole = folder / "dumps", folder / "whole"
    done = bnnc("compile", model, "-o", whole, "--dump-dir", dumps)
    assert done.code == 0, done.err
    names = [p.name for p in lowering.standard_passes(Stage.IMPORTED, lowering.as_target("c"))]
    texts = sorted(dumps.glob("*.bnn"))
    assert [text.stem[3:] for text in texts] == ["start", *names]
    planned = read_module(texts[-1])
    for text in texts:
        out, again = folder / text.stem, folder / "again"
        done = bnnc("compile", text, "-o", out, "--dump-dir", again)
        assert done.code == 0, f"{text.name}: {done.err}"
        assert files_of(out) == files_of(whole), text.name
        if rest := sorted(again.glob("*.bnn")):
            assert read_module(rest[-1]) == planned, text.name


def test_the_small_network(bnnc: Command, net: Path, tmp_path: Path) -> None:
    _check(bnnc, net, tmp_path)
    assert read_module(tmp_path / "dumps" / "00-start.bnn") == network()


def test_digits(bnnc: Command, digits: Path, tmp_path: Path) -> None:
    _check(bnnc, digits, tmp_path)


@pytest.mark.parametrize("name", SHARED)
def test_shared_networks(bnnc: Command, shared: Path, tmp_path: Path, name: str) -> None:
    _check(bnnc, shared / "models" / "made" / f"{name}.pb", tmp_path)


def test_signs_are_found_behind_passes_in_another_order(
    bnnc: Command, digits: Path, tmp_path: Path
) -> None:
    """Canonical text in which nobody recognised straight-through sums compiles to bits too."""
    text, folded = tmp_path / "imported.bnn", tmp_path / "folded.bnn"
    assert bnnc("dump", digits, "-o", text).code == 0
    done = bnnc("opt", text, "--passes", "fold-constants,canonicalize", "-o", folded)
    assert done.code == 0, done.err
    done = bnnc("explain", folded, "--expect-binary", "conv[23]*", "--expect-binary", "dense*")
    assert done.code == 0, done.err
