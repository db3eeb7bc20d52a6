# SPDX-License-Identifier: Apache-2.0
"""Reports of our own bugs: a file with the traceback and, for a pass, what reproduces it."""

from __future__ import annotations

import hashlib
import platform
import shlex
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

import bnnc
from bnnc.passes.manager import PassCrash

_REPEATED = ("--load-pass", "--target")


def write_report(error: Exception, arguments: Sequence[str]) -> str:
    """Write ``bnnc-crash-HASH.txt`` here, or where that fails to the temporary folder.

    A pass that crashed leaves the IR before it too, as ``NAME.crash.bnn`` with its side file.

    Returns:
        What to tell the user: what happened, where the report is, how to make it happen again.
    """
    trace = "".join(traceback.format_exception(error))
    stem = f"bnnc-crash-{hashlib.sha256(trace.encode()).hexdigest()[:12]}"
    head = [
        f"bnnc {bnnc.__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"command: bnnc {shlex.join(arguments)}",
    ]
    for folder in (Path.cwd(), Path(tempfile.gettempdir())):
        report = folder / f"{stem}.txt"
        try:
            reproduce = _write_module(error, folder, arguments)
            text = "\n".join([*head, *reproduce, "", trace])
            report.write_text(text, encoding="utf-8")
        except OSError:
            continue
        return "\n".join([f"error: {_summary(error)}; the report is {report}", *reproduce])
    sys.stderr.write(trace)
    return f"error: {_summary(error)}; no report could be written"


def _summary(error: Exception) -> str:
    text = (str(error).splitlines() or [""])[0]
    if isinstance(error, PassCrash):
        return text
    return f"a bug in bnnc, sorry: {type(error).__name__}: {text}"


def _write_module(error: Exception, folder: Path, arguments: Sequence[str]) -> list[str]:
    """Save the IR before a pass that crashed; return lines with the command that crashes again.

    Raises:
        OSError: when the folder cannot be written to.
    """
    if not isinstance(error, PassCrash):
        return []
    from bnnc.ir.diagnostics import FileError
    from bnnc.ir.text import write_module

    path = folder / f"{error.module_before.name}.crash.bnn"
    try:
        write_module(error.module_before, path)
    except FileError as failed:
        raise OSError(str(failed)) from failed
    shown = path.name if folder == Path.cwd() else str(path)
    command = ["bnnc", "opt", shown, "--passes", error.pass_spec, *repeated_options(arguments)]
    return [f"reproduce: {shlex.join(command)}"]


def repeated_options(arguments: Sequence[str]) -> Iterator[str]:
    """The options that make passes and targets known."""
    following = iter(arguments)
    for argument in following:
        option, equals, value = argument.partition("=")
        if option in _REPEATED:
            value = value if equals else next(following, "")
            yield from (option, value.removeprefix("interp:"))
