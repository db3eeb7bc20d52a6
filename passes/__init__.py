# SPDX-License-Identifier: Apache-2.0
"""Rewriting and analysis of IR modules that no target decides."""

if __name__ != "bnnc.passes":
    raise ImportError("import bnnc.passes, not passes")
