# SPDX-License-Identifier: Apache-2.0
"""What the demos have in common: they compile a network, show what became of it, and check it."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import bnnc

Arrays = NDArray[np.float32]


class Demonstration:
    """A network that was compiled to C.

    Attributes:
        path: the model file.
        model: the network as imported.
        compiled: the emitted project.
        faults: what is not as it should be.
    """

    def __init__(self, path: Path, target: str, out: Path) -> None:
        self.path = path
        self.model = bnnc.load(path)
        self.compiled = bnnc.compile(path, target=target, out=out)
        self.faults: list[str] = []
        print(f"compiled {path.name} for target {target}: {self.compiled.module.name}.c")

    def report_compilation(self) -> None:
        """Print the layers that were found, and the sizes."""
        print(f"\n{'layer':<20} {'kind':<6} {'weight bytes':>12} {'products':>10}  kernel")
        for line in bnnc.explain(self.path, target=self.compiled.target).layers:
            print(
                f"{line.name:<20} {line.kind:<6} {line.weight_bytes:>12} {line.macs:>10}  "
                f"{line.kernel}"
            )
        manifest = json.loads((self.compiled.out / "manifest.json").read_text(encoding="utf-8"))
        packed = manifest["weights_bytes"]
        # What the trained constants take as float32, single numbers left out.
        trained = sum(4 * r.type.size for r in self.model.resources.values() if r.shape)
        print(
            f"\nweights  {packed} bytes, as float32 they take {trained}: "
            f"{trained / packed:.1f} times"
        )
        print(f"arena    {manifest['arena_bytes']} bytes")

    def run(self, images: Arrays) -> tuple[Arrays, NDArray[np.bool_]]:
        """Run the network in C on images [n, h, w, c].

        Returns:
            Its output [n, classes], and for each sample whether the interpreter gives the same
            bits; where it does not, `faults` says so.
        """
        inputs = {"image": images}
        (in_c,) = self.compiled.run(inputs).values()
        (interpreted,) = bnnc.interpret(self.compiled.module, inputs).values()
        equal = (in_c.view(np.uint32) == interpreted.view(np.uint32)).all(axis=1)
        if not equal.all():
            self.faults.append(f"C and interpreter differ in sample {int(np.argmin(equal))}")
        return in_c, equal

    def report_time(self, image: Arrays, repeat: int) -> None:
        """Print what the generated driver measures for one image; the project is built already."""
        out, name = self.compiled.out, self.compiled.module.name
        with tempfile.TemporaryDirectory() as folder:
            source, result = Path(folder, "image.bin"), Path(folder, "logits.bin")
            source.write_bytes(image.astype("<f4").tobytes())
            done = subprocess.run(
                [out / name, out / f"{name}.bnnw", source, result, "--repeat", str(repeat)],
                check=True, capture_output=True, text=True,
            )  # fmt: skip
        print(f"time     {(done.stdout + done.stderr).strip()}")


def main(
    path: Path,
    check: Callable[[Demonstration, argparse.Namespace], None],
    parser: argparse.ArgumentParser,
) -> int:
    """Compile a model, show what became of it, and let `check` run it.

    Args:
        path: the model file.
        check: runs the network and notes its faults.
        parser: knows what further options there are.

    Returns:
        The exit code: 1 when there are faults.
    """
    parser.add_argument("--out", type=Path, help="keep the emitted project in this folder")
    parser.add_argument("--target", default="c", help="what to compile for, by default portable C")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as temporary:
            demonstration = Demonstration(
                path, options.target, options.out or Path(temporary, path.stem)
            )
            demonstration.report_compilation()
            check(demonstration, options)
    except bnnc.BnncError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if options.out:
        print(f"project  {options.out}")
    for fault in demonstration.faults:
        print(f"FAILED: {fault}", file=sys.stderr)
    return 1 if demonstration.faults else 0
