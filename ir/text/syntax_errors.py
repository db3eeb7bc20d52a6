# SPDX-License-Identifier: Apache-2.0
"""Syntax errors in words, and several of them in one run.

After an error inside a statement the statement is blanked out and the text is parsed again, so
that the errors of other statements are found too. An error in the frame around the statements
ends the search: everything behind it would only be noise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lark.exceptions import UnexpectedCharacters, UnexpectedInput

from ..diagnostics import MAX_ERRORS, Diagnostic, IRError
from .source import Source
from .syntax import ModuleNode, parse_syntax

# Characters that may be parsed again and again in search of more errors.
_RETRY_BUDGET = 1_000_000
_STATEMENT = re.compile(r"[ \t]*(?:%|resource\b|[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][\w.]*[ \t]*\()")
_FRAME = re.compile(r"[ \t]*(?:module\b|func\b|\}|bnnc\.ir\b)")

_WORDS = {
    "VALUE": "a value (%x)",
    "SYMBOL": "a symbol (@w)",
    "OPNAME": "an operation (nn.relu)",
    "SHAPE": "a shape and scalar (1x8x8x3xf32)",
    "LAYOUT": "a layout (#bp8)",
    "NAME": "a name",
    "STRING": "a quoted string",
    "FLOAT": "a number",
    "INT": "a number",
    "$END": "the end of the text",
}


def parse_or_explain(source: Source) -> ModuleNode:
    """Parse a text to its syntax tree.

    Raises:
        IRError: with up to `MAX_ERRORS` syntax errors.
    """
    text, found, budget = source.text, list[Diagnostic](), _RETRY_BUDGET
    while True:
        try:
            tree = parse_syntax(text)
        except UnexpectedInput as error:
            offset, diagnostic = _explain(_Failure.of(error, source), source)
            found.append(diagnostic)
            budget -= len(text)
            rest = _blank_statement(text, source, offset)
            if rest is None or budget < 0 or len(found) == MAX_ERRORS:
                break
            text = rest
        else:
            if not found:
                return tree
            break
    raise IRError(f"{source.filename} does not parse", diagnostics=found)


def _blank_statement(text: str, source: Source, offset: int) -> str | None:
    """Replace the statement around an offset by spaces; None when there is no statement."""
    first = source.line(min(offset, len(text) - 1)) if text else 1
    while first >= 1:
        begin, end = source.line_range(first)
        line = text[begin:end]
        if _STATEMENT.match(line):
            break
        if _FRAME.match(line):
            return None
        first -= 1
    else:
        return None
    begin, end = source.line_range(first)
    while end < len(text):
        _, following = source.line_range(source.line(end))
        line = text[end:following]
        if _STATEMENT.match(line) or _FRAME.match(line):
            break
        end = following
    return text[:begin] + re.sub(r"[^\n]", " ", text[begin:end]) + text[end:]


@dataclass(frozen=True)
class _Failure:
    """What is needed of Lark's two errors; its attributes are only partly typed."""

    offset: int
    found: str
    at_end: bool
    expected: frozenset[str]
    previous_end: int | None

    @classmethod
    def of(cls, error: UnexpectedInput, source: Source) -> _Failure:
        raw: Any = error
        if isinstance(error, UnexpectedCharacters):
            rest = source.text[raw.pos_in_stream :].split("\n", 1)[0]
            word = re.match(r"[^\s()\[\]{}<>,:=\"]+", rest)
            found = rest if rest.startswith('"') else word[0] if word else rest[:1]
            return cls(raw.pos_in_stream, found, False, frozenset(raw.allowed or ()), None)
        expected = frozenset(raw.accepts or raw.expected)
        if raw.token.type == "$END":
            return cls(max(len(source.text.rstrip()) - 1, 0), "", True, expected, None)
        history: Any = raw.token_history or [None]
        end: int | None = history[-1].end_pos if history[-1] is not None else None
        return cls(raw.token.start_pos, str(raw.token), False, expected, end)


def _explain(failure: _Failure, source: Source) -> tuple[int, Diagnostic]:
    """The offset that an error belongs to, and the error in words."""
    offset, found, expected = failure.offset, failure.found, failure.expected
    words = _in_words(expected)
    if failure.at_end:
        return offset, source.error(offset, 1, f"the text ends where {words} should follow")
    if found.startswith('"') and not re.fullmatch(r'"(?:[^"\\]|\\.)*"', found):
        return offset, source.error(offset, len(found), "this string does not end on its line")
    end = failure.previous_end
    # A token that begins a line is innocent when the line before is incomplete.
    starts_line = end is not None and source.line(end - 1) < source.line(offset)
    if end is not None and starts_line and not {"OPNAME", "RESOURCE", "FUNC"} & expected:
        return end, source.error(end, 1, f"expected {words} at the end of the line")
    message = f"expected {words}, found {_quoted(found)}"
    return offset, source.error(offset, len(found), message, _hint(found, expected))


def _hint(word: str, expected: frozenset[str]) -> str:
    if "SHAPE" in expected:
        if "?" in word:
            return "all dimensions are numbers here; fix the batch size before importing"
        return "for example tensor<1x8x8x3xf32>"
    if not re.fullmatch(r"[A-Za-z_][\w.]*", word):
        return ""
    if "EQUAL" in expected and "." in word:
        return "results are listed before an equals sign: %r = nn.relu(%x)"
    if "VALUE" in expected:
        return f"values begin with a percent sign: %{word}"
    if "SYMBOL" in expected:
        return f"symbols begin with an at sign: @{word}"
    return ""


def _quoted(text: str) -> str:
    return f"'{text}'" if len(text) <= 40 else f"'{text[:37]}...'"


def _in_words(terminals: Iterable[str]) -> str:
    """A list of terminals in words: ``',' or ')'``."""
    words = sorted({_WORDS.get(t) or _literal(t) for t in terminals} - {""})
    if not words:
        return "something else"
    return " or ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


_LITERALS = {
    "LPAR": "(",
    "RPAR": ")",
    "LBRACE": "{",
    "RBRACE": "}",
    "LSQB": "[",
    "RSQB": "]",
    "LESSTHAN": "<",
    "MORETHAN": ">",
    "COMMA": ",",
    "COLON": ":",
    "EQUAL": "=",
    "ARROW": "->",
    "HEADER": "bnnc.ir",
}


def _literal(terminal: str) -> str:
    if terminal in ("WS", "COMMENT"):
        return ""
    return f"'{_LITERALS.get(terminal) or terminal.lower()}'"
