# SPDX-License-Identifier: Apache-2.0
"""Passes: the rewriter, the pass manager, and one file per target-independent pass."""

if __name__ != "bnnc.passes":
    raise ImportError("import bnnc.passes, not passes")

from .base import Pass, pattern
from .pipeline import format_pipeline, parse_pipeline
from .registry import find_pass, load_pass_file, register_pass, registered_passes
from .rewriter import Rewriter

__all__ = [
    "Pass",
    "Rewriter",
    "find_pass",
    "format_pipeline",
    "load_pass_file",
    "parse_pipeline",
    "pattern",
    "register_pass",
    "registered_passes",
]
