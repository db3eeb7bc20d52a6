# SPDX-License-Identifier: Apache-2.0
"""Speed of the portable kernels, layer by layer, beside what the core can do at best.

Usage: python -m benchmarks.kernels [NAME ...]

Networks of one and of several equal layers are compiled as a user would, and run in turn with the
loop that is their peak. The difference of their times is that of the layers between, so that input
and output cost nothing. The best of several rounds counts, for layers and peak alike. Exits with 1
when a bound of `BOUNDS` is missed by gcc. Padding is zero. All products of a layer count, those
with padding too, as is usual; the last column counts those inside the input only, since kernels
leave the others out.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bnnc.backends import emit_project, find_target, lowering_pipeline
from bnnc.ir import BIT, F32, Loc, Module, Op, Resource, Stage, TensorType, Value, bin, q
from bnnc.ir.types import Scalar
from bnnc.passes.manager import PassManager

from .compilers import compilers
from .peaks import PEAKS, measure
from .peaks.cores import cpu_name

ROUNDS = 5
SECONDS = 0.06  # of one run
SHAPES = ((56, 64), (28, 128), (14, 256), (7, 512))
I8 = Scalar("i8")
BOUNDS = {"bb": 0.8, "ff": 0.7}


@dataclass(frozen=True)
class Layer:
    """A layer that keeps its shape.

    Attributes:
        kind: ``bb``, ``fb``, ``ff``, or ``ii`` and ``ib`` of bytes.
        size: height and width; 0 is a dense layer.
        channels: of input and output.
        kernel: side of the window.
    """

    kind: str
    size: int
    channels: int
    kernel: int = 3

    @property
    def name(self) -> str:
        """As the table shows it."""
        shape = f"{self.size}x{self.size}x{self.channels}" if self.size else f"{self.channels}"
        window = f" {self.kernel}x{self.kernel}" if self.size else " dense"
        return f"{self.kind}{window} {shape}"

    @property
    def products(self) -> int:
        """Multiplications of one layer."""
        return max(self.size, 1) ** 2 * self.kernel**2 * self.channels**2

    @property
    def inside(self) -> float:
        """Part of the products whose tap lies in the input; the others are zero, and left out."""
        size, k = self.size, self.kernel
        return ((k * size - k + 1) / (k * size)) ** 2 if size else 1.0

    @property
    def peak(self) -> str:
        """The loop that it is compared with; bytes with that of floats."""
        return "popcount" if self.kind == "bb" else "muladd"

    def module(self, count: int) -> Module:
        """A network of `count` such layers with random weights."""
        module = Module("net", Stage.BINARIZED)
        rng = np.random.default_rng(1)
        c, image = self.channels, (self.size, self.size) if self.size else ()
        scalar = {"b": BIT, "f": F32, "i": I8}[self.kind[0]]
        x = Value(TensorType((1, *image, c), scalar), name="x")
        module.func.args.append(x)
        module.func.input_names.append("x")
        for index in range(count):
            x = _append(module, self._op(x, index, rng), index)
        module.func.set_results([x])
        module.func.output_names.append("y")
        return module

    def _op(self, x: Value, index: int, rng: np.random.Generator) -> Op:
        c = self.channels
        window = (self.kernel, self.kernel) if self.size else ()
        shape = (c, *window, c)
        if self.kind[1] == "b":
            w = Resource.of(f"w{index}", _signs(rng, shape), TensorType(shape, BIT))
        elif self.kind[1] == "i":
            w = Resource.of(f"w{index}", rng.integers(-127, 128, shape).astype(np.int8))
        else:
            w = Resource.of(f"w{index}", (rng.normal(size=shape) / c).astype(np.float32))
        thr = None
        if self.kind[0] == "b":
            thr = Resource.of(f"t{index}", rng.integers(-c, c, c).astype(np.int32))
        half = self.kernel // 2
        pad = (half, half, half, half)
        if self.kind[0] == "i":
            return self._of_bytes(x, w, index, pad)
        if self.size:
            conv = {"bb": bin.Conv2DBB, "fb": bin.Conv2DFB, "ff": bin.Conv2DFF}[self.kind]
            return conv(x, w, thr=thr, stride=(1, 1), pad=pad, pad_value=0.0)
        dense = {"bb": bin.DenseBB, "fb": bin.DenseFB, "ff": bin.DenseFF}[self.kind]
        return dense(x, w, thr=thr)

    def _of_bytes(self, x: Value, w: Resource, index: int, pad: tuple[int, int, int, int]) -> Op:
        """Rounded to bytes of about the same range."""
        deviation = 74.0 if self.kind[1] == "i" else 1.0
        factor = 1 / (deviation * (self.channels * self.kernel**2) ** 0.5)
        pairs = np.full((self.channels, 2), q.fixed_point(factor), np.int32)
        m, s = (Resource.of(f"{n}{index}", pairs[:, i].copy()) for i, n in enumerate("ms"))
        if self.size:
            return q.Conv2D(x, w, None, m, s, stride=(1, 1), pad=pad, x_zero=-3, y_zero=-3)
        return q.Dense(x, w, None, m, s, x_zero=-3, y_zero=-3)


def _signs(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.choice(np.array([-1, 1], np.int8), shape)


def _append(module: Module, op: Op, index: int) -> Value:
    op.loc = Loc((f"layer/{index}",), op.NAME)
    for value in op.operands:
        if isinstance(value, Resource):
            module.resources[value.symbol] = value
    module.func.append(op)
    return op.result


LAYERS = (
    *(Layer("bb", size, c) for size, c in SHAPES),
    Layer("bb", 28, 100),
    Layer("bb", 14, 256, 1),
    Layer("bb", 0, 4096, 1),
    *(Layer("ff", size, c) for size, c in SHAPES),
    Layer("ff", 28, 100),
    Layer("ff", 14, 256, 1),
    Layer("ff", 0, 1024, 1),
    *(Layer("fb", size, c) for size, c in SHAPES),
    *(Layer(kind, size, c) for kind in ("ii", "ib") for size, c in SHAPES),
    *(Layer(kind, 0, 1024, 1) for kind in ("ii", "ib")),
)


class Program:
    """A built network."""

    def __init__(self, layer: Layer, count: int, cc: str, flags: str, folder: Path) -> None:
        module = layer.module(count)
        PassManager().run(module, lowering_pipeline(find_target("c")))
        self.kernel = str(module.func.ops[-1].kernel)
        if count == 1:  # bits come in and go out as bytes
            self.kernel = next(
                str(op.kernel) for op in module.func.ops if isinstance(op, bin.Layer | q.Layer)
            )
        emit_project(module, folder)
        subprocess.run(["make", "-s", f"CC={cc}", f"CFLAGS={flags}"], cwd=folder, check=True)
        type_ = next(iter(module.inputs.values()))
        numbers = np.random.default_rng(2).normal(size=type_.shape)
        if type_.scalar == I8:
            numbers = np.clip(numbers * 40, -128, 127)
        data = _signs(np.random.default_rng(2), type_.shape) if type_.scalar == BIT else numbers
        (folder / "in").write_bytes(data.astype(type_.dtype).tobytes())
        self._command = ["./net", "net.bnnw", "in", "out", "--repeat"]
        self._folder = folder
        self._repeat = 1
        self._repeat = max(1, int(SECONDS / self.seconds()))

    def seconds(self) -> float:
        """Seconds for one run of the network, the mean of many."""
        command = [*self._command, str(self._repeat)]
        done = subprocess.run(command, cwd=self._folder, check=True, capture_output=True, text=True)
        return 1e-6 * float(done.stdout.split(":")[1].split()[0])


@dataclass(frozen=True)
class Result:
    """Products per second of a layer and of its peak."""

    kernel: str
    layer: float
    peak: float


def measured(layer: Layer, cc: str, folder: Path) -> Result:
    """Run the layer and its peak in turn."""
    peak = PEAKS[layer.peak]
    loop = peak.build(cc, folder)
    flags = "-O3 " + " ".join(f for f in peak.flags if f.startswith("-march"))
    more = 4 if layer.products > 5e7 else 9
    one, many = (
        Program(layer, count, cc, flags, folder / f"{cc}-{layer.name.replace(' ', '-')}-{count}")
        for count in (1, more)
    )
    best_one, best_many, best_peak = float("inf"), float("inf"), 0.0
    for _ in range(ROUNDS):
        best_peak = max(best_peak, measure(loop).second)
        best_one, best_many = min(best_one, one.seconds()), min(best_many, many.seconds())
    rate = (more - 1) * layer.products / (best_many - best_one)
    return Result(one.kernel, rate, best_peak)


def _chosen(names: list[str]) -> Iterator[Layer]:
    for layer in LAYERS:
        if not names or any(name in layer.name for name in names):
            yield layer


def main(names: list[str]) -> int:
    """Print a line for each layer and compiler."""
    print(cpu_name())
    print(
        f"{'layer':<20}{'compiler':<10}{'kernel':<22}"
        f"{'10^9 products/s':>16}{'of peak':>9}{'inside':>8}"
    )
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for layer in _chosen(names):
            for cc in compilers():
                found = measured(layer, cc, Path(folder))
                part = found.layer / found.peak
                inside = part * layer.inside
                bounded = (layer.size, layer.channels) in SHAPES and layer.kernel == 3
                if bounded and cc == "gcc" and part < BOUNDS.get(layer.kind, 0):
                    good = False
                rate = f"{found.layer / 1e9:>16.1f}"
                print(
                    f"{layer.name:<20}{cc:<10}{found.kernel:<22}{rate}"
                    f"{100 * part:>7.0f} %{100 * inside:>6.0f} %"
                )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
