# SPDX-License-Identifier: Apache-2.0
"""Syntax errors in words, and several of them in one run.

After an error inside a statement the statement is blanked out and the text is parsed again, so
that the errors of other statements are found too. An error in the frame around the statements
ends the search: everything behind it would only be noise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken

from ..diagnostics import MAX_ERRORS, Diagnostic, IRError
from .source import Source
from .syntax import ModuleNode, parse_syntax

# Characters that may be parsed again and again in search of more errors.
_RETRY_BUDGET = 2_000_000
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
            offset, diagnostic = _explain(error, source)
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


def _explain(error: UnexpectedInput, source: Source) -> tuple[int, Diagnostic]:
    """The offset that an error belongs to, and the error in words."""
    if isinstance(error, UnexpectedCharacters):
        return _explain_characters(error, source)
    if isinstance(error, UnexpectedToken) and error.token.type != "$END":
        token: Token = error.token
        offset = token.start_pos or 0
        before = _end_of_previous(error, source, offset)
        expected = error.accepts or error.expected
        # A token that begins a line is innocent when the line before is incomplete.
        if before is not None and not {"OPNAME", "RESOURCE", "FUNC"} & set(expected):
            message = f"expected {_in_words(expected)} at the end of the line"
            return before, source.error(before, 1, message)
        message = f"expected {_in_words(expected)}, found {_quoted(token)}"
        return offset, source.error(offset, len(token), message, _hint(token, expected))
    at_end: set[str] = set()
    if isinstance(error, UnexpectedToken):
        at_end = set(error.accepts or error.expected)
    elif isinstance(error, UnexpectedEOF):
        at_end = set(map(str, error.expected))
    offset = max(len(source.text.rstrip()) - 1, 0)
    message = f"the text ends where {_in_words(at_end)} should follow"
    return offset, source.error(offset, 1, message)


def _explain_characters(error: UnexpectedCharacters, source: Source) -> tuple[int, Diagnostic]:
    offset = error.pos_in_stream or 0
    rest = source.text[offset:].split("\n", 1)[0]
    if rest.startswith('"'):
        message = "this string does not end on its line"
        return offset, source.error(offset, len(rest), message)
    word = re.match(r"[^\s()\[\]{}<>,:=\"]+", rest)
    found = word[0] if word else rest[:1]
    if "?" in found and "SHAPE" in error.allowed:
        hint = "all dimensions are numbers here; fix the batch size before importing"
    elif "SHAPE" in error.allowed:
        hint = "for example tensor<1x8x8x3xf32>"
    else:
        hint = _hint(found, error.allowed)
    message = f"expected {_in_words(error.allowed)}, found {_quoted(found)}"
    return offset, source.error(offset, len(found), message, hint)


def _end_of_previous(error: UnexpectedToken, source: Source, offset: int) -> int | None:
    """Where the text before a token ends, if that is on an earlier line, comments aside."""
    history = error.token_history
    if not history or history[-1] is None:
        return None
    end: int | None = history[-1].end_pos
    if end is None or source.line(end - 1) == source.line(offset):
        return None
    return end


def _hint(word: str, expected: Iterable[str]) -> str:
    allowed = set(expected)
    if not re.fullmatch(r"[A-Za-z_][\w.]*", word):
        return ""
    if "EQUAL" in allowed and "." in word:
        return "results are listed before an equals sign: %r = nn.relu(%x)"
    if "VALUE" in allowed:
        return f"values begin with a percent sign: %{word}"
    if "SYMBOL" in allowed:
        return f"symbols begin with an at sign: @{word}"
    return ""


def _quoted(text: str) -> str:
    return f"'{text}'" if len(text) <= 40 else f"'{text[:37]}...'"


def _in_words(terminals: Iterable[str]) -> str:
    """A list of terminals in words: ``',' or ')'``."""
    words = sorted({_WORDS.get(t) or _literal(t) for t in map(str, terminals)} - {""})
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
