# SPDX-License-Identifier: Apache-2.0
"""What cannot be imported: collected over the whole graph, reported once, with advice."""

from __future__ import annotations

from bnnc.ir.diagnostics import Diagnostic, ImportFailure

_SHOWN = 3


class Unsupported(Exception):
    """A node that cannot be imported as it is; converters raise it."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


class Failures:
    """All that failed, by operation type and reason."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[str, str, str], list[str]] = {}

    def __bool__(self) -> bool:
        return bool(self._nodes)

    def add(self, op: str, name: str, message: str, advice: str = "") -> None:
        """Note a node; equal reasons of one operation type are shown together."""
        self._nodes.setdefault((op, message, advice), []).append(name)

    def error(self, file: str) -> ImportFailure:
        """Return the one error that lists everything."""
        diagnostics = [
            Diagnostic(f"{op} {message}: {_list(names)}", hint=advice)
            for (op, message, advice), names in self._nodes.items()
        ]
        count = sum(map(len, self._nodes.values()))
        return ImportFailure(
            f"cannot import {file}: {count} node{'s' * (count > 1)} cannot be translated",
            diagnostics=[
                Diagnostic(f"cannot import {file}, {count} node{'s' * (count > 1)} in the way"),
                *diagnostics,
            ],
        )


def _list(names: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:_SHOWN])
    left = len(names) - _SHOWN
    return f"node{'s' * (len(names) > 1)} {shown}" + (f" and {left} more" if left > 0 else "")
