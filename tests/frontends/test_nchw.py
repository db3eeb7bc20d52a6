# SPDX-License-Identifier: Apache-2.0
"""Graphs over NCHW images become the layers that their NHWC twins become."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from bnnc import driver
from bnnc.ir import Module, nn
from bnnc.ir import bin as bits
from bnnc.ir.interpreter import interpret

from .graphs import GraphBuilder, f32

Format = Literal["NHWC", "NCHW"]
CHANNELS = 9


class _Network(GraphBuilder):
    """Two binary convolutions, a pool, a residual sum and a mean over one or the other format."""

    def __init__(self, data_format: Format) -> None:
        super().__init__()
        rng = np.random.default_rng(3)
        self.format = data_format
        size = [-1, 6, 6, 4] if data_format == "NHWC" else [-1, 4, 6, 6]
        x = self.placeholder("x", tuple(size))
        pooled = self._image("MaxPool", "pool", self._block("a", x, 4, rng), 2, ksize=2)
        b = self._block("b", pooled, CHANNELS, rng)
        self.node("AddV2", "residual", pooled, b)
        c = self._block("c", "residual", CHANNELS, rng)
        axes = [1, 2] if data_format == "NHWC" else [2, 3]
        self.node("Mean", "mean", c, self.const("axes", axes, "int32"))

    def _per_axis(self, number: int) -> list[int]:
        return [1, number, number, 1] if self.format == "NHWC" else [1, 1, number, number]

    def _image(self, op: str, name: str, *inputs: str | int, ksize: int = 0) -> str:
        *sources, stride = inputs
        attrs = {"ksize": self._per_axis(ksize)} if ksize else {}
        return self.node(
            op,
            name,
            *map(str, sources),
            **attrs,
            strides=self._per_axis(int(stride)),
            padding="SAME",
            data_format=self.format,
        )

    def _block(self, name: str, source: str, inputs: int, rng: np.random.Generator) -> str:
        self.node("Sign", f"{name}/sign", source)
        w = self.const(f"{name}/w", rng.choice([-1.0, 1.0], (3, 3, inputs, CHANNELS)))
        self._image("Conv2D", f"{name}/conv", f"{name}/sign", w, 1)
        shape = (CHANNELS,) if self.format == "NHWC" else (CHANNELS, 1, 1)
        shift = self.const(f"{name}/shift", f32(rng.normal(size=CHANNELS)).reshape(shape))
        self.node("AddV2", f"{name}/shifted", f"{name}/conv", shift)
        rows = [rng.normal(size=CHANNELS) for _ in range(3)] + [rng.uniform(1, 2, CHANNELS)]
        params = [self.const(f"{name}/{i}", f32(row)) for i, row in enumerate(rows)]
        return self.node(
            "FusedBatchNormV3",
            f"{name}/norm",
            f"{name}/shifted",
            *params,
            epsilon=1e-3,
            is_training=False,
            data_format=self.format,
        )


def _layers(module: Module) -> list[tuple[str, bool]]:
    """Kind of each layer, and whether it cuts its sums to bits itself."""
    found = [op for op in module.func.ops if isinstance(op, bits.Layer)]
    return [(op.KIND, op.thr is not None) for op in found]


def test_both_formats_give_the_same_layers_and_numbers(tmp_path: Path) -> None:
    x = f32(np.random.default_rng(4).normal(size=(1, 6, 6, 4)))
    (tmp_path / "nhwc").mkdir()
    ours = driver.plan(_Network("NHWC").load(tmp_path / "nhwc"))
    theirs = driver.plan(_Network("NCHW").load(tmp_path))
    assert _layers(theirs) == _layers(ours)
    assert [kind for kind, _ in _layers(theirs)] == ["bb", "bb", "bb"]
    assert sum(isinstance(op, nn.Transpose) for op in theirs.func.ops) == 1
    (want,) = interpret(ours, {"x": x}).values()
    (found,) = interpret(theirs, {"x": x.transpose(0, 3, 1, 2)}).values()
    np.testing.assert_array_equal(found, want)
