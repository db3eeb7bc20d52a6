# SPDX-License-Identifier: Apache-2.0
"""The log of a campaign: one JSON object a line, from which a later run can go on."""

from __future__ import annotations

import json
import platform
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_REPO = Path(__file__).resolve().parents[2]


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=_REPO, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip()


@dataclass
class Journal:
    """Where a campaign stands.

    Attributes:
        path: the file; lines are appended.
        seed: of the campaign.
        done: how many cases of each part are done.
        counts: what was counted in each part.
        faults: how many faults were found in each part.
    """

    path: Path
    seed: int
    done: Counter[str] = field(default_factory=Counter[str])
    counts: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    faults: Counter[str] = field(default_factory=Counter[str])
    _begun: float = field(default_factory=time.monotonic)

    @classmethod
    def opened(cls, path: Path, seed: int, *, resume: bool, **facts: object) -> Journal:
        """Begin a log, or go on where the last run with the same seed stopped."""
        journal = cls(path, seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        if resume and path.exists():
            journal._read()
        elif path.exists():
            path.unlink()
        journal.write(
            "begin",
            commit=_git("rev-parse", "HEAD"),
            changed_files=len(_git("status", "--porcelain", "--untracked-files=no").splitlines()),
            python=platform.python_version(),
            machine=platform.machine(),
            done=dict(journal.done),
            **facts,
        )
        return journal

    def _read(self) -> None:
        for line in self.path.read_text(encoding="utf-8").splitlines():
            entry: dict[str, Any] = json.loads(line)
            if entry["seed"] == self.seed and entry["event"] == "progress":
                self.done[entry["part"]] = entry["done"]
                self.faults[entry["part"]] = entry["faults"]
                self.counts[entry["part"]] = Counter(entry["counts"])

    def write(self, event: str, **facts: object) -> None:
        """Append a line."""
        entry = {"event": event, "seed": self.seed, "time": time.strftime("%Y-%m-%dT%H:%M:%S%z")}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry | facts) + "\n")

    def progress(self, part: str, cases: int, faults: int, counts: Counter[str]) -> None:
        """Note that so many more cases are done."""
        self.done[part] += cases
        self.faults[part] += faults
        self.counts.setdefault(part, Counter()).update(counts)
        self.write(
            "progress",
            part=part,
            done=self.done[part],
            faults=self.faults[part],
            counts=dict(self.counts[part]),
            seconds=round(time.monotonic() - self._begun),
        )
