# SPDX-License-Identifier: Apache-2.0
"""Damaged files: documented errors only. Many more with ``make soak``."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from bnnc.ir.diagnostics import BnncError, ImportFailure

from .damage import KINDS, Files, Kind, case, run, task, weight_files
from .fault import Fault
from .kept import Kept
from .loader import Loader
from .native import Native
from .shrink import shrunk_files
from .worker import judged, verdicts

COUNT = 600


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_damaged_files(kind: Kind, seed: int) -> None:
    tasks = [task(kind, seed, i) for i in range(COUNT)]
    faults = {i: v for i, v in enumerate(verdicts(tasks)) if v is not None}
    assert not faults, f"seed {seed}, {kind.name}: {faults}"


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_whole_files_are_accepted_and_damage_differs(kind: Kind) -> None:
    for files in kind.seeds():
        run(kind, files)
    assert case(kind, 1, 1) == case(kind, 1, 1)
    assert len({str(case(kind, 1, i)) for i in range(20)}) > 10


def _refused(kind: Kind, files: Files) -> bool:
    try:
        run(kind, files)
    except BnncError:
        return True
    return False


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_damage_is_not_all_hopeless(kind: Kind) -> None:
    """Some damaged files pass, so that what lies behind the reader is reached too."""
    refused = [_refused(kind, case(kind, 2, i)) for i in range(60)]
    assert 5 < sum(refused) < len(refused)


@pytest.mark.slow
def test_the_c_loader(native: Native, seed: int) -> None:
    loader = Loader.made(native)
    loader.check(weight_files())
    loader.check([case(KINDS["bnnw"], seed, i) for i in range(2000)])


def _answer(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    def statuses(*_: object) -> list[int]:
        return [status]

    monkeypatch.setattr(Native, "statuses", statuses)


def test_what_the_loader_must_not_accept_is_found(
    native: Native, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader = Loader.made(native)
    _answer(monkeypatch, 0)
    with pytest.raises(Fault, match="status 0"):
        loader.check([{"net.bnnw": weight_files()[0]["net.bnnw"][:-1]}])
    _answer(monkeypatch, 5)
    with pytest.raises(Fault, match="status 5"):
        loader.check(weight_files()[:1])


def _loop() -> None:
    while True:
        pass


def _swallow_memory() -> None:
    try:
        np.zeros(1 << 40, np.uint8)
    except MemoryError as error:
        raise ImportFailure("too large") from error


def _recurse() -> None:
    _recurse()


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _fail() -> None:
    raise ImportFailure("as documented")


@pytest.mark.slow
def test_the_worker_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fuzz.worker.SECONDS", 1)
    tasks: list[Callable[[], object]] = [
        *(_fail, _swallow_memory, partial(np.zeros, 1 << 40, np.uint8), _kill, _loop, _recurse),
        *(partial(int, "x"), partial(os._exit, 0), _fail),
    ]
    found = [v[0] if v else None for v in verdicts(tasks)]
    assert found == [
        *(None, "memory", "memory", "died", "hang", "recursion", "ValueError", "died", None),
    ]


def test_what_is_left_behind_is_found() -> None:
    def check(folder: Path) -> None:
        (folder / "half").write_bytes(b"")
        raise ImportFailure("too late")

    kind = Kind("pb", list, "net.pb", lambda files, _: files, check)
    assert judged(lambda: run(kind, {"net.pb": b""})) == ("left behind", "half")


def test_files_are_made_small_and_kept(folder: Path) -> None:
    files = {"a": bytes(range(256)) * 3, "b": b"text\n"}

    def fails(smaller: Files) -> bool:
        return b"\x80\x81" in smaller["a"] and b"x" in smaller["b"]

    small = shrunk_files(files, fails)
    assert small == {"a": b"\x80\x81", "b": b"x"}
    kept = Kept("pb", "a fault", small)
    assert Kept.load(kept.save(folder)) == kept
