# SPDX-License-Identifier: Apache-2.0
"""Names of constants in the side file."""

from __future__ import annotations

import re

from ..module import Module


def side_file_keys(module: Module) -> dict[str, str]:
    """The key of each symbol: the symbol itself wherever a zip member can bear that name.

    Control characters, backslashes and an ending ``.npy`` (numpy strips it from member names) are
    replaced; keys stay distinct.
    """
    keys: dict[str, str] = {}
    taken: set[str] = set()
    for symbol in module.resources:
        base = re.sub(r"[\x00-\x1f\\]|\.npy$", "_", symbol) or "_"
        key, count = base, 1
        while key in taken:
            key, count = f"{base}.{count}", count + 1
        taken.add(key)
        keys[symbol] = key
    return keys
