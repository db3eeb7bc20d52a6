# SPDX-License-Identifier: Apache-2.0
"""Print how large and how fast the AlexNets are in C, beside what was measured in 2018.

Usage: python -m examples.alexnet.tables alexnet_XNOR.t7 alexnet_BWN.t7 [--repeat N] [--target NAME]

Each network has a row with its first and last layer (BWN: all activations) in float, and one where
they are 8-bit integers, calibrated on random images; the last column says how far its scores are
from those of float, as signal to noise. Sizes and times do not depend on the values of the weights:
the files that ``python -m examples.alexnet.networks`` writes do as well as the trained ones. The
exit code is 1 when a network is larger than in 2018.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import bnnc

from .compilation import SIZE, compile_network, milliseconds

MIB = 2**20


@dataclass(frozen=True)
class Earlier:
    """MiB of weights; milliseconds on one core of a Nexus 5, and of a Raspberry Pi 3."""

    mebibytes: float
    nexus: int
    raspberry: int


# What the exporter of 2018 reported that this example follows.
EARLIER = {
    ("XNOR", "float"): Earlier(22.7, 102, 216),
    ("BWN", "float"): Earlier(22.8, 623, 970),
    ("XNOR", "int8"): Earlier(10.9, 60, 123),
    ("BWN", "int8"): Earlier(11.0, 176, 546),
}
_ROUNDING = 0.1  # its sizes have one decimal, and do not say how it was rounded
_CALIBRATED = 2


def random_images(count: int, size: int, seed: int) -> NDArray[np.float32]:
    """Areas of one color with noise, [count, size, size, 3], pixels from 0 to 255."""
    random = np.random.default_rng(seed)
    areas = random.uniform(0, 255, (count, 8, 8, 3))
    side = -(-size // 8)
    pixels = np.kron(areas, np.ones((1, side, side, 1)))[:, :size, :size]
    return np.clip(np.rint(pixels + random.normal(0, 20, pixels.shape)), 0, 255).astype(np.float32)


def signal_to_noise(exact: NDArray[np.float32], found: NDArray[np.float32]) -> float:
    """In dB, of scores that vary around their mean."""
    noise = float(np.mean((found.astype(np.float64) - exact) ** 2))
    return float(10 * np.log10(np.var(exact.astype(np.float64)) / noise)) if noise else np.inf


class Rows:
    """Rows of the table, and whether one is larger than it was."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._image = random_images(1, options.size, 1)
        self.is_larger = False

    def of(self, path: Path, folder: Path) -> Iterator[str]:
        """The rows of one network: float, then 8-bit integers."""
        options = self._options
        exact: NDArray[np.float32] | None = None
        for scheme in ("float", "int8"):
            quantized = scheme == "int8"
            samples = random_images(_CALIBRATED, options.size, 2) if quantized else None
            out = folder / scheme
            compiled = compile_network(path, options.target, out, options.size, samples=samples)
            size = compiled.manifest.weights_bytes / MIB
            taken = off = ""
            if options.repeat:
                taken = f"{milliseconds(compiled, self._image, options.repeat):.1f}"
                scores = compiled.run({"input": self._image})["output"]
                off = "" if exact is None else f"{signal_to_noise(exact, scores):.1f}"
                exact = scores
            earlier = next(
                (e for (n, s), e in EARLIER.items() if n in path.stem and s == scheme), None
            )
            then = ("", "", "")
            if earlier:
                then = (f"{earlier.mebibytes}", f"{earlier.nexus}", f"{earlier.raspberry}")
                self.is_larger |= size > earlier.mebibytes + _ROUNDING
            yield (
                f"{path.stem:<16} {scheme:<6} {size:>6.2f} {then[0]:>6}   "
                f"{taken:>8} {then[1]:>8} {then[2]:>6} {off:>6}"
            )


def main() -> int:
    """Read the command line; return the exit code."""
    parser = argparse.ArgumentParser(description="Sizes and times of the AlexNets in C.")
    parser.add_argument("networks", type=Path, nargs="+", help="alexnet_XNOR.t7, alexnet_BWN.t7")
    parser.add_argument("--repeat", type=int, default=10, help="of an image; 0 measures sizes only")
    parser.add_argument("--size", type=int, default=SIZE, help="of the image")
    parser.add_argument("--target", default="c", help="what to compile for, by default portable C")
    options = parser.parse_args()
    print(
        f"{'network':<16} {'layers':<6} {'MiB':>6} {'2018':>6}   "
        f"{'ms':>8} {'Nexus 5':>8} {'RPi 3':>6} {'dB':>6}"
    )
    rows = Rows(options)
    for path in options.networks:
        with tempfile.TemporaryDirectory() as folder:
            try:
                for row in rows.of(path, Path(folder)):
                    print(row, flush=True)
            except bnnc.BnncError as error:
                print(error, file=sys.stderr)
                return error.exit_code
    return int(rows.is_larger)


if __name__ == "__main__":
    sys.exit(main())
