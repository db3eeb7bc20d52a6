# SPDX-License-Identifier: Apache-2.0
"""``--dump-dir``: the IR after every pass, one text and side file each, numbered."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from .observers import Silent

if TYPE_CHECKING:
    from bnnc.ir.module import Module
    from bnnc.passes.base import Pass
    from bnnc.passes.manager import PassResult

_DUMP = re.compile(r"\d\d-[\w.-]+\.bnn(\.npz)?")


class DumpFolder(Silent):
    """Writes ``00-start.bnn``, then ``NN-PASS.bnn`` after every pass.

    Raises:
        UsageError: when the folder holds anything but dumps; older dumps are removed, so that all
            files in it belong together.
    """

    def __init__(self, folder: Path) -> None:
        from bnnc.ir.diagnostics import UsageError

        folder.mkdir(parents=True, exist_ok=True)
        files = sorted(folder.iterdir())
        for file in files:
            if not _DUMP.fullmatch(file.name):
                raise UsageError(
                    f"--dump-dir {folder}: {file.name} in it is no dump, and dumps replace all "
                    "that is there",
                    hint="give a new folder",
                )
        for file in files:
            file.unlink()
        self._folder = folder
        self._count = 0

    def before(self, pass_: Pass, module: Module) -> None:
        """Write the module as the first pass finds it."""
        if self._count == 0:
            self._write("start", module)

    def after(self, pass_: Pass, module: Module, result: PassResult) -> None:
        """Write the module as the pass leaves it."""
        self._write(pass_.name, module)

    def _write(self, name: str, module: Module) -> None:
        from bnnc.ir.text import write_module

        write_module(module, self._folder / f"{self._count:02}-{name}.bnn")
        self._count += 1
