# SPDX-License-Identifier: Apache-2.0
"""A text with its file name: turns offsets into lines and columns."""

from __future__ import annotations

import bisect
from functools import cached_property

from ..diagnostics import Diagnostic, Span


class Source:
    """IR text and the name of the file it came from."""

    def __init__(self, text: str, filename: str) -> None:
        self.text = text
        self.filename = filename

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        position = self.text.find("\n")
        while position >= 0:
            starts.append(position + 1)
            position = self.text.find("\n", position + 1)
        return starts

    def line(self, offset: int) -> int:
        """1-based number of the line that holds an offset."""
        return bisect.bisect_right(self._starts, offset)

    def line_range(self, line: int) -> tuple[int, int]:
        """Offsets of the first character of a line and of the first one of the next."""
        end = self._starts[line] if line < len(self._starts) else len(self.text)
        return self._starts[line - 1], end

    def span(self, offset: int, length: int = 1) -> Span:
        """The place of an offset; the marked length never leaves its line."""
        line = self.line(offset)
        start, end = self.line_range(line)
        text = self.text[start:end].rstrip("\r\n")
        column = offset - start
        shown = max(1, min(length, len(text) - column))
        return Span(self.filename, line, column + 1, text, shown)

    def error(self, offset: int, length: int, message: str, hint: str = "") -> Diagnostic:
        """An error message about a piece of the text."""
        return Diagnostic(message, self.span(offset, length), hint)
