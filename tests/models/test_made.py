# SPDX-License-Identifier: Apache-2.0
"""Real graphs end to end: C against the interpreter, and both against TensorFlow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bnnc
from bnnc.driver import plan
from bnnc.ir import Module, Resource
from bnnc.ir import bin as bits
from bnnc.ir.text import parse_module, write_module
from bnnc.passes.fold_thresholds import recheck

from . import made


def load(shared: Path, model: str) -> Module:
    return bnnc.load(made.graph(shared, model), **made.import_options(model))


@pytest.mark.parametrize("model", ["tf1/cifar_odd", "larq/quicknet", "larq/larq_dorefa"])
def test_the_project_as_it_is_built(shared: Path, model: str) -> None:
    """Code built by the emitted Makefile; test_every_file.py compiles all networks its own way."""
    stored = made.arrays(shared, model)
    module = load(shared, model)
    keys = [k for k in stored if k.startswith("y")]
    found = bnnc.verify(
        module,
        target="c",
        arrays={k: v for k, v in stored.items() if k.startswith("x")},
        reference=stored,
        map_output=dict(zip(module.outputs, keys, strict=True)),
    )
    assert found.ok, found.first_difference
    checks = {c.check for c in found.comparisons}
    assert {"code against interpreter", "outputs against reference"} <= checks


@pytest.mark.parametrize("model", made.MODELS)
def test_every_layer_is_found_as_what_it_is(shared: Path, model: str) -> None:
    """Kinds as recorded; a weight takes one bit (two in a ternary layer), taps fill up to bytes."""
    expected = made.expected_kinds(shared, model)
    module = load(shared, model)
    found = bnnc.explain(module, target="c").layers
    assert [line.kind for line in found] == expected
    planned = [op for op in plan(module).func.ops if isinstance(op, bits.Layer)]
    for line, op in zip(found, planned, strict=True):
        *rows, channels = op.w.shape
        packed = int(np.prod(rows)) * ((channels + 7) // 8)
        tiled = 4 * op.taps * 8 * ((op.w.shape[0] + 7) // 8)
        limit = {"ff": tiled, "fb": packed, "bb": packed, "fewbit": 2 * packed}
        assert 0 < line.weight_bytes <= limit[line.kind]


@pytest.mark.parametrize("model", made.MODELS)
def test_text_and_back(shared: Path, model: str, tmp_path: Path) -> None:
    """A dump compiles to the same bytes; text reads back equal at every stage."""
    module = load(shared, model)
    direct = bnnc.compile(module, out=tmp_path / "direct")
    dump = tmp_path / f"{module.name}.bnn"
    write_module(module, dump)
    assert bnnc.load(dump) == module
    again = bnnc.compile(dump, out=tmp_path / "dumped")
    assert _files(direct.out) == _files(again.out)
    for stage_module in (module, direct.module):
        assert parse_module(str(stage_module)) == stage_module


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("model", ["tf1/cifar_odd", "tf1/cifar_small_zero", "tf1/xnor_small"])
@pytest.mark.parametrize("move", [-1, 1])
def test_every_moved_threshold_is_found(shared: Path, model: str, move: int) -> None:
    """Each stored threshold moved by one (a float one by one ulp) is named, layer and channel."""
    module = plan(load(shared, model))
    assert recheck(module) == []
    layers = [op for op in module.func.ops if isinstance(op, bits.Layer) and op.thr is not None]
    assert layers
    for op in layers:
        thr = op.thr
        assert isinstance(thr, Resource)
        moved = thr.array + move if op.integer else np.nextafter(thr.array, np.float32(move * 1e38))
        changed = Resource(thr.symbol, thr.type, moved.astype(thr.type.dtype))
        op.replace_operand(thr, changed)
        differs = np.flatnonzero(moved != thr.array)
        found = [(d.layer, d.channel) for d in recheck(module)]
        assert found == [(op.loc.name, int(c)) for c in differs]
        op.replace_operand(changed, thr)
