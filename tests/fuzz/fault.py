# SPDX-License-Identifier: Apache-2.0
"""What a case is found to do wrong."""

from __future__ import annotations


class Fault(Exception):
    """A rule that a case breaks.

    Attributes:
        kind: the rule, in a word or two; minimising a case keeps it.
        detail: what was seen.
    """

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail
