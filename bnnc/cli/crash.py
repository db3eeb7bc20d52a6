# SPDX-License-Identifier: Apache-2.0
"""Reports of our own bugs: a file with the traceback and, for a pass, the IR before it."""

from __future__ import annotations

import hashlib
import platform
import shlex
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

import bnnc


def write_report(error: Exception, arguments: Sequence[str]) -> str:
    """Write ``bnnc-crash-HASH.txt`` here, or where that fails to the temporary folder.

    Returns:
        One line that tells the user about it.
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
            reproduce = _write_module(error, folder / f"{stem}.bnn", arguments)
            text = "\n".join([*head, *reproduce, "", trace])
            report.write_text(text, encoding="utf-8")
        except OSError:
            continue
        return f"error: a bug in bnnc, sorry: {_summary(error)}; the report is {report}"
    sys.stderr.write(trace)
    return f"error: a bug in bnnc, sorry: {_summary(error)}; no report could be written"


def _summary(error: Exception) -> str:
    text = str(error).splitlines()
    return f"{type(error).__name__}: {text[0] if text else ''}"


def _write_module(error: Exception, path: Path, arguments: Sequence[str]) -> list[str]:
    """Save the IR before a pass that crashed; return the command that crashes again."""
    from bnnc.passes.manager import PassCrash

    if not isinstance(error, PassCrash):
        return []
    from bnnc.ir.text import write_module

    write_module(error.module_before, path)
    command = ["bnnc", "opt", path.name, "--passes", error.pass_spec]
    for i, argument in enumerate(arguments):
        if argument == "--load-pass" and i + 1 < len(arguments):
            command += ["--load-pass", arguments[i + 1]]
        elif argument.startswith("--load-pass="):
            command.append(argument)
    return [f"reproduce: {shlex.join(command)}"]
