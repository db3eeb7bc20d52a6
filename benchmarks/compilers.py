# SPDX-License-Identifier: Apache-2.0
"""The C compilers that benchmarks compare."""

from __future__ import annotations

import shutil


def compilers() -> list[str]:
    """Gcc and clang, those that are installed; an error where there is neither."""
    found = [cc for cc in ("gcc", "clang") if shutil.which(cc)]
    if not found:
        raise SystemExit("neither gcc nor clang is on PATH")
    return found
