# SPDX-License-Identifier: Apache-2.0
"""Templates are files of their own, with ``$name`` for what is filled in."""

from __future__ import annotations

from pathlib import Path
from string import Template

_FOLDER = Path(__file__).resolve().parent / "templates"


def fill(template: str, **values: str | int) -> str:
    """Return the text of a template with every placeholder filled in."""
    text = (_FOLDER / f"{template}.tmpl").read_text(encoding="utf-8")
    return Template(text).substitute({k: str(v) for k, v in values.items()})
