# SPDX-License-Identifier: Apache-2.0
"""Accuracy of generated code on real data, beside the figures that other engines gave.

Usage: python -m benchmarks.accuracy [--limit N] [--only NAME] [--models FOLDER] [--python PYTHON]

FOLDER holds `models/expected.json`, the models that it names, and `data/`. Where a model's own
engine is installed, for this Python or another that is named, both run the same samples and their
classes are compared one by one.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bnnc import driver

from .data import ENTRIES, Entry
from .engines import PACKAGES

MOST_POINTS = 0.1 + 1e-9  # one picture of a thousand, whatever way it is rounded
NO_TENSORFLOW = "skipped, a SavedModel is read through TensorFlow, which is not installed here"


@dataclass(frozen=True)
class Found:
    """What generated code and the model's own engine make of the same samples.

    Attributes:
        top1: percent of the samples of which the code's largest output is the right class.
        count: the samples.
        differ: of which the engine's class is another one; None where it is not installed.
    """

    top1: float
    count: int
    differ: list[int] | None


def classes(outputs: np.ndarray) -> np.ndarray:
    """The number of the largest output [N]."""
    return np.asarray(outputs.reshape(len(outputs), -1).argmax(axis=1))


def by_engine(entry: Entry, model: Path, x: np.ndarray, pythons: list[str]) -> np.ndarray | None:
    """The outputs of the model's own engine, by the first Python that has it; None without."""
    probe = f"import importlib.util as u; exit(u.find_spec('{PACKAGES[entry.engine]}') is None)"
    for python in pythons:
        if subprocess.run([python, "-c", probe], check=False).returncode:
            continue
        with tempfile.TemporaryDirectory(prefix="bnnc-engine-") as folder:
            inputs, outputs = Path(folder) / "x.npy", Path(folder) / "y.npy"
            np.save(inputs, x)
            script = Path(__file__).with_name("engines.py")
            command = [python, script, entry.engine, model, inputs, outputs]
            subprocess.run([str(part) for part in command], check=True, capture_output=True)
            return np.asarray(np.load(outputs))
    return None


def measure(entry: Entry, root: Path, limit: int | None, pythons: list[str]) -> Found:
    """Compile a model and run it on its data."""
    model = root / "models" / entry.model
    module = driver.load(model, batch=1)
    (name, type_), *_ = module.inputs.items()
    samples, labels = entry.data(root / "data")
    count = min(n for n in (limit, entry.limit, len(labels)) if n is not None)
    x = np.ascontiguousarray(entry.prepare(samples[:count]).reshape(count, *type_.shape[1:]))
    with tempfile.TemporaryDirectory(prefix="bnnc-accuracy-") as folder:
        compiled = driver.compile(module, "c", Path(folder) / "net", name="net")
        found = classes(next(iter(compiled.run({name: x}).values())))
    theirs = by_engine(entry, model, x, pythons)
    differ = None if theirs is None else np.flatnonzero(found != classes(theirs)).tolist()
    return Found(100 * float((found == labels[:count]).mean()), count, differ)


def told(entry: Entry, found: Found) -> str:
    """Whether the engine chooses the same classes, in words."""
    if found.differ is None:
        return f"no {PACKAGES[entry.engine]} to compare with"
    same = found.count - len(found.differ)
    which = f", not {', '.join(map(str, found.differ[:8]))}" if found.differ else ""
    return f"{same} of {found.count} as {PACKAGES[entry.engine]}{which}"


def main() -> int:
    """Print a line for each model; 1 if a figure on all data is not as expected."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy")
    parser.add_argument("--limit", type=int, help="take the first samples only")
    parser.add_argument("--only", default="", help="models whose path contains this")
    parser.add_argument(
        "--python", action="append", default=[], help="another interpreter that has engines"
    )
    here = Path(__file__).resolve().parents[1]
    parser.add_argument("--models", type=Path, default=here.parent / "shared")
    args = parser.parse_args()
    figures = json.loads((args.models / "models" / "expected.json").read_text())["figures"]
    expected = {figure["model"]: (figure["top1"], figure["engine"]) for figure in figures}
    wrong = 0
    for entry in (e for e in ENTRIES if args.only in e.model):
        want, engine = expected[entry.figure or entry.model]
        if entry.engine == "saved_model" and importlib.util.find_spec("tensorflow") is None:
            line = f"     -  {want:6.2f} ({engine})  {entry.model}: {NO_TENSORFLOW}"
        else:
            found = measure(entry, args.models, args.limit, [sys.executable, *args.python])
            off = args.limit is None and abs(found.top1 - want) > MOST_POINTS
            wrong += off
            line = f"{found.top1:6.2f}  {want:6.2f} ({engine})  {entry.model}: "
            line += told(entry, found) + ("  DIFFERS" if off else "")
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
