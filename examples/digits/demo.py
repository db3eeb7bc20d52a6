# SPDX-License-Identifier: Apache-2.0
"""Compile the digits network to C, classify the test samples with it, and check the result.

Usage: python -m examples.digits.demo [--out FOLDER] [--target NAME]

Needs a C compiler and scikit-learn (for the images), no TensorFlow. The exit code is 1 when C and
the interpreter differ in a single bit, or when the accuracy is not the one of TensorFlow.
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import bnnc

from ..demonstration import Demonstration, main

HERE = Path(__file__).resolve().parent
REPEAT = 2000
ACCURACY_MARGIN = 0.005


def test_samples(every: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return each so many-th image [n, 8, 8, 1] with values 0 to 16, and its label [n]."""
    digits: Any = import_module("sklearn.datasets").load_digits()
    images = np.asarray(digits.images[::every, :, :, np.newaxis], dtype=np.float32)
    return images, np.asarray(digits.target[::every], dtype=np.int64)


def check(network: Demonstration, _: argparse.Namespace) -> None:
    """Classify the test samples in C and print how well."""
    record = json.loads((HERE / "digits.json").read_text(encoding="utf-8"))
    images, labels = test_samples(record["test_every"])
    count = len(images)

    in_c, equal = network.run(images)
    imported = bnnc.interpret(network.model, {"image": images})["logits"]
    predicted = in_c.argmax(axis=1)

    accuracy = float((predicted == labels).mean())
    trained = float(record["test_accuracy"])
    as_tensorflow = int((predicted == record["test_predictions"]).sum())
    print(f"accuracy {accuracy:.2%} of {count} test samples in C, {trained:.2%} in TensorFlow")
    print(f"samples  {equal.sum()} of {count}: every bit of the logits equal in C and interpreter")
    print(f"         {(predicted == imported.argmax(axis=1)).sum()} of {count}: same digit as the")
    print("         interpreter gives for the graph as imported, before any pass")
    print(f"         {as_tensorflow} of {count}: same digit as TensorFlow gave after training")
    if abs(accuracy - trained) > ACCURACY_MARGIN:
        network.faults.append(f"the accuracy is {accuracy:.2%} and not {trained:.2%}")
    network.report_time(images[:1], REPEAT)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Compile and run a network for digits.")
    sys.exit(main(HERE / "digits.pb", check, parser))
