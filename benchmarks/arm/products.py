# SPDX-License-Identifier: Apache-2.0
"""What products cost on 64-bit ARM by arithmetic: vector operations, without loads and all else.

A count that an instruction set sets, not one that a kernel reaches.

* Floats: a fused multiply-add has four products. Weights that are bits need an operation for four
  products as well, since each is an addition of its own.
* Bits: an exclusive or, a count of ones in each byte, and an addition, for 128 products. Adders of
  bits before the count do not help: such an adder takes three operations to save one count and one
  addition, and the exclusive or remains.
* Bytes: multiply eight, multiply and add eight, add pairs to 32 bits, for 16 products; `sdot` has
  16 in one operation and `smmla` 32.
* Bytes times bits: the tables of `neon`, of which a lookup has 32 products and which take 22
  operations for 256. Other designs are possible, so this one is this project's own.
"""

from __future__ import annotations

_FLOATS = 1 / 4
_BITS = 3 / 128
_BYTES = {"neon": 3 / 16, "neon-dotprod": 1 / 16, "neon-i8mm": 1 / 32}
_TABLES = 22 / 256


def least(kind: str, target: str) -> float:
    """Vector operations for a product of a kind of layer, by the target's name; 0 of others."""
    if kind in ("ff", "fb"):
        return _FLOATS
    if kind == "bb":
        return _BITS
    if kind not in ("ii", "ib"):
        return 0
    return min(_BYTES[target], _TABLES) if kind == "ib" else _BYTES[target]
