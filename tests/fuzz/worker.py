# SPDX-License-Identifier: Apache-2.0
"""Running cases in forked processes with limits, so that a crash or a hang ends one case only."""

from __future__ import annotations

import os
import pickle
import resource
import select
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import BinaryIO

from bnnc.frontends.keras import hdf5_pipe
from bnnc.ir.diagnostics import BnncError

from .fault import Fault

MEMORY = 1 << 30  # bytes that a case may ask for
SECONDS = 10  # of computing
PATIENCE = 240  # seconds of waiting, on a machine that has other work too
_CHUNK = 400

Verdict = tuple[str, str] | None


class Gone:
    """The process has ended."""


class TooLong(BaseException):
    """The case has computed longer than it may; no handler of errors catches it."""


def judged(run: Callable[[], object]) -> Verdict:
    """Run a case; what it does wrong, as (kind, detail), or None.

    A `BnncError` is a right answer, unless it is what became of an unbounded request for memory.
    """
    try:
        run()
    except Fault as fault:
        return fault.kind, fault.detail
    except BnncError as error:
        if error.exit_code not in range(1, 9):
            return "exit code", f"{error.exit_code}: {error}"
        if _out_of_memory(error):
            return "memory", _trace(error)
        str(error)
    except TooLong as error:
        return "hang", _trace(error)
    except MemoryError as error:
        return "memory", _trace(error)
    except RecursionError as error:
        return "recursion", _trace(error)
    except BaseException as error:
        return type(error).__name__, _trace(error)
    return None


def _out_of_memory(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error, limit=-8))[-3000:]


def _stop(number: int, frame: FrameType | None) -> None:
    raise TooLong(f"more than {SECONDS} seconds")


def _address_space() -> int:
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _child(cases: Sequence[Callable[[], object]], pipe: BinaryIO) -> None:
    limit = _address_space() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, _stop)
    hdf5_pipe.SECONDS = 1
    for case in cases:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        verdict = judged(case)
        signal.setitimer(signal.ITIMER_PROF, 0)
        data = pickle.dumps(verdict)
        pipe.write(len(data).to_bytes(4, "little") + data)
        pipe.flush()


def verdicts(cases: Sequence[Callable[[], object]]) -> Iterator[Verdict]:
    """Run cases in order and yield what each does wrong."""
    done = 0
    while done < len(cases):
        reader, writer = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if child == 0:
            os.close(reader)
            try:
                with os.fdopen(writer, "wb") as pipe:
                    _child(cases[done : done + _CHUNK], pipe)
            finally:
                os._exit(0)
        os.close(writer)
        last = min(done + _CHUNK, len(cases))
        with os.fdopen(reader, "rb", buffering=0) as pipe:
            while done < last:
                verdict = _next(pipe, child)
                if isinstance(verdict, Gone):
                    break
                done += 1
                yield verdict
        _, status = os.waitpid(child, 0)
        if done < last:
            done += 1
            yield "died", f"the process ended with status {os.waitstatus_to_exitcode(status)}"


def _next(pipe: BinaryIO, child: int) -> Verdict | Gone:
    head = _read(pipe, 4, child)
    if head is None:
        return Gone()
    data = _read(pipe, int.from_bytes(head, "little"), child)
    if data is None:
        return Gone()
    verdict: Verdict = pickle.loads(data)
    return verdict


def _read(pipe: BinaryIO, count: int, child: int) -> bytes | None:
    found = b""
    while len(found) < count:
        ready, _, _ = select.select([pipe], [], [], PATIENCE)
        if not ready:
            os.kill(child, signal.SIGKILL)
            return None
        part = pipe.read(count - len(found))
        if not part:
            return None
        found += part
    return found
