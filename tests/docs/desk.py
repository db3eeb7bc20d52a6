# SPDX-License-Identifier: Apache-2.0
"""The folder in which a document's blocks are tried out, one after the other, as a reader would."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from .blocks import Block

_PACKAGES = ("bnnc", "ir", "passes", "backends", "runtime")
_C_FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off")
_TIME_LIMIT = 120


class Desk:
    """A folder with a model, ``digits.pb`` or ``model.pb``; ``bnnc`` and ``python`` are on PATH.

    With `checkout` it also holds a copy of the sources, which ``bnnc`` then runs from: for
    documents that change them.
    """

    def __init__(self, repo: Path, folder: Path, *, checkout: bool) -> None:
        self.folder = folder / "desk"
        self.folder.mkdir()
        self.source = repo
        if checkout:
            for name in _PACKAGES:
                ignore = shutil.ignore_patterns("__pycache__")
                shutil.copytree(repo / name, self.folder / name, ignore=ignore)
            self.source = self.folder
        model = (repo / "examples" / "digits" / "digits.pb").read_bytes()
        for name in ("digits.pb", "model.pb"):
            (self.folder / name).write_bytes(model)
        tools = folder / "tools"
        tools.mkdir()
        for name, command in (("bnnc", "-m bnnc"), ("python", "")):
            tool = tools / name
            tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" {command} "$@"\n')
            tool.chmod(0o755)
        self.env = os.environ | {
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.source),
            "PYTHONUNBUFFERED": "1",  # keeps stdout and stderr in the order in which they came
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.env.pop("MAKEFLAGS", None)  # what make tells its children is not for these

    def try_out(self, block: Block) -> None:
        """Save the block if it names a file, then execute or check it by its language."""
        if block.saved_as is not None:
            path = self.folder / block.saved_as
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        match block.language:
            case "sh":
                self._run(["sh", "-eu", "-c", block.text])
            case "console":
                self._session(block)
            case "python":
                self._python(block)
            case "c":
                self._compile(block)
            case "toml":
                tomllib.loads(block.text)
            case "json":
                json.loads(block.text)
            case "bnn":
                self._parse(block)
            case _:
                raise AssertionError(f"nobody knows how to try out '{block.language}'")

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIME_LIMIT,
            check=False,
        )
        assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}"
        return done.stdout

    def _session(self, block: Block) -> None:
        """Run each ``$ command`` and compare what it prints with the lines that follow it."""
        for command, expected in session(block.text):
            printed = self._run(["sh", "-c", command])
            assert matches(expected, printed), (
                f"$ {command}\nprints\n{printed}\nand not\n{expected}"
            )

    def _python(self, block: Block) -> None:
        """Run it, unless a command does so later, or it is a module in a folder, to be imported."""
        if "/" in (block.saved_as or "") or "later" in block.words:
            ast.parse(block.text)
            return
        path = self.folder / (block.saved_as or "block.py")
        path.write_text(block.text, encoding="utf-8")
        self._run(["python", str(path)])

    def _compile(self, block: Block) -> None:
        """Compile against the emitted project in ``out``, else against the runtime's headers."""
        path = self.folder / (block.saved_as or "block.c")
        path.write_text(block.text, encoding="utf-8")
        headers = ["out", str(self.source / "runtime" / "include")]
        self._run(["cc", *_C_FLAGS, *(f"-I{h}" for h in headers), "-fsyntax-only", str(path)])

    def _parse(self, block: Block) -> None:
        path = self.folder / (block.saved_as or "block.bnn")
        path.write_text(block.text, encoding="utf-8")
        self._run(["bnnc", "opt", str(path), "--passes", "", "-o", str(path)])


def session(text: str) -> list[tuple[str, str]]:
    """Split a console excerpt to commands and what they print; a ``\\`` continues a command."""
    found: list[tuple[str, str]] = []
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\"):
                command = command[:-1] + next(lines).strip()
            found.append((command, ""))
        else:
            assert found, f"output without a command: {line}"
            command, before = found[-1]
            found[-1] = command, f"{before}{line}\n"
    return found


def matches(expected: str, printed: str) -> bool:
    """Whether a text fits; a line ``...`` stands for any lines, ``...`` in a line for anything."""
    pattern = "".join(
        r"(?:.*\n)*?"
        if line == "..."
        else ".*?".join(re.escape(part) for part in line.split("...")) + "\n"
        for line in expected.splitlines()
    )
    trimmed = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
    return re.fullmatch(pattern, trimmed) is not None
