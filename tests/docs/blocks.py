# SPDX-License-Identifier: Apache-2.0
"""Fenced code blocks, links and headings of Markdown files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(.*)$")
_HEADING = re.compile(r"^#{1,6}\s+(.*)$")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: ``` language word word ... and what follows up to the closing fence."""

    file: Path
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    @property
    def saved_as(self) -> str | None:
        """The file that the block is shown as, where the info string names one."""
        return next((word for word in self.words if "." in word), None)

    @property
    def executed(self) -> bool:
        """Whether the block is one that can be executed or checked."""
        return self.language != "text" and "norun" not in self.words


def blocks(file: Path) -> Iterator[Block]:
    """Yield the blocks of a file in order."""
    info: list[str] | None = None
    start, body = 0, list[str]()
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if info is None and fence:
            info, start, body = fence[1].split() or [""], number, []
        elif info is not None and fence:
            yield Block(file, start, info[0], tuple(info[1:]), "\n".join(body) + "\n")
            info = None
        elif info is not None:
            body.append(line)
    if info is not None:
        raise ValueError(f"{file}:{start}: the block is not closed")


def prose(file: Path) -> str:
    """The text of a file without its blocks and code spans."""
    kept: list[str] = []
    inside = False
    for line in file.read_text(encoding="utf-8").splitlines():
        if _FENCE.match(line):
            inside = not inside
        elif not inside:
            kept.append(re.sub(r"`[^`]*`", "", line))
    return "\n".join(kept)


def links(file: Path) -> list[str]:
    """The targets of all links outside of blocks."""
    return _LINK.findall(prose(file))


def anchors(file: Path) -> set[str]:
    """The fragments that headings can be linked to by, as GitHub makes them."""
    found: set[str] = set()
    for line in file.read_text(encoding="utf-8").splitlines():
        if match := _HEADING.match(line):
            kept = re.sub(r"[^\w\- ]", "", match[1].lower())
            found.add(kept.replace(" ", "-"))
    return found
