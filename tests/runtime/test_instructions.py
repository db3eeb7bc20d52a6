# SPDX-License-Identifier: Apache-2.0
"""What kernels for 64-bit ARM execute, counted by an emulator, whatever the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.arm.layers import KINDS, Layer
from benchmarks.arm.model import innermost_loops
from benchmarks.arm.toolchain import TARGET, Bench, Shape, missing


@pytest.mark.slow
def test_binary_layers_execute_little_beside_their_inner_loop(tmp_path: Path) -> None:
    """Counted with gcc 12: 0.96 and 1.07 of the loop that meets four pixels with eight channels."""
    if absent := missing():
        pytest.skip(f"no {absent[0]} on PATH; scripts/system-packages.sh installs it")
    bench = Bench("conv2d_bb_neon_thr", TARGET.compilers[0], tmp_path)
    (loop,) = [x for x in innermost_loops(bench.object, "meet_bits_run") if x.count("cnt") == 32]
    assert loop.vector_operations == 3 * 32
    assert len(loop.body) <= 118
    for size, channels in ((14, 256), (28, 128)):
        shape = Shape(size, channels, channels, 3, pad=1)
        executed = bench.executed(shape)
        ideal = shape.macs / 128 * len(loop.body) / 32
        assert executed.total() <= 1.25 * ideal
        # Nothing is counted twice or left out: a count of ones for each product of the layer, but
        # for those with padding.
        inside = ((3 * size - 2) / (3 * size)) ** 2
        assert executed["cnt"] == pytest.approx(shape.macs / 128 * inside, rel=0.02)
    # Windows left in the input, and vectors that two windows share: 1.19 and 1.25.
    for shape, most in ((Shape(28, 128, 128, 1), 1.25), (Shape(28, 64, 64, 3, pad=1), 1.35)):
        ideal = shape.macs / 128 * len(loop.body) / 32
        assert bench.executed(shape).total() <= most * ideal


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_layers_of_every_kind_are_counted(kind: str) -> None:
    if absent := missing():
        pytest.skip(f"no {absent[0]} on PATH; scripts/system-packages.sh installs it")
    for layer in (Layer(kind, 0, 64, 64), Layer(kind, 5, 64, 64, 3)):
        row = layer.counted(TARGET.compilers[0])
        assert row.kernel.startswith(f"conv2d_{kind}_")
        # A vector has 128 products of bits at most, and no kernel needs four instructions for one.
        assert layer.macs / 128 < row.best < 4 * layer.macs
