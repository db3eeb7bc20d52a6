# SPDX-License-Identifier: Apache-2.0
"""What products cost on 64-bit ARM by arithmetic: vector operations, without loads and all else.

A count that an instruction set sets, not one that a kernel reaches.

* Floats: a fused multiply-add has four products.
* Bits: an exclusive or, a count of ones in each byte, and an addition, for 128 products. Adders of
  bits before the count do not help: such an adder takes three operations to save one count and one
  addition, and the exclusive or remains.
* Bytes: multiply eight, multiply and add eight, add pairs to 32 bits, for 16 products; `sdot` has
  16 in one operation and `smmla` 32.
* Bit weights on floats or bytes: what the tables of this project's kernels take, which other
  designs may undercut: two additions for 32 products, and 22 operations for 256.
"""

from __future__ import annotations

_FLOATS = 1 / 4
_FLOAT_TABLES = 2 / 32
_BITS = 3 / 128
_BYTES = {"neon": 3 / 16, "neon-dotprod": 1 / 16, "neon-i8mm": 1 / 32}
_BYTE_TABLES = 22 / 256


def least(kind: str, target: str) -> float:
    """Vector operations for a product of a kind of layer, by the target's name; 0 of others."""
    of_bytes = _BYTES[target]
    every = {
        "ff": _FLOATS,
        "ii": of_bytes,
        "fb": _FLOAT_TABLES,
        "ib": min(of_bytes, _BYTE_TABLES),
        "bb": _BITS,
    }
    return every.get(kind, 0)
