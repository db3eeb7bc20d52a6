# SPDX-License-Identifier: Apache-2.0
"""What a verification rule finds."""

from __future__ import annotations

from dataclasses import dataclass

from .operation import Op
from .value import Resource


@dataclass(frozen=True)
class Finding:
    """One violation; `where` is the operation or constant to show, None for the whole module."""

    message: str
    where: Op | Resource | None = None
    hint: str = ""
