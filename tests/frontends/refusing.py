# SPDX-License-Identifier: Apache-2.0
"""``bnnc compile`` on a bad file, in a process with bounds of memory and time."""

from __future__ import annotations

import os
import resource
import signal
import sys
from importlib import import_module
from pathlib import Path

from bnnc.cli.entry import run

import_module("bnnc.cli.session")  # and all behind it, so that no copy of this process has to

MEMORY = 1 << 30  # bytes on top of what the process has reserved
SECONDS = 30  # of computing
IMPORT_FAILED = 3


def _reserved() -> int:
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _redirect(stream: int, path: Path) -> None:
    to = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(to, stream)


def compile_bounded(model: Path, *options: str) -> tuple[int, str]:
    """Compile a model into the folder ``out`` beside it; the exit code and what was written.

    The process is a copy of this one, so that nothing has to be imported again.
    """
    log = model.parent.with_name(f"{model.parent.name}.log")
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        code = 99
        try:
            limit = _reserved() + MEMORY
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
            signal.signal(signal.SIGXCPU, signal.SIG_DFL)
            _redirect(1, log)
            os.dup2(1, 2)
            sys.stdout = sys.stderr = os.fdopen(1, "w")
            code = run(["compile", str(model), "-o", str(model.parent / "out"), *options])
            sys.stdout.flush()
        finally:
            os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    text = log.read_text()
    log.unlink()
    return status, text


def refusal(model: Path, *options: str) -> str:
    """What is said of a file that is refused; it must be one message that names the file."""
    before = sorted(model.parent.rglob("*"))
    code, text = compile_bounded(model, *options)
    assert code == IMPORT_FAILED, f"exit code {code}: {text}"
    assert text.startswith("error: "), text
    assert model.name in text, text
    assert "Traceback" not in text, text
    # What is wrong with several nodes is a list under one heading.
    assert text.count("error: ") == 1 or " in the way" in text.splitlines()[0], text
    assert sorted(model.parent.rglob("*")) == before, "something is left behind"
    return text
