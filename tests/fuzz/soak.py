# SPDX-License-Identifier: Apache-2.0
"""Campaigns: so many networks or files of a seed, noted in a log; what fails is made smaller."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bnnc.ir import Module

from .damage import KINDS, Files, case, task
from .fault import Fault
from .grower import grow
from .journal import Journal
from .kept import NETWORK, Kept, fault_of_files, fault_of_network
from .loader import Loader
from .native import Native
from .networks import Tally, campaign
from .shrink import shrunk_files, shrunk_network
from .worker import verdicts

_ROUND = {NETWORK: 64}  # cases between two lines of the log
_FILES = 500


@dataclass
class Soak:
    """A campaign.

    Attributes:
        journal: the log.
        native: compiled kernels.
        say: told what is found.
        until: when to stop, as `time.monotonic` has it; None never.
        keep: where cases that fail go; None keeps nothing and makes nothing smaller.
        found: what was found.
    """

    journal: Journal
    native: Native
    say: Callable[[str], None]
    until: float | None = None
    keep: Path | None = None
    found: list[str] = field(default_factory=list[str])

    @property
    def over(self) -> bool:
        """Whether time is up."""
        return self.until is not None and time.monotonic() > self.until

    def networks(self, count: int) -> None:
        """Networks up to this number."""
        while (first := self.journal.done[NETWORK]) < count and not self.over:
            last = min(first + _ROUND[NETWORK], count)
            made = ((f"n{i}", grow(self.journal.seed, i)) for i in range(first, last))
            tally = campaign(self.native, made, Tally(), lambda: self.over)
            for name, module, fault in tally.faults:
                self._report(f"{NETWORK} {name[1:]}", fault, partial(self._small, module, fault))
            cases = tally.counts.pop("networks")
            self.journal.progress(NETWORK, cases, len(tally.faults), tally.counts)

    def files(self, name: str, count: int) -> None:
        """Damaged files of a kind up to this number."""
        kind, seed = KINDS[name], self.journal.seed
        loader = Loader.made(self.native) if name == "bnnw" else None
        while (first := self.journal.done[name]) < count and not self.over:
            numbers = range(first, min(first + _FILES, count))
            tasks = [task(kind, seed, i) for i in numbers]
            faults = 0
            for number, verdict in zip(numbers, verdicts(tasks), strict=True):
                if verdict is not None:
                    faults += 1
                    small = partial(self._small_files, name, case(kind, seed, number), verdict[0])
                    self._report(f"{name} {number}", Fault(*verdict), small)
            if loader is not None:
                try:
                    loader.check([case(kind, seed, i) for i in numbers])
                except Fault as fault:
                    faults += 1
                    self._report(f"{name} from {first}", fault, lambda: None)
            self.journal.progress(name, len(numbers), faults, Counter())

    def _report(self, what: str, fault: Fault, small: Callable[[], Kept | None]) -> None:
        where = f"seed {self.journal.seed}, {what}"
        self.found.append(f"{where}: {fault}")
        self.say(f"{where}: {fault}")
        kept = small() if self.keep is not None else None
        path = str(kept.save(self.keep)) if kept and self.keep else ""
        self.journal.write("fault", case=what, kind=fault.kind, detail=fault.detail, kept=path)
        if path:
            self.say(f"kept as {path}")

    def _small(self, module: Module, fault: Fault) -> Kept:
        def fails(smaller: Module) -> bool:
            again = fault_of_network(self.native, smaller)
            return again is not None and again.kind == fault.kind

        return Kept.of_network(shrunk_network(module, fails), str(fault))

    def _small_files(self, name: str, files: Files, kind: str) -> Kept:
        def fails(smaller: Files) -> bool:
            again = fault_of_files(name, smaller)
            return again is not None and again[0] == kind

        return Kept(name, kind, shrunk_files(files, fails))


def soak(
    journal: Journal,
    *,
    networks: int,
    files: int,
    kinds: tuple[str, ...] = tuple(KINDS),
    say: Callable[[str], None],
    minutes: float | None = None,
    keep: Path | None = None,
    target: str = "c",
    compiler: str = "gcc",
    optimize: str = "-O0",
) -> list[str]:
    """Run networks and files, the latter in equal parts of each kind; return what was found."""
    until = None if minutes is None else time.monotonic() + 60 * minutes
    with tempfile.TemporaryDirectory(prefix="bnnc-soak-") as folder:
        native = Native.made(Path(folder), target, compiler, optimize)
        campaign_ = Soak(journal, native, say, until, keep)
        campaign_.networks(networks)
        for number, name in enumerate(kinds):
            share = files // len(kinds) + (number < files % len(kinds))
            campaign_.files(name, share)
        done = dict(journal.done)
        journal.write("end", done=done, faults=len(campaign_.found), over=campaign_.over)
        say(f"seed {journal.seed}: {done}, {len(campaign_.found)} faults; log: {journal.path}")
        return campaign_.found
