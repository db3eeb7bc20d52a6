# SPDX-License-Identifier: Apache-2.0
"""Pieces of C text: numbers, initializers, comments, names."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable

from bnnc.ir.diagnostics import UsageError
from bnnc.ir.types import format_f32

from ..params import Field, Fields


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_KEYWORDS = _words(
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "union unsigned void volatile while"
)
# NAME.h lies on the include path, so it must not hide one of these; `bnnc` is the kernels' folder.
_HEADERS = _words(
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal "
    "stdarg stdbool stddef stdint stdio stdlib string tgmath time wchar wctype bnnc"
)


def require_c_name(name: str) -> None:
    """A model's name begins C identifiers and file names; others are usage errors."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise UsageError(f"'{name}' is not a C identifier", hint="give a name with --name")
    if name in _KEYWORDS | _HEADERS:
        raise UsageError(
            f"a model cannot be called '{name}': C needs the name", hint="give one with --name"
        )


def number(value: float) -> str:
    """A C constant: floats with as many digits as read back the same float32."""
    if isinstance(value, int):
        return str(value)
    if math.isnan(value):
        return "NAN"
    if math.isinf(value):
        return "INFINITY" if value > 0 else "-INFINITY"
    text = format_f32(value)
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def field(value: Field) -> str:
    """A number or a braced list of them."""
    if isinstance(value, tuple):
        return "{" + ", ".join(map(number, value)) + "}"
    return number(value)


def initializer(fields: Fields) -> str:
    """A designated initializer, broken into lines."""
    return listing((f".{k} = {field(v)}" for k, v in fields.items()), "    ")


def listing(items: Iterable[str], indent: str) -> str:
    """Items joined by commas, broken into lines of at most 100 columns between items."""
    lines: list[str] = []
    line = ""
    for item in items:
        if line and len(indent) + len(line) + len(item) + 3 > 100:
            lines.append(line)
            line = ""
        line += (" " if line else "") + item + ","
    return "\n".join(indent + text for text in [*lines, line.removesuffix(",")])


def comment(text: str) -> str:
    """Text that is safe within a C comment, whatever a graph calls its nodes."""
    return re.sub(r"[^A-Za-z0-9_ .,:;/()<>\[\]{}#+=-]|(?<=/)[/*]", "_", text).strip()


def string(text: str) -> str:
    """A C string literal; bytes that are not plain ASCII become octal escapes."""
    plain = (
        chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in text.encode()
    )
    return '"' + "".join(plain) + '"'


def words(data: bytes) -> str:
    """Little-endian 64-bit words as an initializer; the last is filled up with zeros."""
    padded = data.ljust(-(-len(data) // 8) * 8, b"\0")
    found = (int.from_bytes(padded[i : i + 8], "little") for i in range(0, len(padded), 8))
    return listing((f"0x{w:016x}" for w in found), "    ")


def call(function: str, arguments: Iterable[str], indent: str) -> str:
    """A call statement, continued on indented lines where it is long."""
    text = f"{function}({', '.join(arguments)});"
    return textwrap.fill(
        text, 100, initial_indent=indent, subsequent_indent=indent * 2, break_long_words=False
    )
