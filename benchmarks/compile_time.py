# SPDX-License-Identifier: Apache-2.0
"""Time, memory and output of ``bnnc compile`` on full-size networks and on long chains.

Usage: python -m benchmarks.compile_time [NAME ...]

Each network is compiled in a process of its own, the shortest of three times counts. The size of
the packed weights is that of the weight file. Exits with 1 when a bound of `BOUNDS` is missed.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .models import DEFAULT_FOLDER, MODELS

RUNS = 3
MIB = 2**20
CHAINS = (10, 100, 1000)
# Seconds, bytes of memory, bytes of weights.
BOUNDS = {
    "cifar": (10.0, 1024 * MIB, 1.8 * MIB),
    "alexnet_xnor": (60.0, 3 * 1024 * MIB, 23 * MIB),
    "alexnet_bwn": (60.0, 3 * 1024 * MIB, 23 * MIB),
}
HELP_SECONDS = 0.3


@dataclass(frozen=True)
class Cost:
    """What a command took, and the weight bytes of what it wrote."""

    seconds: float
    peak_bytes: int
    weights_bytes: int = 0


def _run(*arguments: str) -> Cost:
    """Run bnnc and wait for it, to learn its peak of resident memory."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "bnnc", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"bnnc {' '.join(arguments)} failed with {process.returncode}")
    kilobytes = usage.ru_maxrss if sys.platform != "darwin" else usage.ru_maxrss // 1024
    return Cost(seconds, kilobytes * 1024)


def compile_cost(path: Path) -> Cost:
    """The shortest of some compilations."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        command = ("compile", str(path), "--target", "c", "-o", str(out))
        costs = [_run(*command) for _ in range(RUNS)]
        manifest = json.loads((out / "manifest.json").read_text())
    best = min(costs, key=lambda c: c.seconds)
    return Cost(best.seconds, max(c.peak_bytes for c in costs), manifest["weights_bytes"])


def _written(name: str) -> Path:
    """The path of a network, written by another process: this one's size counts in its children."""
    command = [sys.executable, "-m", "benchmarks.models", str(DEFAULT_FOLDER), name]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return DEFAULT_FOLDER / f"{name}.pb"


def main() -> int:
    """Print a line for each network; 0 when every bound holds."""
    names = sys.argv[1:] or list(MODELS)
    if unknown := [n for n in names if n not in MODELS]:
        raise SystemExit(f"unknown: {', '.join(unknown)}; known: {', '.join(MODELS)}")
    shortest = min((_run("--help") for _ in range(RUNS)), key=lambda c: c.seconds)
    missed = shortest.seconds > HELP_SECONDS
    print(f"bnnc --help     {shortest.seconds:8.2f} s   (bound {HELP_SECONDS} s)")
    print(f"{'network':14}  {'graph MB':>8}  {'seconds':>8}  {'peak MiB':>8}  {'weights MiB':>11}")
    costs: dict[str, Cost] = {}
    for name in names:
        path = _written(name)
        cost = costs[name] = compile_cost(path)
        bound = BOUNDS.get(name)
        text = ""
        if bound is not None:
            seconds, memory, weights = bound
            holds = (
                cost.seconds <= seconds
                and cost.peak_bytes <= memory
                and cost.weights_bytes <= weights
            )
            missed |= not holds
            text = f"{seconds:g} s, {memory / MIB:g} MiB, {weights / MIB:g} MiB"
            text += ": holds" if holds else ": MISSED"
        print(
            f"{name:14}  {path.stat().st_size / 1e6:8.1f}  {cost.seconds:8.2f}  "
            f"{cost.peak_bytes / MIB:8.0f}  {cost.weights_bytes / MIB:11.3f}  {text}"
        )
    lengths = [n for n in CHAINS if f"chain_{n}" in costs]
    for short, long in itertools.pairwise(lengths):
        difference = costs[f"chain_{long}"].seconds - costs[f"chain_{short}"].seconds
        each = 1e3 * difference / (long - short)
        print(f"a layer more, from {short} to {long} layers: {each:.2f} ms")
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
