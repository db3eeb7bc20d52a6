# SPDX-License-Identifier: Apache-2.0
"""Compile an AlexNet of XNOR-Net to C, and say what a photograph shows.

Usage: python -m examples.alexnet.classify alexnet_XNOR.t7 IMAGE ... [--labels FILE] [--out FOLDER]
[--calibrate FOLDER]

Needs a C compiler and Pillow. The exit code is 1 when C and the interpreter differ in a single bit.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

import bnnc

from . import images
from .compilation import SIZE, compile_network

_BEST = 5


def _classify(options: argparse.Namespace, out: Path) -> int:
    names = images.read_names(options.labels) if options.labels else []
    pixels = [images.read(path, options.size) for path in options.images]
    samples = None
    if options.calibrate:
        found = [images.read(p, options.size) for p in sorted(options.calibrate.iterdir())]
        if not found:
            raise SystemExit(f"{options.calibrate} holds no images")
        samples = np.concatenate(found)
    compiled = compile_network(options.network, options.target, out, options.size, samples=samples)
    weights = compiled.manifest.weights_bytes / 2**20
    print(f"compiled {options.network.name} for target {options.target}: {weights:.1f} MiB")
    differ = False
    for path, image in zip(options.images, pixels, strict=True):
        scores = compiled.run({"input": image})["output"][0]
        interpreted = bnnc.interpret(compiled.module, {"input": image})["output"][0]
        print(f"\n{path}")
        best: list[int] = np.argsort(-scores, kind="stable")[:_BEST].tolist()
        for place in best:
            name = names[place] if place < len(names) else f"class {place}"
            print(f"  {np.exp(scores[place]):7.2%}  {name}")
        if not np.array_equal(scores.view(np.uint32), interpreted.view(np.uint32)):
            print(f"FAILED: C and interpreter differ for {path}", file=sys.stderr)
            differ = True
    if not differ:
        print("\nevery bit equal in C and interpreter")
    return int(differ)


def main() -> int:
    """Read the command line; return the exit code."""
    parser = argparse.ArgumentParser(description="Classify images by an AlexNet of XNOR-Net.")
    parser.add_argument("network", type=Path, help="alexnet_XNOR.t7 or alexnet_BWN.t7")
    parser.add_argument("images", type=Path, nargs="+")
    parser.add_argument("--labels", type=Path, help="a file with the names of the classes")
    parser.add_argument("--size", type=int, default=SIZE, help="of the square that is taken")
    parser.add_argument("--target", default="c", help="what to compile for, by default portable C")
    parser.add_argument(
        "--calibrate",
        type=Path,
        help="compute what is not binary in 8-bit integers, with the ranges of the images in here",
    )
    parser.add_argument("--out", type=Path, help="keep the emitted project in this folder")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as temporary:
            return _classify(options, options.out or Path(temporary, "out"))
    except bnnc.BnncError as error:
        print(error, file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
