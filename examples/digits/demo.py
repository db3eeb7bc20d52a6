# SPDX-License-Identifier: Apache-2.0
"""Compile the digits network to C, classify the test samples with it, and check the result.

Usage: python examples/digits/demo.py [--out FOLDER] [--target NAME]

Needs a C compiler and scikit-learn (for the images), no TensorFlow. The exit code is 1 when C and
the interpreter differ in a single bit, or when the accuracy is not the one of TensorFlow.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import bnnc

HERE = Path(__file__).resolve().parent
MODEL = HERE / "digits.pb"
REPEAT = 2000
ACCURACY_MARGIN = 0.005


def test_samples(every: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return each so many-th image [n, 8, 8, 1] with values 0 to 16, and its label [n]."""
    digits: Any = import_module("sklearn.datasets").load_digits()
    images = np.asarray(digits.images[::every, :, :, np.newaxis], dtype=np.float32)
    return images, np.asarray(digits.target[::every], dtype=np.int64)


def float_bytes(model: bnnc.Module) -> int:
    """Return what the constants of the trained network take as float32, single numbers left out."""
    return sum(4 * r.type.size for r in model.resources.values() if r.shape)


def report_compilation(compiled: bnnc.Compiled, model: bnnc.Module) -> None:
    """Print the layers that were found, and the sizes."""
    print(f"\n{'layer':<20} {'kind':<6} {'weight bytes':>12} {'products':>10}  kernel")
    for line in bnnc.explain(MODEL, target=compiled.target).layers:
        print(
            f"{line.name:<20} {line.kind:<6} {line.weight_bytes:>12} {line.macs:>10}  {line.kernel}"
        )
    manifest = json.loads((compiled.out / "manifest.json").read_text(encoding="utf-8"))
    trained, packed = float_bytes(model), manifest["weights_bytes"]
    print(
        f"\nweights  {packed} bytes, as float32 they take {trained}: {trained / packed:.1f} times"
    )
    print(f"arena    {manifest['arena_bytes']} bytes")


def report_time(compiled: bnnc.Compiled, image: NDArray[np.float32]) -> None:
    """Print what the generated driver measures for one image; the project is built already."""
    name = compiled.module.name
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder, "image.bin"), Path(folder, "logits.bin")
        source.write_bytes(image.astype("<f4").tobytes())
        done = subprocess.run(
            [compiled.out / name, compiled.out / f"{name}.bnnw", source, result,
             "--repeat", str(REPEAT)],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    print(f"time     {(done.stdout + done.stderr).strip()}")


def check(compiled: bnnc.Compiled, model: bnnc.Module) -> list[str]:
    """Classify the test samples in C, print how well, and return what is not as it should be."""
    record = json.loads((HERE / "digits.json").read_text(encoding="utf-8"))
    images, labels = test_samples(record["test_every"])
    count = len(images)

    in_c = compiled.run({"image": images})["logits"]
    interpreted = bnnc.interpret(compiled.module, {"image": images})["logits"]
    imported = bnnc.interpret(model, {"image": images})["logits"]
    predicted = in_c.argmax(axis=1)

    equal = (in_c.view(np.uint32) == interpreted.view(np.uint32)).all(axis=1)
    accuracy = float((predicted == labels).mean())
    trained = float(record["test_accuracy"])
    as_tensorflow = int((predicted == record["test_predictions"]).sum())
    print(f"accuracy {accuracy:.2%} of {count} test samples in C, {trained:.2%} in TensorFlow")
    print(f"samples  {equal.sum()} of {count}: every bit of the logits equal in C and interpreter")
    print(f"         {(predicted == imported.argmax(axis=1)).sum()} of {count}: same digit as the")
    print("         interpreter gives for the graph as imported, before any pass")
    print(f"         {as_tensorflow} of {count}: same digit as TensorFlow gave after training")

    faults: list[str] = []
    if not equal.all():
        faults.append(f"C and interpreter differ in sample {int(np.argmin(equal))}")
    if abs(accuracy - trained) > ACCURACY_MARGIN:
        faults.append(f"the accuracy is {accuracy:.2%} and not {trained:.2%}")
    report_time(compiled, images[:1])
    return faults


def main() -> int:
    """Run the demo and return the exit code."""
    parser = argparse.ArgumentParser(description="Compile and run a network for digits.")
    parser.add_argument("--out", type=Path, help="keep the emitted project in this folder")
    parser.add_argument("--target", default="c", help="what to compile for, by default portable C")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        out = options.out or Path(temporary, "digits")
        model = bnnc.load(MODEL)
        compiled = bnnc.compile(MODEL, target=options.target, out=out)
        print(f"compiled {MODEL.name} for target {options.target}: {compiled.module.name}.c")
        report_compilation(compiled, model)
        faults = check(compiled, model)
        if options.out:
            print(f"project  {out}")
    for fault in faults:
        print(f"FAILED: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except bnnc.BnncError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
