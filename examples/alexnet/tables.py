# SPDX-License-Identifier: Apache-2.0
"""Print how large and how fast the AlexNets are in C, beside what was measured in 2018.

Usage: python -m examples.alexnet.tables alexnet_XNOR.t7 alexnet_BWN.t7 [--repeat N] [--target NAME]

Sizes and times do not depend on the values of the weights: the files that
``python -m examples.alexnet.networks`` writes do as well as the trained ones. The exit code is 1
when a network is larger than in 2018.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

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
EARLIER = {"XNOR": Earlier(22.7, 102, 216), "BWN": Earlier(22.8, 623, 970)}
_ROUNDING = 0.1  # its sizes have one decimal, and do not say how it was rounded


def main() -> int:
    """Read the command line; return the exit code."""
    parser = argparse.ArgumentParser(description="Sizes and times of the AlexNets in C.")
    parser.add_argument("networks", type=Path, nargs="+", help="alexnet_XNOR.t7, alexnet_BWN.t7")
    parser.add_argument("--repeat", type=int, default=10, help="of an image; 0 measures sizes only")
    parser.add_argument("--size", type=int, default=SIZE, help="of the image")
    parser.add_argument("--target", default="c", help="what to compile for, by default portable C")
    options = parser.parse_args()
    image = np.random.default_rng(1).integers(0, 256, (1, options.size, options.size, 3))
    print(f"{'network':<16} {'MiB':>6} {'2018':>6}   {'ms':>8} {'Nexus 5':>8} {'RPi 3':>6}")
    is_larger = False
    for path in options.networks:
        earlier = next((e for name, e in EARLIER.items() if name in path.stem), None)
        with tempfile.TemporaryDirectory() as folder:
            try:
                compiled = compile_network(path, options.target, Path(folder, "out"), options.size)
            except bnnc.BnncError as error:
                print(error, file=sys.stderr)
                return error.exit_code
            size = compiled.manifest.weights_bytes / MIB
            taken = ""
            if options.repeat:
                time = milliseconds(compiled, image.astype(np.float32), options.repeat)
                taken = f"{time:.1f}"
        then = ("", "", "")
        if earlier:
            then = (f"{earlier.mebibytes}", f"{earlier.nexus}", f"{earlier.raspberry}")
            is_larger |= size > earlier.mebibytes + _ROUNDING
        print(f"{path.stem:<16} {size:>6.2f} {then[0]:>6}   {taken:>8} {then[1]:>8} {then[2]:>6}")
    return int(is_larger)


if __name__ == "__main__":
    sys.exit(main())
