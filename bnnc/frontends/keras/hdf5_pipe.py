# SPDX-License-Identifier: Apache-2.0
"""Talks to the process that opens HDF5 files (`hdf5_child`), and outlives what happens to it."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from bnnc.ir.diagnostics import ImportFailure, UsageError

from .damage import damaged

_CHILD = Path(__file__).with_name("hdf5_child.py")
# A file may ask for this, and as much again for its size.
SECONDS = 5
_BYTES_A_SECOND = 20_000_000
MEMORY = 1 << 30
_MEMORY_FOR_EACH_BYTE = 4
_OUT_OF_TIME = -24  # what a process that SIGXCPU ended returns
_PATIENCE = 30  # times as long by the clock, on a machine that has other work too


class ReadError(Exception):
    """The library refuses what the file holds, in its own words."""


class Helper:
    """A process that is ready to open files, one after the other."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # As this process finds the library, and no threads: the child forks.
            env=os.environ
            | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OPENBLAS_NUM_THREADS": "1"},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests: IO[bytes] = self._process.stdin
        self._answers: IO[bytes] = self._process.stdout

    def send(self, request: list[Any], data: bytes = b"") -> None:
        """Ask for something.

        Raises:
            OSError: The process is gone.
        """
        self._requests.write(json.dumps(request).encode() + b"\n" + data)
        self._requests.flush()

    def receive(self, patience: float) -> tuple[dict[str, Any], bytes]:
        """Wait for an answer and the bytes that follow it; nothing where the process is gone."""
        timer = threading.Timer(patience, self._process.kill)
        timer.start()
        try:
            head: dict[str, Any] = json.loads(self._answers.readline() or b"{}")
            size = int(head.get("bytes", 0))
            data = self._answers.read(size)
        except ValueError:
            return {}, b""
        finally:
            timer.cancel()
        return (head, data) if len(data) == size else ({}, b"")

    def end(self) -> None:
        """Let the process go, whatever it does."""
        self._process.kill()
        self._process.wait()
        self._requests.close()
        self._answers.close()


class Helpers:
    """Processes that wait for work; those of a parent that forked stay with the parent."""

    def __init__(self) -> None:
        self._idle: list[Helper] = []
        atexit.register(self._end)

    def take(self) -> Helper:
        """A process that waits, or a new one."""
        while self._idle:
            helper = self._idle.pop()
            if helper.owner == os.getpid():
                return helper
        try:
            return Helper()
        except OSError as error:
            raise ImportFailure(
                f"cannot start the process that reads HDF5: {error.strerror or error}"
            ) from None

    def give_back(self, helper: Helper) -> None:
        """Let a process wait for the next file."""
        self._idle.append(helper)

    def _end(self) -> None:
        for helper in self._idle:
            if helper.owner == os.getpid():
                helper.end()


_helpers = Helpers()


def take() -> Helper:
    """A process that waits, or a new one."""
    return _helpers.take()


def give_back(helper: Helper) -> None:
    """Let a process wait for the next file."""
    _helpers.give_back(helper)


class Hdf5Pipe:
    """A file that another process has open."""

    def __init__(self, source: Path | bytes, name: str) -> None:
        """Open a file, or what is in memory.

        Args:
            source: The file or its bytes.
            name: What messages call it.

        Raises:
            UsageError: h5py is not installed.
            ReadError: It is no HDF5 file.
            ImportFailure: The library crashes over it or takes too long.
        """
        if find_spec("h5py") is None:
            raise UsageError(
                "Keras files are read with h5py, which is not installed", hint="pip install h5py"
            )
        if isinstance(source, bytes):
            path, data, size = None, source, len(source)
        else:
            path, data, size = str(source.resolve()), b"", source.stat().st_size
        seconds = SECONDS + size // _BYTES_A_SECOND
        memory = MEMORY + size * _MEMORY_FOR_EACH_BYTE
        self._name = name
        self._patience = _PATIENCE * seconds
        self._helper: Helper | None = take()
        request = [path, None if path else len(data), seconds, memory]
        try:
            self._exchange(lambda helper: helper.send(request, data))
        except ReadError:
            self.close()
            raise

    def ask(self, operation: str, *arguments: Any) -> Any:
        """Ask about the file.

        Raises:
            ReadError: The library refuses.
            ImportFailure: It crashes or takes too long.
        """
        return self._exchange(lambda helper: helper.send([operation, *arguments]))

    def close(self) -> None:
        """Close the file."""
        if self._helper is not None:
            helper, self._helper = self._helper, None
            try:
                helper.send(["close"])
                head, _ = helper.receive(self._patience)
            except OSError:
                head = {}
            self._release(helper, whole="ended" in head)

    def _exchange(self, send: Callable[[Helper], None]) -> Any:
        if self._helper is None:
            raise damaged(f"{self._name} cannot be read any more")
        try:
            send(self._helper)
            head, data = self._helper.receive(self._patience)
        except OSError:
            head, data = {}, b""
        if "is" in head:
            return data if "bytes" in head else head["is"]
        if "error" in head:
            raise ReadError(str(head["error"])[:300])
        helper, self._helper = self._helper, None
        self._release(helper, whole="ended" in head)
        crashed = head.get("ended", _OUT_OF_TIME) != _OUT_OF_TIME
        what = "crash" if crashed else "compute without end"
        raise damaged(f"{self._name} makes the HDF5 library {what}")

    def _release(self, helper: Helper, *, whole: bool) -> None:
        if whole:
            give_back(helper)
        else:
            helper.end()
