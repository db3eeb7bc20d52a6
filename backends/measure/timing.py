# SPDX-License-Identifier: Apache-2.0
"""Times of a network on this machine."""

from __future__ import annotations

import os
import statistics
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bnnc.ir.diagnostics import TargetError

from .program import Program, layer_marks

ROUNDS = 9
SECONDS = 0.1  # of one round
# What the hook has room for.
_CALLS = 1 << 20


@dataclass(frozen=True)
class Times:
    """Seconds for one run.

    Attributes:
        rounds: one figure for each.
        runs: of which each is the mean.
    """

    rounds: tuple[float, ...]
    runs: int = 1

    @property
    def best(self) -> float:
        """The least."""
        return min(self.rounds)

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.rounds)


def run_times(program: Program) -> Times:
    """Seconds for one run of the network: rounds of as many runs as take a tenth of a second."""
    driver = program.folder / program.manifest.name
    runs = 1
    while (once := _seconds(program, driver, runs)) * runs < SECONDS / 2 and runs < 1 << 24:
        runs = max(2 * runs, min(int(SECONDS / max(once, 1e-9)), 100 * runs))
    return Times(tuple(_seconds(program, driver, runs) for _ in range(ROUNDS)), runs)


def layer_times(program: Program, work: Path, runs: int) -> dict[int, Times]:
    """Seconds of each operation, by its index; every run gives a figure."""
    marks = layer_marks(program)
    file = work / "times.txt"
    driver = program.hooked()
    runs = max(2, min(runs, _CALLS // max(len(marks), 1)))
    found: dict[int, list[float]] = {}
    for _ in range(ROUNDS):
        _run(program.arguments(driver, runs), {"BNNC_TIMES": str(file)})
        lines = [line.split() for line in file.read_text().splitlines()]
        # The first run reads everything for the first time and has no call before it.
        for at in range(len(marks), len(lines) - len(marks) + 1, len(marks)):
            run: dict[int, float] = {}
            for key, nanoseconds in lines[at : at + len(marks)]:
                run[int(key)] = run.get(int(key), 0.0) + 1e-9 * float(nanoseconds)
            for index, seconds in run.items():
                found.setdefault(index, []).append(seconds)
    return {index: Times(tuple(values)) for index, values in found.items()}


def _seconds(program: Program, driver: Path, runs: int) -> float:
    text = _run(program.arguments(driver, runs), {})
    return 1e-6 * float(text.split(":")[1].split()[0])


def _run(command: list[str], variables: Mapping[str, str]) -> str:
    """Run a program and return what it printed."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **variables}
    )
    if done.returncode:
        raise TargetError(done.stderr.strip() or f"{command[0]} ended with {done.returncode}")
    return done.stdout
