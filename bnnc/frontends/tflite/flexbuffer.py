# SPDX-License-Identifier: Apache-2.0
"""FlexBuffers, as far as options of custom operations use them: one map of numbers.

The root is at the end: its value, its packed type, its width. A map is a vector of values, each of
the map's width, followed by one packed type each; in front of it lie its length, and before that
the width of its keys and the distance back to them. https://flatbuffers.dev/flexbuffers
"""

from __future__ import annotations

import struct

from .flatbuffer import Damaged

_INT, _UINT, _FLOAT, _MAP, _BOOL = 1, 2, 3, 9, 26
_CODES = {
    **{(_INT, w): c for w, c in ((1, "b"), (2, "h"), (4, "i"), (8, "q"))},
    **{(_UINT, w): c for w, c in ((1, "B"), (2, "H"), (4, "I"), (8, "Q"))},
    **{(_BOOL, w): c for w, c in ((1, "B"), (2, "H"), (4, "I"), (8, "Q"))},
    **{(_FLOAT, w): c for w, c in ((4, "f"), (8, "d"))},
}
_MOST = 64


def read_map(data: bytes) -> dict[str, int | float]:
    """Read a map; entries that are no plain numbers are left out.

    Raises:
        Damaged: The bytes hold no map.
    """
    if len(data) < 3:
        raise Damaged("options of three bytes at least are needed")
    width, packed = data[-1], data[-2]
    if packed >> 2 != _MAP:
        raise Damaged("the options are no map")
    at = _back(data, len(data) - 2 - width, width)
    width = 1 << (packed & 3)
    count = _number(data, at - width, _UINT, width)
    if count > _MOST:
        raise Damaged(f"the options have {count} entries")
    keys_at = _back(data, at - 3 * width, width)
    key_width = _number(data, at - 2 * width, _UINT, width)
    found: dict[str, int | float] = {}
    for i in range(int(count)):
        key = _text(data, _back(data, keys_at + i * int(key_width), int(key_width)))
        kind = int(_number(data, at + int(count) * width + i, _UINT, 1)) >> 2
        if (kind, width) in _CODES:
            found[key] = _number(data, at + i * width, kind, width)
    return found


def _number(data: bytes, at: int, kind: int, width: int) -> int | float:
    code = _CODES.get((kind, width))
    if code is None or at < 0 or at + width > len(data):
        raise Damaged(f"there is no number at byte {at} of the options")
    value: int | float = struct.unpack_from(f"<{code}", data, at)[0]
    return value


def _back(data: bytes, at: int, width: int) -> int:
    """Follow an offset; those of FlexBuffers point back."""
    return at - int(_number(data, at, _UINT, width))


def _text(data: bytes, at: int) -> str:
    end = data.find(b"\0", max(at, 0))
    if at < 0 or end < 0:
        raise Damaged("a name in the options has no end")
    return data[at:end].decode("utf-8", "replace")
