# SPDX-License-Identifier: Apache-2.0
"""Compile the CIFAR-10 network to C and classify images with it.

Usage: python -m examples.cifar10.demo [--data FILE_OR_FOLDER] [--out FOLDER] [--target NAME]

Needs a C compiler, and TensorFlow only where ``--data`` holds JPEG or PNG files. The exit code is 1
when C and the interpreter differ in a single bit, or when a sample falls to another class than in
TensorFlow.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from ..demonstration import Demonstration, main
from . import images

HERE = Path(__file__).resolve().parent
REPEAT = 50


def check(network: Demonstration, options: argparse.Namespace) -> None:
    """Classify the samples, and the images of a file, in C, and print how well."""
    record = json.loads((HERE / "cifar10.json").read_text(encoding="utf-8"))
    pixels, labels = images.read(HERE / "samples.npz")
    scores, _ = network.run(pixels.astype(np.float32))
    predicted = scores.argmax(axis=1)
    print(f"\n{'sample':<8} {'is':<12} {'taken for':<12} then")
    for i, (label, row) in enumerate(zip(labels, scores, strict=True)):
        best: list[int] = np.argsort(-row, kind="stable").tolist()
        first, second = images.CLASSES[best[0]], images.CLASSES[best[1]]
        print(f"{i:<8} {images.CLASSES[label]:<12} {first:<12} {second}")
    right = int((predicted == labels).sum())
    print(f"\nsamples  {right} of {len(labels)} right")
    if predicted.tolist() != record["sample_predictions"]:
        network.faults.append("a sample falls to another class than in TensorFlow")

    if options.data:
        pixels, labels = images.read(options.data)
        scores, equal = network.run(pixels.astype(np.float32))
        accuracy = float((scores.argmax(axis=1) == labels).mean())
        print(f"accuracy {accuracy:.2%} of {len(labels)} images in C")
        print(f"         {equal.sum()} of {len(labels)}: every bit equal in C and interpreter")
    print(f"         {record['test_accuracy']:.2%} of {record['test_images']} when trained")
    network.report_time(pixels[:1].astype(np.float32), REPEAT)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Compile and run a network for CIFAR-10.")
    parser.add_argument("--data", type=Path, help="classify the images of this file or folder too")
    sys.exit(main(HERE / "cifar10.pb", check, parser))
