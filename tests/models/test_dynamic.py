# SPDX-License-Identifier: Apache-2.0
"""AlexNets whose layers measure the ranges of their inputs, and what becomes of their weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bnnc
from bnnc.driver import plan
from bnnc.ir import BIT, q
from bnnc.ir import bin as bits
from bnnc.ir.layouts import layout_of

from . import made


@pytest.mark.parametrize(("model", "binary"), [("tf1/bwn_small", 0), ("tf1/xnor_small", 6)])
def test_alexnets(shared: Path, model: str, binary: int) -> None:
    """Bytes times bits in BWN's middle, binary layers untouched; first and last have bytes."""
    module = bnnc.load(made.graph(shared, model), **made.import_options(model))
    planned = plan(module, quantize="dynamic")
    layers = [op for op in planned.func.ops if isinstance(op, q.DynamicLayer)]
    assert [op.w.type.scalar == BIT for op in layers] == [False, *[True] * (6 - binary), False]
    assert sum(isinstance(op, bits.Layer) for op in planned.func.ops) == binary
    for op in layers:
        wide = op.w.type.size
        taps, channels = wide // op.w.shape[-1], op.w.shape[-1]
        packed = taps * ((channels + 7) // 8) if op.w.type.scalar == BIT else wide
        assert layout_of(op.w.type).nbytes(op.w.type) == packed
    name, type_ = next(iter(module.inputs.items()))
    x = np.random.default_rng(1).uniform(0, 1, (3, *type_.shape[1:])).astype(np.float32)
    found = bnnc.verify(module, target="c", arrays={name: x}, quantize="dynamic")
    assert found.ok, found.first_difference
    if not binary:  # elsewhere a rounded first layer turns signs, as any other error does
        for one in x:
            (want,), (got,) = (
                bnnc.interpret(m, {name: one[None]}).values() for m in (module, planned)
            )
            assert np.abs(want - got).max() < 0.01 * np.abs(want).max()
