# SPDX-License-Identifier: Apache-2.0
"""Errors and remarks: one clear message, with its place and its cure.

Every error a user can cause is a `BnncError`; its class fixes the exit code of the command line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

MAX_ERRORS = 20


@dataclass(frozen=True)
class Span:
    """A place in a text file: 1-based line and column, and the source line itself."""

    file: str
    line: int
    column: int
    source: str = ""
    length: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    def excerpt(self) -> str:
        """Return the source line with a caret (and tildes) under the place."""
        if not self.source:
            return ""
        indent = "".join("\t" if c == "\t" else " " for c in self.source[: self.column - 1])
        marker = "^" + "~" * (max(self.length, 1) - 1)
        return f"  {self.source}\n  {indent}{marker}"


@dataclass(frozen=True)
class Diagnostic:
    """One message with an optional place and an optional cure."""

    message: str
    span: Span | None = None
    hint: str = ""
    severity: str = "error"

    def __str__(self) -> str:
        head = f"{self.severity}: {self.message}"
        lines = [f"{self.span}: {head}" if self.span else head]
        if self.span and (excerpt := self.span.excerpt()):
            lines.append(excerpt)
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Remark:
    """Something the user should know although nothing failed; `where` names the layer."""

    where: str
    message: str

    def __str__(self) -> str:
        return f"remark: {self.where}: {self.message}" if self.where else f"remark: {self.message}"


class BnncError(Exception):
    """Base of all errors that a user can cause; `exit_code` is part of the contract."""

    exit_code: ClassVar[int] = 70

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        span: Span | None = None,
        diagnostics: Sequence[Diagnostic] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.diagnostics = tuple(diagnostics) or (Diagnostic(message, span, hint),)

    def __str__(self) -> str:
        shown = [str(d) for d in self.diagnostics[:MAX_ERRORS]]
        left = len(self.diagnostics) - MAX_ERRORS
        if left > 0:
            shown.append(f"... and {left} more")
        return "\n".join(shown)


class CheckError(BnncError):
    """A check that the user asked for did not hold (exit code 1)."""

    exit_code = 1


class UsageError(BnncError):
    """Wrong usage; unreadable or mismatched file or option (exit code 2)."""

    exit_code = 2


class ImportFailure(BnncError):
    """The model cannot be imported (exit code 3)."""

    exit_code = 3


class IRError(BnncError):
    """IR text does not parse or verify, or does not belong to its side file (exit code 4)."""

    exit_code = 4


class PassError(BnncError):
    """A pass failed or is unknown (exit code 5)."""

    exit_code = 5


class TargetError(BnncError):
    """A target, kernel, compiler or emulator is missing or unfit (exit code 6)."""

    exit_code = 6


class WeightFileError(BnncError):
    """A weight file is wrong, short, old or corrupt (exit code 7)."""

    exit_code = 7


class FileError(BnncError):
    """Reading or writing failed (exit code 8)."""

    exit_code = 8


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Return ``did you mean 'x'?`` for the nearest candidate, or an empty string."""
    near = difflib.get_close_matches(word, list(candidates), n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else ""
