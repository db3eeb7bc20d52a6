# SPDX-License-Identifier: Apache-2.0
"""How names and strings are spelled in IR text."""

from __future__ import annotations

import json
import re

_BARE_SYMBOL = re.compile(r"[A-Za-z_][A-Za-z0-9_.$]*(?:/[A-Za-z0-9_.$]+)*")


def quoted(text: str) -> str:
    """A string with JSON's escapes; what does not print is escaped too."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


def unquoted(literal: str) -> str:
    """The string that `quoted` spelled.

    Raises:
        ValueError: for an unknown escape or a control character.
    """
    text: object = json.loads(literal)
    if not isinstance(text, str):
        raise ValueError(f"{literal} is no string")  # noqa: TRY004 - one error for bad literals
    return text


def spelled_symbol(symbol: str) -> str:
    """``@name``, or ``@"name"`` when it holds what a bare symbol cannot (``@"conv1/W:0"``)."""
    return f"@{symbol if _BARE_SYMBOL.fullmatch(symbol) else quoted(symbol)}"
