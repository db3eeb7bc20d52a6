# SPDX-License-Identifier: Apache-2.0
"""From lowered IR to C: targets, kernel choice, layouts, memory, emitted files."""

if __name__ != "bnnc.backends":
    raise ImportError("import bnnc.backends, not backends")
