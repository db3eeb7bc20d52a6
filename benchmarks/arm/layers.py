# SPDX-License-Identifier: Apache-2.0
"""Networks of one layer of each of the five kinds, compiled as a user would, and their counts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bnnc import driver
from bnnc.backends.measure import Row
from bnnc.ir import (
    BIT,
    F32,
    Loc,
    Module,
    Op,
    Resource,
    Scalar,
    Stage,
    TensorType,
    Value,
    bin,
    q,
)

from .toolchain import TARGET

KINDS = {"ff": "float", "ii": "int8", "fb": "float x binary", "ib": "int8 x binary", "bb": "binary"}
_WEIGHT_BITS = {"f": 32, "i": 8, "b": 1}
_NAME = "layer"


@dataclass(frozen=True)
class Layer:
    """A layer with random weights.

    Attributes:
        kind: activations and weights, a key of `KINDS`.
        size: height and width; 0 is a dense layer.
        ic: input channels.
        oc: output channels.
        kernel: side of the window, padded so that the size stays.
    """

    kind: str
    size: int
    ic: int
    oc: int
    kernel: int = 1

    def __str__(self) -> str:
        if not self.size:
            return f"{self.kind} dense {self.ic}->{self.oc}"
        window = f"{self.kernel}x{self.kernel}"
        return f"{self.kind} {window} {self.size}x{self.size} {self.ic}->{self.oc}"

    @property
    def macs(self) -> int:
        """Products, those with padding too."""
        return max(self.size, 1) ** 2 * self.kernel**2 * self.ic * self.oc

    @property
    def weight_bytes(self) -> int:
        """Bytes of the weights, without thresholds, factors and what layouts add."""
        return self.kernel**2 * self.ic * self.oc * _WEIGHT_BITS[self.kind[1]] // 8

    def module(self) -> Module:
        """The network: float layers give floats, int8 layers int8, binary layers bits."""
        module = Module("net", Stage.BINARIZED)
        image = (self.size, self.size) if self.size else ()
        scalar: Scalar = {"f": F32, "i": Scalar("i8"), "b": BIT}[self.kind[0]]
        x = Value(TensorType((1, *image, self.ic), scalar), name="x")
        module.func.args.append(x)
        module.func.input_names.append("x")
        op = self._op(x)
        op.loc = Loc((_NAME,), op.NAME)
        for value in op.operands:
            if isinstance(value, Resource):
                module.resources[value.symbol] = value
        module.func.append(op)
        module.func.set_results([op.result])
        module.func.output_names.append("y")
        return module

    def _op(self, x: Value) -> Op:
        rng = np.random.default_rng(1)
        shape = (self.oc, *((self.kernel,) * 2 if self.size else ()), self.ic)
        if self.kind[1] == "b":
            signs = rng.choice(np.array([-1, 1], np.int8), shape)
            w = Resource.of("w", signs, TensorType(shape, BIT))
        elif self.kind[1] == "i":
            w = Resource.of("w", rng.integers(-127, 128, shape).astype(np.int8))
        else:
            w = Resource.of("w", rng.normal(size=shape).astype(np.float32))
        window: dict[str, Any] = (
            {"stride": (1, 1), "pad": (self.kernel // 2,) * 4} if self.size else {}
        )
        if self.kind[0] == "i":
            bias = Resource.of("b", rng.integers(-1000, 1000, self.oc).astype(np.int32))
            multiplier = Resource.of("m", rng.integers(1 << 30, 1 << 31, self.oc).astype(np.int32))
            shift = Resource.of("s", np.full(self.oc, -12, np.int32))
            layer = q.Conv2D if self.size else q.Dense
            return layer(x, w, bias, multiplier, shift, x_zero=0, **window)
        thr = None
        if self.kind[0] == "b":
            thr = Resource.of("t", rng.integers(-self.ic, self.ic, self.oc).astype(np.int32))
        if self.size:
            conv = {"bb": bin.Conv2DBB, "fb": bin.Conv2DFB, "ff": bin.Conv2DFF}[self.kind]
            return conv(x, w, thr=thr, pad_value=0.0, **window)
        dense = {"bb": bin.DenseBB, "fb": bin.DenseFB, "ff": bin.DenseFF}[self.kind]
        return dense(x, w, thr=thr)

    def counted(self, compiler: str) -> Row:
        """What the layer executes, built by a compiler for the target."""
        found = driver.bench(self.module(), TARGET, layers=True, compiler=compiler)
        return next(row for row in found.layers if is_layer(row))


def is_layer(row: Row) -> bool:
    """Whether a row is that of a convolution or dense layer, not of what packs its input."""
    return row.op.startswith(("bin.conv2d", "bin.dense", "q.conv2d", "q.dense"))


def shared_models() -> Path | None:
    """The folder of models that are too large to keep here."""
    top = Path(__file__).resolve().parents[2]
    folder = Path(os.environ.get("BNNC_SHARED") or top.parent / "shared") / "models"
    return folder if folder.is_dir() else None
