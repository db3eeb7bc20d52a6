# SPDX-License-Identifier: Apache-2.0
"""Protocol buffers, written by hand."""

from __future__ import annotations


def field(number: int, content: bytes) -> bytes:
    """A field of bytes, as a message holds it."""
    size, length = bytearray(), len(content)
    while length > 127:
        size.append(length & 127 | 128)
        length >>= 7
    return bytes([number << 3 | 2, *size, length]) + content
