# SPDX-License-Identifier: Apache-2.0
"""The C kernels that emitted code is made of, and the table that describes them."""

from __future__ import annotations

if __name__ != "bnnc.runtime":
    raise ImportError("import bnnc.runtime, not runtime")

from pathlib import Path

__all__ = ["runtime_dir"]


def runtime_dir() -> Path:
    """The folder with ``include/``, ``src/`` and ``kernels.toml``."""
    return Path(__file__).resolve().parent
